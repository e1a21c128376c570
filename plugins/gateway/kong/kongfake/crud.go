package kongfake

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// target is what a path names.
type target struct {
	kind   *kind
	parent *kind // nil = none
	owner  string
	key    string // "" = the collection
}

// entities answers /services, /services/{s}, /services/{s}/routes, /services/{s}/routes/{r}, /tags and /tags/{tag}.
func (s *Server) entities(w http.ResponseWriter, r *http.Request, segments []string) {
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			notFound().send(w)
			return
		}
		segments[i] = plain
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offline {
		unreachable().send(w)
		return
	}
	if segments[0] == "tags" {
		s.tags(w, r, segments[1:])
		return
	}
	t, ok := resolve(segments)
	if !ok {
		notFound().send(w)
		return
	}
	if wrong := s.serve(w, r, t); wrong != nil {
		wrong.send(w)
	}
}

func resolve(segments []string) (target, bool) {
	t := target{kind: kindAt(segments[0])}
	if t.kind == nil || len(segments) > 4 {
		return t, false
	}
	if len(segments) > 1 {
		t.key = segments[1]
	}
	if len(segments) > 2 {
		t.parent, t.owner, t.key = t.kind, segments[1], ""
		if t.kind = kindBelow(t.parent.path, segments[2]); t.kind == nil {
			return t, false
		}
	}
	if len(segments) == 4 {
		t.key = segments[3]
	}
	return t, true
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, t target) *problem {
	now := s.options.Now()
	var owner, member string
	if t.parent != nil {
		parent, there := s.state.find(t.parent, t.owner, now)
		if !there {
			return notFound()
		}
		owner, member = text(parent["id"]), t.kind.refersTo(t.parent.path)
	}
	if t.key == "" {
		switch r.Method {
		case http.MethodGet:
			return s.list(w, r, t, owner)
		case http.MethodPost:
			return s.create(w, r, t, owner)
		}
		return methodNotAllowed()
	}
	found, there := s.state.findBelow(t.kind, t.key, member, owner, now)
	switch r.Method {
	case http.MethodGet:
		if !there {
			return notFound()
		}
		answer(w, http.StatusOK, shown(found, now))
	case http.MethodPut, http.MethodPatch:
		return s.change(w, r, t, owner, found, there)
	case http.MethodDelete:
		return s.remove(w, t, found, there)
	default:
		return methodNotAllowed()
	}
	return nil
}

func read(r *http.Request) (entity, *problem) {
	e := entity{}
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil || len(body) > 0 && json.Unmarshal(body, &e) != nil {
		return nil, badBody()
	}
	return e, nil
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, t target, owner string) *problem {
	if t.kind.listOnly && t.parent == nil {
		return methodNotAllowed()
	}
	body, wrong := read(r)
	if wrong != nil {
		return wrong
	}
	if text(body["id"]) == "" {
		body["id"] = newID()
	} else if s.state[t.kind.path][text(body["id"])] != nil {
		return taken(text(body["id"]))
	}
	return s.write(w, t, owner, body, http.StatusCreated, "create")
}

// change replaces an entity, or makes it, or merges members into it.
func (s *Server) change(w http.ResponseWriter, r *http.Request, t target, owner string, found entity, there bool) *problem {
	body, wrong := read(r)
	if wrong != nil {
		return wrong
	}
	if r.Method == http.MethodPatch {
		if !there {
			return notFound()
		}
		return s.write(w, t, owner, merged(found, body), http.StatusOK, "update")
	}
	switch {
	case there:
		body["id"] = found["id"]
	case isUUID(t.key):
		body["id"] = t.key
	default:
		body["id"] = newID()
	}
	if !isUUID(t.key) && t.kind.endpointKey != "" {
		body[t.kind.endpointKey] = t.key
	}
	return s.write(w, t, owner, body, http.StatusOK, "create or update")
}

// merged is an entity with members replaced; records are merged, arrays are not.
func merged(e, change map[string]any) map[string]any {
	out := maps.Clone(e)
	for name, value := range change {
		record, isRecord := value.(map[string]any)
		old, was := out[name].(map[string]any)
		if isRecord && was {
			value = merged(old, record)
		}
		out[name] = value
	}
	return out
}

func (s *Server) write(w http.ResponseWriter, t target, owner string, e entity, status int, operation string) *problem {
	if t.parent != nil {
		e[t.kind.refersTo(t.parent.path)] = map[string]any{"id": owner}
	}
	made, wrong := s.complete(t.kind, e)
	if wrong != nil {
		return wrong
	}
	if s.options.DBLess {
		return unsupported(operation, t.kind.table)
	}
	s.put(s.state.with(t.kind.path, made))
	answer(w, status, shown(made, s.options.Now()))
	return nil
}

