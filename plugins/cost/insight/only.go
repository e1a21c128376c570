package insight

import (
	"context"
	"slices"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// Only is a ledger of the charges that a filter selects. The others count nowhere: a cluster's nodes stand in the bill of the
// cloud, and again in what OpenCost says about the pods on them.
func Only(l Ledger, f ledger.Filter) Ledger {
	if len(f.All) == 0 && len(f.Any) == 0 {
		return l
	}
	return only{l, f}
}

type only struct {
	Ledger

	filter ledger.Filter
}

func (o only) Query(ctx context.Context, q ledger.Query) (ledger.Result, error) {
	q.Filter = both(q.Filter, o.filter)
	return o.Ledger.Query(ctx, q)
}

// both holds where both filters do.
func both(a, b ledger.Filter) ledger.Filter {
	out := ledger.Filter{All: append(slices.Clip(a.All), b.All...), Any: a.Any}
	if len(a.Any) == 0 {
		out.Any = b.Any
	} else if len(b.Any) > 0 {
		out.Any = nil
		for _, alternative := range a.Any {
			out.Any = append(out.Any, both(alternative, ledger.Filter{Any: b.Any}))
		}
	}
	return out
}
