package policy

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/callboard/callboard/sdk/apierror"
)

// limits bound one evaluation.
type limits struct {
	time   time.Duration
	memory uint64 // by which the heap of the process may grow meanwhile
}

var defaultLimits = limits{time: 3 * time.Second, memory: 128 << 20}

// atOnce bounds the evaluations of a policy at a time. A builtin that does not look up from its work keeps its place until
// it is done, so that a policy that always does this comes to refuse everything rather than to take the machine.
const atOnce = 8

var (
	errTooLong  = errors.New("takes too long")
	errTooLarge = errors.New("takes too much memory")
)

// Decide asks the rules. It answers within three seconds, or with an error: a request without a decision must not go on.
//
// Errors are of the policy, not of the request: a ServiceUnavailableError that tells what to mend.
func (p *Policy) Decide(ctx context.Context, in Input) (Decision, error) {
	doc, err := in.value()
	if err != nil {
		return Decision{}, unable(err)
	}
	decision, err := bound(ctx, p.slots, p.limits, func(ctx context.Context) (Decision, error) { return p.evaluate(ctx, doc, in.Now) })
	switch {
	case err == nil:
		return decision, nil
	case ctx.Err() != nil:
		return Decision{}, context.Cause(ctx)
	}
	return Decision{}, unable(err)
}

func unable(err error) error {
	return apierror.Newf(apierror.ServiceUnavailable, "the policy cannot decide, so that the request is refused: %v", err)
}

// bound runs f until it is done or one of its limits is reached; then it answers at once, and f is told by its context.
func bound[T any](ctx context.Context, slots chan struct{}, l limits, f func(context.Context) (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil { // a select may choose to go on
		return none, context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, l.time, errTooLong)
	defer stop()
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return none, fmt.Errorf("%d decisions are not done: %w", cap(slots), context.Cause(ctx))
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-slots }()
		defer func() {
			if r := recover(); r != nil {
				done <- result{none, fmt.Errorf("it ends the evaluation: %v", r)}
			}
		}()
		value, err := f(ctx)
		done <- result{value, err}
	}()
	before, look := heap(), time.NewTicker(5*time.Millisecond)
	defer look.Stop()
	for {
		select {
		case r := <-done:
			return r.value, r.err
		case <-ctx.Done():
			return none, context.Cause(ctx)
		case <-look.C:
			if now := heap(); now > before && now-before > l.memory {
				cancel(errTooLarge)
			}
		}
	}
}

// heap is what objects take, live or not collected yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// answer is what variables are in one answer of a query.
type answer map[ast.Var]*ast.Term

// evaluation is one run of a query.
type evaluation struct {
	program

	query ast.Body
	qc    ast.QueryCompiler
	txn   storage.Transaction
}

func (e evaluation) iterate(ctx context.Context, input *ast.Term, now time.Time, take func(answer) error) error {
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	q := topdown.NewQuery(e.query).WithQueryCompiler(e.qc).WithCompiler(e.compiler).WithStore(e.store).WithTransaction(e.txn).
		WithCancel(cancel).WithTime(now).WithStrictBuiltinErrors(true).WithSeed(strings.NewReader(""))
	if input != nil {
		q = q.WithInput(input)
	}
	err := q.Iter(ctx, func(r topdown.QueryResult) error { return take(answer(r)) })
	if topdown.IsCancel(err) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
