package caps

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/scaffolder/filter"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// filterService serves one filter by a function.
type filterService struct {
	pluginv1.UnimplementedTemplateFiltersServiceServer

	listed []*pluginv1.TemplateFilter
	answer func(ctx context.Context, c *pluginv1.FilterCall) []*pluginv1.FilterResult
}

func (f *filterService) register(s *grpc.Server) {
	pluginv1.RegisterTemplateFiltersServiceServer(s, f)
}

func (f *filterService) ListFilters(context.Context, *pluginv1.ListFiltersRequest) (*pluginv1.ListFiltersResponse, error) {
	return &pluginv1.ListFiltersResponse{Filters: f.listed}, nil
}

func (f *filterService) CallFilters(ctx context.Context, r *pluginv1.CallFiltersRequest) (*pluginv1.CallFiltersResponse, error) {
	return &pluginv1.CallFiltersResponse{Results: f.answer(ctx, r.GetCalls()[0])}, nil
}

func result(data string) []*pluginv1.FilterResult {
	return []*pluginv1.FilterResult{{Outcome: &pluginv1.FilterResult_ValueJson{ValueJson: []byte(data)}}}
}

// filtering announces a plugin with the filter "shout" and waits until it is registered.
func filtering(t *testing.T, s *filterService, limits Limits) (*filter.Registry, *switchboard) {
	t.Helper()
	if s.listed == nil {
		s.listed = []*pluginv1.TemplateFilter{{Id: "shout"}}
	}
	registry := filter.NewRegistry()
	o := options("1")
	o.Limits = limits
	plugin := one(NewClient(serve(t, s.register), o))
	announce(t, Filters(registry, often()), plugin, func(p *manifest.Provides) { p.Scaffolder.Filters = []string{"shout"} })
	eventually(t, "the filter is registered", func() bool { return len(registry.List()) == 1 })
	return registry, plugin
}

func TestFilters_TellWhatTheyAre(t *testing.T) {
	registry, _ := filtering(t, &filterService{listed: []*pluginv1.TemplateFilter{{
		Id: "shout", Description: "Shouts", InputSchemaJson: `{"type":"string"}`, ArgumentSchemasJson: []string{"", `{"type":"integer"}`},
		Examples: []*pluginv1.FilterExample{{Description: "D", Example: "${{ 'a' | shout }}", Notes: "N"}},
	}}}, Limits{})
	f := registry.List()[0]
	if f.Description != "Shouts" || string(f.Schema) != `{"input":{"type":"string"},"arguments":[{},{"type":"integer"}]}` ||
		string(f.Examples) != `[{"description":"D","example":"${{ 'a' | shout }}","notes":"N"}]` {
		t.Errorf("%s\n%s", f.Schema, f.Examples)
	}
}

func TestFilters_AreWhatTemplatesCall(t *testing.T) {
	registry, plugin := filtering(t, &filterService{answer: func(_ context.Context, c *pluginv1.FilterCall) []*pluginv1.FilterResult {
		var text string
		if json.Unmarshal(c.GetInputJson(), &text) != nil {
			return []*pluginv1.FilterResult{{Outcome: &pluginv1.FilterResult_Error{Error: &pluginv1.Diagnostic{Code: "InputError", Summary: "it is no text", Detail: "say a word"}}}}
		}
		if text == "" {
			return result("")
		}
		mark := "!"
		for _, a := range c.GetArgumentsJson() {
			mark += string(a)
		}
		return result(`"` + strings.ToUpper(text) + mark + `"`)
	}}, Limits{})
	engine, err := templating.New(templating.Options{VMs: 1, Filters: registry.List})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	render := func(template string) string {
		t.Helper()
		data, err := json.Marshal(map[string]string{"v": template})
		if err != nil {
			t.Fatal(err)
		}
		out, err := engine.Value(t.Context(), data, templating.Scope{Variables: json.RawMessage(`{"name":"ann"}`)})
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Value)
	}
	for template, want := range map[string]string{
		"${{ name | shout }}":           `{"v":"ANN!"}`,
		"a ${{ name | shout(1, [2]) }}": `{"v":"a ANN!1[2]"}`,
		"${{ '' | shout }}":             `{}`,
		"${{ 5 | shout }}":              `{"v":"${{ 5 | shout }}"}`,
	} {
		if got := render(template); got != want {
			t.Errorf("%s: %s", template, got)
		}
	}
	files, err := engine.Files(t.Context(), json.RawMessage(`{"values":{"n":5}}`), templating.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if _, err := files.Render(t.Context(), "${{ values.n | shout }}"); err == nil || !strings.Contains(err.Error(), "The template filter shout of plugin hello: it is no text (say a word)") {
		t.Errorf("in a file: %v", err)
	}
	for _, name := range filter.Reserved() {
		if name == "jsonify" { // of cookiecutter's templates alone
			continue
		}
		const unknown = "Unknown template filter"
		if _, err := files.Render(t.Context(), "${{ 'x' | "+name+" }}"); err != nil && strings.Contains(err.Error(), unknown) {
			t.Errorf("%s is kept for the language, which does not have it: %v", name, err)
		}
		if _, err := files.Render(t.Context(), "${{ 'x' | "+name+"_ }}"); err == nil || !strings.Contains(err.Error(), unknown) {
			t.Errorf("%s_: %v", name, err)
		}
	}
	plugin.set(true)
	if got := render("${{ name | shout }}"); got != `{"v":"${{ name | shout }}"}` {
		t.Errorf("of a plugin that is away: %s", got)
	}
	if _, err := files.Render(t.Context(), "${{ 'x' | shout }}"); err == nil || !strings.Contains(err.Error(), "hello") {
		t.Errorf("in a file, of a plugin that is away: %v", err)
	}
}