// put makes a state the current one; s.mu is held.
func (s *Server) put(next state) {
	s.state, s.exported = next, ""
	s.seen.Put(s.options.Now(), next)
}

// complete is an entity with its defaults, if there is nothing wrong with it.
func (s *Server) complete(k *kind, e entity) (entity, *problem) {
	return complete(s.state, k, e, s.options.Now().Unix())
}

func complete(in state, k *kind, e entity, now int64) (entity, *problem) {
	if wrong := unknown(k, e); len(wrong) > 0 {
		return nil, violated(wrong)
	}
	if wrong := spread(e); len(wrong) > 0 {
		return nil, violated(wrong)
	}
	if wrong := timeToLive(e, now); len(wrong) > 0 {
		return nil, violated(wrong)
	}
	k.fill(e)
	orElse(e, entity{"tags": nil, "created_at": float64(now)})
	if k.endpointKey != "group" && k.endpointKey != "key" {
		e["updated_at"] = float64(now)
	}
	if wrong := k.check(e); len(wrong) > 0 {
		return nil, violated(wrong)
	}
	for field, to := range k.foreign {
		if id := reference(e, field); id != "" && in[to][id] == nil {
			return nil, unresolved(field, to, id)
		}
	}
	for _, field := range k.required {
		if reference(e, field) == "" {
			return nil, violated(violations{field: "required field missing"})
		}
	}
	return e, collision(in, k, e)
}

func unknown(k *kind, e entity) violations {
	known := map[string]bool{"id": true, "created_at": true, "updated_at": true, expires: true}
	for _, name := range k.fields {
		known[name] = true
	}
	wrong := violations{}
	for name := range e {
		if !known[name] {
			wrong[name] = "unknown field"
		}
	}
	if id, given := e["id"]; given && !isUUID(text(id)) {
		wrong["id"] = "expected a valid UUID"
	}
	for _, tag := range texts(e["tags"]) {
		if strings.ContainsAny(tag, ",/") {
			wrong["tags"] = "invalid tag '" + tag + "': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"
		}
	}
	return wrong
}

// spread is for the member url of services, which stands for four others.
func spread(e entity) violations {
	address, given := e["url"]
	delete(e, "url")
	if !given || address == nil {
		return nil
	}
	u, err := url.Parse(text(address))
	if err != nil || u.Hostname() == "" {
		return violations{"url": "missing host in url"}
	}
	port := map[string]float64{"http": 80, "https": 443}[u.Scheme]
	if n, err := strconv.Atoi(u.Port()); err == nil {
		port = float64(n)
	}
	e["protocol"], e["host"], e["port"], e["path"] = u.Scheme, u.Hostname(), port, nil
	if u.Path != "" {
		e["path"] = u.Path
	}
	return nil
}

// timeToLive turns seconds to live into an end. None given leaves the end as it is; zero takes it away.
func timeToLive(e entity, now int64) violations {
	ttl, given := e["ttl"]
	delete(e, "ttl")
	seconds, isNumber := ttl.(float64)
	switch {
	case !given || ttl == nil:
	case !isNumber || seconds < 0 || seconds > 100_000_000 || seconds != float64(int64(seconds)):
		return violations{"ttl": "must be an integer between 0 and 100000000"}
	case seconds == 0:
		delete(e, expires)
	default:
		e[expires] = now + int64(seconds)
	}
	return nil
}

func collision(in state, k *kind, e entity) *problem {
	for _, set := range k.unique {
		if values := valuesOf(k, e, set); values != nil {
			for id, other := range in[k.path] {
				if id != e["id"] && maps.Equal(values, valuesOf(k, other, set)) {
					return duplicate(values)
				}
			}
		}
	}
	return nil
}

// valuesOf are those of a set of members that must be unique; nil = nothing to compare.
func valuesOf(k *kind, e entity, set []string) map[string]any {
	values := map[string]any{}
	for _, name := range set {
		if _, foreign := k.foreign[name]; foreign {
			values[name] = reference(e, name)
		} else if values[name] = text(e[name]); values[name] == "" {
			return nil
		}
	}
	return values
}

func (s *Server) remove(w http.ResponseWriter, t target, found entity, there bool) *problem {
	if s.options.DBLess {
		return unsupported("delete", t.kind.table)
	}
	if there {
		id := text(found["id"])
		for _, k := range kinds {
			field := k.refersTo(t.kind.path)
			for _, e := range s.state[k.path] {
				if k.restricts && field != "" && reference(e, field) == id {
					return referenced(k.table, t.kind.table)
				}
			}
		}
		s.put(s.state.without(t.kind.path, id))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
