package widget

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/principal"
)

// asking is a form whose answer a test says.
type asking struct {
	*scripted

	sent   []Submission
	submit func(context.Context, Submission) (Result, error)
}

func (a *asking) Submit(ctx context.Context, s Submission) (Result, error) {
	a.sent = append(a.sent, s)
	return a.submit(ctx, s)
}

const orderSchema = `{"type":"object","properties":{
	"plan":{"type":"string","enum":["bronze","gold"],"title":"Plan"},
	"days":{"type":"integer","minimum":1,"maximum":365,"default":30},
	"sure":{"type":"boolean"},
	"tags":{"type":"array","items":{"type":"string","enum":["a","b"]}},
	"note":{"type":"string","maxLength":5}},
	"required":["plan"],"additionalProperties":false}`

// form is a rig with a form "cost/order" for components.
func form(t *testing.T, change ...func(*Description)) (*rig, *asking, *Engine) {
	t.Helper()
	applies, err := ParseAppliesTo("kind:component")
	if err != nil {
		t.Fatal(err)
	}
	w := &asking{scripted: &scripted{d: Description{ID: "cost/order", Title: "Order <b>", View: Form, AppliesTo: applies, Submits: true, ArgsSchema: json.RawMessage(orderSchema)}}}
	for _, f := range change {
		f(&w.d)
	}
	w.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, nil }
	w.submit = func(context.Context, Submission) (Result, error) { return Result{Message: "Ordered."}, nil }
	r := start(t, nil)
	if err := r.engine.Registry.Set("forms", []Widget{w}); err != nil {
		t.Fatal(err)
	}
	return r, w, r.engine
}

var (
	ann     = &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}
	ordered = Request{ID: "cost/order", Entity: "component:default/shop", Args: json.RawMessage(`{"plan":"gold"}`), Locale: "de", TimeZone: "Europe/Berlin"}
)

func TestSubmit_HandsOverWhatWasFilledIn(t *testing.T) {
	_, w, e := form(t)
	r, err := e.Submit(t.Context(), ann, ordered, "once")
	if err != nil || r.Message != "Ordered." {
		t.Fatal(r, err)
	}
	s := w.sent[0]
	if s.Key != "once" || s.By != ann || s.Entity.Name() != "shop" || string(s.Args) != `{"plan":"gold"}` || s.Locale != "de" || s.TimeZone != "Europe/Berlin" {
		t.Errorf("%+v", s)
	}
	if _, err := e.Submit(t.Context(), ann, ordered, ""); err != nil || w.sent[1].Key == "" {
		t.Errorf("without a key: %+v, %v", w.sent[1], err)
	}
}

func TestSubmit_IsRefusedBeforeTheWidgetIsAsked(t *testing.T) {
	r, w, e := form(t, func(d *Description) { d.Permission = "cost.read" })
	r.widget.d.Submits = false
	with := func(change func(*Request)) Request {
		out := ordered
		change(&out)
		return out
	}
	page := func(features ...string) *principal.Embed {
		return &principal.Embed{Widgets: []string{"*"}, Entities: []string{"*"}, Features: features}
	}
	for name, c := range map[string]struct {
		p    *principal.Principal
		r    Request
		key  string
		want apierror.Name
	}{
		"nobody":                          {principal.Nobody, ordered, "", apierror.Authentication},
		"a token for reading":             {&principal.Principal{Kind: principal.User, Subject: "user:default/ann", Limited: true}, ordered, "", apierror.NotAllowed},
		"a page without forms":            {&principal.Principal{Kind: principal.User, Subject: "user:default/ann", Embed: page("export")}, ordered, "", apierror.NotAllowed},
		"a page without a viewer":         {&principal.Principal{Kind: principal.Service, Subject: "external:portal", Embed: page("forms")}, ordered, "", apierror.NotAllowed},
		"an entity that cannot be seen":   {ann, with(func(r *Request) { r.Entity = "component:default/vault" }), "", apierror.NotFound},
		"an entity of another kind":       {ann, with(func(r *Request) { r.Entity = "user:default/shop" }), "", apierror.Input},
		"no entity":                       {ann, with(func(r *Request) { r.Entity = "" }), "", apierror.Input},
		"no such widget":                  {ann, with(func(r *Request) { r.ID = "cost/none" }), "", apierror.NotFound},
		"a widget that takes nothing":     {ann, with(func(r *Request) { r.ID = "cost/spend" }), "", apierror.Input},
		"a key of other characters":       {ann, ordered, "ä", apierror.Input},
		"a key that is too long":          {ann, ordered, strings.Repeat("k", 256), apierror.Input},
		"what is no object":               {ann, with(func(r *Request) { r.Args = json.RawMessage(`[]`) }), "", apierror.Input},
		"more than may be filled in":      {ann, with(func(r *Request) { r.Args = json.RawMessage(`{"note":"` + strings.Repeat("x", maxArgs) + `"}`) }), "", apierror.Input},
		"a field that is not filled in":   {ann, with(func(r *Request) { r.Args = nil }), "", apierror.Input},
		"a field that is not in the form": {ann, with(func(r *Request) { r.Args = json.RawMessage(`{"plan":"gold","x":1}`) }), "", apierror.Input},
	} {
		if _, err := e.Submit(t.Context(), c.p, c.r, c.key); !apierror.Has(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	viewer := &principal.Principal{Kind: principal.User, Subject: "user:default/ann", Embed: page("forms")}
	for name, narrow := range map[string]func(*principal.Embed){
		"of another widget": func(e *principal.Embed) { e.Widgets = []string{"cost/spend"} },
		"of another entity": func(e *principal.Embed) { e.Entities = []string{"component:default/till"} },
		"of another plan":   func(e *principal.Embed) { e.Args = map[string]json.RawMessage{"plan": json.RawMessage(`"bronze"`)} },
	} {
		viewer.Embed = page("forms")
		narrow(viewer.Embed)
		if _, err := e.Submit(t.Context(), viewer, ordered, ""); !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("a page %s: %v", name, err)
		}
	}
	viewer.Embed = page("forms")
	if _, err := e.Submit(t.Context(), viewer, ordered, ""); err != nil || w.sent[0].By != viewer {
		t.Errorf("a page for its viewer: %v", err)
	}
	w.sent = nil
	r.denied.Store(true)
	if _, err := e.Submit(t.Context(), ann, ordered, ""); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("without the permission: %v", err)
	}
	if len(w.sent) != 0 {
		t.Errorf("the widget was asked: %+v", w.sent)
	}
}

