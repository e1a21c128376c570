package portal

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/sdk/entity"
)

const widgetStyle = "/api/widgets/v1/style.css"

// widgetTimeout is how long a page waits for one widget: others, and all else, are not held up by one that is slow.
const widgetTimeout = 3 * time.Second

// widget is one of the host's catalogue.
type widget struct {
	ID, Title, Description, View, AppliesTo, Permission string
	RefreshSeconds                                      int
	Height                                              int // of a picture
}

// split are the plugin and its name for the widget.
func (w widget) split() (plugin, name string) {
	plugin, name, _ = strings.Cut(w.ID, "/")
	return plugin, name
}

// shownAnyway reports whether the page of an entity has a part or a tab of its own for what the widget shows.
func (w widget) shownAnyway() bool {
	plugin, _ := w.split()
	return plugin == "catalog" || plugin == "api-docs" || plugin == "techdocs"
}

// path is where the host answers something about the widget.
func (w widget) path(what, ending string) string {
	plugin, name := w.split()
	return "/widgets/v1/" + what + escaped(plugin, name+ending)
}

// Gallery is the page of the widget in the gallery.
func (w widget) Gallery() string {
	plugin, name := w.split()
	return "/console/gallery" + escaped(plugin, name)
}

// shownWidget is a widget as it is drawn; without HTML, Problem says why there is none.
type shownWidget struct {
	widget

	HTML    template.HTML
	Problem string
	Across  bool // it needs the width of the page
	Empty   bool // there is nothing to show
}

func (v *visit) widgetsOf(r entity.Ref) ([]widget, error) {
	var list struct{ Widgets []widget }
	err := v.api.get(v.Context(), "/widgets/v1/entities"+escaped(r.Kind, r.Namespace, r.Name), nil, &list)
	return list.Widgets, err
}

// drawing says how widgets are drawn.
type drawing struct{ Width, Height int }

// draw has the host draw widgets, for an entity or for none. All are asked for at once, inside of the process, each with
// its own deadline.
func (v *visit) draw(list []widget, ref string, d drawing) []shownWidget {
	out := make([]shownWidget, len(list))
	var g errgroup.Group
	g.SetLimit(asked)
	for i, w := range list {
		out[i] = shownWidget{widget: w, Across: across(w.View)}
		g.Go(func() error {
			body, err := v.drawOne(w, ref, d)
			out[i].HTML, out[i].Problem = body, problemOf(err)
			out[i].Empty = strings.Contains(string(body), emptyMark)
			return nil
		})
	}
	_ = g.Wait() // failures are in what is shown
	return out
}

// emptyMark is how the host marks the figure of a widget that has nothing to show. Texts hold no such quotes.
const emptyMark = ` data-status="empty"`

// narrowWidth and wideWidth are how wide pictures are on the page of an entity, in CSS pixels.
const (
	narrowWidth = 320
	wideWidth   = 880
)

// across reports whether a view needs the width of the page.
func across(view string) bool { return view == "table" || view == "list" || view == "docs" }

// arranged puts numbers first, then pictures, then tables.
func arranged(list []widget) []widget {
	rank := func(w widget) int {
		switch {
		case across(w.View):
			return 2
		case w.View == "stat" || w.View == "gauge" || w.View == "sparkline":
			return 0
		}
		return 1
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y widget) int { return rank(x) - rank(y) })
	return list
}

func problemOf(err error) string {
	if err == nil {
		return ""
	}
	return Told(err, "There is no answer at the moment.")
}

func (v *visit) drawOne(w widget, ref string, d drawing) (template.HTML, error) {
	ctx, cancel := timeout(v, widgetTimeout)
	defer cancel()
	q := url.Values{"entityRef": {ref}}
	if ref == "" || w.AppliesTo == "" {
		q.Del("entityRef")
	}
	if d.Width == 0 {
		d.Width = narrowWidth
		if across(w.View) {
			d.Width = wideWidth
		}
	}
	for name, value := range map[string]int{"w": d.Width, "h": d.Height} {
		if value > 0 {
			q.Set(name, strconv.Itoa(value))
		}
	}
	answer, err := v.api.ask(ctx, request{method: http.MethodGet, path: w.path("render", ".html"), query: q})
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusOK && !bytes.HasPrefix(answer.Body, []byte("<figure")) { // else it says what is wrong
		return "", refusal(answer)
	}
	return fragment(answer.Body, consoleLinks), nil
}
