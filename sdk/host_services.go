package sdk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Scheduler starts this plugin's tasks early and tells about them.
type Scheduler struct {
	c pluginv1.HostSchedulerServiceClient
}

// TaskState is how a task is doing. Times are zero where there is none yet.
type TaskState struct {
	ID      string
	Running bool

	LastStartedAt, LastEndedAt, NextStartAt time.Time
	// LastError is "" when the last run ended well.
	LastError string
}

// Trigger starts a task now; [ErrConflict] while it runs.
func (s Scheduler) Trigger(ctx context.Context, id string) error {
	_, err := s.c.TriggerTask(ctx, &pluginv1.TriggerTaskRequest{Id: id})
	return err
}

// Tasks lists this plugin's tasks.
func (s Scheduler) Tasks(ctx context.Context) ([]TaskState, error) {
	res, err := s.c.ListTaskStates(ctx, &pluginv1.ListTaskStatesRequest{})
	if err != nil {
		return nil, err
	}
	states := make([]TaskState, len(res.GetTasks()))
	for i, t := range res.GetTasks() {
		states[i] = TaskState{
			ID: t.GetId(), Running: t.GetRunning(), LastError: t.GetLastError(), LastStartedAt: at(t.GetLastStartedAt()),
			LastEndedAt: at(t.GetLastEndedAt()), NextStartAt: at(t.GetNextStartAt()),
		}
	}
	return states, nil
}

// at is the time that an absent timestamp stands for: none, not 1970.
func at(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// Events publishes events to whoever subscribed, see [Plugin.OnEvent].
type Events struct {
	c pluginv1.HostEventsServiceClient
}

// Publish publishes a payload as JSON. Needs events.publish: [topic].
func (e Events) Publish(ctx context.Context, topic string, payload any) error {
	return e.PublishWith(ctx, topic, payload, nil)
}

// PublishWith is [Events.Publish] with metadata.
func (e Events) PublishWith(ctx context.Context, topic string, payload any, metadata map[string]string) error {
	data, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("event of topic %s: %w", topic, err)
	}
	_, err = e.c.PublishEvent(ctx, &pluginv1.PublishEventRequest{
		Event: &pluginv1.Event{Topic: topic, PayloadJson: data, Metadata: metadata},
	})
	return err
}

// Audit records what should be known later.
type Audit struct {
	c pluginv1.HostAuditServiceClient
}

// AuditEvent is one thing that was done, or tried.
type AuditEvent struct {
	// Event is its name, "release.create".
	Event string
	// Severity is "low" (also when it is empty), "medium", "high" or "critical".
	Severity string
	Failed   bool
	// Actor is the ref of the user on whose behalf, "" = the plugin itself.
	Actor string
	// Meta must hold no secret.
	Meta map[string]any
}

// Write records an event.
func (a Audit) Write(ctx context.Context, e AuditEvent) error {
	req := &pluginv1.WriteAuditRequest{Event: e.Event, Severity: cmp.Or(e.Severity, "low"), Failed: e.Failed, Actor: e.Actor}
	if len(e.Meta) > 0 {
		data, err := json.Marshal(e.Meta) // by way of JSON, because structpb knows few Go types
		if err != nil {
			return fmt.Errorf("audit event %s: %w", e.Event, err)
		}
		meta := &structpb.Struct{}
		if err := meta.UnmarshalJSON(data); err != nil {
			return fmt.Errorf("audit event %s: %w", e.Event, err)
		}
		req.Meta = meta
	}
	_, err := a.c.WriteAudit(ctx, req)
	return err
}

// Discovery tells where plugins are.
type Discovery struct {
	c pluginv1.HostDiscoveryServiceClient
}

// BaseURL is where a plugin is reached.
type BaseURL struct {
	// External is for other processes and browsers, "https://portal.example.com/api/catalog".
	External string
	// Internal is for this plugin, by [Host.HTTP]: it does not leave the host.
	Internal string
}

// BaseURL answers where a plugin is.
func (d Discovery) BaseURL(ctx context.Context, plugin string) (BaseURL, error) {
	res, err := d.c.GetBaseUrl(ctx, &pluginv1.GetBaseUrlRequest{Plugin: plugin})
	return BaseURL{res.GetExternal(), res.GetInternal()}, err
}
