package draw_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget/draw"
	"github.com/callboard/callboard/server/internal/xsstest"
)

// written are the elements of this package with their attributes; those of SVG have a namespace.
var written = map[string][]string{
	"html": nil, "head": nil, "body": nil,
	"figure": {"class", "data-widget", "data-view", "data-status", "lang", "dir", "aria-busy"}, "figcaption": nil, "h3": nil,
	"div": {"class", "tabindex", "role", "aria-label"}, "section": {"role"}, "p": {"class", "role"}, "strong": nil, "small": nil, "span": {"class"},
	"details": nil, "summary": nil, "table": nil, "caption": {"class"}, "thead": nil, "tbody": nil, "tr": nil, "th": {"scope", "class"}, "td": {"class", "colspan"},
	"ul": {"class", "role"}, "li": nil, "a": {"href", "rel", "class", "aria-label"}, "time": {"datetime"}, "button": {"type", "class", "data-cb-action"},
	"svg svg":   {"xmlns", "class", "viewbox", "viewBox", "width", "height", "role", "lang", "direction", "font-size", "font-family", "data-plot", "data-xs", "aria-hidden", "aria-label"},
	"svg title": nil, "svg desc": nil, "svg g": {"class", "aria-hidden", "data-series"}, "svg a": {"href", "rel", "aria-label"},
	"svg path":   {"class", "d", "fill", "fill-opacity", "stroke-width", "stroke-linejoin", "stroke-linecap", "stroke-dasharray"},
	"svg rect":   {"class", "x", "y", "width", "height", "rx"},
	"svg circle": {"class", "cx", "cy", "r", "fill", "stroke-width"}, "svg line": {"class", "x1", "x2", "y1", "y2"},
	"svg text": {"class", "x", "y", "text-anchor", "font-size", "font-weight", "fill", "textlength", "textLength", "aria-hidden"},
}

// problems are what markup holds that this package does not write.
func problems(page string) []string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode, html.DoctypeNode:
			found = append(found, "a comment: "+n.Data)
		case html.ElementNode:
			attributes, known := written[strings.TrimSpace(n.Namespace+" "+n.Data)]
			if !known {
				found = append(found, "element "+n.Namespace+" "+n.Data)
			}
			for _, a := range n.Attr {
				if known && (!slices.Contains(attributes, a.Key) || !plainValue(a)) {
					found = append(found, fmt.Sprintf("%s %s=%q", n.Data, a.Key, a.Val))
				}
			}
		}
	}
	return found
}

func plainValue(a html.Attribute) bool {
	switch a.Key {
	case "href":
		if page := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") && !strings.HasPrefix(a.Val, `/\`); page {
			return true
		}
		return strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://")
	case "class":
		for class := range strings.FieldsSeq(a.Val) {
			if !strings.HasPrefix(class, "cb-") {
				return false
			}
		}
	case "d", "viewBox", "data-plot", "data-xs":
		return !strings.ContainsAny(a.Val, `"'<>&()=:/`)
	}
	return true
}

// sinks are a frame in which a text stands wherever one may stand, also where frames would refuse it: what is drawn is
// written as if nobody had checked.
func sinks(text string) []*frame.Frame {
	short := cut(text, frame.MaxName)
	texts := frame.Strings("text", text, text, text).Labeled(short).Link(text, "https://example.com/?"+text, "")
	rest := []*frame.Column{
		frame.Numbers("n", 3, 90, -1).Labeled(short).In(short).Link(text, "https://example.com/"+text, text).From(0, frame.OK).From(80, frame.Warn).From(95, frame.Status(short)),
		frame.Numbers("m", 1, 2, 3).Labeled(text).In("USD"),
		frame.Enums("e", []string{short, "ok"}, short, "ok", short), frame.URLs("u", text, "https://example.com/"+text, "x"),
		frame.EntityRefs("ref", text, "component:default/shop", text), frame.Times("t", start, start.Add(time.Hour), start), frame.Bools("b", true, false, true),
	}
	return []*frame.Frame{
		frame.New(text, append([]*frame.Column{texts}, rest...)...),
		frame.New(text, append([]*frame.Column{frame.Times("at", start, start.Add(time.Hour), start.Add(2*time.Hour)).Labeled(text)}, rest...)...),
		frame.New(text, rest...),
		frame.New(text, texts, frame.Enums("state", []string{text, "ok"}, text, "ok", text), texts),
		frame.New(text),
	}
}

