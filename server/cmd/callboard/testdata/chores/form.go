package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// reportForm is what somebody fills in who finds a chore done.
type reportForm struct {
	Chore string `json:"chore" title:"Chore" min:"1" max:"20"`
	Rooms int    `json:"rooms,omitempty" title:"Rooms" min:"1" max:"9"`
}

func (c *chores) form(p *sdk.Plugin) {
	p.Widget(sdk.Widget{ID: "report", Title: "Report a chore", View: sdk.ViewForm, For: "kind:component", Args: reportForm{}, Submit: c.report,
		Data: func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) {
			return sdk.Choices("chore", sdk.Choice{Value: "dust", Label: "Dusting"}, sdk.Choice{Value: "dishes"}), nil
		}})
}

// report counts a chore once for each submission, and answers a word that is told once.
func (c *chores) report(ctx context.Context, q sdk.WidgetQuery) (sdk.WidgetResult, error) {
	f, err := sdk.WidgetArgs[reportForm](q)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	who := sdk.Principal(ctx)
	switch f.Chore {
	case "windows":
		return sdk.WidgetResult{FieldErrors: map[string]string{"chore": "nobody cleans windows"}}, nil
	case "roof":
		return sdk.WidgetResult{}, fmt.Errorf("only roofers: %w", sdk.ErrNotAllowed)
	}
	var none int64
	_, err = c.host.KV.PutJSON(ctx, "report/"+who.Subject+"/"+q.IdempotencyKey, 1, sdk.PutOptions{IfVersion: &none})
	if errors.Is(err, sdk.ErrConflict) {
		return sdk.WidgetResult{Message: "This was reported before."}, nil
	}
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	if _, err := c.add(ctx, "reports"); err != nil {
		return sdk.WidgetResult{}, err
	}
	return sdk.WidgetResult{Message: who.Type + " " + who.Subject + " reports " + f.Chore + " of " + q.Entity.Name(), Secret: true,
		Frames: []*frame.Frame{frame.New("word", frame.Strings("word", "w0rd-of-"+f.Chore))}}, nil
}
