package caps

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// tasks is a client of a plugin with one task, and how to call it.
func tasks(t *testing.T, run func(ctx context.Context) error, change ...func(*ClientOptions)) (*Client, func() error) {
	t.Helper()
	service := &taskService{run: func(ctx context.Context, _ string) error { return run(ctx) }}
	c := NewClient(serve(t, service.register), options("1", change...))
	return c, func() error {
		_, err := unary(t.Context(), c, "RunTask x", c.limits.Quick, pluginv1.NewTasksServiceClient(c.conn).RunTask, &pluginv1.RunTaskRequest{Id: "x"})
		return err
	}
}

func limited(l Limits) func(*ClientOptions) { return func(o *ClientOptions) { o.Limits = l } }

func TestCall_ErrorsKeepTheNameThatThePluginGave(t *testing.T) {
	for name, in := range map[apierror.Name]error{
		apierror.NotFound:           apierror.NotFoundf("no such project"),
		apierror.Input:              apierror.Inputf("no such project"),
		apierror.ServiceUnavailable: apierror.New(apierror.ServiceUnavailable, "no such project"),
		apierror.NotImplemented:     status.Error(codes.Unimplemented, "no such project"),
		apierror.Generic:            errors.New("no such project"),
	} {
		c, call := tasks(t, func(context.Context) error { return in })
		err := call()
		if apierror.NameOf(err) != name || !strings.Contains(err.Error(), "plugin hello, RunTask x: ") || !strings.Contains(err.Error(), "no such project") {
			t.Errorf("%s: got %v", name, err)
		}
		if c.Tripped() || len(c.TrippedCalls()) > 0 {
			t.Errorf("%s: one error trips the breaker", name)
		}
	}
}

func TestCall_AHangEndsAtTheDeadlineAsUnavailable(t *testing.T) {
	ended := make(chan struct{})
	_, call := tasks(t, func(ctx context.Context) error { <-ctx.Done(); close(ended); return ctx.Err() }, limited(Limits{Quick: time.Second}))
	err := call()
	if !apierror.Has(err, apierror.ServiceUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Plugin hello did not answer RunTask x within 1s") {
		t.Errorf("got %v", err)
	}
	<-ended // the plugin is told
}

