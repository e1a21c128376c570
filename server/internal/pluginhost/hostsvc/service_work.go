package hostsvc

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type schedulerService struct {
	pluginv1.UnimplementedHostSchedulerServiceServer
	*host
}

func (s schedulerService) TriggerTask(ctx context.Context, r *pluginv1.TriggerTaskRequest) (*pluginv1.TriggerTaskResponse, error) {
	if s.backend.Scheduler == nil {
		return nil, absent("scheduler to plugins")
	}
	if err := checkKey("the id of a task", r.GetId(), maxName); err != nil {
		return nil, err
	}
	return &pluginv1.TriggerTaskResponse{}, s.backend.Scheduler.Trigger(ctx, s.plugin, r.GetId())
}

func (s schedulerService) ListTaskStates(ctx context.Context, _ *pluginv1.ListTaskStatesRequest) (*pluginv1.ListTaskStatesResponse, error) {
	if s.backend.Scheduler == nil {
		return nil, absent("scheduler to plugins")
	}
	states, err := s.backend.Scheduler.States(ctx, s.plugin)
	if err != nil {
		return nil, err
	}
	out := &pluginv1.ListTaskStatesResponse{}
	for _, t := range states {
		out.Tasks = append(out.Tasks, &pluginv1.TaskState{
			Id: t.ID, Running: t.Running, LastStartedAt: moment(t.LastStarted), LastEndedAt: moment(t.LastEnded),
			LastError: t.LastError, NextStartAt: moment(t.NextStart),
		})
	}
	return out, nil
}

// moment leaves a time that never was unset.
func moment(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

type eventsService struct {
	pluginv1.UnimplementedHostEventsServiceServer
	*host
}

const maxMetadata = 50

func (s eventsService) PublishEvent(ctx context.Context, r *pluginv1.PublishEventRequest) (*pluginv1.PublishEventResponse, error) {
	if s.backend.Events == nil {
		return nil, absent("events to plugins")
	}
	e := r.GetEvent()
	size := len(e.GetPayloadJson())
	for k, v := range e.GetMetadata() {
		size += len(k) + len(v)
	}
	switch {
	case size > maxValue || len(e.GetMetadata()) > maxMetadata:
		return nil, apierror.Inputf("an event on %s of %d bytes and %d metadata is too large: at most %d and %d are passed on; send where the rest can be read",
			plain(e.GetTopic()), size, len(e.GetMetadata()), maxValue, maxMetadata)
	case !json.Valid(e.GetPayloadJson()):
		return nil, apierror.Inputf("the payload of an event on %s is not valid JSON", plain(e.GetTopic()))
	}
	return &pluginv1.PublishEventResponse{}, s.backend.Events.Publish(ctx, s.plugin,
		Event{Topic: e.GetTopic(), Payload: e.GetPayloadJson(), Metadata: e.GetMetadata()})
}

type lockService struct {
	pluginv1.UnimplementedHostLockServiceServer
	*host
}

// How long a lease may be.
const (
	shortestLease = time.Second
	longestLease  = 10 * time.Minute
)

func (s lockService) AcquireLock(ctx context.Context, r *pluginv1.AcquireLockRequest) (*pluginv1.AcquireLockResponse, error) {
	if s.backend.Locks == nil {
		return nil, absent("locks to plugins")
	}
	if err := checkKey("the name of a lock", r.GetName(), maxName); err != nil {
		return nil, err
	}
	ttl, err := lifetime(r.GetTtl())
	if err != nil {
		return nil, err
	}
	if ttl < shortestLease || ttl > longestLease {
		return nil, apierror.Inputf("the ttl of a lock must be %s to %s", shortestLease, longestLease)
	}
	if len(r.GetLease()) > maxName {
		return nil, apierror.Inputf("lease is not one that AcquireLock gave")
	}
	lease, err := s.backend.Locks.Acquire(ctx, s.plugin, r.GetName(), r.GetLease(), ttl)
	if err != nil {
		return nil, err
	}
	return &pluginv1.AcquireLockResponse{Held: lease != "", Lease: lease}, nil
}

func (s lockService) ReleaseLock(ctx context.Context, r *pluginv1.ReleaseLockRequest) (*pluginv1.ReleaseLockResponse, error) {
	if s.backend.Locks == nil {
		return nil, absent("locks to plugins")
	}
	if err := checkKey("the name of a lock", r.GetName(), maxName); err != nil {
		return nil, err
	}
	if err := checkKey("the lease", r.GetLease(), maxName); err != nil {
		return nil, err
	}
	return &pluginv1.ReleaseLockResponse{}, s.backend.Locks.Release(ctx, s.plugin, r.GetName(), r.GetLease())
}
