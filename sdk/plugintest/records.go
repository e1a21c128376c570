package plugintest

import (
	"context"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// Events are what the plugin published.
type Events struct {
	mu        sync.Mutex
	published []sdk.Event
}

// Published are the events so far, in order.
func (e *Events) Published() []sdk.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.published)
}

type eventsService struct {
	pluginv1.UnimplementedHostEventsServiceServer

	e *Events
}

func (s eventsService) PublishEvent(_ context.Context, req *pluginv1.PublishEventRequest) (*pluginv1.PublishEventResponse, error) {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	e := req.GetEvent()
	s.e.published = append(s.e.published, sdk.Event{Topic: e.GetTopic(), Payload: e.GetPayloadJson(), Metadata: e.GetMetadata()})
	return &pluginv1.PublishEventResponse{}, nil
}

// Audit is what the plugin recorded.
type Audit struct {
	mu      sync.Mutex
	written []sdk.AuditEvent
}

// Written are the events so far, in order.
func (a *Audit) Written() []sdk.AuditEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.written)
}

type auditService struct {
	pluginv1.UnimplementedHostAuditServiceServer

	a *Audit
}

func (s auditService) WriteAudit(_ context.Context, req *pluginv1.WriteAuditRequest) (*pluginv1.WriteAuditResponse, error) {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	s.a.written = append(s.a.written, sdk.AuditEvent{
		Event: req.GetEvent(), Severity: req.GetSeverity(), Failed: req.GetFailed(), Actor: req.GetActor(), Meta: req.GetMeta().AsMap(),
	})
	return &pluginv1.WriteAuditResponse{}, nil
}

// Scheduler knows which tasks the plugin started early. It does not run them: see [Harness.RunTask].
type Scheduler struct {
	mu        sync.Mutex
	triggered []string
	states    []*pluginv1.TaskState
}

// Triggered are the tasks that the plugin started early, in order.
func (s *Scheduler) Triggered() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.triggered)
}

// Report sets what the plugin learns about its tasks.
func (s *Scheduler) Report(states ...*pluginv1.TaskState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = states
}

type schedulerService struct {
	pluginv1.UnimplementedHostSchedulerServiceServer

	s *Scheduler
}

func (s schedulerService) TriggerTask(_ context.Context, req *pluginv1.TriggerTaskRequest) (*pluginv1.TriggerTaskResponse, error) {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.triggered = append(s.s.triggered, req.GetId())
	return &pluginv1.TriggerTaskResponse{}, nil
}

func (s schedulerService) ListTaskStates(context.Context, *pluginv1.ListTaskStatesRequest) (*pluginv1.ListTaskStatesResponse, error) {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	return &pluginv1.ListTaskStatesResponse{Tasks: slices.Clone(s.s.states)}, nil
}
