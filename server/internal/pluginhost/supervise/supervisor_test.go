package supervise

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStart_HoldsRequestsUntilItIsReady(t *testing.T) {
	tell(t, time.Second, func(s *story) {
		s.want(Starting, "1.0.0")
		began := time.Now()
		s.serves("1.0.0#0")
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited %s", waited)
		}
		s.want(Ready, "1.0.0")
		if !slices.Equal(s.states, []State{Starting, Ready}) {
			t.Error(s.states)
		}
	})
}

func TestAcquire_WaitsTwoSecondsAtMost(t *testing.T) {
	tell(t, time.Minute, func(s *story) {
		began := time.Now()
		_, err := s.Acquire(s.t.Context())
		u, ok := errors.AsType[*Unavailable](err)
		if !ok || u.State != Starting || u.RetryAfter != time.Second || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if want := "plugin shop is not available: starting"; err.Error() != want {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		if _, err := s.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestStart_ThatTakesTooLongIsACrash(t *testing.T) {
	tell(t, time.Hour, func(s *story) {
		s.after(30 * time.Second)
		if shown := s.want(Backoff, "1.0.0"); !strings.Contains(shown.Reason, "deadline exceeded") {
			t.Error(shown.Reason)
		}
	})
}

func TestCrash_IsFollowedByAStartAfterAPauseThatDoubles(t *testing.T) {
	tell(t, 0, func(s *story) {
		for _, pause := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
			s.last().die("exit status 1")
			s.want(Crashed, "1.0.0")
			s.after(10 * time.Millisecond) // what removing it takes
			shown := s.want(Backoff, "1.0.0")
			if shown.Reason != "exit status 1" || shown.Crash.Lines[0] != s.last().name+" says farewell" || time.Until(shown.Retry) != pause {
				t.Errorf("%+v in %s, want %s", shown.Crash, time.Until(shown.Retry), pause)
			}
			_, err := s.Acquire(s.t.Context())
			if u, ok := errors.AsType[*Unavailable](err); !ok || u.RetryAfter < time.Second || u.State != Backoff {
				t.Error(err)
			}
			s.after(pause)
			s.want(Ready, "1.0.0")
		}
		if shown := s.Snapshot(); shown.Restarts != 4 || shown.Crashes != 4 {
			t.Errorf("%+v", shown)
		}
	})
}

func TestCrash_FiveTimesInTenMinutesIsTheEnd(t *testing.T) {
	tell(t, 0, func(s *story) {
		for range 5 {
			s.last().die("exit status 2")
			s.after(3 * time.Second)
		}
		shown := s.want(Failed, "1.0.0")
		if shown.Reason != "died 5 times within 10m0s, the last time: exit status 2" {
			t.Error(shown.Reason)
		}
		s.after(time.Hour)
		s.want(Failed, "1.0.0")
		_, err := s.Acquire(s.t.Context())
		if u, ok := errors.AsType[*Unavailable](err); !ok || u.RetryAfter != 0 {
			t.Error(err)
		}
		s.offer("1.0.0", "a") // the same again is no new chance
		s.want(Failed, "1.0.0")
		s.offer("1.0.0", "b")
		if shown := s.want(Ready, "1.0.0"); shown.Crashes != 0 || shown.Crash != nil {
			t.Errorf("%+v", shown)
		}
	})
}

func TestCrash_FailedEndsWithARestart(t *testing.T) {
	tell(t, 0, func(s *story) {
		for range 5 {
			s.last().die("exit status 2")
			s.after(3 * time.Second)
		}
		s.want(Failed, "1.0.0")
		if err := s.Restart(s.t.Context()); err != nil {
			t.Error(err)
		}
		s.want(Ready, "1.0.0")
	})
}

func TestCrash_AfterLongServiceIsTheFirstOneAgain(t *testing.T) {
	tell(t, 0, func(s *story) {
		for range 20 {
			s.after(10 * time.Minute)
			s.last().die("exit status 1")
			s.after(10 * time.Millisecond)
			if pause := time.Until(s.want(Backoff, "1.0.0").Retry); pause != 250*time.Millisecond {
				t.Fatal(pause)
			}
			s.after(time.Second)
		}
	})
}

func TestCrash_PausesGrowToAMinuteAndSpread(t *testing.T) {
	p := Policy{}.withDefaults()
	var c crashes
	now := time.Now()
	for n := range 100 {
		c.add(p, now.Add(time.Duration(n)*5*time.Minute), time.Minute)
	}
	if low, high := c.pause(p, 0), c.pause(p, 1); low != 48*time.Second || high != 72*time.Second {
		t.Errorf("%s to %s", low, high)
	}
}

func TestStart_FailuresCountAsCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, 0)
		s.fail("1.0.0", failure{"no handshake"})
		s.offer("1.0.0", "a")
		if shown := s.want(Backoff, "1.0.0"); shown.Reason != "no handshake" || shown.Crash.Lines[0] != "panic: no handshake" {
			t.Errorf("%+v", shown.Crash)
		}
		s.after(time.Minute)
		s.want(Failed, "1.0.0")
		s.fail("1.0.0", nil)
		if err := s.Restart(s.t.Context()); err != nil {
			t.Error(err)
		}
		s.want(Ready, "1.0.0")
		s.over()
	})
}

