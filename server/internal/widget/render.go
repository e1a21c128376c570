package widget

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/markdown"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// Format is a form in which a widget is served, by the ending of its name.
type Format string

// The formats, and what they are served as.
const (
	HTML Format = "html" // a fragment for a page that has [draw.Stylesheet]
	SVG  Format = "svg"
	PNG  Format = "png"
	Text Format = "txt"
	CSV  Format = "csv"
)

var contentTypes = map[Format]string{
	HTML: "text/html; charset=utf-8", SVG: "image/svg+xml", PNG: "image/png", Text: "text/plain; charset=utf-8", CSV: "text/csv; charset=utf-8",
}

// drawings are the views that are pictures.
var drawings = map[View]func(*frame.Frame, draw.Options) (string, error){
	Stat: draw.Stat, Line: draw.Line, Area: draw.Area, Bar: draw.Bar, Stacked: draw.Stacked, Donut: draw.Donut, Sparkline: draw.Sparkline,
	Heat: draw.Heat, Gauge: draw.Gauge,
}

// Render writes an answer in a format. SVG and PNG are for views that are pictures; the others have a table of every view.
func Render(d Description, a *Answer, f Format, o draw.Options) (string, error) {
	if o.Title == "" {
		o.Title = d.Title
	}
	switch f {
	case HTML:
		return fragment(d, a, o)
	case SVG:
		return picture(d, a, o)
	case PNG:
		if o.Theme != draw.Dark {
			o.Theme = draw.Light
		}
		svg, err := picture(d, a, o)
		if err != nil {
			return "", err
		}
		image, err := draw.PNG(svg, o)
		if errors.Is(err, draw.ErrTooLarge) {
			err = apierror.Inputf("w, h, scale: %v", err)
		}
		return string(image), err
	case CSV:
		return sheets(a), nil
	default:
		return words(a, o), nil
	}
}

// picture is a document of its own.
func picture(d Description, a *Answer, o draw.Options) (string, error) {
	o.Standalone = true
	drawing := drawings[d.View]
	if drawing == nil {
		return "", apierror.Inputf("The widget %s is a %s, of which there is no picture; ask for html, txt or csv", string(d.ID), d.View)
	}
	svg, err := drawing(first(a), o)
	if err != nil {
		return "", undrawable(d, err)
	}
	return svg, nil
}

func undrawable(d Description, err error) error {
	return apierror.Newf(apierror.ServiceUnavailable, "The widget %s answers what cannot be drawn as %s: %v", string(d.ID), d.View, err)
}

