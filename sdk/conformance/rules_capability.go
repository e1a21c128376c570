package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
)

var capabilityRules = []Rule{
	{ID: "action.dry-run", Level: Must, Sentence: "A dry run of an action ends well and asks nobody outside.", check: checkDryRun},
	{ID: "action.input", Level: Must, Sentence: "An action refuses input that does not fit its schema.", check: checkActionInput},
	{ID: "action.output", Level: Should, Sentence: "The outputs of an action fit its schema.", check: checkActionOutput},
	{ID: "filter.results", Level: Must, Sentence: "A template filter answers each call, in order and within a second, and asks nobody outside.", check: checkFilters, timed: true},
	{ID: "filter.stable", Level: Must, Sentence: "A template filter answers the same to the same call.", check: checkFiltersStable},
	{ID: "widget.frames", Level: Must, Sentence: "A widget answers frames that can be drawn.", check: checkFrames},
	{ID: "widget.forms", Level: Must, Sentence: "A form refuses arguments that do not fit its schema.", check: checkForms},
	{ID: "search.documents", Level: Must, Sentence: "Documents for the search have a title and a place.", check: checkDocuments},
	{ID: "rules.results", Level: Must, Sentence: "A permission rule answers one result for each resource.", check: checkRuleResults},
	{ID: "calls.cancel", Level: Must, Sentence: "Cancelled calls stop within a second, and Drain does not wait for them.", check: checkCancel, timed: true},
}

func (p *instance) actions(ctx context.Context) []*pluginv1.ScaffolderAction {
	if len(p.b.described.GetProvides().GetScaffolderActions()) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	list, _ := pluginv1.NewScaffolderActionsServiceClient(p.conn).ListActions(ctx, &pluginv1.ListActionsRequest{}) // describe.services tells
	return list.GetActions()
}

func (p *instance) widgets(ctx context.Context) []*pluginv1.Widget {
	if len(p.b.described.GetProvides().GetWidgets()) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	list, _ := pluginv1.NewWidgetsServiceClient(p.conn).ListWidgets(ctx, &pluginv1.ListWidgetsRequest{}) // describe.services tells
	return list.GetWidgets()
}

// actionInput makes input that fits, and some that does not.
func actionInput(a *pluginv1.ScaffolderAction) (good []byte, bad []candidate, err error) {
	if a.GetInputSchemaJson() == "" {
		return []byte("{}"), nil, nil
	}
	cases, err := makeSettings(a.GetInputSchemaJson(), nil, &canaries{})
	if err != nil {
		return nil, nil, err
	}
	return cases.good, cases.bad, nil
}

// dryRuns calls check for each action that has a dry run, with what it answered.
func (b *bench) dryRuns(ctx context.Context, check func(*instance, *pluginv1.ScaffolderAction, []*pluginv1.ExecuteActionResponse) error) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	tried := 0
	for _, a := range p.actions(ctx) {
		if !a.GetSupportsDryRun() {
			continue
		}
		input, _, err := actionInput(a)
		if err != nil {
			return found("Answer a JSON Schema (draft 2020-12) in input_schema_json.", "The input schema of the action %s cannot be used: %v", a.GetId(), err)
		}
		tried++
		before := len(p.egress.since(0))
		events, err := p.execute(ctx, &pluginv1.ExecuteActionRequest{Action: a.GetId(), InputJson: input, DryRun: true})
		if out := p.egress.since(before); len(out) > 0 {
			return found("Leave out in a dry run what asks or changes anything outside.", "A dry run of the action %s asks %s", a.GetId(), out[0].target)
		}
		if err != nil {
			return p.unexpected("A dry run of the action "+a.GetId(), "Do something sensible without effects, or set supports_dry_run to false.", err)
		}
		if err := check(p, a, events); err != nil {
			return err
		}
	}
	if tried == 0 {
		return skip("It has no actions with a dry run.")
	}
	return nil
}

func checkDryRun(ctx context.Context, b *bench) error {
	return b.dryRuns(ctx, func(_ *instance, a *pluginv1.ScaffolderAction, events []*pluginv1.ExecuteActionResponse) error {
		for _, e := range events {
			if o := e.GetOutput(); o != nil && (o.GetName() == "" || !json.Valid(o.GetValueJson())) {
				return found("Give each output a name and a JSON value.", "The action %s sets the output %q to what is no JSON", a.GetId(), o.GetName())
			}
			if e.GetEvent() == nil {
				return found("Send a log line, an output or a checkpoint in each message.", "The action %s sends a message with nothing in it", a.GetId())
			}
		}
		return nil
	})
}

