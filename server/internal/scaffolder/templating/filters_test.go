package templating

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

type call = func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error)

func withFilters(byID map[string]call) Options {
	return Options{VMs: 1, Filters: func() (all []Filter) {
		for id, c := range byID {
			all = append(all, Filter{ID: id, Description: "says " + id, Schema: raw(`{"input":{}}`), Call: c})
		}
		return all
	}}
}

func TestFilters_OfPluginsTakeAndGiveData(t *testing.T) {
	e := newEngine(t, withFilters(map[string]call{
		"echo": func(_ context.Context, input json.RawMessage, arguments []json.RawMessage) (json.RawMessage, error) {
			return json.Marshal(append([]json.RawMessage{input}, arguments...))
		},
		"nothing": func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error) { return nil, nil },
		"wrong": func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error) {
			return raw(`{`), nil
		},
		"fails": func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error) {
			return nil, errors.New("no such ship")
		},
		"not-a-name": func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error) {
			return raw(`1`), nil
		},
		"pick": func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error) {
			return raw(`"own"`), nil
		},
	}))
	s := Scope{Variables: raw(`{"a":{"b":[1,null,"x"]}}`)}
	for template, want := range map[string]string{
		`"${{ a | echo(2, {c: 'd'}) }}"`: `[{"b":[1,null,"x"]},2,{"c":"d"}]`,
		`"${{ x | echo(y) }}"`:           `[null,null]`,
		`["${{ 1 | nothing }}"]`:         `[null]`,
		`"${{ 1 | wrong }}"`:             `"${{ 1 | wrong }}"`,
		`"${{ 1 | fails }}"`:             `"${{ 1 | fails }}"`,
		`"${{ 1 | pick('a') }}"`:         `"own"`,
	} {
		sameJSON(t, template, mustValue(t, e, template, s).Value, raw(want))
	}
	f, err := e.Files(context.Background(), nil, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Render(context.Background(), "${{ 1 | fails }}"); err == nil || !strings.HasSuffix(err.Error(), `Template filter "fails" failed: no such ship`) {
		t.Errorf("got %v", err)
	}
}

func TestFilters_ComeAndGoWhileTheEngineRuns(t *testing.T) {
	var filters []Filter
	e := newEngine(t, Options{VMs: 1, Filters: func() []Filter { return filters }})
	s := Scope{Variables: raw(`{"a":1}`)}
	say := func(text string) Filter {
		return Filter{ID: "say", Call: func(context.Context, json.RawMessage, []json.RawMessage) (json.RawMessage, error) {
			return json.Marshal(text)
		}}
	}
	for _, step := range []struct {
		filters []Filter
		want    string
	}{
		{nil, `"${{ a | say }}"`}, {[]Filter{say("one")}, `"one"`}, {[]Filter{say("two")}, `"two"`}, {nil, `"${{ a | say }}"`},
	} {
		filters = step.filters
		sameJSON(t, "value", mustValue(t, e, `"${{ a | say }}"`, s).Value, raw(step.want))
	}
}

func TestFilters_HaveADeadlineOfTheirOwnAndTheirTimeIsNotTheTemplates(t *testing.T) {
	o := withFilters(map[string]call{"wait": func(ctx context.Context, _ json.RawMessage, _ []json.RawMessage) (json.RawMessage, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	o.FilterTimeout, o.Timeout = 200*time.Millisecond, 150*time.Millisecond
	e := newEngine(t, o)
	sameJSON(t, "value", mustValue(t, e, `"${{ 1 | wait }}"`, Scope{}).Value, raw(`"${{ 1 | wait }}"`))

	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := e.Value(ctx, raw(`"${{ 1 | wait }}"`), Scope{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestExtensions_AreThoseOfTheReferenceAndThenThoseOfPlugins(t *testing.T) {
	e := sharedEngine(t)
	var got struct {
		Filters map[string]map[string]any
		Globals any
	}
	if err := json.Unmarshal(extensions(t, e), &got); err != nil {
		t.Fatal(err)
	}
	for _, f := range got.Filters {
		if f["examples"] == nil {
			t.Error("a filter has no example")
		}
		delete(f, "examples")
	}
	for _, c := range recordedCases(t, "scaffolder.api.jsonl") {
		var want any
		step := c.Steps[0]
		if !strings.HasSuffix(step.Request.Path, "/templating-extensions") || json.Unmarshal(step.Expect.Body, &want) != nil {
			continue
		}
		have := map[string]any{"/filters": asAny(t, got.Filters), "/globals": got.Globals}[step.Select]
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Why, diff)
		}
	}
	plugins := newEngine(t, withFilters(map[string]call{"shout": nil}))
	if text := string(extensions(t, plugins)); !strings.Contains(text, `"projectSlug":`) || !strings.Contains(text, `"shout":{"description":"says shout","schema":{"input":{}}}}`) {
		t.Errorf("with a plugin's filter: %s", text)
	}
}

func extensions(t *testing.T, e *Engine) json.RawMessage {
	t.Helper()
	data, err := e.Extensions()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func asAny(t *testing.T, value any) any { return decoded(t, marshal(t, value)) }

func TestExtensions_ExamplesRender(t *testing.T) {
	e := sharedEngine(t)
	data, err := os.ReadFile("filters.json")
	if err != nil {
		t.Fatal(err)
	}
	var filters []struct {
		ID       string
		Examples []struct{ Example string }
	}
	if err := json.Unmarshal(data, &filters); err != nil {
		t.Fatal(err)
	}
	s := Scope{Variables: raw(`{"parameters":{"owner":"group:pilots","repoUrl":"github.com?owner=harbour&repo=tugs"}}`)}
	for _, f := range filters {
		for _, example := range f.Examples {
			var steps []map[string]any
			if err := yaml.Unmarshal([]byte(example.Example), &steps); err != nil {
				t.Fatalf("%s: %v", f.ID, err)
			}
			if r := mustValue(t, e, string(marshal(t, steps)), s); strings.Contains(string(r.Value), "${{") {
				t.Errorf("%s: %s", f.ID, r.Value)
			}
		}
	}
}
