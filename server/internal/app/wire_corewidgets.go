package app

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/apidocs"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/techdocs"
	"github.com/callboard/callboard/server/internal/widget"
)

// coreSource is the name under which the host's own widgets are installed.
const coreSource = "callboard"

// coreWidgets are the host's own: what is known of an entity without any plugin.
type coreWidgets struct {
	docs     *apidocs.Engine
	sites    *techdocs.Sites
	entities readable
	backend  *url.URL // where browsers reach this host; empty = unknown
	portal   string   // where people read about entities; "" = unknown
}

func (c coreWidgets) list() ([]widget.Widget, error) {
	var out []widget.Widget
	for _, w := range []struct {
		description widget.Description
		appliesTo   string
		query       func(context.Context, widget.Query) ([]*frame.Frame, error)
	}{
		{widget.Description{ID: "api-docs/reference", Title: "API reference", Description: "What an API is, and its operations", View: widget.Docs}, "kind:api", c.reference},
		{widget.Description{ID: "techdocs/page", Title: "Documentation", Description: "The pages of an entity's documentation", View: widget.Docs}, "annotation:backstage.io/techdocs-ref", c.pages},
		{widget.Description{ID: "catalog/about", Title: "About", Description: "Owner, lifecycle, system and links of an entity", View: widget.List}, "*", c.about},
		{widget.Description{ID: "catalog/relations", Title: "Relations", Description: "What an entity is related to", View: widget.Table}, "*", c.relations},
	} {
		applies, err := widget.ParseAppliesTo(w.appliesTo)
		if err != nil {
			return nil, err
		}
		w.description.AppliesTo = applies
		out = append(out, coreWidget{w.description, w.query})
	}
	return out, nil
}

// coreWidget is a widget that the host answers itself.
type coreWidget struct {
	description widget.Description
	query       func(context.Context, widget.Query) ([]*frame.Frame, error)
}

func (w coreWidget) Description() widget.Description { return w.description }

func (w coreWidget) Query(ctx context.Context, q widget.Query) ([]*frame.Frame, error) {
	if q.Entity == nil {
		return nil, nil
	}
	return w.query(ctx, q)
}

const (
	mostRows = 500
	mostCell = 1_000 // bytes of one text
)

// reference is the beginning of an API's document; the viewer of api-docs shows the rest.
func (c coreWidgets) reference(ctx context.Context, q widget.Query) ([]*frame.Frame, error) {
	doc, err := c.docs.Of(ctx, q.Entity)
	if err != nil {
		return nil, err
	}
	base := c.address("entities", q.Entity.Ref())
	summary := frame.New("summary", frame.Strings("text", referenceText(doc, base)))
	group, verb, path, title := frame.Strings("group"), frame.Strings("method"), frame.Strings("operation"), frame.Strings("title")
	for _, g := range doc.Groups {
		for _, s := range g.Operations {
			if len(group.Values) == mostRows {
				break
			}
			group.Add(cell(g.Name))
			verb.Add(cell(s.Verb))
			path.Add(cell(s.Path))
			title.Add(cell(s.Title))
			if base != "" {
				path.Links = append(path.Links, base+"/operations/"+url.PathEscape(s.ID))
			}
		}
	}
	return []*frame.Frame{summary, frame.New("operations", group, verb, path, title)}, nil
}

// referenceText is Markdown: the description is, and the other texts lose what Markdown would read in them.
func referenceText(doc *spec.Document, base string) string {
	var b strings.Builder
	b.WriteString(plainMarkdown(doc.Title) + " · " + plainMarkdown(doc.Format))
	if doc.Version != "" {
		b.WriteString(" · version " + plainMarkdown(doc.Version))
	}
	b.WriteString(" · operations: " + strconv.Itoa(doc.Len()))
	if base != "" {
		b.WriteString(" · [open](" + base + ")")
	}
	text := b.String()
	if len(doc.Description) > frame.MaxText-len(text)-2 {
		return text
	}
	return text + "\n\n" + doc.Description
}

