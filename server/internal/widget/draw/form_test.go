package draw_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

const everyField = `{"type":"object","properties":{
	"name":{"type":"string","title":"Name <b>","description":"What people call it","minLength":1,"maxLength":60,"pattern":"^[a-z]+$"},
	"plan":{"type":"string","title":"Plan"},
	"size":{"type":"string","enum":["s","m"],"default":"m"},
	"days":{"type":["null","integer"],"minimum":1,"maximum":365,"default":30},
	"rate":{"type":"number"},
	"until":{"type":"string","format":"date"},
	"mail":{"type":"string","format":"email"},
	"site":{"type":"string","format":"uri"},
	"reason":{"type":"string","maxLength":2000},
	"token":{"type":"string","writeOnly":true},
	"sure":{"type":"boolean","enum":[true],"title":"I am sure"},
	"quiet":{"type":"boolean"},
	"tags":{"type":"array","items":{"type":"string","enum":["a","b"]}},
	"hosts":{"type":"array","items":{"type":"string"}},
	"more":{"type":"object"},
	"odd":{"type":"string","pattern":"^[A-Z&&[^X]]$"}},
	"required":["name","plan","sure","tags"]}`

func everyForm(t *testing.T, change func(*draw.FormSpec)) string {
	t.Helper()
	s := draw.FormSpec{ID: "f", Action: "/api/widgets/v1/forms/shop/order", Button: "Order", Description: "Orders a plan", Schema: json.RawMessage(everyField),
		Hidden:  [][2]string{{"key", "k<1>"}},
		Values:  map[string]any{"reason": "one\n\n</textarea><script>alert(1)</script>", "token": "s3cret", "hosts": []any{"a.test", "b.test"}, "tags": []any{"b"}, "days": json.Number("7")},
		Choices: map[string][]draw.Choice{"plan": {{Value: "gold", Label: "Gold & more"}, {Value: "", Label: "None of them"}}}}
	if change != nil {
		change(&s)
	}
	out, err := draw.Form(s, draw.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wrongForm(t *testing.T) string {
	t.Helper()
	return everyForm(t, func(s *draw.FormSpec) {
		s.Errors = map[string]string{"": "Come back <tomorrow>", "name": "must be filled in", "tags": "must have at least 1 entries", "gone": "is not known"}
	})
}

func TestForm_IsAsItWasLookedAt(t *testing.T) {
	goldentest.Compare(t, "form.html", everyForm(t, nil))
	goldentest.Compare(t, "form-wrong.html", wrongForm(t))
	outcome := draw.Outcome{Message: "The key is there.\nKeep it.", Secret: true, Link: "/catalog/default/api/orders", LinkTitle: "Orders",
		Frames: []*frame.Frame{frame.New("key", frame.Strings("secret", "<k1>").Labeled("Key"), frame.Times("ends", start)), links()}}
	goldentest.Compare(t, "form-outcome.html", outcome.HTML(draw.Options{Language: language.German}, nil))
}

// parts are the elements of a fragment, in order.
func parts(t *testing.T, fragment string) (all []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(fragment))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestForm_TiesLabelsAndErrorsToItsFields(t *testing.T) {
	for _, fragment := range []string{everyForm(t, nil), wrongForm(t)} {
		ids, labelled := map[string]bool{}, map[string]bool{}
		all := parts(t, fragment)
		for _, n := range all {
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("the id %s is there twice", id)
				}
				ids[id] = true
			}
			if n.Data == "label" {
				labelled[attr(n, "for")] = true
			}
		}
		for _, n := range all {
			if slices.Contains([]string{"input", "select", "textarea"}, n.Data) && attr(n, "type") != "hidden" && !labelled[attr(n, "id")] {
				t.Errorf("%s has no label", attr(n, "name"))
			}
			for id := range strings.FieldsSeq(attr(n, "aria-describedby")) {
				if !ids[id] {
					t.Errorf("%s is described by %s, which is not there", attr(n, "name"), id)
				}
			}
			if at, ok := strings.CutPrefix(attr(n, "href"), "#"); ok && !ids[at] {
				t.Errorf("the summary leads to %s, which is not there", at)
			}
		}
	}
	if !strings.Contains(wrongForm(t), `role="alert"`) || strings.Contains(everyForm(t, nil), `role="alert"`) {
		t.Error("what is wrong is told where nothing is, or is not told")
	}
}

