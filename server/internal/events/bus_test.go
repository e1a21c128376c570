package events_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listener keeps what it is told.
type listener struct {
	mu  sync.Mutex
	got []string
}

func (l *listener) deliver(_ context.Context, batch []events.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range batch {
		l.got = append(l.got, e.Topic+" "+string(e.Payload))
	}
	return nil
}

func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.got...)
}

func subscribe(t *testing.T, b *events.Bus, s events.Subscriber) *events.Subscription {
	t.Helper()
	sub, err := b.Subscribe(s)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// story runs a test in a bubble of its own time; log is what the bus has to say.
func story(t *testing.T, tell func(t *testing.T, b *events.Bus, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := events.New(slog.New(slog.NewTextHandler(&log, nil)))
		defer b.Close()
		tell(t, b, &log)
	})
}

func TestSubscriber_HearsItsTopicsInOrder(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, _ *bytes.Buffer) {
		var l listener
		subscribe(t, b, events.Subscriber{ID: "x", Topics: []string{"a", "b", "a"}, Deliver: l.deliver})
		for i := range 250 {
			b.Publish(t.Context(), "a", map[string]int{"n": i})
			b.Publish(t.Context(), "c", i)
		}
		b.PublishEvent(events.Event{Topic: "b", Payload: []byte(`"end"`)})
		synctest.Wait()
		got := l.heard()
		if len(got) != 251 || got[250] != `b "end"` {
			t.Fatalf("heard %d events, the last is %q", len(got), got[len(got)-1])
		}
		for i, e := range got[:250] {
			if e != `a {"n":`+strconv.Itoa(i)+`}` {
				t.Fatalf("event %d is %s", i, e)
			}
		}
	})
}

func TestSlowSubscriber_LosesItsOldestEventsAndHoldsUpNobody(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, log *bytes.Buffer) {
		release := make(chan struct{})
		var slow, quick listener
		subscribe(t, b, events.Subscriber{ID: "slow", Topics: []string{"a"}, Timeout: time.Hour, Deliver: func(ctx context.Context, batch []events.Event) error {
			<-release
			return slow.deliver(ctx, batch)
		}})
		subscribe(t, b, events.Subscriber{ID: "quick", Topics: []string{"a"}, Deliver: quick.deliver})
		b.Publish(t.Context(), "a", "first")
		synctest.Wait() // the first is being delivered
		for i := range 3000 {
			b.Publish(t.Context(), "a", i)
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if n := len(quick.heard()); n != 3001 {
			t.Errorf("the quick one heard %d events", n)
		}
		close(release)
		synctest.Wait()
		got := slow.heard()
		if len(got) != 1025 || got[1] != "a 1976" || got[1024] != "a 2999" {
			t.Errorf("the slow one heard %d events, from %q to %q", len(got), got[1], got[len(got)-1])
		}
		if !strings.Contains(log.String(), "subscriber=slow events=1976") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestSlowSubscriber_KeepsABoundedNumberOfBytes(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, _ *bytes.Buffer) {
		release := make(chan struct{})
		var l listener
		subscribe(t, b, events.Subscriber{ID: "slow", Topics: []string{"a"}, Timeout: time.Hour, Deliver: func(ctx context.Context, batch []events.Event) error {
			<-release
			return l.deliver(ctx, batch)
		}})
		b.Publish(t.Context(), "a", "first")
		synctest.Wait()
		for range 100 {
			b.Publish(t.Context(), "a", strings.Repeat("x", 200<<10))
		}
		close(release)
		synctest.Wait()
		if n := len(l.heard()); n != 21 { // 20 of 200 KiB are less than 4 MiB
			t.Errorf("%d events were kept", n)
		}
	})
}

func TestFailedDelivery_IsTriedThreeTimesAndThenDropped(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, log *bytes.Buffer) {
		var at []time.Duration
		begin := time.Now()
		healthy := false
		subscribe(t, b, events.Subscriber{ID: "x", Topics: []string{"a"}, Attempts: 3, Deliver: func(context.Context, []events.Event) error {
			at = append(at, time.Since(begin))
			if len(at) == 1 {
				panic("oh")
			}
			if healthy {
				return nil
			}
			return errors.New("not now")
		}})
		b.Publish(t.Context(), "a", 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(at) != 3 || at[1] != time.Second || at[2] != 3*time.Second {
			t.Errorf("tried at %v", at)
		}
		if !strings.Contains(log.String(), "not now") {
			t.Errorf("log: %s", log)
		}
		healthy = true
		b.Publish(t.Context(), "a", 2)
		synctest.Wait()
		if len(at) != 4 {
			t.Error("the next event was not delivered")
		}
	})
}

func TestDelivery_EndsAtItsTimeout(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, log *bytes.Buffer) {
		subscribe(t, b, events.Subscriber{ID: "x", Topics: []string{"a"}, Deliver: func(ctx context.Context, _ []events.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		b.Publish(t.Context(), "a", 1)
		time.Sleep(events.DefaultTimeout + time.Millisecond)
		synctest.Wait()
		if !strings.Contains(log.String(), "deadline") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestClosedSubscription_HearsNoMoreAndWaitsForItsHandler(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, _ *bytes.Buffer) {
		var l listener
		inside := false
		s := subscribe(t, b, events.Subscriber{ID: "x", Topics: []string{"a"}, Attempts: 3, Deliver: func(ctx context.Context, batch []events.Event) error {
			inside = true
			<-ctx.Done()
			inside = false
			return errors.Join(ctx.Err(), l.deliver(ctx, batch))
		}})
		b.Publish(t.Context(), "a", 1)
		synctest.Wait()
		s.Close()
		if inside {
			t.Error("the handler still runs")
		}
		s.Close()
		b.Publish(t.Context(), "a", 2)
		synctest.Wait()
		if got := l.heard(); len(got) != 1 {
			t.Errorf("heard %v", got)
		}
	})
}

func TestClosedBus_TakesNobody(t *testing.T) {
	b := events.New(slog.New(slog.DiscardHandler))
	b.Close()
	if _, err := b.Subscribe(events.Subscriber{ID: "x", Topics: []string{"a"}, Deliver: (&listener{}).deliver}); err == nil {
		t.Error("a closed bus took a subscriber")
	}
	if _, err := events.New(nil).Subscribe(events.Subscriber{ID: "x"}); err == nil {
		t.Error("a subscriber without topics was taken")
	}
}

func TestWhatIsNoJSON_IsLoggedAndNotPublished(t *testing.T) {
	story(t, func(t *testing.T, b *events.Bus, log *bytes.Buffer) {
		var l listener
		subscribe(t, b, events.Subscriber{ID: "x", Topics: []string{"a"}, Deliver: l.deliver})
		b.Publish(t.Context(), "a", func() {})
		synctest.Wait()
		if len(l.heard()) != 0 || !strings.Contains(log.String(), "topic=a") {
			t.Errorf("heard %v, log %s", l.heard(), log)
		}
	})
}