func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }

var pictures = map[string]func(*frame.Frame, draw.Options) (string, error){
	"line": draw.Line, "area": draw.Area, "bar": draw.Bar, "stacked": draw.Stacked, "donut": draw.Donut, "sparkline": draw.Sparkline, "stat": draw.Stat,
	"heat": draw.Heat, "gauge": draw.Gauge,
}

// everything is a text in all that this package writes.
func everything(text string, o draw.Options) (svg, page map[string]string) {
	svg, page = map[string]string{}, map[string]string{}
	o.Title, o.Level = text, 3
	path := func(ref string) string { return "/catalog/" + strings.ReplaceAll(ref, "/", "%2F") }
	for i, f := range sinks(text) {
		for view, d := range pictures {
			if got, err := d(f, o); err == nil {
				svg[fmt.Sprint(view, i)] = got
			}
		}
		page[fmt.Sprint("table", i)] = draw.Table(f, o, path)
		page[fmt.Sprint("list", i)] = draw.List(f, o, func(string) string { return text })
		page[fmt.Sprint("status", i)] = draw.StatusList(f, o, path)
	}
	svg["badge"] = draw.Badge(text, text, frame.Status(text), o)
	figure := draw.Figure{Widget: text, View: text, Title: text, Status: text, Lines: []string{text, o.AsOf(start, text), o.Without([]string{text})}}
	page["figure"] = figure.HTML(draw.Nothing(o), o)
	page["message"] = figure.Message(draw.Message{Heading: text, Text: text, Retry: true, Request: text}, o)
	page["skeleton"] = figure.Skeleton(o)
	return svg, page
}

func TestTextsThatRunElsewhere_AreTextsInEverySink(t *testing.T) {
	vectors := append(xsstest.Corpus(), hostile...)
	if len(vectors) < 300 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for i, v := range vectors {
		if i%every != 0 {
			continue
		}
		svg, page := everything(v, draw.Options{})
		if len(svg) < 20 || len(page) < 18 {
			t.Fatalf("%q is in %d pictures and %d pages", v, len(svg), len(page))
		}
		for name, got := range svg {
			wellFormed(t, name, got)
			page[name] = got
		}
		for name, got := range page {
			if found := problems(got); found != nil {
				t.Fatalf("%q in %s: %q\n%.600s", v, name, found, got)
			}
		}
	}
}

// TestSinks_AreShown: a corpus that is put where nobody looks proves nothing.
func TestSinks_AreShown(t *testing.T) {
	const mark = "findme"
	svg, page := everything(mark, draw.Options{})
	for name, got := range svg {
		if !strings.Contains(got, mark) {
			t.Errorf("%s shows nothing of it", name)
		}
		if !strings.HasSuffix(name, "0") || every > 1 && name > "g" {
			continue
		}
		if _, err := draw.PNG(got, draw.Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, got := range page {
		if !strings.Contains(got, mark) && name != "list4" && name != "status4" { // of no columns
			t.Errorf("%s shows nothing of it", name)
		}
	}
}

func TestTexts_DoNotBecomeFormulasOfSpreadsheets(t *testing.T) {
	for _, v := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"} {
		got := draw.CSV(frame.New("f", frame.Strings(v, v)))
		rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
		if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[0][0], "'") || !strings.HasPrefix(rows[1][0], "'") {
			t.Errorf("%q: %q, %v", v, got, err)
		}
	}
}

func FuzzRender(f *testing.F) {
	for i, v := range xsstest.Corpus() {
		if i%70 == 0 {
			f.Add(v, 400, 100)
		}
	}
	f.Fuzz(func(t *testing.T, text string, width, height int) {
		svg, page := everything(text, draw.Options{Width: width, Height: height})
		for name, got := range svg {
			wellFormed(t, name, got)
			if strings.Contains(got, "NaN\"") || strings.Contains(got, "Inf") && !strings.Contains(text, "Inf") {
				t.Fatalf("%s has no number: %s", name, got)
			}
			page[name] = got
		}
		for name, got := range page {
			if found := problems(got); found != nil {
				t.Fatalf("%s: %q\n%.600s", name, found, got)
			}
		}
	})
}
