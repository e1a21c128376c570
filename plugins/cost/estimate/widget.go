package estimate

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// widget shows the last estimates of an entity.
func (e *Estimator) widget() sdk.Widget {
	return sdk.Widget{
		ID: "cost-estimates", Title: "Cost estimates", View: sdk.ViewTable, For: "kind:component,resource,system,api", Refresh: time.Minute, Data: e.frame,
		Description: "What the last plans would cost a month, and how much more that is",
	}
}

// frame is nil for an entity without estimates. It shows those in the currency of the newest: columns have one unit.
func (e *Estimator) frame(ctx context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
	if q.Entity == nil {
		return nil, fmt.Errorf("the widget is shown for an entity: %w", sdk.ErrInput)
	}
	list, err := e.Last(ctx, q.Entity.Ref().String())
	if err != nil || len(list) == 0 {
		return nil, err
	}
	currency := list[0].Currency
	f := frame.New("estimates", frame.Times("at").Labeled("Estimated"), frame.Strings("plan").Labeled("Plan"),
		frame.Numbers[float64]("monthly").Labeled("A month").In(currency).Round(2),
		frame.Numbers[float64]("difference").Labeled("Difference").In(currency).Round(2), frame.Strings("missing").Labeled("Not in it"))
	for _, k := range list {
		if k.Currency == currency {
			f.Append(k.At, k.Name, k.Monthly.Float64(), k.DiffMonthly.Float64(), k.missing())
		}
	}
	return f, nil
}

// missing says how many resources the amounts lack, nil when none.
func (k Kept) missing() any {
	if k.Unpriced+k.Unsupported == 0 {
		return nil
	}
	return fmt.Sprintf("%d without a price, %d not supported", k.Unpriced, k.Unsupported)
}
