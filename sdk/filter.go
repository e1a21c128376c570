package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Filter registers a filter of the language of software templates, which they call by its name:
// ${{ parameters.name | shout("!") }}. In is the value, Out the result; both are read and written as JSON, and their JSON
// Schemas document the filter. A value that is undefined or null is the zero In.
//
// Rendering waits for apply, at most for a second, and calls it as often as a template is rendered, in dry runs too: it has
// no effects, and asks nobody. A name belongs to the whole host; choose one that other plugins do not. An error fails the
// template, and its text is for whoever wrote that.
//
//	sdk.Filter(p, "shout", func(_ sdk.FilterContext, text string) (string, error) { return strings.ToUpper(text), nil })
func Filter[In, Out any](p *Plugin, name string, apply func(FilterContext, In) (Out, error), options ...FilterOptions) {
	what := fmt.Sprintf("Filter %q", name)
	switch {
	case apply == nil:
		misusef("%s: the function is nil", what)
	case !filterName.MatchString(name):
		misusef("%s: a name of the template language is a letter, then up to 63 letters, digits and _", what)
	}
	o := only(what, options)
	listed := &pluginv1.TemplateFilter{
		Id: name, Description: o.Description,
		InputSchemaJson: valueSchema(what, reflect.TypeFor[In]()), OutputSchemaJson: valueSchema(what, reflect.TypeFor[Out]()),
	}
	for _, a := range o.Arguments {
		listed.ArgumentSchemasJson = append(listed.ArgumentSchemasJson, valueSchema(what, reflect.TypeOf(a)))
	}
	for _, e := range o.Examples {
		listed.Examples = append(listed.Examples, &pluginv1.FilterExample{Description: e.Description, Example: e.Expression, Notes: e.Notes})
	}
	p.filters.add(p, "filter", name, filter{listed: listed, apply: func(c FilterContext, input []byte) (any, error) {
		var in In
		if err := decodeValue("the value", input, &in); err != nil {
			return nil, err
		}
		return apply(c, in)
	}})
}

var filterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// FilterOptions say more about a filter.
type FilterOptions struct {
	Description string
	// Arguments are values of the types of the arguments, in order, to document them: []any{"", 0}.
	Arguments []any
	Examples  []FilterExample
}

// FilterExample shows an expression of a template, such as "${{ parameters.name | shout }}".
type FilterExample struct{ Description, Expression, Notes string }

// FilterContext is one use of a filter. It is a [context.Context] that ends when the result is not wanted any more.
type FilterContext struct {
	context.Context //nolint:containedctx // it is the context of this one call, and ends with it

	// Arguments are what the template gave in parentheses, as JSON.
	Arguments []json.RawMessage
}

// Argument decodes the argument of that index, from 0. Into stays as it is when the template gave none, or null.
func (c FilterContext) Argument(i int, into any) error {
	if i >= len(c.Arguments) {
		return nil
	}
	return decodeValue(fmt.Sprintf("argument %d", i+1), c.Arguments[i], into)
}

func decodeValue(what string, data []byte, into any) error {
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %s: %w", what, decodeProblem(err).GetSummary(), ErrInput)
	}
	return nil
}

type filter struct {
	listed *pluginv1.TemplateFilter
	apply  func(c FilterContext, input []byte) (any, error)
}

type filterServer struct {
	pluginv1.UnimplementedTemplateFiltersServiceServer

	p *Plugin
}

func (s filterServer) ListFilters(context.Context, *pluginv1.ListFiltersRequest) (*pluginv1.ListFiltersResponse, error) {
	out := &pluginv1.ListFiltersResponse{}
	for _, name := range s.p.filters.names {
		out.Filters = append(out.Filters, s.p.filters.byName[name].listed)
	}
	return out, nil
}

func (s filterServer) CallFilters(ctx context.Context, req *pluginv1.CallFiltersRequest) (*pluginv1.CallFiltersResponse, error) {
	out := &pluginv1.CallFiltersResponse{}
	for _, call := range req.GetCalls() {
		f, err := s.p.filters.get("filter", call.GetFilter())
		if err != nil {
			return nil, err
		}
		out.Results = append(out.Results, s.one(ctx, f, call))
	}
	return out, nil
}

func (s filterServer) one(ctx context.Context, f filter, call *pluginv1.FilterCall) *pluginv1.FilterResult {
	c := FilterContext{Context: ctx}
	for _, a := range call.GetArgumentsJson() {
		c.Arguments = append(c.Arguments, a)
	}
	var data []byte
	err := s.p.guard(ctx, "Filter "+call.GetFilter(), func() error {
		result, err := f.apply(c, call.GetInputJson())
		if err == nil {
			data, err = json.Marshal(result)
		}
		if err == nil {
			err = small(data)
		}
		return err
	})
	if err != nil {
		problems := s.p.secrets.diagnostics([]*pluginv1.Diagnostic{rpcerror.Diagnose(err)})
		return &pluginv1.FilterResult{Outcome: &pluginv1.FilterResult_Error{Error: problems[0]}}
	}
	return &pluginv1.FilterResult{Outcome: &pluginv1.FilterResult_ValueJson{ValueJson: data}}
}

var _ pluginv1.TemplateFiltersServiceServer = filterServer{}
