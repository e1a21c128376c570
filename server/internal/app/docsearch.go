package app

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"html"
	"io/fs"
	"iter"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/search"
	"github.com/callboard/callboard/server/internal/techdocs"
)

// techdocsType makes the pages of published documentation findable: one document for each part that a site's own search
// index lists, visible to those who may read the entity.
func techdocsType(catalogType search.Type, ix *index.Index, sites *techdocs.Sites, every time.Duration, log *slog.Logger) search.Type {
	return search.Type{
		Name:       "techdocs",
		Fields:     []string{"title", "text", "kind", "namespace", "name", "entityTitle", "componentType", "type", "lifecycle", "owner", "path", "location"},
		Permission: catalogType.Permission, Conditions: catalogType.Conditions,
		Source: &pages{index: ix, sites: sites, every: every, log: log, cache: map[entity.Canonical]site{}},
	}
}

// pages is the source of those documents. Sites are written by others, so they are looked at again after some time, and
// when the catalog changes; a site whose index file has not changed is not read again.
type pages struct {
	index *index.Index
	sites *techdocs.Sites
	every time.Duration
	log   *slog.Logger
	cache map[entity.Canonical]site
}

type site struct {
	written time.Time
	pages   []techdocs.Page
}

func (s *pages) Generation() uint64 {
	return uint64(s.index.Snapshot().Seq())<<20 ^ uint64(time.Now().UnixNano()/int64(s.every))
}

var documented = index.Exists("metadata.annotations.backstage.io/techdocs-ref")

func (s *pages) Documents(ctx context.Context) iter.Seq2[search.Entry, error] {
	return func(yield func(search.Entry, error) bool) {
		snapshot := s.index.Snapshot()
		for doc := range snapshot.All() {
			if ctx.Err() != nil {
				yield(search.Entry{}, ctx.Err())
				return
			}
			if !snapshot.Matches(doc.Ref, documented) || s.each(doc, yield) {
				continue
			}
			return
		}
	}
}

func (s *pages) each(doc *index.Doc, yield func(search.Entry, error) bool) bool {
	ref, err := entity.ParseRef(string(doc.Ref), entity.Defaults{})
	if err != nil {
		return true
	}
	for i, page := range s.of(ref) {
		version := fnv.New64a()
		for _, part := range []string{page.Title, page.Text, page.Location, string(doc.JSON)} {
			_, _ = version.Write([]byte(part + "\x00"))
		}
		e := search.Entry{Key: string(doc.Ref) + "#" + strconv.Itoa(i), Version: version.Sum64(),
			Read: func() (search.Document, bool, error) { return document(doc, ref, page) }}
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// of lists the pages of one site, from memory when its index file has not changed.
func (s *pages) of(ref entity.Ref) []techdocs.Page {
	written := s.sites.Written(ref)
	if known, ok := s.cache[ref.Canonical()]; ok && known.written.Equal(written) {
		return known.pages
	}
	list, _, err := s.sites.Pages(ref)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("documentation is not searchable", slog.String("entity", ref.String()), slog.Any("error", err))
	}
	s.cache[ref.Canonical()] = site{written, list}
	return list
}

func document(doc *index.Doc, ref entity.Ref, page techdocs.Page) (search.Document, bool, error) {
	var e entity.Entity
	if err := json.Unmarshal(doc.JSON, &e); err != nil {
		return search.Document{}, false, err
	}
	spec := e.Spec()
	componentType := orElse(text(spec["type"]), "other")
	owner, _ := entity.ParseRef(ownerOf(e), entity.Defaults{Kind: "Group"})
	extra, err := json.Marshal(map[string]any{"annotations": e.Metadata()["annotations"]})
	if err != nil {
		return search.Document{}, false, err
	}
	location := "/docs/" + strings.ToLower(url.PathEscape(ref.Namespace)+"/"+url.PathEscape(ref.Kind)+"/"+url.PathEscape(ref.Name)) + "/" + page.Location
	return search.Document{
		Values: []string{plain(page.Title), plain(page.Text), strings.ToLower(ref.Kind), strings.ToLower(ref.Namespace), strings.ToLower(ref.Name),
			text(e.Metadata()["title"]), componentType, componentType, text(spec["lifecycle"]), owner.Name, page.Location, location},
		Extra: extra, ResourceRef: string(doc.Ref),
	}, true, nil
}

func ownerOf(e entity.Entity) string {
	relations, _ := e["relations"].([]any)
	for _, r := range relations {
		if relation, ok := r.(map[string]any); ok && relation["type"] == "ownedBy" {
			return text(relation["targetRef"])
		}
	}
	return ""
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is the text of a fragment of HTML.
func plain(fragment string) string { return html.UnescapeString(tags.ReplaceAllString(fragment, "")) }

func text(v any) string {
	s, _ := v.(string)
	return s
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