func TestProbe_ThreeMissesAreAHungPlugin(t *testing.T) {
	tell(t, 0, func(s *story) {
		hung := s.last()
		hung.with(func() { hung.hung = true })
		s.after(5*time.Second + 3*5*time.Second - time.Millisecond)
		s.want(Ready, "1.0.0")
		s.after(20 * time.Millisecond)
		shown := s.want(Backoff, "1.0.0")
		if shown.Reason != "did not answer 3 probes in a row: no answer" || !hung.quickly.Load() {
			t.Errorf("%+v", shown)
		}
		s.after(time.Second)
		s.serves("1.0.0#1")
	})
}

func TestProbe_AMissIsForgivenByTheNextAnswer(t *testing.T) {
	tell(t, 0, func(s *story) {
		for range 10 {
			s.last().with(func() { s.last().hung = true })
			s.after(9 * time.Second) // two misses at most
			s.last().with(func() { s.last().hung = false })
			s.after(10 * time.Second)
		}
		s.serves("1.0.0#0")
	})
}

func TestProbe_DegradedServesAndTellsWhy(t *testing.T) {
	tell(t, 0, func(s *story) {
		s.last().with(func() { s.last().health = Health{Degraded: true, Notes: []string{"the token lacks org:read"}} })
		s.after(5 * time.Second)
		if shown := s.want(Degraded, "1.0.0"); shown.Reason != "the token lacks org:read" {
			t.Error(shown.Reason)
		}
		s.serves("1.0.0#0")
		s.last().with(func() { s.last().health = Health{Memory: 7} })
		s.after(5 * time.Second)
		if shown := s.want(Ready, "1.0.0"); shown.Health.Memory != 7 || shown.Reason != "" {
			t.Errorf("%+v", shown)
		}
	})
}

func TestSwap_KeepsTheOldVersionUntilTheNewIsReady(t *testing.T) {
	tell(t, time.Second, func(s *story) {
		s.after(time.Second)
		s.serves("1.0.0#0")
		held, _ := s.Acquire(s.t.Context())
		old := s.last()
		s.offer("2.0.0", "a")
		s.after(500 * time.Millisecond)
		if shown := s.want(Ready, "1.0.0"); shown.Next.Version != "2.0.0" || shown.InFlight != 1 {
			t.Errorf("%+v", shown)
		}
		s.serves("1.0.0#0")
		s.after(500 * time.Millisecond)
		if shown := s.want(Ready, "2.0.0"); shown.Next != nil || shown.Draining != 1 || shown.InFlight != 0 {
			t.Errorf("%+v", shown)
		}
		s.serves("2.0.0#1")
		s.after(29 * time.Second)
		if old.stopped.Load() != 0 || old.begun.Load() != 1 {
			t.Errorf("stopped %d, drains %d", old.stopped.Load(), old.begun.Load())
		}
		held.Release()
		s.after(20 * time.Millisecond)
		if shown := s.want(Ready, "2.0.0"); shown.Draining != 0 || old.quickly.Load() {
			t.Errorf("%+v", shown)
		}
		if !slices.Equal(s.states, []State{Starting, Ready}) {
			t.Error(s.states)
		}
	})
}

func TestSwap_StopsTheOldVersionWhenItsGraceIsOver(t *testing.T) {
	tell(t, 0, func(s *story) {
		held, _ := s.Acquire(s.t.Context())
		old := s.last()
		s.offer("2.0.0", "a")
		s.after(30*time.Second + 20*time.Millisecond)
		if old.stopped.Load() != 1 {
			t.Error("the old version still runs")
		}
		held.Release()
	})
}

func TestSwap_WaitsForWhatTheOldVersionSaysItDoes(t *testing.T) {
	tell(t, 0, func(s *story) {
		old := s.last()
		old.with(func() { old.drain = 10 * time.Second })
		s.offer("2.0.0", "a")
		s.after(9 * time.Second)
		if old.stopped.Load() != 0 {
			t.Error("stopped while it drained")
		}
		s.after(2 * time.Second)
		if old.stopped.Load() != 1 {
			t.Error("not stopped")
		}
	})
}

