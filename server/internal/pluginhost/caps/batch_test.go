package caps

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// echo answers each item with itself, after as long as a call takes.
func echo(sizes *[]int, takes time.Duration) func(context.Context, []*pluginv1.ProcessItem) []verdict {
	var mu sync.Mutex
	return func(_ context.Context, items []*pluginv1.ProcessItem) []verdict {
		mu.Lock()
		*sizes = append(*sizes, len(items))
		mu.Unlock()
		time.Sleep(takes)
		out := make([]verdict, len(items))
		for i, item := range items {
			out[i].result = &pluginv1.ProcessResult{EntityJson: item.GetEntityJson()}
		}
		return out
	}
}

func item(text string) *pluginv1.ProcessItem { return &pluginv1.ProcessItem{EntityJson: []byte(text)} }

func TestBatcher_EveryoneGetsTheirOwnAnswerInBatchesOfAHundred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := &batcher{call: echo(&sizes, time.Millisecond)}
		var all sync.WaitGroup
		for i := range 250 {
			all.Go(func() {
				text := strconv.Itoa(i)
				r, err := b.ask(t.Context(), item(text))
				if err != nil || string(r.GetEntityJson()) != text {
					t.Errorf("%s got %q, %v", text, r.GetEntityJson(), err)
				}
			})
		}
		all.Wait()
		total := 0
		for _, n := range sizes {
			total += n
			if n > 100 {
				t.Errorf("a batch of %d", n)
			}
		}
		if total != 250 || len(sizes) > 5 {
			t.Errorf("batches of %v", sizes)
		}
	})
}

func TestBatcher_ALoneItemWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := &batcher{call: echo(&sizes, 0)}
		began := time.Now()
		if _, err := b.ask(t.Context(), item("a")); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestBatcher_CollectsWhileACallIsUnderWayForTwoMillisecondsAtMost(t *testing.T) {
	for _, c := range []struct{ takes, answered time.Duration }{
		{takes: 2 * time.Millisecond, answered: 3 * time.Millisecond},   // the call under way ends 1 ms after the second is asked
		{takes: 10 * time.Millisecond, answered: 12 * time.Millisecond}, // or does not end in time
	} {
		synctest.Test(t, func(t *testing.T) {
			var sizes []int
			b := &batcher{call: echo(&sizes, c.takes)}
			var all sync.WaitGroup
			all.Go(func() { _, _ = b.ask(t.Context(), item("a")) })
			time.Sleep(time.Millisecond)
			began := time.Now()
			for _, text := range []string{"b", "c"} {
				all.Go(func() {
					if _, err := b.ask(t.Context(), item(text)); err != nil || time.Since(began) != c.answered {
						t.Errorf("%s: %v after %s", text, err, time.Since(began))
					}
				})
			}
			all.Wait()
			if len(sizes) != 2 || sizes[1] != 2 {
				t.Errorf("batches of %v", sizes)
			}
		})
	}
}

func TestBatcher_LargeEntitiesShareABatchUpToItsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := &batcher{call: echo(&sizes, time.Millisecond)}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := b.ask(t.Context(), item(strings.Repeat("x", 90<<10))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(sizes) < 3 {
			t.Errorf("batches of %v", sizes)
		}
	})
}

func TestBatcher_OneWhoGivesUpLeavesTheOthersTheirCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &batcher{call: func(ctx context.Context, items []*pluginv1.ProcessItem) []verdict {
			select {
			case <-release:
			case <-ctx.Done():
				return nil
			}
			return make([]verdict, len(items))
		}}
		impatient, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, _ = b.ask(t.Context(), item("under way")) }() // so that the next two share a call
		synctest.Wait()
		go func() { _, err := b.ask(impatient, item("a")); first <- err }()
		synctest.Wait()
		go func() { _, err := b.ask(t.Context(), item("b")); second <- err }()
		time.Sleep(5 * time.Millisecond)
		cancel()
		synctest.Wait()
		close(release)
		if err := <-second; err != nil {
			t.Errorf("who waited got %v", err)
		}
		if err := <-first; err == nil {
			t.Error("who gave up got an answer")
		}
	})
}

func TestBatcher_ACallNobodyWaitsForEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		b := &batcher{call: func(ctx context.Context, items []*pluginv1.ProcessItem) []verdict {
			<-ctx.Done()
			close(ended)
			return make([]verdict, len(items))
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.ask(ctx, item("a")); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		<-ended
	})
}

func TestBatcher_ACallThatPanicsLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batcher{call: func(context.Context, []*pluginv1.ProcessItem) []verdict { panic("boom") }}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				defer func() { _ = recover() }()
				if _, err := b.ask(t.Context(), item("a")); err == nil {
					t.Error("there was an answer")
				}
			})
		}
		all.Wait()
	})
}

func TestAnswers_AreBoundedAndTheOldestGoFirst(t *testing.T) {
	l := newLastAnswers(10 * (answerOverhead + 100))
	for i := range 50 {
		l.keep(answerID{byte(i)}, &pluginv1.ProcessResult{EntityJson: []byte(strings.Repeat("x", 90))})
		if l.of(answerID{0}) == nil && i < 9 {
			t.Fatal("an answer was dropped too early")
		}
		if i < 20 {
			l.of(answerID{0}) // it is in use
		}
	}
	if l.of(answerID{49}) == nil || l.of(answerID{1}) != nil || l.size > l.limit || len(l.byID) > 11 {
		t.Errorf("%d answers of %d bytes", len(l.byID), l.size)
	}
	l.keep(answerID{99}, &pluginv1.ProcessResult{EntityJson: make([]byte, 1<<20)})
	if l.of(answerID{99}) != nil || l.of(answerID{49}) == nil {
		t.Error("one huge answer took the place of all others")
	}
}

func TestBatcher_LearnsHowManyThePluginCanAnswerInTime(t *testing.T) {
	b := &batcher{}
	const deadline = 10 * time.Second
	for _, step := range []struct {
		items int
		took  time.Duration
		want  int
	}{
		{100, deadline, 50}, {50, 8 * time.Second, 50}, {50, deadline, 25}, {25, time.Second, 50}, {10, deadline, 5}, {1, deadline, 1},
		{1, deadline, 1}, {1, time.Second, 2}, {1, time.Second, 2}, {2, time.Second, 4}, {64, time.Second, 8},
	} {
		if b.learn(step.items, step.took, deadline); b.size() != step.want {
			t.Errorf("after %d items in %s batches have %d, want %d", step.items, step.took, b.size(), step.want)
		}
	}
}
