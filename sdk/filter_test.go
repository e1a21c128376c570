package sdk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
	"github.com/callboard/callboard/sdk/pluginv1"
)

type person struct {
	Name string `json:"name"`
}

func filters(t *testing.T) *plugintest.Harness {
	t.Helper()
	p := sdk.New("x")
	sdk.Filter(p, "shout", func(f sdk.FilterContext, text string) (string, error) {
		mark := "!"
		if err := f.Argument(0, &mark); err != nil {
			return "", err
		}
		return strings.ToUpper(text) + mark, nil
	})
	sdk.Filter(p, "names", func(_ sdk.FilterContext, people []person) ([]string, error) {
		var names []string
		for _, p := range people {
			names = append(names, p.Name)
		}
		return names, nil
	})
	sdk.Filter(p, "same", func(_ sdk.FilterContext, v any) (any, error) { return v, nil })
	sdk.Filter(p, "missing", func(_ sdk.FilterContext, s string) (string, error) {
		return "", fmt.Errorf("team %s: %w", s, sdk.ErrNotFound)
	})
	sdk.Filter(p, "panics", func(sdk.FilterContext, any) (any, error) { panic("oh") })
	sdk.Filter(p, "long", func(sdk.FilterContext, any) (string, error) { return strings.Repeat("x", 300<<10), nil })
	return plugintest.Start(t, p)
}

func TestFilter_TakesAValueAndArguments(t *testing.T) {
	h := filters(t)
	var text string
	for _, c := range []struct {
		arguments []any
		want      string
	}{{nil, "HI!"}, {[]any{"?"}, "HI?"}, {[]any{nil}, "HI!"}, {[]any{"?", 5}, "HI?"}} {
		if err := h.Filter("shout", &text, "hi", c.arguments...); err != nil || text != c.want {
			t.Errorf("%v: %q, %v", c.arguments, text, err)
		}
	}
	var names []string
	if err := h.Filter("names", &names, []person{{"ann"}, {"bob"}}); err != nil || strings.Join(names, " ") != "ann bob" {
		t.Error(names, err)
	}
	var same any
	if err := h.Filter("same", &same, map[string]any{"a": []any{1.0, nil}}); err != nil || fmt.Sprint(same) != "map[a:[1 <nil>]]" {
		t.Error(same, err)
	}
}

func TestFilter_ErrorsAreForTheAuthorOfTheTemplate(t *testing.T) {
	h := filters(t)
	var into any
	for _, c := range []struct {
		filter    string
		value     any
		arguments []any
		want      string
	}{
		{"shout", 5, nil, "the value: "},
		{"shout", "hi", []any{5}, "argument 1: "},
		{"missing", "web", nil, "team web"},
		{"panics", "x", nil, "panicked: oh"},
		{"long", "x", nil, "at most"},
	} {
		if err := h.Filter(c.filter, &into, c.value, c.arguments...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.filter, err)
		}
	}
	if err := h.Filter("nope", &into, "x"); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
}

func TestFilter_OneThatFailsLeavesTheOthersOfItsCall(t *testing.T) {
	h := filters(t)
	res, err := pluginv1.NewTemplateFiltersServiceClient(h.Conn()).CallFilters(t.Context(), &pluginv1.CallFiltersRequest{Calls: []*pluginv1.FilterCall{
		{Filter: "panics", InputJson: []byte(`1`)}, {Filter: "shout", InputJson: []byte(`"a"`)}, {Filter: "shout"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := res.GetResults()
	if len(r) != 3 || r[0].GetError() == nil || string(r[1].GetValueJson()) != `"A!"` || string(r[2].GetValueJson()) != `"!"` {
		t.Errorf("%v", r)
	}
}

func TestFilter_MistakesInItsRegistrationAreFoundAtTheStart(t *testing.T) {
	same := func(_ sdk.FilterContext, v string) (string, error) { return v, nil }
	for want, register := range map[string]func(p *sdk.Plugin){
		"the function is nil":         func(p *sdk.Plugin) { sdk.Filter[string, string](p, "f", nil) },
		"a name of the template lang": func(p *sdk.Plugin) { sdk.Filter(p, "x:f", same) },
		"is registered twice":         func(p *sdk.Plugin) { sdk.Filter(p, "f", same); sdk.Filter(p, "f", same) },
		"has no JSON Schema": func(p *sdk.Plugin) {
			sdk.Filter(p, "f", func(_ sdk.FilterContext, _ chan int) (string, error) { return "", nil })
		},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
					t.Errorf("%q, want %q", text, want)
				}
			}()
			register(sdk.New("x"))
		}()
	}
}