func words(a *Answer, o draw.Options) string {
	var b strings.Builder
	for _, f := range a.shown() {
		b.WriteString(draw.Text(f, o))
	}
	for _, line := range notes(a, o) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func sheets(a *Answer) string {
	var b strings.Builder
	for i, f := range a.shown() {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(draw.CSV(f))
	}
	return b.String()
}

// first is the frame that a picture is of; the others are in tables.
func first(a *Answer) *frame.Frame {
	if shown := a.shown(); len(shown) > 0 {
		return shown[0]
	}
	return frame.New("nothing", frame.Numbers[float64]("nothing"), frame.Numbers[float64]("value"))
}

// fragment is a figure: the picture, the same as a table, and how old it is.
func fragment(d Description, a *Answer, o draw.Options) (string, error) {
	if d.Submits {
		return formFragment(d, a, o, filling{})
	}
	content, err := content(d, a, o)
	if err != nil {
		return "", undrawable(d, err)
	}
	figure := figureOf(d, a.status())
	figure.Lines = notes(a, o)
	return figure.HTML(content, o), nil
}

func figureOf(d Description, status string) draw.Figure {
	return draw.Figure{Widget: string(d.ID), View: string(d.View), Title: d.Title, Status: status}
}

func content(d Description, a *Answer, o draw.Options) (string, error) {
	var b strings.Builder
	drawing := drawings[d.View]
	if drawing != nil {
		svg, err := drawing(first(a), o)
		if err != nil {
			return "", err
		}
		b.WriteString(svg)
	}
	shown := a.shown()
	for i, f := range shown {
		table := o
		table.Title, table.QuietTitle = d.Title, true
		if len(shown) > 1 {
			table.Title, table.QuietTitle = f.Name, false
		}
		switch {
		case drawing != nil:
			b.WriteString(draw.Details(draw.Table(f, table, EntityPath), o))
		case i == 0 && listings[d.View] != nil:
			b.WriteString(listings[d.View](f, table, EntityPath))
		case i == 0 && d.View == Docs:
			b.WriteString(document(f, o))
		default:
			b.WriteString(draw.Table(f, table, EntityPath))
		}
	}
	if len(shown) == 0 && drawing == nil {
		b.WriteString(draw.Nothing(o))
	}
	return b.String(), nil
}

// listings are the views whose first frame is a list.
var listings = map[View]func(*frame.Frame, draw.Options, func(string) string) string{List: draw.List, Status: draw.StatusList}

// document is the Markdown of the first column of texts; what follows is read as one document.
func document(f *frame.Frame, o draw.Options) string {
	var texts []string
	for _, c := range f.Columns {
		if c.Type != frame.String {
			continue
		}
		for _, v := range c.Values {
			if s, ok := v.(string); ok {
				texts = append(texts, s)
			}
		}
		break
	}
	if len(texts) == 0 {
		return draw.Nothing(o)
	}
	level := 3
	if o.Level > 0 {
		level = min(o.Level+1, 6)
	}
	rendered := markdown.Document(strings.Join(texts, "\n\n"), markdown.Options{Level: level})
	return `<div class="cb-md">` + rendered.HTML + `</div>`
}

// shown are the frames that are data.
func (a *Answer) shown() []*frame.Frame {
	for i, f := range a.Frames {
		if f.Name == frame.Missing {
			return append(append([]*frame.Frame(nil), a.Frames[:i]...), a.Frames[i+1:]...)
		}
	}
	return a.Frames
}

// missing are the sources that did not answer.
func (a *Answer) missing() []string {
	var names []string
	for _, f := range a.Frames {
		if f.Name != frame.Missing || len(f.Columns) == 0 {
			continue
		}
		for _, v := range f.Columns[0].Values {
			if s, ok := v.(string); ok {
				names = append(names, s)
			}
		}
	}
	return names
}

// status is the state of an answer: what is most in need of saying.
func (a *Answer) status() string {
	switch {
	case a.Stale != nil:
		return draw.StatusStale
	case len(a.missing()) > 0:
		return draw.StatusPartial
	case a.empty():
		return draw.StatusEmpty
	}
	return draw.StatusOK
}

// notes are what is to be said beside the data.
func notes(a *Answer, o draw.Options) []string {
	var lines []string
	if missing := a.missing(); len(missing) > 0 {
		lines = append(lines, o.Without(missing))
	}
	if a.Stale != nil {
		lines = append(lines, o.AsOf(a.At, told(a.Stale)))
	}
	return lines
}

// told is the text of an error that is for people; "" = it is for the log alone.
func told(err error) string {
	if named, ok := errors.AsType[*apierror.Error](err); ok && named.Name != apierror.Generic {
		return named.Message
	}
	return ""
}

// EntityPath is the page of an entity in the frontend; "" for what is no ref.
func EntityPath(ref string) string {
	r, err := entity.ParseRef(ref, entity.Defaults{Namespace: "default"})
	if err != nil {
		return ""
	}
	return "/catalog/" + url.PathEscape(strings.ToLower(r.Namespace)) + "/" + url.PathEscape(strings.ToLower(r.Kind)) + "/" + url.PathEscape(r.Name)
}

// RenderState is the figure of a widget that has no answer: err says why, request where access is asked for ("" =
// nowhere). A nil error is a widget that is still being asked.
func RenderState(d Description, err error, request string, o draw.Options) string {
	if d.Title == "" {
		d.Title = string(d.ID)
	}
	if err == nil {
		return figureOf(d, draw.StatusLoading).Skeleton(o)
	}
	m := draw.Message{Text: told(err)}
	status := draw.StatusError
	switch apierror.NameOf(err) {
	case apierror.NotAllowed, apierror.Authentication:
		status, m.Request = draw.StatusDenied, request
	case apierror.NotFound:
		m.Heading = o.NotFound()
	case apierror.Input, apierror.Conflict, apierror.NotImplemented: // the same again is answered the same
	default:
		m.Retry = true
	}
	return figureOf(d, status).Message(m, o)
}

// ageOf is how long a viewer may keep an answer. A form is not kept: each has a key of its own.
func (e *Engine) ageOf(d Description, a *Answer) time.Duration {
	if d.Submits {
		return 0
	}
	return max(0, a.life(d)-e.Now().Sub(a.At))
}
