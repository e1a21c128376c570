package sdk

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// TaskOptions say more about a task.
type TaskOptions struct {
	// Timeout is when a run is given up: its context ends. 0 = 10 minutes.
	Timeout time.Duration
	// InitialDelay is how long after the start of the plugin the first run begins.
	InitialDelay time.Duration
}

// Task registers work that the host starts, interval after the end of the run before. With several hosts, one of them
// runs it. An error is logged and shown; the next run comes in its time.
func (p *Plugin) Task(id string, interval time.Duration, run func(context.Context) error, options ...TaskOptions) {
	if interval <= 0 {
		misusef("Task %q: the interval must be more than 0", id)
	}
	p.addTask(&pluginv1.Task{Id: id, IntervalSeconds: seconds(interval)}, run, options)
}

// CronTask is [Plugin.Task] at the times of a cron expression of five fields, in UTC: "0 3 * * 1-5".
func (p *Plugin) CronTask(id, cron string, run func(context.Context) error, options ...TaskOptions) {
	if cron == "" {
		misusef("CronTask %q: the expression is empty", id)
	}
	p.addTask(&pluginv1.Task{Id: id, Cron: cron}, run, options)
}

func (p *Plugin) addTask(listed *pluginv1.Task, run func(context.Context) error, options []TaskOptions) {
	if run == nil {
		misusef("Task %q: the function is nil", listed.GetId())
	}
	o := only(fmt.Sprintf("Task %q", listed.GetId()), options)
	listed.TimeoutSeconds, listed.InitialDelaySeconds = seconds(o.Timeout), seconds(o.InitialDelay)
	p.tasks.add(p, "task", listed.GetId(), task{listed, run})
}

type task struct {
	listed *pluginv1.Task
	run    func(context.Context) error
}

type taskServer struct {
	pluginv1.UnimplementedTasksServiceServer

	p *Plugin
}

func (s taskServer) ListTasks(context.Context, *pluginv1.ListTasksRequest) (*pluginv1.ListTasksResponse, error) {
	out := &pluginv1.ListTasksResponse{}
	for _, id := range s.p.tasks.names {
		out.Tasks = append(out.Tasks, s.p.tasks.byName[id].listed)
	}
	return out, nil
}

func (s taskServer) RunTask(ctx context.Context, req *pluginv1.RunTaskRequest) (*pluginv1.RunTaskResponse, error) {
	t, err := s.p.tasks.get("task", req.GetId())
	if err != nil {
		return nil, err
	}
	if err := t.run(ctx); err != nil {
		return nil, fmt.Errorf("task %s: %w", req.GetId(), err)
	}
	return &pluginv1.RunTaskResponse{}, nil
}

var _ pluginv1.TasksServiceServer = taskServer{}