func TestSubmit_NamesEachFieldThatIsWrong(t *testing.T) {
	_, w, e := form(t)
	wrong := func(args string) map[string]string {
		r := ordered
		r.Args = json.RawMessage(args)
		_, err := e.Submit(t.Context(), ann, r, "")
		failed, ok := errors.AsType[*apierror.Error](err)
		if !ok || failed.Name != apierror.Input {
			t.Fatalf("%s: %v", args, err)
		}
		found, _ := failed.Fields["fieldErrors"].(map[string]string)
		for field, text := range found {
			if field != "" && !strings.Contains(failed.Message, field+": "+text) {
				t.Errorf("the message %q leaves out %s: %s", failed.Message, field, text)
			}
		}
		return found
	}
	for args, want := range map[string]map[string]string{
		`{}`:                         {"plan": "must be filled in"},
		`{"plan":"iron"}`:            {"plan": "must be one of bronze, gold"},
		`{"days":0,"note":"123456"}`: {"plan": "must be filled in", "days": "must be at least 1", "note": "must have at most 5 characters"},
		`{"plan":"gold","days":"x","sure":1,"tags":["c"]}`: {"days": "must be a whole number", "sure": "must be yes or no", "tags": "must be one of a, b"},
		`{"plan":"gold","days":400,"<b>":1}`:               {"days": "must be at most 365", "<b>": "is not known"},
	} {
		if got := wrong(args); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", args, got, want)
		}
	}
	if len(w.sent) != 0 {
		t.Error("the widget was asked")
	}
	w.submit = func(context.Context, Submission) (Result, error) {
		return Result{FieldErrors: map[string]string{"plan": "is sold out", "": "come back tomorrow"}}, nil
	}
	if got := wrong(`{"plan":"gold"}`); got["plan"] != "is sold out" || got[""] != "come back tomorrow" {
		t.Errorf("what the widget says: %v", got)
	}
}

func TestSubmit_KeepsErrorsAndOutlivesAPanic(t *testing.T) {
	_, w, e := form(t)
	w.submit = func(context.Context, Submission) (Result, error) {
		return Result{}, apierror.Conflictf("it is on its way")
	}
	if _, err := e.Submit(t.Context(), ann, ordered, ""); !apierror.Has(err, apierror.Conflict) {
		t.Error(err)
	}
	w.submit = func(context.Context, Submission) (Result, error) { panic("no") }
	if _, err := e.Submit(t.Context(), ann, ordered, ""); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
}

func TestSubmit_HasTheAnswersAboutTheEntityAskedAnew(t *testing.T) {
	r, w, e := form(t)
	ask := func(id ID, ref string) int64 {
		if _, err := e.Data(t.Context(), ann, Request{ID: id, Entity: ref}); err != nil {
			t.Fatal(err)
		}
		return r.widget.asked.Load()
	}
	for range 2 {
		if ask("cost/spend", "component:default/shop") != 1 {
			t.Fatal("answers are not kept at all")
		}
	}
	if _, err := e.Submit(t.Context(), ann, ordered, ""); err != nil {
		t.Fatal(err)
	}
	if ask("cost/spend", "component:default/shop") != 2 {
		t.Error("what was answered before the form was sent is still shown")
	}
	// An answer that is on its way when a form is sent may be from before it.
	r.advance(2 * refreshOf(r.widget.d))
	r.widget.answer = func(ctx context.Context, _ Query) ([]*frame.Frame, error) {
		_, err := e.Submit(ctx, ann, ordered, "")
		return nil, err
	}
	ask("cost/spend", "component:default/shop")
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, nil }
	if ask("cost/spend", "component:default/shop") != 4 {
		t.Error("an answer that a form overtook is kept")
	}
	if len(w.sent) != 2 {
		t.Errorf("the form was sent %d times", len(w.sent))
	}
}

func TestForm_IsShownBeforeItIsComplete(t *testing.T) {
	_, w, e := form(t)
	for args, good := range map[string]bool{`{}`: true, `{"days":30}`: true, `{"days":0}`: false, `{"x":1}`: false} {
		r := Request{ID: "cost/order", Entity: "component:default/shop", Args: json.RawMessage(args)}
		if _, err := e.Data(t.Context(), ann, r); (err == nil) != good {
			t.Errorf("%s: %v", args, err)
		}
	}
	if w.asked.Load() != 2 {
		t.Error("it was not asked for what it needs")
	}
}
