package portal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

const galleryPath = "/console/gallery"

// Drawings are what the host's drawing engine makes without data of anybody: each state that a widget can be in, and each
// view with a sample. The program fills it in.
type Drawings interface {
	States() []Drawing
	Samples() []Drawing
}

// Drawing is a fragment of HTML from the drawing engine.
type Drawing struct{ Name, Title, HTML string }

type galleryView struct {
	Plugins []galleryPlugin
	Total   int
}

type galleryPlugin struct {
	ID      string
	Widgets []shownWidget
}

func (v *visit) catalogue() ([]widget, error) {
	var list struct{ Widgets []widget }
	err := v.api.get(v.Context(), "/widgets/v1/catalog", nil, &list)
	return list.Widgets, err
}

// gallery lists every widget of the host by plugin.
func (p *Portal) gallery(v *visit) {
	all, err := v.catalogue()
	if err != nil {
		v.fail(err)
		return
	}
	view := galleryView{Total: len(all)}
	for _, w := range all {
		plugin, _ := w.split()
		i := slices.IndexFunc(view.Plugins, func(g galleryPlugin) bool { return g.ID == plugin })
		if i < 0 {
			i = len(view.Plugins)
			view.Plugins = append(view.Plugins, galleryPlugin{ID: plugin})
		}
		view.Plugins[i].Widgets = append(view.Plugins[i].Widgets, shownWidget{widget: w})
	}
	v.render(http.StatusOK, "gallery", shell.Page{Title: "Widgets", Active: galleryPath, Data: view})
}

type drawingsView struct{ States, Samples []shownDrawing }

type shownDrawing struct {
	Drawing

	Fragment template.HTML
}

// drawings are the states of widgets, and each view with a sample.
func (p *Portal) drawings(v *visit) {
	if p.o.Drawings == nil {
		p.o.Missing(v.w, v.Request)
		return
	}
	shown := func(list []Drawing) []shownDrawing {
		var out []shownDrawing
		for _, d := range list {
			out = append(out, shownDrawing{d, fragment([]byte(d.HTML), consoleLinks)})
		}
		return out
	}
	view := drawingsView{States: shown(p.o.Drawings.States()), Samples: shown(p.o.Drawings.Samples())}
	v.render(http.StatusOK, "drawings", shell.Page{Title: "States and views", Active: galleryPath, Styles: []string{widgetStyle}, Data: view})
}

// galleryWidgetView is one widget, live, and how to put it into other pages.
type galleryWidgetView struct {
	Notices  []string
	Widget   widget
	Shown    *shownWidget
	Entity   string
	Entities []choice
	Widths   []choice
	Themes   []choice
	Width    string
	Theme    string
	Formats  []link
	Snippets []snippet
}

// widths are those that links offer where scripts are off, in CSS pixels.
var widths = []string{"360", "560", "900"}

// galleryWidget draws one widget for the entity, width and theme that its form asks for.
func (p *Portal) galleryWidget(v *visit) {
	all, err := v.catalogue()
	id := v.PathValue("plugin") + "/" + v.PathValue("id")
	i := slices.IndexFunc(all, func(w widget) bool { return w.ID == id })
	switch {
	case err != nil:
		v.fail(err)
		return
	case i < 0:
		p.o.Missing(v.w, v.Request)
		return
	}
	q := v.URL.Query()
	view := galleryWidgetView{Widget: all[i], Entity: entityRefOf(q.Get("entity")), Width: oneOf(q.Get("width"), "560", widths...), Theme: oneOf(q.Get("theme"), "page", "light", "dark")}
	if all[i].AppliesTo != "" {
		v.missed("Entities that it is for", v.entitiesFor(&view))
	}
	for _, w := range widths {
		view.Widths = append(view.Widths, choice{Value: "?" + with(q, "width", w), Text: w + " px", Chosen: w == view.Width})
	}
	for _, t := range []string{"page", "light", "dark"} {
		view.Themes = append(view.Themes, choice{Value: t, Text: words(t), Chosen: t == view.Theme})
	}
	if view.Entity != "" || all[i].AppliesTo == "" {
		width, _ := strconv.Atoi(view.Width) // one of the widths
		shown := v.draw(all[i:i+1], view.Entity, drawing{Width: width})
		view.Shown = &shown[0]
	}
	view.Formats = p.formats(all[i], view.Entity)
	view.Snippets = p.snippets(all[i], view.Entity)
	view.Notices = v.noticed()
	v.render(http.StatusOK, "gallery-widget", shell.Page{Title: all[i].Title, Active: galleryPath, Styles: []string{widgetStyle}, Data: view,
		OEmbed: p.oEmbed(all[i].ID, view.Entity)})
}

func oneOf(value, otherwise string, known ...string) string {
	if slices.Contains(known, value) {
		return value
	}
	return otherwise
}

// maxEntities bounds the choice of entities.
const maxEntities = 200

