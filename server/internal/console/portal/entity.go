package portal

import (
	"bytes"
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/console/shell"
)

// entityView is what all tabs of an entity's page have in common.
type entityView struct {
	Notices   []string
	Entity    item
	Path      string
	Namespace string
	Tabs      []link
	Tab       string

	Properties []property
	Links      []link
	Groups     []relationGroup
	Widgets    []shownWidget
	Empty      []shownWidget // without anything to show

	Body any // of the tab
}

// property is a line of what an entity says about itself.
type property struct {
	Name  string
	Links []link
	Chips []string
}

// refOf is the entity that an address names.
func refOf(r *http.Request) entity.Ref {
	return entity.Ref{Kind: r.PathValue("kind"), Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}

func (v *visit) entity() (entity.Entity, error) {
	r := refOf(v.Request)
	var e entity.Entity
	err := v.api.get(v.Context(), "/catalog/entities/by-name"+escaped(r.Kind, r.Namespace, r.Name), nil, &e)
	return e, err
}

// annotations that say which tabs there are.
const (
	techdocsRef    = "backstage.io/techdocs-ref"
	techdocsEntity = "backstage.io/techdocs-entity"
	gatewayAPI     = "callboard.dev/gateway-api"
)

// hasTab reports whether the page has a tab of that name.
func (view *entityView) hasTab(name string) bool {
	return slices.ContainsFunc(view.Tabs, func(l link) bool { return l.Text == name })
}

func (v *visit) viewOf(e entity.Entity, tab string) *entityView {
	r := e.Ref()
	view := &entityView{Entity: itemOf(e), Path: pageOf(r), Namespace: cmp.Or(r.Namespace, entity.DefaultNamespace), Tab: tab}
	view.Tabs = []link{{Address: view.Path, Text: "Overview"}}
	if text(e.Spec(), "definition") != "" && strings.EqualFold(e.Kind(), "API") {
		view.Tabs = append(view.Tabs, link{Address: view.Path + "/api", Text: "API"})
	}
	if e.Annotation(techdocsRef) != "" || e.Annotation(techdocsEntity) != "" || tab == "Docs" {
		view.Tabs = append(view.Tabs, link{Address: view.Path + "/docs", Text: "Docs"})
	}
	if strings.EqualFold(e.Kind(), "API") || e.Annotation(gatewayAPI) != "" {
		view.Tabs = append(view.Tabs, link{Address: view.Path + "/access", Text: "Access"})
	}
	view.Tabs = append(view.Tabs, link{Address: view.Path + "/raw", Text: "Raw"})
	return view
}

func (v *visit) renderEntity(view *entityView, page shell.Page) {
	view.Notices = v.noticed()
	page.Title = view.Entity.Title
	if view.Tab != "Overview" {
		page.Title = view.Tab + " · " + view.Entity.Title
	}
	page.Active, page.Data = catalogPath, view
	v.render(http.StatusOK, "entity-"+strings.ToLower(view.Tab), page)
}

// overview is an entity with everything that is known about it, and every widget that there is for it.
func (p *Portal) overview(v *visit) {
	var e entity.Entity
	var widgets []widget
	var failed, none error
	together(
		func() { e, failed = v.entity() },
		func() { widgets, none = v.widgetsOf(refOf(v.Request)) },
	)
	if failed != nil {
		v.fail(failed)
		return
	}
	v.missed("Widgets", none)
	view := v.viewOf(e, "Overview")
	view.about(e)
	relations := relationsOf(e)
	view.Groups = groupRelations(relations)
	widgets = slices.DeleteFunc(widgets, widget.shownAnyway)
	if view.hasTab("Access") { // where the forms are
		widgets = slices.DeleteFunc(widgets, func(w widget) bool { return w.View == viewForm })
	}
	for _, w := range v.draw(arranged(widgets), view.Entity.Ref, drawing{}) {
		if w.Empty {
			view.Empty = append(view.Empty, w)
		} else {
			view.Widgets = append(view.Widgets, w)
		}
	}
	page := shell.Page{Styles: []string{widgetStyle}}
	if len(widgets) > 0 {
		page.OEmbed = p.oEmbed(widgets[0].ID, view.Entity.Ref)
	}
	v.renderEntity(view, page)
}

// about lists what the entity says about itself.
func (view *entityView) about(e entity.Entity) {
	add := func(name string, links ...link) {
		links = slices.DeleteFunc(links, func(l link) bool { return l.Text == "" })
		if len(links) > 0 {
			view.Properties = append(view.Properties, property{Name: name, Links: links})
		}
	}
	profile, _ := e.Spec()["profile"].(map[string]any)
	add("Owner", view.Entity.Owner)
	add("System", view.Entity.System)
	add("Type", link{Text: view.Entity.Type})
	add("Lifecycle", link{Text: view.Entity.Lifecycle})
	add("E-mail", link{Text: text(profile, "email")})
	add("Source", source(e))
	if len(view.Entity.Tags) > 0 {
		view.Properties = append(view.Properties, property{Name: "Tags", Chips: view.Entity.Tags})
	}
	list, _ := e.Metadata()["links"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		if address := text(m, "url"); address != "" {
			view.Links = append(view.Links, web(address, text(m, "title")))
		}
	}
}

// source is where the entity's file can be looked at.
func source(e entity.Entity) link {
	address := cmp.Or(e.Annotation("backstage.io/view-url"), strings.TrimPrefix(e.Annotation("backstage.io/source-location"), "url:"))
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return link{}
	}
	return web(address, "View source")
}

// raw is the entity as a document.
func (p *Portal) raw(v *visit) {
	e, err := v.entity()
	if err != nil {
		v.fail(err)
		return
	}
	view := v.viewOf(e, "Raw")
	view.Body = asYAML(e)
	v.renderEntity(view, shell.Page{})
}

// asYAML writes an entity as its authors would: what it is first, what it says next, what the catalog has added last.
func asYAML(e entity.Entity) string {
	node := &yaml.Node{Kind: yaml.MappingNode}
	keys := []string{"apiVersion", "kind", "metadata", "spec", "relations", "status"}
	for key := range e {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys[6:])
	for _, key := range keys {
		value, there := e[key]
		if !there {
			continue
		}
		name, content := &yaml.Node{}, &yaml.Node{}
		if name.Encode(key) != nil || content.Encode(value) != nil {
			continue // JSON values can be written as YAML
		}
		node.Content = append(node.Content, name, content)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return err.Error()
	}
	return out.String()
}
