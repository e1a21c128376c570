package sdk_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
)

type orderArgs struct {
	Plan string   `json:"plan" enum:"bronze,gold"`
	Days int      `json:"days" default:"30" min:"1" max:"365"`
	Tags []string `json:"tags,omitempty"`
	Note string   `json:"note,omitempty" max:"10"`
}

// ordering is a plugin with a form that answers what a test says.
func ordering(t *testing.T, submit func(context.Context, sdk.WidgetQuery) (sdk.WidgetResult, error)) *plugintest.Harness {
	t.Helper()
	p := sdk.New("shop")
	p.Widget(sdk.Widget{ID: "order", Title: "Order", View: sdk.ViewForm, Args: orderArgs{}, Submit: submit, Data: func(_ context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
		a, err := sdk.FilledArgs[orderArgs](q)
		if err != nil {
			return nil, err
		}
		return sdk.Choices("tags", sdk.Choice{Value: "a", Label: "After " + a.Plan}, sdk.Choice{Value: "b"}), nil
	}})
	p.Widget(sdk.Widget{ID: "press", Title: "Press", View: sdk.ViewForm, Submit: submit})
	p.Widget(sdk.Widget{ID: "stat", Title: "Stat", View: sdk.ViewStat, Data: func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) { return nil, nil }})
	return plugintest.Start(t, p)
}

func TestForm_IsSubmittedInTheNameOfTheSender(t *testing.T) {
	var got sdk.WidgetQuery
	var who sdk.Caller
	h := ordering(t, func(ctx context.Context, q sdk.WidgetQuery) (sdk.WidgetResult, error) {
		got, who = q, sdk.Principal(ctx)
		return sdk.WidgetResult{Message: "Ordered.", Secret: true, Next: &sdk.WidgetLink{Title: "Orders", URL: "/orders"},
			Frames: []*frame.Frame{frame.New("key", frame.Strings("secret", "k1"))}}, nil
	})
	shop := plugintest.Component("shop")
	s := h.SubmitWidget("order", sdk.WidgetQuery{Entity: shop, Locale: "de", TimeZone: "Europe/Berlin", IdempotencyKey: "once"},
		map[string]any{"plan": "gold", "tags": []string{"a"}}, plugintest.As("user:default/ann", "group:default/shop"))
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	if s.Message != "Ordered." || !s.Secret || s.Next.URL != "/orders" || s.Frames[0].Column("secret").Values[0] != "k1" {
		t.Errorf("%+v", s)
	}
	if got.User != "user:default/ann" || got.Entity.Name() != "shop" || got.IdempotencyKey != "once" || got.Locale != "de" || got.TimeZone != "Europe/Berlin" {
		t.Errorf("%+v", got)
	}
	if args, err := sdk.WidgetArgs[orderArgs](got); err != nil || args.Days != 30 || args.Plan != "gold" {
		t.Errorf("%+v, %v", args, err)
	}
	if !who.IsUser() || who.UserToken() != plugintest.UserToken("user:default/ann") || !slices.Equal(who.OwnershipRefs, []string{"user:default/ann", "group:default/shop"}) {
		t.Errorf("%+v", who)
	}
	h.SubmitWidget("order", sdk.WidgetQuery{}, map[string]any{"plan": "gold"}, plugintest.As("external:ci"))
	if got.User != "" || !who.IsService() {
		t.Errorf("a service: %+v, %q", who, got.User)
	}
}

func TestForm_SaysWhatIsWrongByField(t *testing.T) {
	called := 0
	h := ordering(t, func(context.Context, sdk.WidgetQuery) (sdk.WidgetResult, error) {
		called++
		return sdk.WidgetResult{FieldErrors: map[string]string{"plan": "gold is sold out", "": "come back tomorrow"}}, nil
	})
	ann := plugintest.As("user:default/ann")
	s := h.SubmitWidget("order", sdk.WidgetQuery{}, map[string]any{"days": 0, "note": strings.Repeat("x", 11), "tags": []any{"a", 1}}, ann)
	want := map[string]string{"plan": "is missing", "days": "must be at least 1", "note": "must have at most 10 characters", "tags": "must be of type string"}
	if s.Err != nil || called != 0 || !maps.Equal(s.FieldErrors, want) {
		t.Errorf("called %d times, %v: %v, want %v", called, s.Err, s.FieldErrors, want)
	}
	s = h.SubmitWidget("order", sdk.WidgetQuery{}, map[string]any{"plan": "gold"}, ann)
	if s.Err != nil || called != 1 || s.FieldErrors["plan"] != "gold is sold out" || s.FieldErrors[""] == "" {
		t.Errorf("%+v", s)
	}
}

func TestForm_ShowsItsChoicesBeforeItIsComplete(t *testing.T) {
	h := ordering(t, done)
	run := h.QueryWidget("order", sdk.WidgetQuery{Args: []byte(`{"plan":"gold"}`)})
	if run.Err != nil || run.Frames[0].Name != "choices/tags" || !slices.Equal(run.Frames[0].Column("label").Values, []any{"After gold", "b"}) {
		t.Errorf("%+v", run)
	}
	if run := h.QueryWidget("order", sdk.WidgetQuery{}); run.Err != nil || len(run.Frames) != 1 {
		t.Errorf("nothing filled in: %+v", run)
	}
	if run := h.QueryWidget("order", sdk.WidgetQuery{Args: []byte(`{"days":"x"}`)}); !errors.Is(run.Err, sdk.ErrInput) {
		t.Errorf("%+v", run)
	}
	if run := h.QueryWidget("press", sdk.WidgetQuery{}); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("a form without data: %+v", run)
	}
}

func done(context.Context, sdk.WidgetQuery) (sdk.WidgetResult, error) {
	return sdk.WidgetResult{Message: "Done."}, nil
}

func TestForm_KeepsTheErrorsOfWhatMayNotBeDone(t *testing.T) {
	var answer sdk.WidgetResult
	var failure error
	h := ordering(t, func(context.Context, sdk.WidgetQuery) (sdk.WidgetResult, error) { return answer, failure })
	send := func(id string) *plugintest.Submission {
		return h.SubmitWidget(id, sdk.WidgetQuery{}, map[string]any{}, plugintest.As("user:default/ann"))
	}
	failure = sdk.ErrNotAllowed
	if s := send("press"); !errors.Is(s.Err, sdk.ErrNotAllowed) {
		t.Errorf("%+v", s)
	}
	failure = nil
	for part, wrong := range map[string]sdk.WidgetResult{
		"no message":                    {},
		"needs a title, and an address": {Message: "m", Next: &sdk.WidgetLink{Title: "x", URL: "javascript:alert(1)"}},
		"more than":                     {Message: "m", Frames: []*frame.Frame{frame.New("long", frame.Strings("s", long(20)...))}},
		`column "link"`:                 {Message: "m", Frames: []*frame.Frame{frame.New("f", frame.URLs("link", "nowhere"))}},
	} {
		answer = wrong
		if s := send("press"); s.Err == nil || !strings.Contains(s.Err.Error(), part) {
			t.Errorf("%s: %+v", part, s.Err)
		}
	}
	if s := send("stat"); !errors.Is(s.Err, sdk.ErrNotImplemented) || !strings.Contains(s.Err.Error(), "stat takes no input") {
		t.Errorf("%+v", s)
	}
	if s := send("none"); !errors.Is(s.Err, sdk.ErrNotFound) {
		t.Errorf("%+v", s)
	}
}

func long(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = strings.Repeat("x", 16<<10)
	}
	return texts
}
