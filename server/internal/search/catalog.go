package search

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
	catalogindex "github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// CatalogOptions is what the documents of type software-catalog are made of.
type CatalogOptions struct {
	Index *catalogindex.Index // required
	// Config is the section search.collators.catalog: locationTemplate and filter.
	Config *config.Section // required
	// Compile turns the conditions on reading entities into a filter; nil = a conditional decision shows nothing.
	Compile func(ctx context.Context, p *principal.Principal, c *permission.Criteria) (catalogindex.Filter, error)
}

const defaultLocationTemplate = "/catalog/:namespace/:kind/:name"

// CatalogType is the type software-catalog: one document per entity.
func CatalogType(o CatalogOptions) Type {
	t := Type{
		Name:   "software-catalog",
		Fields: []string{"title", "text", "componentType", "type", "namespace", "kind", "lifecycle", "owner", locationField},
		Permission: &permission.Permission{
			Type: "resource", Name: "catalog.entity.read", ResourceType: "catalog-entity",
			Attributes: permission.Attributes{Action: "read"},
		},
		Source: &catalogSource{
			index: o.Index, filter: readCatalogFilter(o.Config), seed: maphash.MakeSeed(),
			template: o.Config.String("locationTemplate", defaultLocationTemplate),
		},
	}
	if o.Compile != nil {
		t.Conditions = func(ctx context.Context, p *principal.Principal, c *permission.Criteria) (func(string) bool, error) {
			filter, err := o.Compile(ctx, p, c)
			if err != nil {
				return nil, err
			}
			snapshot := o.Index.Snapshot()
			return func(ref string) bool { return snapshot.Matches(entity.Canonical(ref), filter) }, nil
		}
	}
	return t
}

func readCatalogFilter(s *config.Section) catalogindex.Filter {
	filter, err := catalogindex.ReadFilter(s.Value("filter"))
	if err != nil {
		s.Problem("filter", err.Error())
	}
	return filter
}

type catalogSource struct {
	index    *catalogindex.Index
	filter   catalogindex.Filter
	template string
	seed     maphash.Seed
}

func (s *catalogSource) Generation() uint64 { return uint64(s.index.Snapshot().Seq()) }

func (s *catalogSource) Documents(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		snapshot := s.index.Snapshot()
		n := 0
		for d := range snapshot.All() {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				yield(Entry{}, ctx.Err())
				return
			}
			if !s.filter.IsZero() && !snapshot.Matches(d.Ref, s.filter) {
				continue
			}
			e := Entry{Key: string(d.Ref), Version: maphash.Bytes(s.seed, d.JSON), Read: func() (Document, bool, error) { return s.document(d) }}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// catalogEntity is what a document takes from an entity. Entities may be of kinds that nobody validates, hence any.
type catalogEntity struct {
	Kind     any `json:"kind"`
	Metadata struct {
		Name        any `json:"name"`
		Namespace   any `json:"namespace"`
		Title       any `json:"title"`
		Description any `json:"description"`
	} `json:"metadata"`
	Spec json.RawMessage `json:"spec"`
}

type catalogSpec struct {
	Type      any             `json:"type"`
	Lifecycle any             `json:"lifecycle"`
	Owner     any             `json:"owner"`
	Profile   json.RawMessage `json:"profile"`
}

type catalogProfile struct {
	DisplayName any `json:"displayName"`
	Email       any `json:"email"`
}

func (s *catalogSource) document(d *catalogindex.Doc) (Document, bool, error) {
	var e catalogEntity
	if err := json.Unmarshal(d.JSON, &e); err != nil {
		return Document{}, false, err
	}
	var spec catalogSpec
	_ = json.Unmarshal(e.Spec, &spec) // a spec that is no object has none of this
	kind, name, namespace := text(e.Kind), text(e.Metadata.Name), text(e.Metadata.Namespace)
	if namespace == "" {
		namespace = "default"
	}
	title := name
	if e.Metadata.Title != nil {
		title = text(e.Metadata.Title)
	}
	componentType := text(spec.Type)
	if componentType == "" {
		componentType = "other"
	}
	return Document{
		Values: []string{
			title, catalogText(kind, text(e.Metadata.Description), spec.Profile), componentType, componentType,
			namespace, kind, text(spec.Lifecycle), text(spec.Owner), s.location(kind, namespace, name),
		},
		ResourceRef: string(d.Ref),
	}, true, nil
}

// catalogText is the description; people and groups are found by their names too, people by their mail address.
func catalogText(kind, description string, rawProfile json.RawMessage) string {
	var profile catalogProfile
	_ = json.Unmarshal(rawProfile, &profile)
	parts := []string{description}
	isUser := strings.EqualFold(kind, "user")
	if isUser || strings.EqualFold(kind, "group") {
		parts = append(parts, text(profile.DisplayName))
	}
	if isUser {
		parts = append(parts, text(profile.Email))
	}
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " : ")
}

func (s *catalogSource) location(kind, namespace, name string) string {
	location := s.template
	for _, part := range [][2]string{{":namespace", namespace}, {":kind", kind}, {":name", name}} {
		location = strings.Replace(location, part[0], url.PathEscape(part[1]), 1)
	}
	return strings.ToLower(location)
}

// text is a scalar as it is shown; anything else has no text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case float64:
		return formatNumber(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case json.Number:
		return v.String()
	}
	return ""
}