func checkActionInput(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	tried := 0
	for _, a := range p.actions(ctx) {
		_, bad, err := actionInput(a)
		if err != nil {
			continue // action.dry-run tells
		}
		for _, input := range bad {
			tried++
			_, err := p.execute(ctx, &pluginv1.ExecuteActionRequest{Action: a.GetId(), InputJson: input.json, DryRun: a.GetSupportsDryRun()})
			const advice = "Check the input against your schema before anything is done, and answer INVALID_ARGUMENT."
			if err == nil {
				return found(advice, "The action %s accepts input %s, which its schema does not allow", a.GetId(), input.what)
			}
			if !refusesInput(err) {
				return p.unexpected(fmt.Sprintf("The action %s on input %s", a.GetId(), input.what), advice, err)
			}
		}
	}
	if tried == 0 {
		return skip("It has no actions whose input could be wrong.")
	}
	return nil
}

func checkActionOutput(ctx context.Context, b *bench) error {
	return b.dryRuns(ctx, func(_ *instance, a *pluginv1.ScaffolderAction, events []*pluginv1.ExecuteActionResponse) error {
		if a.GetOutputSchemaJson() == "" {
			return nil
		}
		_, resolved, err := resolve(a.GetOutputSchemaJson())
		if err != nil {
			return found("Answer a JSON Schema (draft 2020-12) in output_schema_json.", "The output schema of the action %s cannot be used: %v", a.GetId(), err)
		}
		outputs := map[string]any{}
		for _, e := range events {
			var v any
			if o := e.GetOutput(); o != nil && json.Unmarshal(o.GetValueJson(), &v) == nil {
				outputs[o.GetName()] = v
			}
		}
		if err := resolved.Validate(outputs); err != nil {
			return found("Make the outputs and output_schema_json agree.", "The outputs of the action %s do not fit its schema: %v", a.GetId(), err)
		}
		return nil
	})
}

func widgetQuery(w *pluginv1.Widget) *pluginv1.QueryWidgetRequest {
	r := &pluginv1.QueryWidgetRequest{Widget: w.GetId(), MaxPoints: 200, Locale: "en", TimeZone: "UTC", UserRef: "user:default/ann", ArgsJson: []byte("{}")}
	if w.GetAppliesTo() != "" {
		kind := "component"
		if list, ok := strings.CutPrefix(w.GetAppliesTo(), "kind:"); ok {
			kind, _, _ = strings.Cut(list, ",")
		}
		annotation, _ := strings.CutPrefix(w.GetAppliesTo(), "annotation:")
		if annotation == w.GetAppliesTo() {
			annotation = ""
		}
		r.EntityJson = sampleEntity(kind, slices.DeleteFunc([]string{annotation}, func(s string) bool { return s == "" }))
	}
	if w.GetArgsSchemaJson() != "" {
		if cases, err := makeSettings(w.GetArgsSchemaJson(), nil, &canaries{}); err == nil {
			r.ArgsJson = cases.good
		}
	}
	return r
}

func checkFrames(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	widgets := p.widgets(ctx)
	if len(widgets) == 0 {
		return skip("It has no widgets.")
	}
	for _, w := range widgets {
		before := len(p.egress.since(0))
		messages, err := p.query(ctx, widgetQuery(w))
		if p.upstreamMissing(err, before) {
			return skip(whyUpstream)
		}
		if err != nil && !refusesInput(err) {
			return p.unexpected("A query of the widget "+w.GetId(), "Answer a frame; one without rows says that there is nothing.", err)
		}
		for _, m := range messages {
			if _, err := frame.Decode(m.GetFrameJson()); err != nil {
				return found("Answer frames in the JSON form of package frame, which PROTOCOL.md describes.", "The widget %s answers a frame that cannot be drawn: %v", w.GetId(), err)
			}
		}
	}
	return nil
}