func TestFilters_WhatBreaksTheRulesIsAnError(t *testing.T) {
	for _, c := range []struct {
		name, want string
		limits     Limits
		input      string
		answer     func(ctx context.Context, c *pluginv1.FilterCall) []*pluginv1.FilterResult
	}{
		{"no JSON", "a result that is no JSON", Limits{}, `1`, func(context.Context, *pluginv1.FilterCall) []*pluginv1.FilterResult { return result("{") }},
		{"too deep", "a result that is no JSON", Limits{}, `1`, func(context.Context, *pluginv1.FilterCall) []*pluginv1.FilterResult {
			return result(strings.Repeat("[", 200) + strings.Repeat("]", 200))
		}},
		{"too long", "at most 64 are allowed", Limits{FilterBytes: 64}, `1`, func(context.Context, *pluginv1.FilterCall) []*pluginv1.FilterResult {
			return result(`"` + strings.Repeat("x", 64) + `"`)
		}},
		{"too much given", "takes values of at most 64 bytes", Limits{FilterBytes: 64}, `"` + strings.Repeat("x", 64) + `"`, nil},
		{"nothing", "a result with nothing in it", Limits{}, `1`, func(context.Context, *pluginv1.FilterCall) []*pluginv1.FilterResult {
			return []*pluginv1.FilterResult{{}}
		}},
		{"several", "2 results for one call", Limits{}, `1`, func(context.Context, *pluginv1.FilterCall) []*pluginv1.FilterResult {
			return append(result(`1`), result(`2`)...)
		}},
		{"none", "0 results for one call", Limits{}, `1`, func(context.Context, *pluginv1.FilterCall) []*pluginv1.FilterResult { return nil }},
		{"late", "did not answer CallFilters shout within 10ms", Limits{Filter: 10 * time.Millisecond}, `1`, func(ctx context.Context, _ *pluginv1.FilterCall) []*pluginv1.FilterResult {
			<-ctx.Done()
			time.Sleep(200 * time.Millisecond) // the caller's own clock is later than the plugin's on a busy machine
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			registry, _ := filtering(t, &filterService{answer: c.answer}, c.limits)
			if _, err := registry.List()[0].Call(t.Context(), json.RawMessage(c.input), nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFilters_APluginCannotListWhatItMustNot(t *testing.T) {
	for want, listed := range map[string]*pluginv1.TemplateFilter{
		`"other" is not in the manifest`: {Id: "other"},
		"an input schema that is no":     {Id: "shout", InputSchemaJson: `[]`},
		"an output schema that is no":    {Id: "shout", OutputSchemaJson: `1`},
		"the schema of an argument":      {Id: "shout", ArgumentSchemasJson: []string{"{"}},
	} {
		s := &filterService{listed: []*pluginv1.TemplateFilter{listed}}
		_, err := listFilters(t.Context(), NewClient(serve(t, s.register), options("1")), one(nil), []string{"shout"})
		if output, ok := errors.AsType[*OutputError](err); !ok || !strings.Contains(output.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestFilters_GoWithTheirPlugin(t *testing.T) {
	registry := filter.NewRegistry()
	s := &filterService{listed: []*pluginv1.TemplateFilter{{Id: "shout"}}}
	i := Filters(registry, often())
	announce(t, i, one(NewClient(serve(t, s.register), options("1"))), func(p *manifest.Provides) { p.Scaffolder.Filters = []string{"shout"} })
	eventually(t, "the filter is registered", func() bool { return len(registry.List()) == 1 })
	if err := registry.Set("other", []templating.Filter{{ID: "shout"}}); !apierror.Has(err, apierror.Conflict) {
		t.Errorf("another source took it: %v", err)
	}
	if err := i.Withdraw(t.Context(), "hello", false); err != nil || len(registry.List()) != 0 {
		t.Errorf("%d are left, %v", len(registry.List()), err)
	}
}
