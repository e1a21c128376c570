package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// filterTime is how long rendering waits for filters.
const filterTime = time.Second

// filterInputs are values of every type. A filter may refuse what is not of its own.
var filterInputs = []string{`"text"`, `5`, `true`, `null`, `["a",1]`, `{"a":{"b":[null]}}`, ``}

// filterCalls has each filter take each input, with and without arguments.
func filterCalls(names []string) *pluginv1.CallFiltersRequest {
	request := &pluginv1.CallFiltersRequest{}
	for _, name := range names {
		for _, input := range filterInputs {
			call := &pluginv1.FilterCall{Filter: name}
			if input != "" {
				call.InputJson = []byte(input)
			}
			request.Calls = append(request.Calls, call)
		}
		request.Calls = append(request.Calls, &pluginv1.FilterCall{Filter: name, InputJson: []byte(`"text"`), ArgumentsJson: [][]byte{[]byte(`"a"`), []byte(`{}`)}})
	}
	return request
}

// filters answers the names of a plugin's filters, or that there is nothing to check.
func (b *bench) filters(ctx context.Context) (*instance, []string, error) {
	p, err := b.plugin(ctx)
	if err != nil {
		return nil, nil, err
	}
	names := b.described.GetProvides().GetScaffolderFilters()
	if len(names) == 0 {
		return nil, nil, skip("It has no template filters.")
	}
	return p, names, nil
}

func (p *instance) callFilters(ctx context.Context, r *pluginv1.CallFiltersRequest) (*pluginv1.CallFiltersResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answer, err := pluginv1.NewTemplateFiltersServiceClient(p.conn).CallFilters(ctx, r)
	if err != nil {
		return nil, p.unexpected("Calling its template filters", "Answer each call: with a value, or with an error in the result of that call.", err)
	}
	return answer, nil
}

func checkFilters(ctx context.Context, b *bench) error {
	p, names, err := b.filters(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		request, before, started := filterCalls([]string{name}), len(p.egress.since(0)), time.Now()
		answer, err := p.callFilters(ctx, request)
		if err != nil {
			return err
		}
		if out := p.egress.since(before); len(out) > 0 {
			return found("Keep what a filter needs to know in memory: templates are rendered often, in dry runs too.", "The template filter %s asks %s", name, out[0].target)
		}
		if took := time.Since(started); took > filterTime+slack {
			return found("Rendering waits for filters: make them quick.", "The template filter %s takes longer than %s for %d calls", name, filterTime, len(request.GetCalls()))
		}
		if len(answer.GetResults()) != len(request.GetCalls()) {
			return found("Answer each call, in the order asked.", "The template filter %s answers %d calls with %d results", name, len(request.GetCalls()), len(answer.GetResults()))
		}
		for i, r := range answer.GetResults() {
			if err := checkFilterResult(name, filterInput(request, i), r); err != nil {
				return err
			}
		}
	}
	return nil
}

func filterInput(r *pluginv1.CallFiltersRequest, i int) string {
	if input := r.GetCalls()[i].GetInputJson(); len(input) > 0 {
		return string(input)
	}
	return "undefined"
}

func checkFilterResult(name, input string, r *pluginv1.FilterResult) error {
	switch outcome := r.GetOutcome().(type) {
	case *pluginv1.FilterResult_ValueJson:
		if len(outcome.ValueJson) > 0 && !json.Valid(outcome.ValueJson) {
			return found("Answer JSON, or nothing for undefined.", "The template filter %s answers %s with what is no JSON", name, input)
		}
	case *pluginv1.FilterResult_Error:
		if outcome.Error.GetSummary() == "" {
			return found("Say what is wrong in summary, for whoever wrote the template.", "The template filter %s refuses %s and does not say why", name, input)
		}
	default:
		return found("Set value_json or error.", "The template filter %s answers %s with a result in which there is nothing", name, input)
	}
	return nil
}

func checkFiltersStable(ctx context.Context, b *bench) error {
	p, names, err := b.filters(ctx)
	if err != nil {
		return err
	}
	request := filterCalls(names)
	first, err := p.callFilters(ctx, request)
	if err != nil {
		return err
	}
	again, err := p.callFilters(ctx, request)
	if err != nil {
		return err
	}
	same := func(x, y *pluginv1.FilterResult) bool { return bytes.Equal(x.GetValueJson(), y.GetValueJson()) }
	if slices.EqualFunc(first.GetResults(), again.GetResults(), same) {
		return nil
	}
	for i, r := range first.GetResults()[:min(len(first.GetResults()), len(again.GetResults()))] {
		if !same(r, again.GetResults()[i]) {
			return found("Let the result depend on value and arguments alone: a preview must show what the task will do.",
				"The template filter %s answers %s differently each time", request.GetCalls()[i].GetFilter(), filterInput(request, i))
		}
	}
	return found("Answer each call, in the order asked.", "Its template filters answer %d results, and then %d", len(first.GetResults()), len(again.GetResults()))
}
