package widget

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// Format is a form in which a widget is served, by the ending of its name.
type Format string

// The formats, and what they are served as.
const (
	HTML Format = "html" // a fragment for a page that has [draw.Stylesheet]
	SVG  Format = "svg"
	Text Format = "txt"
	CSV  Format = "csv"
)

var contentTypes = map[Format]string{
	HTML: "text/html; charset=utf-8", SVG: "image/svg+xml", Text: "text/plain; charset=utf-8", CSV: "text/csv; charset=utf-8",
}

// drawings are the views that are pictures.
var drawings = map[View]func(*frame.Frame, draw.Options) (string, error){
	Stat: draw.Stat, Line: draw.Line, Bar: draw.Bar, Stacked: draw.Stacked, Donut: draw.Donut, Sparkline: draw.Sparkline,
}

// Render writes an answer in a format. SVG is for views that are pictures; the others have a table of every view.
func Render(d Description, a *Answer, f Format, o draw.Options) (string, error) {
	if o.Title == "" {
		o.Title = d.Title
	}
	var b strings.Builder
	switch f {
	case HTML:
		return fragment(d, a, o)
	case SVG:
		picture := drawings[d.View]
		if picture == nil {
			return "", apierror.Inputf("The widget %s is a %s, of which there is no picture; ask for html, txt or csv", string(d.ID), d.View)
		}
		o.Standalone = true
		return picture(first(a), o)
	case Text:
		for _, x := range a.Frames {
			b.WriteString(draw.Text(x, o))
		}
		if note := age(a, o); note != "" {
			b.WriteString(note + "\n")
		}
	case CSV:
		for i, x := range a.Frames {
			if i > 0 {
				b.WriteString("\r\n")
			}
			b.WriteString(draw.CSV(x))
		}
	}
	return b.String(), nil
}

// first is the frame that a picture is of; the others are in tables.
func first(a *Answer) *frame.Frame {
	if len(a.Frames) == 0 {
		return frame.New("nothing", frame.Strings("nothing"), frame.Numbers[float64]("value"))
	}
	return a.Frames[0]
}

// fragment is a figure: the picture, the same as a table, and how old it is.
func fragment(d Description, a *Answer, o draw.Options) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `<figure class="cb-widget" data-widget="%s">`, html.EscapeString(string(d.ID)))
	fmt.Fprintf(&b, `<figcaption>%s</figcaption>`, html.EscapeString(d.Title))
	picture, drawn := drawings[d.View], false
	if picture != nil {
		svg, err := picture(first(a), o)
		if err != nil {
			return "", apierror.Newf(apierror.ServiceUnavailable, "The widget %s answers what cannot be drawn as %s: %v", string(d.ID), d.View, err)
		}
		b.WriteString(svg)
		drawn = true
	}
	for i, f := range a.Frames {
		table := draw.Options{Language: o.Language, Zone: o.Zone}
		if len(a.Frames) > 1 {
			table.Title = f.Name
		}
		switch {
		case drawn:
			b.WriteString(`<details><summary>Table</summary>` + draw.Table(f, table, entityPath) + `</details>`)
		case d.View == List && i == 0:
			b.WriteString(draw.List(f, table, entityPath))
		default:
			b.WriteString(draw.Table(f, table, entityPath))
		}
	}
	if len(a.Frames) == 0 && !drawn {
		b.WriteString(`<p class="cb-none">Nothing to show</p>`)
	}
	if note := age(a, o); note != "" {
		fmt.Fprintf(&b, `<p class="cb-note" role="status">%s</p>`, html.EscapeString(note))
	}
	b.WriteString(`</figure>`)
	return b.String(), nil
}

// age tells of an answer that is older than it should be. Why is for people: errors without a name stay in the log.
func age(a *Answer, o draw.Options) string {
	if a.Stale == nil {
		return ""
	}
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	note := "As of " + a.At.In(zone).Format("2 Jan 2006 15:04 MST") + "; there is no newer answer"
	if why := told(a.Stale); why != "" {
		note += ": " + why
	}
	return note
}

// told is the text of an error that is for people; "" = it is for the log alone.
func told(err error) string {
	if named, ok := errors.AsType[*apierror.Error](err); ok && named.Name != apierror.Generic {
		return named.Message
	}
	return ""
}

// entityPath is the page of an entity in the frontend; "" for what is no ref.
func entityPath(ref string) string {
	r, err := entity.ParseRef(ref, entity.Defaults{Namespace: "default"})
	if err != nil {
		return ""
	}
	return "/catalog/" + url.PathEscape(strings.ToLower(r.Namespace)) + "/" + url.PathEscape(strings.ToLower(r.Kind)) + "/" + url.PathEscape(r.Name)
}
