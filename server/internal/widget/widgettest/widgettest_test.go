package widgettest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type local struct {
	description widget.Description
	answer      Answer
}

func (l local) Description() widget.Description { return l.description }

func (l local) Query(ctx context.Context, q widget.Query) ([]*frame.Frame, error) {
	return l.answer(ctx, q)
}

func TestWidgets_InThisProcess(t *testing.T) {
	Widgets(t, func(_ *testing.T, d widget.Description, answer Answer) widget.Widget { return local{d, answer} })
}