func TestForm_WritesNothingButItsOwnMarkup(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	schema, err := json.Marshal(map[string]any{"properties": map[string]any{evil: map[string]any{"type": "string", "title": evil, "description": evil, "pattern": evil, "format": evil,
		"enum": []string{evil}}, "list" + evil: map[string]any{"type": "array", "items": map[string]any{"type": "string", "enum": []string{evil}}}}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := draw.Form(draw.FormSpec{ID: "f", Action: "/x", Button: evil, Description: evil, Schema: schema, Hidden: [][2]string{{"a", evil}}, Values: map[string]any{evil: evil},
		Choices: map[string][]draw.Choice{evil: {{Value: evil, Label: evil}}}, Errors: map[string]string{"": evil, evil: evil, "z" + evil: evil}}, draw.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out += draw.Outcome{Message: evil, Secret: true, Link: "javascript:alert(1)", LinkTitle: evil, Frames: []*frame.Frame{frame.New(evil, frame.Strings(evil, evil))}}.HTML(draw.Options{}, nil)
	for _, n := range parts(t, out) {
		if n.Data == "script" || n.Data == "img" || strings.HasPrefix(attr(n, "href"), "javascript") {
			t.Errorf("a text became %s", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("a text became the attribute %s", a.Key)
			}
		}
	}
	if secret := everyForm(t, nil); strings.Contains(secret, "s3cret") {
		t.Error("a secret is filled in again")
	}
	if _, err := draw.Form(draw.FormSpec{Schema: json.RawMessage(`{"properties":[]}`)}, draw.Options{}); err == nil {
		t.Error("a schema that is none is drawn")
	}
}

// sent is what a browser would send for a form as it is.
func sent(t *testing.T, fragment string) url.Values {
	t.Helper()
	out := url.Values{}
	for _, n := range parts(t, fragment) {
		name := attr(n, "name")
		switch {
		case n.Data == "input" && attr(n, "type") == "checkbox":
			if attr(n, "checked") != "" {
				out.Add(name, attr(n, "value"))
			}
		case n.Data == "input":
			out.Add(name, attr(n, "value"))
		case n.Data == "textarea":
			text := ""
			for c := range n.ChildNodes() {
				text += c.Data
			}
			out.Add(name, strings.ReplaceAll(text, "\n", "\r\n"))
		case n.Data == "option" && attr(n, "selected") != "":
			out.Add(attr(n.Parent, "name"), attr(n, "value"))
		}
	}
	return out
}

func TestFilled_ReadsWhatABrowserSends(t *testing.T) {
	values := sent(t, everyForm(t, nil))
	values.Set("args.name", "shop")
	values.Set("args.rate", "1.50")
	values.Set("args.more", ` {"a":[1]} `)
	values.Set("args.days", "many")
	values.Set("args.unknown", "x")
	got, err := draw.Filled(json.RawMessage(everyField), values)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"days":"many","hosts":["a.test","b.test"],"more":{"a":[1]},"name":"shop","quiet":false,"rate":1.50,"reason":"one\n\n\u003c/textarea\u003e\u003cscript\u003ealert(1)\u003c/script\u003e","size":"m","sure":false,"tags":["b"]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzForm(f *testing.F) {
	f.Add(everyField, "name", "x", "a\nb")
	f.Add(`{"properties":{"a":true,"b":{"type":["string","null"],"minimum":1e400}}}`, "a", "1", "")
	f.Fuzz(func(t *testing.T, schema, field, value, wrong string) {
		s := draw.FormSpec{ID: "f", Schema: json.RawMessage(schema), Values: map[string]any{field: value}, Errors: map[string]string{field: wrong}}
		out, err := draw.Form(s, draw.Options{})
		args, filledErr := draw.Filled(s.Schema, url.Values{draw.ArgPrefix + field: {value}})
		if err != nil {
			return
		}
		if filledErr != nil || !json.Valid(args) {
			t.Errorf("a form that is drawn cannot be read: %v, %s", filledErr, args)
		}
		for _, n := range parts(t, out) {
			if !slices.Contains([]string{"html", "head", "body", "form", "input", "select", "option", "textarea", "label", "legend", "fieldset", "div", "p", "span", "strong", "ul", "li", "a", "button"}, n.Data) {
				t.Errorf("%q is drawn", n.Data)
			}
		}
	})
}