// plainMarkdown escapes the signs of Markdown.
func plainMarkdown(s string) string {
	var b strings.Builder
	for _, r := range cell(s) {
		if strings.ContainsRune("\\`*_{}[]()#+-.!|<>&~\"'", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cell is a text that fits a frame and one line.
func cell(s string) string {
	return excerpt.Line(s, mostCell)
}

// address is where this host shows something of an entity, "" when it does not know where it is itself.
func (c coreWidgets) address(what string, ref entity.Ref) string {
	if c.backend.Host == "" {
		return ""
	}
	return strings.TrimSuffix(c.backend.String(), "/") + "/api/api-docs/v1/" + what + "/" + url.PathEscape(strings.ToLower(ref.Kind)) + "/" + url.PathEscape(ref.Namespace) + "/" + url.PathEscape(ref.Name)
}

// pages are the pages of a site by its search index; nothing when there is none.
func (c coreWidgets) pages(_ context.Context, q widget.Query) ([]*frame.Frame, error) {
	found, _, err := c.sites.Pages(q.Entity.Ref())
	base := c.address("docs", q.Entity.Ref())
	if err != nil || base == "" {
		return nil, nil //nolint:nilerr // nothing is published, or nothing can lead there
	}
	var b strings.Builder
	for _, p := range found {
		if strings.Contains(p.Location, "#") || b.Len() > frame.MaxText-2*mostCell-4_000 {
			continue // a part of a page
		}
		at := &url.URL{Path: "/" + strings.TrimPrefix(p.Location, "/")}
		b.WriteString("- [" + plainMarkdown(p.Title) + "](<" + base + at.EscapedPath() + ">)\n")
	}
	if b.Len() == 0 {
		return nil, nil
	}
	return []*frame.Frame{frame.New("pages", frame.Strings("text", b.String()))}, nil
}

// about is what the entity says of itself.
func (c coreWidgets) about(_ context.Context, q widget.Query) ([]*frame.Frame, error) {
	value, fact := frame.Strings("value"), frame.Strings("fact").Labeled("Fact")
	add := func(text, name, link string) {
		if text = cell(text); text != "" && len(value.Values) < mostRows {
			value.Add(text)
			value.Links = append(value.Links, link)
			fact.Add(name)
		}
	}
	spec, metadata := q.Entity.Spec(), q.Entity.Metadata()
	description, _ := metadata["description"].(string)
	add(description, "Description", "")
	for _, f := range []struct{ key, name, kind string }{{"owner", "Owner", "group"}, {"lifecycle", "Lifecycle", ""}, {"type", "Type", ""}, {"system", "System", "system"}, {"domain", "Domain", "domain"}} {
		text, _ := spec[f.key].(string)
		add(text, f.name, c.portalLink(text, f.kind, q.Entity.Namespace()))
	}
	links, _ := metadata["links"].([]any)
	for _, l := range links {
		link, _ := l.(map[string]any)
		address, _ := link["url"].(string)
		title, _ := link["title"].(string)
		if title == "" {
			title = address
		}
		add(title, "Link", webAddress(address))
	}
	return []*frame.Frame{frame.New("about", value, fact)}, nil
}

// portalLink is the page of an entity in the portal, "" for what is no reference.
func (c coreWidgets) portalLink(text, kind, namespace string) string {
	if kind == "" || c.portal == "" {
		return ""
	}
	ref, err := entity.ParseRef(text, entity.Defaults{Kind: kind, Namespace: namespace})
	if err != nil {
		return ""
	}
	return c.portal + widget.EntityPath(ref.String())
}

// webAddress is an address that a frame may lead to, else "".
func webAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > mostCell {
		return ""
	}
	return u.String()
}

// relations are those of the entity, as far as the viewer may read their other ends. Their names are a part of the entity,
// and nothing else of them is shown; so viewers that are no users, of whom a widget knows nothing, see all of them.
func (c coreWidgets) relations(ctx context.Context, q widget.Query) ([]*frame.Frame, error) {
	relation, target := frame.Strings("relation"), frame.EntityRefs("entity")
	list, _ := q.Entity["relations"].([]any)
	for _, item := range list {
		r, _ := item.(map[string]any)
		kind, _ := r["type"].(string)
		to, _ := r["targetRef"].(string)
		ref, err := entity.ParseRef(to, entity.Defaults{})
		if err != nil || len(target.Values) == mostRows {
			continue
		}
		if q.User != "" {
			_, ok, err := c.entities.Visible(ctx, &principal.Principal{Kind: principal.User, Subject: q.User}, ref.Canonical())
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		relation.Add(cell(kind))
		target.Add(ref.String())
	}
	return []*frame.Frame{frame.New("relations", relation, target)}, nil
}
