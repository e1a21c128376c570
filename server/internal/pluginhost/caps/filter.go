package caps

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/scaffolder/filter"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// Filters brings plugins' template filters into a registry, under the source "plugin:<id>". While a plugin is away its
// filters are known, and fail the templates that use them.
func Filters(registry *filter.Registry, o ImporterOptions) *Importer {
	i := newImporter("template filters", o)
	i.announced = func(p manifest.Provides) []string { return p.Scaffolder.Filters }
	i.meet = func(ctx context.Context, c *Client, s Source, promised []string) error {
		list, err := listFilters(ctx, c, s, promised)
		if err != nil {
			return err
		}
		return registry.Set(sourceOf(c.plugin), list)
	}
	i.remove = func(id manifest.ID) { registry.Remove(sourceOf(id)) }
	return i
}

func listFilters(ctx context.Context, c *Client, s Source, promised []string) ([]templating.Filter, error) {
	const call = "ListFilters"
	answer, err := unary(ctx, c, call, c.limits.Quick, pluginv1.NewTemplateFiltersServiceClient(c.conn).ListFilters, &pluginv1.ListFiltersRequest{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(answer.GetFilters()))
	list := make([]templating.Filter, len(answer.GetFilters()))
	for i, f := range answer.GetFilters() {
		ids[i] = f.GetId()
		if list[i], err = readFilter(f); err != nil {
			return nil, c.wrong(call, "%s: %s", excerpt.Short(f.GetId()), err)
		}
		list[i].Call = remoteFilter{s, f.GetId()}.call
	}
	return list, c.listed(call, ids, promised)
}

// filterSchema is what clients read about a filter's types.
type filterSchema struct {
	Input     json.RawMessage   `json:"input,omitempty"`
	Arguments []json.RawMessage `json:"arguments,omitempty"`
	Output    json.RawMessage   `json:"output,omitempty"`
}

type filterExample struct {
	Description string `json:"description,omitempty"`
	Example     string `json:"example"`
	Notes       string `json:"notes,omitempty"`
}

// Limits of what a filter says about itself.
const (
	maxFilterArguments = 32
	maxFilterExamples  = 50
	maxFilterText      = 4000
)

func readFilter(f *pluginv1.TemplateFilter) (templating.Filter, error) {
	read := templating.Filter{ID: f.GetId(), Description: excerpt.Of(f.GetDescription(), maxFilterText)}
	var schema filterSchema
	var err error
	if schema.Input, err = readObject("an input schema", []byte(f.GetInputSchemaJson()), maxSchema); err != nil {
		return read, err
	}
	if schema.Output, err = readObject("an output schema", []byte(f.GetOutputSchemaJson()), maxSchema); err != nil {
		return read, err
	}
	for _, text := range f.GetArgumentSchemasJson()[:min(len(f.GetArgumentSchemasJson()), maxFilterArguments)] {
		argument, err := readObject("the schema of an argument", []byte(text), maxSchema)
		if err != nil {
			return read, err
		}
		if argument == nil {
			argument = json.RawMessage(`{}`)
		}
		schema.Arguments = append(schema.Arguments, argument)
	}
	if schema.Input != nil || schema.Output != nil || schema.Arguments != nil {
		if read.Schema, err = json.Marshal(schema); err != nil {
			return read, err
		}
	}
	var examples []filterExample
	for _, e := range f.GetExamples()[:min(len(f.GetExamples()), maxFilterExamples)] {
		examples = append(examples, filterExample{excerpt.Of(e.GetDescription(), maxFilterText), excerpt.Of(e.GetExample(), maxFilterText), excerpt.Of(e.GetNotes(), maxFilterText)})
	}
	if examples != nil {
		read.Examples, err = json.Marshal(examples)
	}
	return read, err
}

// remoteFilter is a template filter of a plugin.
type remoteFilter struct {
	source Source
	id     string
}

func (f remoteFilter) call(ctx context.Context, input json.RawMessage, arguments []json.RawMessage) (json.RawMessage, error) {
	c, err := f.source.Client(ctx)
	if err != nil {
		return nil, err
	}
	request := &pluginv1.FilterCall{Filter: f.id, InputJson: input}
	size := len(input)
	for _, a := range arguments {
		request.ArgumentsJson = append(request.ArgumentsJson, a)
		size += len(a)
	}
	if size > c.limits.FilterBytes || len(arguments) > maxFilterArguments {
		return nil, apierror.Inputf("The template filter %s takes values of at most %d bytes and %d arguments, these are %d bytes and %d arguments",
			f.id, c.limits.FilterBytes, maxFilterArguments, size, len(arguments))
	}
	name := "CallFilters " + f.id
	answer, err := unary(ctx, c, name, c.limits.Filter, pluginv1.NewTemplateFiltersServiceClient(c.conn).CallFilters,
		&pluginv1.CallFiltersRequest{Calls: []*pluginv1.FilterCall{request}})
	if err != nil {
		return nil, err
	}
	if len(answer.GetResults()) != 1 {
		return nil, c.wrong(name, "%d results for one call", len(answer.GetResults()))
	}
	return c.filtered(name, f.id, answer.GetResults()[0])
}

func (c *Client) filtered(call, id string, r *pluginv1.FilterResult) (json.RawMessage, error) {
	switch outcome := r.GetOutcome().(type) {
	case *pluginv1.FilterResult_Error:
		text := excerpt.Of(outcome.Error.GetSummary(), maxFilterText)
		if detail := outcome.Error.GetDetail(); detail != "" {
			text += " (" + excerpt.Of(detail, maxFilterText) + ")"
		}
		return nil, apierror.Inputf("The template filter %s of plugin %s: %s", id, c.plugin, text)
	case *pluginv1.FilterResult_ValueJson:
		if len(outcome.ValueJson) == 0 {
			return nil, nil // undefined
		}
		value, err := readValue("a result", outcome.ValueJson, c.limits.FilterBytes)
		if err != nil {
			return nil, c.wrong(call, "%s", err)
		}
		return value, nil
	}
	return nil, c.wrong(call, "a result with nothing in it")
}