func TestCall_ACallerThatGivesUpIsNoFailureOfThePlugin(t *testing.T) {
	c, _ := tasks(t, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	for range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_, err := unary(ctx, c, "RunTask x", time.Minute, pluginv1.NewTasksServiceClient(c.conn).RunTask, &pluginv1.RunTaskRequest{Id: "x"})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	if c.Tripped() || len(c.TrippedCalls()) > 0 {
		t.Error("callers who gave up have tripped the breaker")
	}
}

func TestBreaker_OpensAfterFailuresAndClosesWhenThePluginRecovers(t *testing.T) {
	var broken atomic.Bool
	var calls atomic.Int32
	broken.Store(true)
	c, call := tasks(t, func(context.Context) error {
		calls.Add(1)
		if broken.Load() {
			return errors.New("boom")
		}
		return nil
	}, func(o *ClientOptions) { o.Retry = 50 * time.Millisecond })
	for len(c.TrippedCalls()) == 0 {
		if err := call(); err == nil {
			t.Fatal("it went well")
		}
	}
	if n := calls.Load(); n != 10 {
		t.Errorf("it opened after %d failures", n)
	}
	if err := call(); !apierror.Has(err, apierror.ServiceUnavailable) || !strings.Contains(err.Error(), "failed too often") || calls.Load() != 10 {
		t.Errorf("an open breaker answered %v", err)
	}
	broken.Store(false)
	eventually(t, "the breaker closes", func() bool { return call() == nil && len(c.TrippedCalls()) == 0 })
}

func TestBreaker_ACallerThatGivesUpWhileItTriesLeavesItUsable(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	c, call := tasks(t, func(context.Context) error {
		if broken.Load() {
			return errors.New("boom")
		}
		return nil
	})
	for len(c.TrippedCalls()) == 0 {
		_ = call()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		time.Sleep(4 * time.Millisecond) // past the moment when it lets one try
		_, _ = unary(ctx, c, "RunTask x", time.Minute, pluginv1.NewTasksServiceClient(c.conn).RunTask, &pluginv1.RunTaskRequest{Id: "x"})
	}
	broken.Store(false)
	eventually(t, "the breaker closes", func() bool { return call() == nil && len(c.TrippedCalls()) == 0 })
}

func TestBulkhead_CallsBeyondItWaitAMomentAndAreRefused(t *testing.T) {
	release := make(chan struct{})
	var running, peak atomic.Int32
	c, call := tasks(t, func(context.Context) error {
		peak.Store(max(peak.Load(), running.Add(1)))
		defer running.Add(-1)
		<-release
		return nil
	}, limited(Limits{InFlight: 4, Queued: 3, Patience: 30 * time.Millisecond, Quick: time.Minute}))
	var all sync.WaitGroup
	var refused atomic.Int32
	for range 4 {
		all.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "all places are taken", func() bool { return c.InFlight() == 4 && running.Load() == 4 })
	for range 20 {
		all.Go(func() {
			if err := call(); apierror.Has(err, apierror.ServiceUnavailable) && strings.Contains(err.Error(), "is busy: 4 calls run") {
				refused.Add(1)
			}
		})
	}
	eventually(t, "the others are refused", func() bool { return refused.Load() == 20 })
	close(release)
	all.Wait()
	if peak.Load() != 4 || c.InFlight() != 0 || c.Tripped() {
		t.Errorf("%d ran at once, %d are left, tripped: %v", peak.Load(), c.InFlight(), c.Tripped())
	}
}

func TestClose_RefusesNewCallsAndLetsRunningOnesEnd(t *testing.T) {
	release := make(chan struct{})
	c, call := tasks(t, func(context.Context) error { <-release; return nil })
	first := make(chan error)
	go func() { first <- call() }()
	eventually(t, "it runs", func() bool { return c.InFlight() == 1 })
	c.Close()
	if err := call(); !apierror.Has(err, apierror.ServiceUnavailable) || !strings.Contains(err.Error(), "is being stopped") {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestCall_APluginThatDoesNotServeTheCapabilityIsSaidSo(t *testing.T) {
	c := NewClient(serve(t), options("1"))
	_, err := unary(t.Context(), c, "ListTasks", c.limits.Quick, pluginv1.NewTasksServiceClient(c.conn).ListTasks, &pluginv1.ListTasksRequest{})
	if !apierror.Has(err, apierror.NotImplemented) {
		t.Errorf("got %v", err)
	}
}

func TestCall_CarriesATraceAndIsObserved(t *testing.T) {
	seen := make(chan string, 2)
	var observed []Call
	given := ""
	_, call := tasks(t, func(ctx context.Context) error {
		md, _ := metadata.FromIncomingContext(ctx)
		seen <- strings.Join(md.Get("traceparent"), ",")
		return nil
	}, func(o *ClientOptions) {
		o.Traceparent = func(context.Context) string { return given }
		o.Observe = func(c Call) { observed = append(observed, c) }
	})
	if err := call(); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; !regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`).MatchString(got) {
		t.Errorf("a new trace is %q", got)
	}
	given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if err := call(); err != nil || <-seen != given {
		t.Errorf("the caller's trace was not passed on: %v", err)
	}
	if len(observed) != 2 || observed[0].Method != "RunTask" || observed[0].Err != nil {
		t.Errorf("observed %v", observed)
	}
}

func TestCall_LimitsAreNamed(t *testing.T) {
	big := strings.Repeat("x", 5<<20)
	service := &processorService{batch: func(context.Context, *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
		return &pluginv1.ProcessEntitiesResponse{Results: []*pluginv1.ProcessResult{{EntityJson: []byte(big)}}}, nil
	}}
	c := NewClient(serve(t, service.register), options("1"))
	rpc := pluginv1.NewCatalogProcessorServiceClient(c.conn).ProcessEntities
	_, err := unary(t.Context(), c, "ProcessEntities", c.limits.Quick, rpc, &pluginv1.ProcessEntitiesRequest{})
	output, ok := errors.AsType[*OutputError](err)
	if !ok || !output.TooMuch || output.Plugin != "hello" || output.Error() != fmt.Sprintf("plugin hello, ProcessEntities: the answer breaks a rule: a message of more than %d bytes", 4<<20) {
		t.Errorf("got %v", err)
	}
	if _, named := errors.AsType[*apierror.Error](rpcerror.Decode(err)); named {
		t.Error("a plugin's fault was given a name for callers")
	}
}
