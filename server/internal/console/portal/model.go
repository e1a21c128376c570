package portal

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/weblink"
)

// link is what a page leads to. Without an address it is a text.
type link struct {
	Address, Text string
	Note          string // beside the text: the kind, where it leads
}

const catalogPath = "/console/catalog"

// pageOf is the address of an entity's page.
func pageOf(r entity.Ref) string {
	namespace := cmp.Or(r.Namespace, entity.DefaultNamespace)
	return catalogPath + escaped(strings.ToLower(namespace), strings.ToLower(r.Kind), r.Name)
}

// linkTo leads to an entity by its ref; what is no ref stays a text.
func linkTo(ref string) link {
	r, err := entity.ParseRef(ref, entity.Defaults{Namespace: entity.DefaultNamespace})
	if err != nil {
		return link{Text: ref}
	}
	return link{Address: pageOf(r), Text: r.Name, Note: strings.ToLower(r.Kind)}
}

// web is a link to somewhere else, if browsers may follow it: a whole address of the web, or a path of this host.
func web(address, text string) link {
	l := link{Text: cmp.Or(text, address)}
	if weblink.Check(address) != nil {
		return l
	}
	path := strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.Contains(address, "\\")
	if scheme := weblink.Scheme(address); scheme != "" || path {
		l.Address = address
	}
	return l
}

// item is an entity as lists show it.
type item struct {
	link

	Ref, Kind, Title, Description, Type, Lifecycle string
	Owner, System                                  link
	Tags                                           []string
}

// itemFields are what lists ask for of entities.
const itemFields = "kind,metadata.name,metadata.namespace,metadata.title,metadata.description,metadata.tags,spec.type,spec.lifecycle,spec.profile.displayName,relations"

func itemOf(e entity.Entity) item {
	r := e.Ref()
	i := item{Kind: e.Kind(), Ref: string(r.Canonical()), Description: text(e.Metadata(), "description"), Type: text(e.Spec(), "type"),
		Lifecycle: text(e.Spec(), "lifecycle"), Tags: texts(e.Metadata(), "tags")}
	i.Title = titleOf(e)
	i.link = link{Address: pageOf(r), Text: i.Title}
	for _, rel := range relationsOf(e) {
		switch {
		case rel.Type == "ownedBy" && i.Owner.Text == "":
			i.Owner = linkTo(rel.Target)
		case rel.Type == "partOf" && i.System.Text == "" && strings.HasPrefix(rel.Target, "system:"):
			i.System = linkTo(rel.Target)
		}
	}
	return i
}

func titleOf(e entity.Entity) string {
	profile, _ := e.Spec()["profile"].(map[string]any)
	return cmp.Or(text(e.Metadata(), "title"), text(profile, "displayName"), e.Name())
}

// relation is one that the catalog has resolved.
type relation struct{ Type, Target string }

func relationsOf(e entity.Entity) []relation {
	list, _ := e["relations"].([]any)
	var out []relation
	for _, one := range list {
		m, _ := one.(map[string]any)
		if r := (relation{text(m, "type"), text(m, "targetRef")}); r.Type != "" && r.Target != "" {
			out = append(out, r)
		}
	}
	return out
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

func texts(m map[string]any, key string) []string {
	list, _ := m[key].([]any)
	var out []string
	for _, one := range list {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// words turns "apiConsumedBy" and "in-progress" into "Api consumed by" and "In progress".
func words(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '-' || r == '_' || r == '.':
			b.WriteByte(' ')
		case i > 0 && r >= 'A' && r <= 'Z':
			b.WriteString(" " + strings.ToLower(string(r)))
		case i == 0:
			b.WriteString(strings.ToUpper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// relationTitles are headings of what an entity is related to, as seen from it.
var relationTitles = map[string]string{
	"ownedBy": "Owner", "ownerOf": "Owns", "providesApi": "Provides", "apiProvidedBy": "Provided by", "consumesApi": "Consumes", "apiConsumedBy": "Consumed by",
	"dependsOn": "Depends on", "dependencyOf": "Needed by", "partOf": "Part of", "hasPart": "Parts", "memberOf": "Member of", "hasMember": "Members",
	"parentOf": "Child groups", "childOf": "Parent group",
}

// relationGroup is what an entity is related to in one way.
type relationGroup struct {
	Title  string
	Links  []link
	Hidden int
}

// maxRelated is how many links of a kind are shown.
const maxRelated = 30

func groupRelations(list []relation) []relationGroup {
	byType := map[string][]link{}
	for _, r := range list {
		byType[r.Type] = append(byType[r.Type], linkTo(r.Target))
	}
	var out []relationGroup
	for kind, links := range byType {
		slices.SortFunc(links, func(x, y link) int { return cmp.Or(cmp.Compare(x.Note, y.Note), cmp.Compare(x.Text, y.Text)) })
		g := relationGroup{Title: cmp.Or(relationTitles[kind], words(kind)), Links: links}
		if len(links) > maxRelated {
			g.Links, g.Hidden = links[:maxRelated], len(links)-maxRelated
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(x, y relationGroup) int { return cmp.Compare(x.Title, y.Title) })
	return out
}

// day writes a date.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 Jan 2006")
}

// when writes how long ago a time is, or in how long it will be.
func (p *Portal) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d, form := p.o.Now().Sub(t), "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	switch {
	case d < time.Minute && form == "%s ago":
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d min", max(1, int(d.Minutes()))))
	case d < 48*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d h", int(d.Hours())))
	case d < 60*24*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d days", int(d.Hours())/24))
	default:
		return day(t)
	}
}

// toneOf is the colour of a state of a request or key.
func toneOf(state string) string {
	switch state {
	case "granted", "active":
		return "good"
	case "pending", "granting", "retiring", "suspended", "issuing":
		return "warn"
	case "rejected", "failed", "revoked":
		return "bad"
	default:
		return ""
	}
}

// with is a query with one value replaced; "" takes it away.
func with(q url.Values, key, value string) string {
	next := url.Values{}
	maps.Copy(next, q)
	next.Del(key)
	if value != "" {
		next.Set(key, value)
	}
	return next.Encode()
}
