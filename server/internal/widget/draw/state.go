package draw

import (
	"strconv"
	"strings"
	"time"
)

// The statuses of a figure.
const (
	StatusOK      = "ok"
	StatusEmpty   = "empty"
	StatusPartial = "partial"
	StatusStale   = "stale"
	StatusError   = "error"
	StatusDenied  = "denied"
	StatusLoading = "loading"
)

// Figure is a widget as a part of a page.
type Figure struct {
	Widget, View string // ids
	Title        string
	Status       string // one of those above
	// Lines are below the content: how old it is, what is not in it.
	Lines []string
}

// HTML is the figure around content, which is markup of this package.
func (f Figure) HTML(content string, o Options) string {
	o = o.withDefaults()
	m := f.open(o, "")
	m.raw(content)
	for _, line := range f.Lines {
		m.element("p", line, "class", "cb-note", "role", "status")
	}
	m.close("figure")
	return m.String()
}

func (f Figure) open(o Options, class string) *markup {
	l := lexiconOf(o.Language)
	m := &markup{b: make([]byte, 0, 16<<10)}
	busy := ""
	if f.Status == StatusLoading {
		busy = "true"
	}
	m.open("figure", "class", "cb-widget"+class+o.Theme.class(), "data-widget", f.Widget, "data-view", f.View, "data-status", f.Status,
		"lang", l.tag().String(), "dir", l.dir(), "aria-busy", busy)
	m.open("figcaption")
	if o.Level >= 2 && o.Level <= 6 {
		m.element("h"+strconv.Itoa(o.Level), f.Title)
	} else {
		m.text(f.Title)
	}
	m.close("figcaption")
	return m
}

// Message is what a figure says instead of showing data.
type Message struct {
	Heading string // "" = that of the status
	Text    string // why, for people; may be ""
	Retry   bool   // whether asking again may help
	// Request leads to where access is asked for: a path of the page, or an http or https address; "" = nowhere.
	Request string
}

// Message is a figure of the size of its view that says what is the matter.
func (f Figure) Message(msg Message, o Options) string {
	o = o.withView(f.View).withDefaults()
	l := lexiconOf(o.Language)
	m := f.open(o, " cb-state")
	m.open("div")
	m.space(o)
	m.open("section", "role", "status")
	m.open("p")
	heading := msg.Heading
	if heading == "" {
		heading = l.say(headings[f.Status])
	}
	m.element("strong", heading)
	m.text(msg.Text)
	m.close("p")
	if msg.Retry {
		m.element("button", l.say(wordRetry), "type", "button", "class", "cb-button", "data-cb-action", "retry")
	}
	if local(msg.Request) || followable(msg.Request) {
		m.element("a", l.say(wordRequestAccess), "class", "cb-button", "href", msg.Request, "rel", "noopener noreferrer")
	}
	m.close("section")
	m.close("div")
	m.close("figure")
	return m.String()
}

var headings = map[string]word{StatusEmpty: wordNothing, StatusError: wordError, StatusDenied: wordDenied, StatusLoading: wordLoading}

// NotFound is the heading of what is not there.
func (o Options) NotFound() string { return lexiconOf(o.Language).say(wordNotFound) }

// space takes the room that the picture would, so that the page does not move when it comes.
func (m *markup) space(o Options) {
	m.empty("svg", "class", "cb-space", "width", strconv.Itoa(o.Width), "height", strconv.Itoa(o.Height), "viewBox", viewBox(o), "aria-hidden", "true")
}

func viewBox(o Options) string {
	return "0 0 " + strconv.Itoa(o.Width) + " " + strconv.Itoa(o.Height)
}

// usualSizes are those of views that are smaller than a chart: their text must not shrink in a narrow place.
var usualSizes = map[string]struct{ width, height int }{"stat": {320, 120}, "gauge": {320, 160}, "sparkline": {defaultWidth, minHeight}}

// aroundPicture is about what is above and below the picture of a figure: its title, and the way to the table.
const aroundPicture = 60

// UsualHeight is about how high the figure of a picture is where nobody says a height, in a place of the usual width.
func UsualHeight(view string) int {
	return Options{}.withView(view).withDefaults().Height + aroundPicture
}

// withView gives options the size that a view has where nothing is said.
func (o Options) withView(view string) Options {
	usual := usualSizes[view]
	if o.Width == 0 {
		o.Width = usual.width
	}
	if o.Height == 0 {
		o.Height = usual.height
	}
	return o
}

// Skeleton is a figure of the size of its view before there is an answer.
func (f Figure) Skeleton(o Options) string {
	f.Status = StatusLoading
	o = o.withView(f.View).withDefaults()
	m := f.open(o, " cb-skeleton")
	m.open("div")
	m.open("svg", "width", strconv.Itoa(o.Width), "height", strconv.Itoa(o.Height), "viewBox", viewBox(o), "aria-hidden", "true")
	width, height := float64(o.Width), float64(o.Height)
	switch f.View {
	case "table", "list", "status", "form", "docs":
		for y := 4.0; y+14 < height; y += 30 {
			m.rect("", 1, y, width-2, 14, 4)
		}
	default:
		m.rect("", 1, 1, width-2, height-2, 6)
	}
	m.close("svg")
	m.close("div")
	m.element("p", lexiconOf(o.Language).say(wordLoading), "class", "cb-note", "role", "status")
	m.close("figure")
	return m.String()
}

// Details are a table that opens below a picture.
func Details(table string, o Options) string {
	var m markup
	m.open("details")
	m.element("summary", lexiconOf(o.Language).say(wordTable))
	m.raw(table)
	m.close("details")
	return m.String()
}

// Nothing is what a page shows where there is no frame.
func Nothing(o Options) string {
	var m markup
	m.element("p", lexiconOf(o.Language).say(wordNothing), "class", "cb-none")
	return m.String()
}

// AsOf tells of an answer that is older than it should be, and why, if that is for people.
func (o Options) AsOf(at time.Time, why string) string {
	w := o.withDefaults().formatter()
	moment := w.date(at.In(w.zone)) + " " + at.In(w.zone).Format("15:04 MST")
	if why != "" {
		return w.say(wordAsOfBecause, moment, why)
	}
	return w.say(wordAsOf, moment)
}

// Without tells which sources are not in an answer.
func (o Options) Without(sources []string) string {
	return lexiconOf(o.Language).say(wordMissing, strings.Join(sources, ", "))
}
