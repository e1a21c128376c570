package caps

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// fault is whom the end of a call speaks against.
type fault int

const (
	noFault fault = iota
	// unproven: the caller gave up, or the call was not made after all.
	unproven
	// callFault: it was answered, and badly. Calls of another name may be well.
	callFault
	// silence: nothing came until the deadline. It is the call's fault while the plugin answers others, else the plugin's.
	silence
	// pluginFault: the connection broke, or there is none.
	pluginFault
)

// faultOf judges how a call ended. An error that the plugin gave a name ("NotFoundError") is an answer like any other, and
// one of the host's own says nothing.
//
// A status that the plugin sent has the header of an answer in its trailer, one that the transport made up has none. The
// trailer is read for those alone: a call that the host ends itself may still be writing it.
func faultOf(ctx context.Context, err error, trailer *metadata.MD) fault {
	if err == nil {
		return noFault
	}
	if ctx.Err() != nil {
		return unproven
	}
	if _, own := errors.AsType[*hostError](err); own {
		return noFault
	}
	s, ok := status.FromError(err)
	switch {
	case !ok && errors.Is(err, context.DeadlineExceeded):
		return silence
	case !ok:
		return callFault // an OutputError, or the library's own
	case named(s):
		return noFault
	}
	switch s.Code() {
	case codes.Internal, codes.Unknown, codes.DataLoss, codes.ResourceExhausted:
		return callFault
	case codes.DeadlineExceeded, codes.Unavailable, codes.Canceled:
		switch {
		case len(*trailer) > 0:
			return callFault
		case s.Code() == codes.DeadlineExceeded:
			return silence
		}
		return pluginFault
	default:
		return noFault
	}
}

// named reports whether the plugin gave its error a name.
func named(s *status.Status) bool {
	d := diagnosticOf(s)
	return d != nil && d.GetCode() != ""
}

// diagnosticOf is the Diagnostic in the details of a status, nil = there is none.
func diagnosticOf(s *status.Status) *pluginv1.Diagnostic {
	for _, detail := range s.Details() {
		if d, ok := detail.(*pluginv1.Diagnostic); ok {
			return d
		}
	}
	return nil
}

type breaker = circuitbreaker.CircuitBreaker[any]

// breakers decide which calls of an instance are let through: one for the plugin as a whole, and one for each call, which
// is a method and what it is asked of ("QueryWidget errors"). So one widget that answers nonsense, or nothing, takes no other
// with it, and a process that is gone is not asked for anything. Each opens after ten failures in twenty calls, refuses for
// a while, then lets single calls try. Safe for concurrent use.
type breakers struct {
	plugin breaker
	retry  time.Duration
	born   time.Time
	heard  atomic.Int64 // when anything was answered last, since born

	mu     sync.Mutex
	byCall map[string]*blamed
}

// blamed is a call that failed: calls that never do have no breaker of their own.
type blamed struct {
	breaker

	at time.Duration // of the last failure, since born
}

const (
	// mostBlamed bounds the breakers of calls, whose names are the plugin's. Beyond it failures count against the plugin:
	// so much of it is broken at once.
	mostBlamed = 256
	// forgotten is after how long the failures of a call that nobody makes any more say nothing about the plugin.
	forgotten = 10 * time.Minute
)

func newBreakers(retry time.Duration) *breakers {
	return &breakers{plugin: newBreaker(retry), retry: retry, born: time.Now(), byCall: map[string]*blamed{}}
}

func newBreaker(delay time.Duration) breaker {
	return circuitbreaker.NewBuilder[any]().WithFailureThresholdRatio(10, 20).WithSuccessThreshold(1).WithDelay(delay).Build()
}

func (b *breakers) now() time.Duration { return time.Since(b.born) }

// hear notes that the plugin answers something.
func (b *breakers) hear() { b.heard.Store(int64(b.now())) }

// let asks for leave to make a call. A refusal says why, "" = there is none; then record must be told how the call ended.
func (b *breakers) let(call string) (refusal string) {
	const pluginRests = "failed too often and is left alone for a moment"
	if b.plugin.RemainingDelay() > 0 {
		return pluginRests
	}
	own := b.of(call)
	if own != nil && !own.TryAcquirePermit() {
		return "failed too often at " + call + ", for which it is left alone for a moment"
	}
	if !b.plugin.TryAcquirePermit() {
		giveBack(own)
		return pluginRests
	}
	return ""
}

// record tells the breakers how a call ended that began at a time of [breakers.now].
func (b *breakers) record(call string, f fault, began time.Duration) {
	if f == noFault || f == callFault {
		b.hear()
	}
	if f == silence && time.Duration(b.heard.Load()) > began {
		f = callFault
	}
	own := b.of(call)
	if f == callFault || f == silence {
		if own = b.blame(call); own == nil {
			f = pluginFault
		}
	}
	switch f {
	case noFault:
		b.plugin.RecordSuccess()
		if own != nil {
			own.RecordSuccess()
		}
	case unproven:
		giveBack(b.plugin)
		giveBack(own)
	case callFault:
		b.plugin.RecordSuccess()
		own.RecordFailure()
	case silence:
		b.plugin.RecordFailure()
		own.RecordFailure()
	case pluginFault:
		b.plugin.RecordFailure()
		giveBack(own)
	}
}

// giveBack ends a try that proved nothing. A breaker that lets single calls try takes permits back with a result only.
func giveBack(b breaker) {
	if b != nil && b.IsHalfOpen() {
		b.RecordFailure()
	}
}

// of is the breaker of a call, nil = it has not failed of late.
func (b *breakers) of(call string) breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if own := b.byCall[call]; own != nil {
		return own.breaker
	}
	return nil
}

// blame is the breaker of a call that has just failed, nil = there is no room for one. It rests for twice as long as that of
// the plugin, so that a plugin which is left alone because of it is tried with something else.
func (b *breakers) blame(call string) breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.byCall[call]
	if own == nil {
		if len(b.byCall) >= mostBlamed {
			b.forget()
			maps.DeleteFunc(b.byCall, func(_ string, other *blamed) bool { return other.IsClosed() })
		}
		if len(b.byCall) >= mostBlamed {
			return nil
		}
		own = &blamed{breaker: newBreaker(2 * b.retry)}
		b.byCall[call] = own
	}
	own.at = b.now()
	return own.breaker
}

// forget drops what has not failed for long; mu is held.
func (b *breakers) forget() {
	now := b.now()
	maps.DeleteFunc(b.byCall, func(_ string, other *blamed) bool { return now-other.at > forgotten })
}

// tripped are the calls that are refused, or of which only single ones are let try, by name.
func (b *breakers) tripped() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	var calls []string
	for call, own := range b.byCall {
		if !own.IsClosed() {
			calls = append(calls, call)
		}
	}
	slices.Sort(calls)
	return calls
}