func TestSwap_RollsBackByItself(t *testing.T) {
	tell(t, 0, func(s *story) {
		s.fail("2.0.0", failure{"cannot read its settings"})
		err := s.Swap(s.t.Context(), s.release("2.0.0", "a"))
		shown := s.want(Ready, "1.0.0")
		if err == nil || shown.Rollback == nil || shown.Rollback.Version != "2.0.0" || shown.Rollback.Reason != "cannot read its settings" || len(shown.Rollback.Lines) != 1 {
			t.Errorf("%v %+v", err, shown.Rollback)
		}
		s.serves("1.0.0#0")
		s.offer("2.0.0", "a") // the same again is not tried again
		if shown := s.want(Ready, "1.0.0"); shown.Next != nil {
			t.Errorf("%+v", shown)
		}
		s.last().die("exit status 1") // and what died is the old version, so it is what starts again
		s.after(time.Second)
		s.serves("1.0.0#1")
		if err := s.Swap(s.t.Context(), s.release("3.0.0", "a")); err != nil {
			t.Error(err)
		}
		if shown := s.want(Ready, "3.0.0"); shown.Rollback != nil {
			t.Errorf("%+v", shown.Rollback)
		}
	})
}

func TestSwap_ToAnInstanceThatEndsAtOnceKeepsTheOldOne(t *testing.T) {
	tell(t, 0, func(s *story) {
		s.fail("2.0.0", errStillborn)
		err := s.Swap(s.t.Context(), s.release("2.0.0", "a"))
		shown := s.want(Ready, "1.0.0")
		if err == nil || shown.Rollback == nil || shown.Rollback.Reason != "ended right after its start: exit status 9" || len(shown.Rollback.Lines) == 0 {
			t.Errorf("%v %+v", err, shown.Rollback)
		}
		s.serves("1.0.0#0")
	})
}

func TestSwap_ToAVersionThatFailsWhenTheOldOneHasDiedGoesBackToTheOldOne(t *testing.T) {
	tell(t, time.Second, func(s *story) {
		s.after(time.Second)
		s.fail("2.0.0", failure{"bad"})
		s.offer("2.0.0", "a")
		s.last().die("exit status 1")
		s.want(Starting, "2.0.0")
		s.after(3 * time.Second)
		if shown := s.want(Ready, "1.0.0"); shown.Rollback.Version != "2.0.0" {
			t.Errorf("%+v", shown)
		}
	})
}

func TestSwap_TheNewestOrderWins(t *testing.T) {
	tell(t, 0, func(s *story) {
		s.slow(time.Second)
		outcome := make(chan error, 3)
		for _, version := range []string{"2.0.0", "3.0.0", "4.0.0"} {
			go func() { outcome <- s.Swap(s.t.Context(), s.release(version, "a")) }()
			synctest.Wait()
		}
		s.after(5 * time.Second)
		s.want(Ready, "4.0.0")
		var superseded int
		for range 3 {
			if err := <-outcome; errors.Is(err, ErrSuperseded) {
				superseded++
			} else if err != nil {
				t.Error(err)
			}
		}
		if superseded != 2 {
			t.Errorf("%d superseded", superseded)
		}
	})
}

func TestSwap_WaitsWhileTooManyOldVersionsFinish(t *testing.T) {
	tell(t, 0, func(s *story) {
		for range 4 {
			if _, err := s.Acquire(s.t.Context()); err != nil { // never released
				t.Fatal(err)
			}
			if err := s.Restart(s.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if err := s.Restart(s.t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < 29*time.Second {
			t.Errorf("began after %s", waited)
		}
	})
}

func TestSettings_GoToTheLiveInstance(t *testing.T) {
	tell(t, 0, func(s *story) {
		s.offer("1.0.0", "b")
		s.serves("1.0.0#0")
		if got := s.last().got; !slices.Equal(got, []string{"b"}) {
			t.Error(got)
		}
		s.offer("1.0.0", "b")
		s.offer("1.0.0", "c")
		if got := s.last().got; !slices.Equal(got, []string{"b", "c"}) {
			t.Error(got)
		}
	})
}

func TestSettings_ThatALiveInstanceCannotTakeComeWithANewOne(t *testing.T) {
	tell(t, 0, func(s *story) {
		s.last().with(func() { s.last().refuses = true })
		s.offer("1.0.0", "b")
		s.serves("1.0.0#1")
		s.fail("1.0.0", failure{"settings: /token is wrong"})
		s.last().with(func() { s.last().refuses = true })
		s.offer("1.0.0", "c")
		s.serves("1.0.0#1")
		if shown := s.want(Ready, "1.0.0"); shown.Rollback == nil || shown.Rollback.Reason != "settings: /token is wrong" {
			t.Errorf("%+v", shown)
		}
	})
}

func TestRefuse_NothingRunsWhileItStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, 0)
		if err := s.Refuse(s.t.Context(), Refusal{State: NeedsConfig, Reason: "/token is missing"}); err != nil {
			t.Fatal(err)
		}
		if shown := s.want(NeedsConfig, ""); shown.Reason != "/token is missing" {
			t.Error(shown.Reason)
		}
		_, err := s.Acquire(s.t.Context())
		if want := "plugin shop is not available: needs-config, /token is missing"; err == nil || err.Error() != want {
			t.Error(err)
		}
		if err := s.Restart(s.t.Context()); err == nil || err.Error() != "plugin shop cannot be started: needs-config, /token is missing" {
			t.Error(err)
		}
		s.offer("1.0.0", "a")
		if shown := s.want(Ready, "1.0.0"); shown.Refusal != nil {
			t.Errorf("%+v", shown)
		}
		s.over()
	})
}

