package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// nobody is a source whose plugin never answers.
type nobody struct{}

func (nobody) Client(context.Context) (*caps.Client, error) {
	return nil, apierror.New(apierror.ServiceUnavailable, "not running")
}

func withTasks(names ...string) *manifest.Manifest {
	return &manifest.Manifest{ID: "hello", Provides: manifest.Provides{Tasks: names}}
}

func TestPluginTasks_RunWhileThePluginIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		listed := []*pluginv1.Task{{Id: "sweep", IntervalSeconds: 60}}
		tasks, err := newPluginTasks(t.Context(), schedule.Options{DB: storetest.SQLite(t), Logger: slog.New(slog.DiscardHandler)}, taskCalls{
			list: func(context.Context, caps.Source) ([]*pluginv1.Task, error) { return listed, nil },
			run: func(_ context.Context, calls caps.Source, task string) error {
				if (calls != nobody{}) || task != "sweep" {
					t.Errorf("asked to run %s at %v", task, calls)
				}
				runs.Add(1)
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = tasks.scheduler.Run(ctx) }()
		if err := tasks.Announce(t.Context(), withTasks("sweep"), nobody{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if n := runs.Load(); n != 2 {
			t.Errorf("it ran %d times", n)
		}
		if err := tasks.Withdraw(t.Context(), "hello", false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if n := runs.Load(); n != 2 {
			t.Errorf("it ran %d times after its plugin went", n)
		}
		if err := tasks.RunTask(t.Context(), "hello", "sweep"); !apierror.Has(err, apierror.ServiceUnavailable) {
			t.Errorf("got %v", err)
		}
		cancel()
		<-done
	})
}

func TestPluginTasks_AreThoseOfTheManifestAndMakeSense(t *testing.T) {
	var listed []*pluginv1.Task
	var failure error
	tasks, err := newPluginTasks(t.Context(), schedule.Options{DB: storetest.SQLite(t), Logger: slog.New(slog.DiscardHandler)}, taskCalls{
		list: func(context.Context, caps.Source) ([]*pluginv1.Task, error) { return listed, failure },
	})
	if err != nil {
		t.Fatal(err)
	}
	for want, l := range map[string]*pluginv1.Task{
		"does not have in provides.tasks": {Id: "other", IntervalSeconds: 60},
		"the interval must be":            {Id: "sweep", IntervalSeconds: 1 << 62},
		"the timeout must be":             {Id: "sweep", IntervalSeconds: 60, TimeoutSeconds: -1},
	} {
		listed = []*pluginv1.Task{l}
		if err := tasks.Announce(t.Context(), withTasks("sweep"), nobody{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", l, err, want)
		}
	}
	failure = errors.New("no answer")
	if err := tasks.Announce(t.Context(), withTasks("sweep"), nobody{}); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if err := tasks.Announce(t.Context(), withTasks(), nobody{}); err != nil {
		t.Errorf("a plugin without tasks: %v", err)
	}
}

func TestPluginTopics_AreDeliveredThreeTimesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := events.New(slog.New(slog.DiscardHandler))
		defer bus.Close()
		var offered []string
		works := false
		topics := &pluginTopics{bus: bus, deliver: func(_ context.Context, _ caps.Source, batch []*pluginv1.Event) error {
			for _, e := range batch {
				offered = append(offered, e.GetTopic()+" "+string(e.GetPayloadJson())+" "+e.GetMetadata()["a"])
			}
			if works {
				return nil
			}
			return errors.New("not now")
		}}
		m := &manifest.Manifest{ID: "hello", Provides: manifest.Provides{Events: manifest.ProvidesEvents{Topics: []string{"releases"}}}}
		for range 2 { // announced again, it hears events once
			if err := topics.Announce(t.Context(), m, nobody{}); err != nil {
				t.Fatal(err)
			}
		}
		bus.PublishEvent(events.Event{Topic: "releases", Payload: []byte("1"), Metadata: map[string]string{"a": "b"}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := strings.Join(offered, ","); got != "releases 1 b,releases 1 b,releases 1 b" {
			t.Errorf("offered %s", got)
		}
		works = true
		bus.PublishEvent(events.Event{Topic: "releases", Payload: []byte("2")})
		synctest.Wait()
		if err := topics.Withdraw(t.Context(), "hello", true); err != nil {
			t.Fatal(err)
		}
		bus.PublishEvent(events.Event{Topic: "releases", Payload: []byte("3")})
		synctest.Wait()
		if n := len(offered); n != 4 {
			t.Errorf("offered %d times: %v", n, offered)
		}
	})
}
