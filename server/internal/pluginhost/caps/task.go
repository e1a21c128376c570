package caps

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
)

// TaskScheduler takes plugins' tasks; [schedule.Scheduler] is one.
type TaskScheduler interface {
	Set(ctx context.Context, plugin manifest.ID, tasks []schedule.Task) error
	Remove(plugin manifest.ID)
}

// TaskRunner runs tasks on the instances of the plugins that [Tasks] follows. It is made before the scheduler, which
// needs it.
type TaskRunner struct {
	mu      sync.Mutex
	sources map[manifest.ID]Source
}

// NewTaskRunner knows no plugin yet.
func NewTaskRunner() *TaskRunner { return &TaskRunner{sources: map[manifest.ID]Source{}} }

// Tasks brings plugins' tasks into a scheduler. A plugin that is not there has none: another host may run them.
func Tasks(s TaskScheduler, r *TaskRunner, o ImporterOptions) *Importer {
	i := newImporter("tasks", o)
	i.announced = func(p manifest.Provides) []string { return p.Tasks }
	i.meet = func(ctx context.Context, c *Client, from Source, promised []string) error {
		tasks, err := listTasks(ctx, c, promised)
		if err != nil {
			return err
		}
		r.set(c.plugin, from)
		return s.Set(ctx, c.plugin, tasks)
	}
	i.away = s.Remove
	i.remove = func(id manifest.ID) {
		s.Remove(id)
		r.set(id, nil)
	}
	return i
}

func (r *TaskRunner) set(id manifest.ID, s Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s == nil {
		delete(r.sources, id)
		return
	}
	r.sources[id] = s
}

func listTasks(ctx context.Context, c *Client, promised []string) ([]schedule.Task, error) {
	const call = "ListTasks"
	answer, err := unary(ctx, c, call, c.limits.Quick, pluginv1.NewTasksServiceClient(c.conn).ListTasks, &pluginv1.ListTasksRequest{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(answer.GetTasks()))
	tasks := make([]schedule.Task, len(answer.GetTasks()))
	for i, t := range answer.GetTasks() {
		ids[i] = t.GetId()
		for what, seconds := range map[string]int64{"an interval": t.GetIntervalSeconds(), "a timeout": t.GetTimeoutSeconds(), "an initial delay": t.GetInitialDelaySeconds()} {
			if seconds < 0 || seconds > int64(366*24*time.Hour/time.Second) {
				return nil, c.wrong(call, "%s: %s of %d seconds", excerpt.Short(t.GetId()), what, seconds)
			}
		}
		tasks[i] = schedule.Task{
			ID: t.GetId(), Interval: time.Duration(t.GetIntervalSeconds()) * time.Second, Cron: t.GetCron(),
			Timeout: time.Duration(t.GetTimeoutSeconds()) * time.Second, InitialDelay: time.Duration(t.GetInitialDelaySeconds()) * time.Second,
		}
	}
	return tasks, c.listed(call, ids, promised)
}

// RunTask implements [schedule.Runner]: it returns when the plugin has ended the task, or when ctx ends.
func (r *TaskRunner) RunTask(ctx context.Context, plugin manifest.ID, task string) error {
	r.mu.Lock()
	s := r.sources[plugin]
	r.mu.Unlock()
	if s == nil {
		return apierror.Newf(apierror.ServiceUnavailable, "Plugin %s is not there", plugin)
	}
	c, err := s.Client(ctx)
	if err != nil {
		return err
	}
	// The scheduler ends ctx at the task's timeout; the deadline here is only a net below it.
	call := "RunTask " + task
	err = c.do(ctx, call, c.streams, 25*time.Hour, func(ctx context.Context, o ...callOption) error {
		_, err := pluginv1.NewTasksServiceClient(c.conn).RunTask(ctx, &pluginv1.RunTaskRequest{Id: task}, o...)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("plugin %s, %s: %w", plugin, call, context.Cause(ctx))
	}
	return err
}

var (
	_ schedule.Runner = (*TaskRunner)(nil)
	_ TaskScheduler   = (*schedule.Scheduler)(nil)
)
