package conformance

import (
	"context"
	"fmt"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// submission is what ann sends with those arguments.
func submission(w *pluginv1.Widget, args []byte) *pluginv1.SubmitWidgetRequest {
	q := widgetQuery(w)
	return &pluginv1.SubmitWidgetRequest{
		Widget: w.GetId(), EntityJson: q.GetEntityJson(), ArgsJson: args, Locale: q.GetLocale(), TimeZone: q.GetTimeZone(), IdempotencyKey: "conformance",
		Principal: &pluginv1.Principal{Type: "user", Subject: q.GetUserRef(), OwnershipRefs: []string{q.GetUserRef()}},
	}
}

func (p *instance) submit(ctx context.Context, r *pluginv1.SubmitWidgetRequest) (*pluginv1.SubmitWidgetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return pluginv1.NewWidgetsServiceClient(p.conn).SubmitWidget(ctx, r)
}

// checkForms sends what does not fit alone: what fits would have effects.
func checkForms(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	tried := 0
	for _, w := range p.widgets(ctx) {
		if !w.GetSubmits() {
			continue
		}
		if w.GetView() != "form" {
			return found(`Set view to "form", or submits to false.`, "The widget %s takes input, and its view is %s", w.GetId(), w.GetView())
		}
		if w.GetArgsSchemaJson() == "" {
			continue // a button alone
		}
		cases, err := makeSettings(w.GetArgsSchemaJson(), nil, &canaries{})
		if err != nil {
			return found("Answer a JSON Schema (draft 2020-12) in args_schema_json.", "The schema of the form %s cannot be used: %v", w.GetId(), err)
		}
		for _, args := range cases.bad {
			tried++
			const advice = "Check the arguments against your schema before anything is done, and answer field_errors or INVALID_ARGUMENT."
			answer, err := p.submit(ctx, submission(w, args.json))
			if err == nil && len(answer.GetFieldErrors()) == 0 {
				return found(advice, "The form %s takes arguments %s, which its schema does not allow", w.GetId(), args.what)
			}
			if err != nil && !refusesInput(err) {
				return p.unexpected(fmt.Sprintf("The form %s on arguments %s", w.GetId(), args.what), advice, err)
			}
		}
	}
	if tried == 0 {
		return skip("It has no forms whose arguments could be wrong.")
	}
	return nil
}
