package widget

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// The frames of a form that are not shown as they are.
const (
	choicesPrefix = "choices/" // and the field
	valuesFrame   = "values"
)

// filling is what a form is shown with.
type filling struct {
	key    string
	values map[string]any    // nil = what was asked with
	errors map[string]string // nil = nothing is wrong yet
}

// formFragment is a figure with the form that a widget takes input by, and above it what its answer has to show. A form
// that nobody has sent has a key of its own, so that sending it twice is noticed and two forms are not mistaken for one.
func formFragment(d Description, a *Answer, o draw.Options, f filling) (string, error) {
	if f.key == "" {
		f.key = rand.Text()
	}
	if f.values == nil {
		f.values = a.initial()
	}
	s := draw.FormSpec{
		ID: "cb-" + strings.ToLower(rand.Text()[:8]), Action: "/api/widgets/v1/forms/" + escaped(d.ID), Button: d.Title, Schema: d.ArgsSchema,
		Description: d.Description, Values: f.values, Choices: a.choices(), Errors: f.errors, Hidden: a.hidden(f.key, o),
	}
	form, err := draw.Form(s, o)
	if err != nil {
		return "", err
	}
	var above strings.Builder
	for _, x := range a.shown() {
		if x.Name == valuesFrame || strings.HasPrefix(x.Name, choicesPrefix) {
			continue
		}
		table := o
		table.Title = x.Name
		above.WriteString(draw.Table(x, table, EntityPath))
	}
	status := a.status()
	if status == draw.StatusEmpty { // a form is something to show
		status = draw.StatusOK
	}
	figure := figureOf(d, status)
	figure.Lines = notes(a, o)
	return figure.HTML(above.String()+form, o), nil
}

func escaped(id ID) string {
	plugin, name := id.Split()
	return url.PathEscape(plugin) + "/" + url.PathEscape(name)
}

// hidden is what travels with a form, so that it is answered as it was shown.
func (a *Answer) hidden(key string, o draw.Options) [][2]string {
	level := ""
	if o.Level > 0 {
		level = strconv.Itoa(o.Level)
	}
	all := [][2]string{{"key", key}}
	for _, h := range [][2]string{{"entityRef", a.asked.entity}, {"lang", a.asked.locale}, {"tz", a.asked.timeZone}, {"theme", string(o.Theme)}, {"level", level}} {
		if h[1] != "" {
			all = append(all, h)
		}
	}
	return all
}

// initial is what a form is filled with at first: what the viewer asked with, before what the widget says.
func (a *Answer) initial() map[string]any {
	values := map[string]any{}
	for _, f := range a.Frames {
		if f.Name != valuesFrame || f.Rows() == 0 {
			continue
		}
		for _, c := range f.Columns {
			values[c.Name] = c.Values[0]
		}
	}
	maps.Copy(values, fieldValues(a.asked.args))
	return values
}

func fieldValues(args json.RawMessage) map[string]any {
	d := json.NewDecoder(strings.NewReader(string(args)))
	d.UseNumber()
	values := map[string]any{}
	if len(args) == 0 || d.Decode(&values) != nil {
		return map[string]any{}
	}
	return values
}

// choices are what fields can be, by field.
func (a *Answer) choices() map[string][]draw.Choice {
	all := map[string][]draw.Choice{}
	for _, f := range a.Frames {
		field, ok := strings.CutPrefix(f.Name, choicesPrefix)
		value, label := f.Column("value"), f.Column("label")
		if !ok || value == nil || value.Type != frame.String && value.Type != frame.Enum {
			continue
		}
		all[field] = []draw.Choice{}
		for row := range f.Rows() {
			v, _ := value.Values[row].(string)
			c := draw.Choice{Value: v, Label: v}
			if label != nil {
				if text, ok := label.Values[row].(string); ok && text != "" {
					c.Label = text
				}
			}
			all[field] = append(all[field], c)
		}
	}
	return all
}

// Send is [Engine.Submit] for people: what is answered is a fragment, which is the form again where something is wrong, with
// what was filled in. The fragment has a body whatever happens; Err is what went wrong.
func (e *Engine) Send(ctx context.Context, p *principal.Principal, r Request, key string, o draw.Options) (*Result, Shown) {
	result, err := e.Submit(ctx, p, r, key)
	if err != nil {
		return nil, e.refill(ctx, p, r, key, o, err)
	}
	d, err := e.Describe(r.ID)
	if err != nil {
		d = Description{ID: r.ID, View: Form} // it was sent, and its plugin has gone since
	}
	outcome := draw.Outcome{Message: result.Message, Frames: result.Frames, Secret: result.Secret}
	if result.Next != nil {
		outcome.Link, outcome.LinkTitle = result.Next.URL, result.Next.Title
	}
	body := figureOf(d, draw.StatusOK).HTML(outcome.HTML(o, EntityPath), o)
	return result, Shown{Description: d, Status: http.StatusOK, Body: []byte(body)}
}

// refill shows a form again with what was filled in and what is wrong. Where it is not known whether anything was done, it
// keeps its key, so that sending it again is no second submission.
func (e *Engine) refill(ctx context.Context, p *principal.Principal, r Request, key string, o draw.Options, cause error) Shown {
	s := e.Refuse(ctx, r, cause, o)
	if s.Status == http.StatusNotFound || !s.Description.Submits {
		return s
	}
	blank := r
	blank.Args = nil // what was filled in may be what is wrong
	a, err := e.Data(ctx, p, blank)
	if err != nil {
		return s
	}
	f := filling{values: fieldValues(r.Args), errors: fieldErrors(cause)}
	if f.errors == nil {
		f.errors = map[string]string{"": told(cause)}
	}
	if s.Status >= http.StatusInternalServerError {
		f.key = key
	}
	if body, err := formFragment(s.Description, a, o, f); err == nil {
		s.Body = []byte(body)
	}
	return s
}

// fieldErrors are those of an error of what was filled in; nil = it is another one.
func fieldErrors(err error) map[string]string {
	named, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return nil
	}
	wrong, _ := named.Fields[fieldErrorsField].(map[string]string)
	return wrong
}