func TestRefuse_KeepsWhatRunsUnlessItIsNotTrustedAnyMore(t *testing.T) {
	tell(t, 0, func(s *story) {
		if err := s.Refuse(s.t.Context(), Refusal{State: NeedsApproval, Reason: "it asks for egress"}); err != nil {
			t.Fatal(err)
		}
		if shown := s.want(Ready, "1.0.0"); shown.Refusal.State != NeedsApproval {
			t.Errorf("%+v", shown)
		}
		s.last().die("exit status 1")
		s.after(time.Second)
		s.serves("1.0.0#1")
		if err := s.Refuse(s.t.Context(), Refusal{Rejected, "the signature is not by a trusted key", true}); err != nil {
			t.Fatal(err)
		}
		s.after(time.Second)
		s.want(Rejected, "")
		if s.last().stopped.Load() != 1 {
			t.Error("it still runs")
		}
	})
}

func TestStop_DrainsAndStaysStoppedUntilSomethingNewComes(t *testing.T) {
	tell(t, 0, func(s *story) {
		held, _ := s.Acquire(s.t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- s.Stop(s.t.Context()) }()
		s.after(time.Second)
		s.want(Draining, "1.0.0")
		held.Release()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if shown := s.want(Stopped, "1.0.0"); shown.Reason != "stopped by an operator" {
			t.Error(shown.Reason)
		}
		s.offer("1.0.0", "a")
		s.want(Stopped, "1.0.0")
		if err := s.Restart(s.t.Context()); err != nil {
			t.Error(err)
		}
		s.want(Ready, "1.0.0")
		if err := s.Stop(s.t.Context()); err != nil {
			t.Error(err)
		}
		s.offer("1.1.0", "a")
		s.want(Ready, "1.1.0")
	})
}

func TestStop_EndsAStartInProgress(t *testing.T) {
	tell(t, time.Minute, func(s *story) {
		if err := s.Stop(s.t.Context()); err != nil {
			t.Error(err)
		}
		s.want(Stopped, "1.0.0")
		if len(s.all()) != 0 {
			t.Error("something was started")
		}
	})
}

func TestEnd_CutsShortWhatTakesLongerThanItsGrace(t *testing.T) {
	tell(t, 0, func(s *story) {
		held, _ := s.Acquire(s.t.Context())
		defer held.Release()
		began := time.Now()
		s.end()
		<-s.ended
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("ended after %s", took)
		}
		if err := s.Restart(s.t.Context()); !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
		_, err := s.Acquire(s.t.Context())
		if u, ok := errors.AsType[*Unavailable](err); !ok || u.State != Stopped {
			t.Error(err)
		}
	})
}

func TestEnd_WithNothingInFlightDoesNotWait(t *testing.T) {
	tell(t, 0, func(s *story) {
		began := time.Now()
		s.end()
		<-s.ended
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("ended after %s", took)
		}
	})
}

func TestSettled_WaitsForTheOutcome(t *testing.T) {
	tell(t, time.Second, func(s *story) {
		shown, err := s.Settled(s.t.Context())
		if err != nil || shown.State != Ready {
			t.Errorf("%v %+v", err, shown)
		}
	})
}

func TestWatch_TellsOfEachChangeToWhoIsQuickEnough(t *testing.T) {
	tell(t, time.Second, func(s *story) {
		shown, outdated := s.Watch()
		for shown.State != Ready {
			<-outdated
			shown, outdated = s.Watch()
		}
		synctest.Wait()
		if s.changes == 0 {
			t.Error("no change was told")
		}
	})
}
