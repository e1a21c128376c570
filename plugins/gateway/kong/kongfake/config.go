package kongfake

import (
	"crypto/md5" //nolint:gosec // what Kong tells of a configuration
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const emptyHash = "00000000000000000000000000000000"

// declarative answers /config of a node without a database.
func (s *Server) declarative(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.options.DBLess:
		answer(w, http.StatusBadRequest, map[string]any{"message": "this endpoint is only available when Kong is configured to not use a database"})
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, map[string]any{"config": s.export()})
	case r.Method == http.MethodPost:
		s.load(w, r)
	default:
		methodNotAllowed().send(w)
	}
}

// export is the configuration as lists of entities, which refer to each other by their ids.
func (s *Server) export() string {
	if s.exported != "" {
		return s.exported
	}
	out := map[string]any{"_format_version": "3.0", "_transform": false}
	for _, k := range kinds {
		var list []any
		for _, e := range s.state.all(k.path, s.options.Now()) {
			row := maps.Clone(e)
			delete(row, expires)
			maps.DeleteFunc(row, func(_ string, v any) bool { return v == nil })
			for field := range k.foreign {
				if id := reference(e, field); id != "" {
					row[field] = id
				}
			}
			list = append(list, row)
		}
		if list != nil {
			out[k.table] = list
		}
	}
	write := yaml.Marshal
	if s.options.JSON {
		write = json.Marshal
	}
	text, err := write(out)
	if err != nil {
		panic(err) // maps and slices can be written
	}
	s.exported = string(text)
	return s.exported
}

func (s *Server) load(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	data, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil || json.Unmarshal(data, &body) != nil {
		badBody().send(w)
		return
	}
	source := data
	if body["_format_version"] == nil {
		config, given := body["config"].(string)
		if !given {
			answer(w, http.StatusBadRequest, map[string]any{"message": "expected a declarative configuration"})
			return
		}
		source = []byte(config)
	}
	hash := hashOf(source)
	if r.URL.Query().Get("check_hash") == "1" && hash == s.hash {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	next, wrong := s.parse(source)
	if len(wrong) > 0 {
		(&problem{fmt.Sprintf("declarative config is invalid: %v", wrong), "invalid declarative configuration", 14, wrong, http.StatusBadRequest}).send(w)
		return
	}
	s.hash = hash
	s.put(next)
	answer(w, http.StatusCreated, next.export())
}

func hashOf(source []byte) string {
	sum := md5.Sum(source) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// export is what POST /config answers: entities by table and id.
func (s state) export() map[string]any {
	out := map[string]any{}
	for _, k := range kinds {
		if len(s[k.path]) > 0 {
			out[k.table] = s[k.path]
		}
	}
	return out
}

func (s *Server) parse(source []byte) (state, map[string]any) {
	var document map[string]any
	if json.Unmarshal(source, &document) != nil {
		if yaml.Unmarshal(source, &document) != nil {
			return nil, map[string]any{"error": "failed parsing declarative configuration"}
		}
		document = asJSON(document)
	}
	if document["_format_version"] == nil {
		return nil, map[string]any{"_format_version": "required field missing"}
	}
	rows := map[string][]entity{}
	if wrong := flatten(rows, document, nil, ""); wrong != nil {
		return nil, wrong
	}
	next := state{}
	for _, k := range kinds {
		for i, e := range rows[k.table] {
			if wrong := s.adopt(&next, k, e); wrong != nil {
				return nil, map[string]any{k.table: map[string]any{strconv.Itoa(i + 1): wrong.Message}}
			}
		}
	}
	return next, nil
}

// asJSON has numbers as JSON has them.
func asJSON(document map[string]any) map[string]any {
	data, err := json.Marshal(document)
	if err != nil {
		return map[string]any{}
	}
	var out map[string]any
	_ = json.Unmarshal(data, &out) // it was just written
	return out
}

// flatten collects entities by table; those below another one refer to it.
func flatten(rows map[string][]entity, document map[string]any, parent *kind, owner string) map[string]any {
	for name, value := range document {
		k := kindWhere(func(k *kind) bool { return k.table == name })
		if k == nil || parent != nil && k.refersTo(parent.path) == "" {
			if parent == nil && !strings.HasPrefix(name, "_") {
				return map[string]any{name: "unknown field"}
			}
			continue
		}
		list, _ := value.([]any)
		for _, one := range list {
			e, isRecord := one.(map[string]any)
			if !isRecord {
				return map[string]any{name: "expected a record"}
			}
			if parent != nil {
				e[k.refersTo(parent.path)] = owner
			}
			if wrong := flattenRow(rows, k, e); wrong != nil {
				return wrong
			}
		}
	}
	return nil
}

// flattenRow collects an entity after those below it.
func flattenRow(rows map[string][]entity, k *kind, e entity) map[string]any {
	if text(e["id"]) == "" {
		e["id"] = rowID(k, e)
	}
	if wrong := flatten(rows, e, k, text(e["id"])); wrong != nil {
		return wrong
	}
	for _, child := range kinds {
		if child.refersTo(k.path) != "" && !slices.Contains(k.fields, child.table) {
			delete(e, child.table)
		}
	}
	rows[k.table] = append(rows[k.table], e)
	return nil
}

// rowID is made of what is unique, so that nodes with the same configuration have the same ids.
func rowID(k *kind, e entity) string {
	return id(fmt.Sprint(k.table, e["name"], e["username"], e["key"], e["group"], e["service"], e["route"], e["consumer"]))
}

// adopt puts one entity in, whose references are ids or names.
func (s *Server) adopt(next *state, k *kind, e entity) *problem {
	now := s.options.Now()
	for field, to := range k.foreign {
		if key := text(e[field]); key != "" {
			found, there := next.find(kindAt(to), key, now)
			if !there {
				return unresolved(field, to, key)
			}
			e[field] = map[string]any{"id": found["id"]}
		}
	}
	if (*next)[k.path][text(e["id"])] != nil {
		return taken(text(e["id"]))
	}
	delete(e, "ttl") // a node without a database ends no keys
	made, wrong := complete(*next, k, e, now.Unix())
	if wrong != nil {
		return wrong
	}
	*next = next.with(k.path, made)
	return nil
}
