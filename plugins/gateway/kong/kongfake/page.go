package kongfake

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// list answers one page of a collection.
func (s *Server) list(w http.ResponseWriter, r *http.Request, t target, owner string) *problem {
	q := r.URL.Query()
	wanted, wrong := tagged(q.Get("tags"))
	if wrong != nil {
		return wrong
	}
	var all []entity
	for _, e := range s.state.all(t.kind.path, s.options.Now()) {
		if (t.parent == nil || reference(e, t.kind.refersTo(t.parent.path)) == owner) && wanted(texts(e["tags"])) {
			all = append(all, shown(e, s.options.Now()))
		}
	}
	at := "/" + t.kind.path
	if t.parent != nil {
		at = "/" + t.parent.path + "/" + owner + "/" + t.kind.nested
	}
	return s.page(w, q, at, all, func(e entity) string { return text(e["id"]) })
}

// page answers what follows the offset, which is the last identity of the page before.
func (s *Server) page(w http.ResponseWriter, q url.Values, at string, all []entity, identity func(entity) string) *problem {
	size := s.options.PageSize
	if given := q.Get("size"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil {
			return badSize("size must be a number")
		}
		if n < 1 || n > 1000 {
			return badSize("size must be an integer between 1 and 1000")
		}
		size = min(n, max(size, 1))
	}
	if offset := q.Get("offset"); offset != "" {
		last, err := base64.RawURLEncoding.DecodeString(offset)
		if err != nil {
			return badOffset(offset)
		}
		from := slices.IndexFunc(all, func(e entity) bool { return identity(e) > string(last) })
		if from < 0 {
			from = len(all)
		}
		all = all[from:]
	}
	out := map[string]any{"data": all, "next": nil}
	if len(all) > size {
		all = all[:size]
		offset := base64.RawURLEncoding.EncodeToString([]byte(identity(all[size-1])))
		next := fmt.Sprintf("%s?offset=%s", at, offset)
		if tags := q.Get("tags"); tags != "" {
			next += "&tags=" + url.QueryEscape(tags)
		}
		out = map[string]any{"data": all, "offset": offset, "next": next}
	}
	if len(all) == 0 {
		out["data"] = []entity{}
	}
	answer(w, http.StatusOK, out)
	return nil
}

// tagged reads "a,b" for all and "a/b" for any of the tags.
func tagged(query string) (func([]string) bool, *problem) {
	switch {
	case query == "":
		return func([]string) bool { return true }, nil
	case strings.Contains(query, ",") && strings.Contains(query, "/"):
		return nil, badTags()
	case strings.Contains(query, "/"):
		wanted := strings.Split(query, "/")
		return func(tags []string) bool {
			return slices.ContainsFunc(wanted, func(tag string) bool { return slices.Contains(tags, tag) })
		}, nil
	}
	all := strings.Split(query, ",")
	return func(tags []string) bool {
		return !slices.ContainsFunc(all, func(tag string) bool { return !slices.Contains(tags, tag) })
	}, nil
}

// tags answers who carries which tag; s.mu is held.
func (s *Server) tags(w http.ResponseWriter, r *http.Request, segments []string) {
	var all []entity
	for _, k := range kinds {
		for _, e := range s.state.all(k.path, s.options.Now()) {
			for _, tag := range texts(e["tags"]) {
				if len(segments) == 0 || segments[0] == tag {
					all = append(all, entity{"entity_name": k.table, "entity_id": e["id"], "tag": tag})
				}
			}
		}
	}
	identity := func(e entity) string {
		return text(e["entity_name"]) + " " + text(e["entity_id"]) + " " + text(e["tag"])
	}
	slices.SortFunc(all, func(a, b entity) int { return strings.Compare(identity(a), identity(b)) })
	if wrong := s.page(w, r.URL.Query(), "/tags", all, identity); wrong != nil {
		wrong.send(w)
	}
}