func checkDocuments(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	types := b.described.GetProvides().GetSearchTypes()
	if len(types) == 0 {
		return skip("It has no documents for the search.")
	}
	for _, name := range types {
		before := len(p.egress.since(0))
		messages, err := p.documents(ctx, name)
		if p.upstreamMissing(err, before) {
			return skip(whyUpstream)
		}
		if err != nil {
			return p.unexpected("Collecting documents of the type "+name, "Answer what there is.", err)
		}
		for _, m := range messages {
			for _, d := range m.GetDocuments() {
				if d.GetTitle() == "" || d.GetLocation() == "" {
					return found("Set title and location of each document.", "The type %s has a document %q without a title or a location", name, excerpt.Of(d.GetTitle()+d.GetLocation(), 60))
				}
			}
		}
	}
	return nil
}

func checkRuleResults(ctx context.Context, b *bench) error {
	p, err := b.plugin(ctx)
	if err != nil {
		return err
	}
	if len(b.described.GetProvides().GetPermissionRules()) == 0 {
		return skip("It has no permission rules.")
	}
	client := pluginv1.NewPermissionRulesServiceClient(p.conn)
	list, err := client.ListRules(ctx, &pluginv1.ListRulesRequest{})
	if err != nil {
		return p.unexpected("ListRules", "Serve it.", err)
	}
	for _, rule := range list.GetRules() {
		params := []byte("{}")
		if cases, err := makeSettings(rule.GetParamsSchemaJson(), nil, &canaries{}); err == nil {
			params = cases.good
		}
		for _, refs := range [][]string{nil, {"a", "b", "c"}} {
			answer, err := client.EvaluateRules(ctx, &pluginv1.EvaluateRulesRequest{Rule: rule.GetName(), ParamsJson: params, ResourceRefs: refs})
			if err != nil {
				return p.unexpected("The permission rule "+rule.GetName(), "A resource that is not there does not fulfil a rule: answer false.", err)
			}
			if len(answer.GetResults()) != len(refs) {
				return found("Answer in the order asked.", "The permission rule %s answers %d resources with %d results", rule.GetName(), len(refs), len(answer.GetResults()))
			}
		}
	}
	return nil
}

// checkCancel gives calls up in the middle. What goes on all the same shows in Drain, which waits for what runs, or in
// the end of the process, which does.
func checkCancel(ctx context.Context, b *bench) error {
	p, err := b.another(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	b.giveUp(ctx, p)
	if p.ended() {
		return p.whyEnded("It ended when calls were cancelled")
	}
	const advice = "Watch the call's context while you work, and return when it is done."
	started := time.Now()
	drainCtx, cancel := context.WithTimeout(ctx, cancelTime+slack)
	defer cancel()
	if _, err := p.plugin.Drain(drainCtx, &pluginv1.DrainRequest{Grace: durationpb.New(10 * time.Second)}); err != nil {
		return found(advice, "Drain does not return within %s after all calls were cancelled (%s)", cancelTime, describeError(err))
	}
	if time.Since(started) > cancelTime+slack {
		return found(advice, "Drain takes longer than %s after all calls were cancelled", cancelTime)
	}
	if err := p.shutdown(ctx); err != nil {
		return found(advice, "It does not end within %s after all calls were cancelled", shutdownTime)
	}
	return nil
}

// giveUp starts every streaming call several times and cancels it shortly after.
func (b *bench) giveUp(ctx context.Context, p *instance) {
	says := b.described.GetProvides()
	var calls []func(context.Context)
	for _, name := range says.GetCatalogProviders() {
		calls = append(calls, func(ctx context.Context) { _, _ = p.refresh(ctx, name) })
	}
	for _, a := range p.actions(ctx) {
		if input, _, err := actionInput(a); err == nil {
			calls = append(calls, func(ctx context.Context) {
				_, _ = p.execute(ctx, &pluginv1.ExecuteActionRequest{Action: a.GetId(), InputJson: input, DryRun: a.GetSupportsDryRun()})
			})
		}
	}
	for _, w := range p.widgets(ctx) {
		calls = append(calls, func(ctx context.Context) { _, _ = p.query(ctx, widgetQuery(w)) })
	}
	for _, name := range says.GetSearchTypes() {
		calls = append(calls, func(ctx context.Context) { _, _ = p.documents(ctx, name) })
	}
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond} {
		for _, call := range calls {
			short, cancel := context.WithCancel(ctx) // not a deadline, which the plugin would be told of
			timer := time.AfterFunc(after, cancel)
			call(short)
			timer.Stop()
			cancel()
		}
	}
}