// entitiesFor offers the entities that a widget is for, and takes the first unless one is chosen.
func (v *visit) entitiesFor(view *galleryWidgetView) error {
	body := map[string]any{"limit": maxEntities, "fields": strings.Split(itemFields, ","), "orderBy": []map[string]string{{"field": "metadata.name", "order": "asc"}}}
	if p := predicateOf(view.Widget.AppliesTo); p != nil {
		body["query"] = p
	}
	var found page
	if err := v.api.decode(v.Context(), request{method: http.MethodPost, path: "/catalog/entities/by-query", body: body}, &found); err != nil {
		return err
	}
	for _, e := range found.Items {
		i := itemOf(e)
		view.Entities = append(view.Entities, choice{Value: i.Ref, Text: i.Title + ", " + strings.ToLower(i.Kind), Chosen: i.Ref == view.Entity})
	}
	chosen := slices.ContainsFunc(view.Entities, func(c choice) bool { return c.Chosen })
	switch {
	case view.Entity == "" && len(view.Entities) > 0:
		view.Entity, view.Entities[0].Chosen = view.Entities[0].Value, true
	case view.Entity != "" && !chosen:
		view.Entities = append([]choice{{Value: view.Entity, Text: view.Entity, Chosen: true}}, view.Entities...)
	}
	return nil
}

// predicateOf is what entities that a widget is for fulfil; nil = all do.
func predicateOf(appliesTo string) map[string]any {
	what, value, _ := strings.Cut(appliesTo, ":")
	switch what {
	case "kind":
		return map[string]any{"kind": map[string]any{"$in": strings.Split(value, ",")}}
	case "annotation":
		return map[string]any{"metadata.annotations." + value: map[string]any{"$exists": true}}
	default:
		return nil
	}
}

// snippet is code to copy.
type snippet struct{ Title, Note, Code string }

// address is where browsers find something of the widget.
func (p *Portal) address(path, ref string, more ...string) string {
	q := url.Values{}
	if ref != "" {
		q.Set("entityRef", ref)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return strings.TrimSuffix(p.o.BaseURL, "/") + path
}

// oEmbed is where sites that embed the widget find how.
func (p *Portal) oEmbed(id, ref string) string {
	plugin, name, _ := strings.Cut(id, "/")
	shown := p.address("/embed/v1/frame"+escaped(plugin, name), ref)
	return p.address("/api/widgets/v1/oembed", "", "format", "json", "url", shown)
}

func (p *Portal) formats(w widget, ref string) []link {
	var out []link
	for _, f := range []struct{ ending, text string }{{".html", "HTML"}, {".svg", "SVG"}, {".png", "PNG"}, {".txt", "Text"}, {".csv", "CSV"}} {
		out = append(out, link{Address: p.address("/api"+w.path("render", f.ending), ref), Text: f.text})
	}
	return append(out, link{Address: p.address("/api"+w.path("data", ""), ref), Text: "JSON"})
}

// snippets put the widget into other pages. Values are written as each language quotes them.
func (p *Portal) snippets(w widget, ref string) []snippet {
	base := strings.TrimSuffix(p.o.BaseURL, "/")
	attribute := template.HTMLEscapeString
	attributes, props := "", ""
	if ref != "" {
		attributes = ` entity="` + attribute(ref) + `"`
		props = ` entity=` + jsx(ref)
	}
	if w.Height > 0 { // with it the page does not move when the picture comes
		attributes += fmt.Sprintf(` height="%d"`, w.Height)
		props += fmt.Sprintf(` height={%d}`, w.Height)
	}
	element := `<callboard-widget name="` + attribute(w.ID) + `"` + attributes + `></callboard-widget>`
	badge := p.address("/api"+w.path("badge", ".svg"), ref)
	return []snippet{
		{"HTML", "Tokens come from your own backend; see the embedding guide.",
			`<script type="module" src="` + attribute(base) + `/embed/v1/embed.js"></script>` + "\n" +
				`<callboard-config base="` + attribute(base) + `" token-provider="/my-backend/callboard-token" theme="auto"></callboard-config>` + "\n" + element},
		{"React", "npm install @callboard/widgets-react",
			`import { CallboardWidget } from '@callboard/widgets-react';` + "\n\n" + `<CallboardWidget name=` + jsx(w.ID) + props + ` />`},
		{"Vue", "npm install @callboard/widgets-vue",
			`<script setup>` + "\n" + `import { CallboardWidget } from '@callboard/widgets-vue';` + "\n" + `</script>` + "\n\n" + `<template>` + "\n" +
				`  <CallboardWidget name="` + attribute(w.ID) + `"` + attributes + ` />` + "\n" + `</template>`},
		{"Backstage", "In app-config.yaml, beside the package @callboard/backstage-plugin; the entity is that of the page.",
			"app:\n  extensions:\n    - entity-card:callboard/summary: { config: { include: ['" + strings.ReplaceAll(w.ID, "'", "''") + "'] } }"},
		{"Markdown badge", "For readers who are signed in; an address that anybody may read is made with POST /api/widgets/v1/capabilities.",
			`[![` + strings.NewReplacer("[", "", "]", "").Replace(w.Title) + `](` + badge + `)](` + p.address("", "") + cmp.Or(pageOrGallery(w, ref), galleryPath) + `)`},
	}
}

// jsx is a string literal as an attribute of JSX.
func jsx(s string) string {
	quoted, _ := json.Marshal(s)           // a string always can be
	if bytes.ContainsAny(quoted, `\&{}`) { // as a plain attribute these would mean something else
		return "{" + string(quoted) + "}"
	}
	return string(quoted)
}

func pageOrGallery(w widget, ref string) string {
	if l := linkTo(ref); l.Address != "" {
		return l.Address
	}
	return w.Gallery()
}
