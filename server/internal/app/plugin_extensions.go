package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
)

// taskCalls are the calls of a plugin's tasks service.
type taskCalls struct {
	list func(ctx context.Context, calls caps.Source) ([]*pluginv1.Task, error)
	run  func(ctx context.Context, calls caps.Source, task string) error
}

// pluginTasks hands plugins' tasks to the scheduler, and the scheduler's runs to plugins. It is a pluginhost.Extension and
// a schedule.Runner.
type pluginTasks struct {
	taskCalls

	scheduler *schedule.Scheduler

	mu    sync.Mutex
	calls map[manifest.ID]caps.Source
}

// newPluginTasks makes the scheduler that runs them as well; the caller runs it.
func newPluginTasks(ctx context.Context, o schedule.Options, calls taskCalls) (*pluginTasks, error) {
	t := &pluginTasks{taskCalls: calls, calls: map[manifest.ID]caps.Source{}}
	o.Runner = t
	var err error
	t.scheduler, err = schedule.New(ctx, o)
	return t, err
}

// Announce schedules the tasks that the process lists, which must be among those of its manifest.
func (t *pluginTasks) Announce(ctx context.Context, m *manifest.Manifest, calls caps.Source) error {
	if len(m.Provides.Tasks) == 0 {
		return t.Withdraw(ctx, m.ID, false)
	}
	listed, err := t.list(ctx, calls)
	if err != nil {
		return fmt.Errorf("list the tasks of plugin %s: %w", m.ID, err)
	}
	tasks := make([]schedule.Task, len(listed))
	for i, l := range listed {
		if !slices.Contains(m.Provides.Tasks, l.GetId()) {
			return fmt.Errorf("plugin %s lists the task %q, which its %s does not have in provides.tasks", m.ID, l.GetId(), manifest.File)
		}
		tasks[i] = schedule.Task{ID: l.GetId(), Cron: l.GetCron(), Interval: seconds(l.GetIntervalSeconds()),
			Timeout: seconds(l.GetTimeoutSeconds()), InitialDelay: seconds(l.GetInitialDelaySeconds())}
	}
	t.mu.Lock()
	t.calls[m.ID] = calls
	t.mu.Unlock()
	return t.scheduler.Set(ctx, m.ID, tasks)
}

// seconds never overflows: what is too long stays too long.
func seconds(n int64) time.Duration {
	if n > math.MaxInt64/int64(time.Second) || n < 0 {
		return math.MaxInt64
	}
	return time.Duration(n) * time.Second
}

// Withdraw ends the plugin's tasks here. What is known of them stays.
func (t *pluginTasks) Withdraw(_ context.Context, id manifest.ID, _ bool) error {
	t.scheduler.Remove(id)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.calls, id)
	return nil
}

// RunTask implements [schedule.Runner].
func (t *pluginTasks) RunTask(ctx context.Context, plugin manifest.ID, task string) error {
	t.mu.Lock()
	calls := t.calls[plugin]
	t.mu.Unlock()
	if calls == nil {
		return apierror.Newf(apierror.ServiceUnavailable, "plugin %s is not running", plugin)
	}
	return t.run(ctx, calls, task)
}

// deliveryAttempts is how often a batch of events is offered to a plugin before it is dropped.
const deliveryAttempts = 3

// pluginTopics delivers events to the plugins whose manifests ask for their topics. It is a pluginhost.Extension.
type pluginTopics struct {
	bus     *events.Bus
	deliver func(ctx context.Context, calls caps.Source, batch []*pluginv1.Event) error

	mu            sync.Mutex
	subscriptions map[manifest.ID]*events.Subscription
}

// Announce subscribes the plugin to the topics of its manifest, in the place of what it had. Announcements of one plugin
// come one after the other.
func (p *pluginTopics) Announce(ctx context.Context, m *manifest.Manifest, calls caps.Source) error {
	if err := p.Withdraw(ctx, m.ID, false); err != nil || len(m.Provides.Events.Topics) == 0 {
		return err
	}
	s, err := p.bus.Subscribe(events.Subscriber{
		ID: "plugin:" + string(m.ID), Topics: m.Provides.Events.Topics, Attempts: deliveryAttempts,
		Deliver: func(ctx context.Context, batch []events.Event) error {
			sent := make([]*pluginv1.Event, len(batch))
			for i, e := range batch {
				sent[i] = &pluginv1.Event{Topic: e.Topic, PayloadJson: e.Payload, Metadata: e.Metadata}
			}
			return p.deliver(ctx, calls, sent)
		},
	})
	if err != nil {
		return fmt.Errorf("subscribe plugin %s: %w", m.ID, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.subscriptions == nil {
		p.subscriptions = map[manifest.ID]*events.Subscription{}
	}
	p.subscriptions[m.ID] = s
	return nil
}

// Withdraw ends the subscription and waits for the delivery that is under way.
func (p *pluginTopics) Withdraw(_ context.Context, id manifest.ID, _ bool) error {
	p.mu.Lock()
	s := p.subscriptions[id]
	delete(p.subscriptions, id)
	p.mu.Unlock()
	if s != nil {
		s.Close()
	}
	return nil
}
