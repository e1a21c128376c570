package apisixfake

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// resource is one as the Admin API shows it. It is never changed: what is written is a new one.
type resource struct {
	value             map[string]any
	created, modified int64 // indexes of the store
}

// state has the resources by their key below /apisix: "services/orders", "consumers/shop/credentials/1". It is never changed
// either.
type state map[string]resource

var (
	kinds    = []string{"routes", "services", "consumers", "consumer_groups", "global_rules", "upstreams"}
	anID     = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)
	username = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)
)

// resource answers /{kind}, /{kind}/{id}, /consumers/{name}/credentials and /consumers/{name}/credentials/{id}; s.mu is held.
func (s *Server) resource(w http.ResponseWriter, r *http.Request, path []string) {
	switch {
	case !slices.Contains(kinds, path[0]) || len(path) > 4 || len(path) > 2 && (path[0] != "consumers" || path[2] != "credentials"):
		refuse(w, http.StatusBadRequest, "Unsupported resource type: "+path[len(path)-1])
	case r.Method == http.MethodGet && len(path)%2 == 1:
		s.list(w, r, strings.Join(path, "/")+"/")
	case r.Method == http.MethodPut && len(path) == 1 && path[0] == "consumers":
		s.write(w, r, path)
	case len(path)%2 == 1:
		refuse(w, http.StatusBadRequest, "missing id")
	default:
		s.one(w, r, path)
	}
}

func (s *Server) one(w http.ResponseWriter, r *http.Request, path []string) {
	key := strings.Join(path, "/")
	found, there := s.state[key]
	switch r.Method {
	case http.MethodGet:
		if !there {
			answer(w, http.StatusNotFound, map[string]any{"message": "Key not found"})
			return
		}
		answer(w, http.StatusOK, s.shown(key, found))
	case http.MethodPut:
		s.write(w, r, path)
	case http.MethodPatch:
		if len(path) == 4 {
			refuse(w, http.StatusMethodNotAllowed, "not supported `PATCH` method for credential")
			return
		}
		s.patch(w, r, key)
	case http.MethodDelete:
		s.remove(w, r, key, there)
	default:
		refuse(w, http.StatusNotFound, "not supported `"+r.Method+"` method")
	}
}

// shown is a resource as it is answered: with encryption, keys are not as they were given.
func (s *Server) shown(key string, r resource) map[string]any {
	value := r.value
	if given := keyOf(value); given != "" && s.options.Encrypted {
		value = maps.Clone(value)
		value["plugins"] = map[string]any{"key-auth": map[string]any{"key": base64.StdEncoding.EncodeToString([]byte("cipher:" + given))}}
	}
	return map[string]any{"key": "/apisix/" + key, "value": value, "createdIndex": r.created, "modifiedIndex": r.modified}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, below string) {
	all := []map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(s.state)) {
		if rest, is := strings.CutPrefix(key, below); is && !strings.Contains(rest, "/") {
			all = append(all, s.shown(key, s.state[key]))
		}
	}
	total, q := len(all), r.URL.Query()
	if page := q.Get("page"); page != "" {
		n, err := strconv.Atoi(page)
		size, sizeErr := strconv.Atoi(q.Get("page_size"))
		if err != nil || sizeErr != nil || n < 1 || size < 10 || size > 500 {
			refuse(w, http.StatusBadRequest, "page_size must be between 10 and 500")
			return
		}
		size = min(size, s.options.PageSize)
		from := min((n-1)*size, total)
		all = all[from:min(from+size, total)]
	}
	answer(w, http.StatusOK, map[string]any{"total": total, "list": all})
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, path []string) {
	value := map[string]any{}
	body, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
	if err != nil || json.Unmarshal(body, &value) != nil {
		refuse(w, http.StatusBadRequest, "invalid request body")
		return
	}
	if path[0] == "consumers" && len(path) <= 2 {
		name := text(value["username"])
		if !username.MatchString(name) || len(path) == 2 && path[1] != name {
			refuse(w, http.StatusBadRequest, `invalid configuration: property "username" validation failed`)
			return
		}
		path = []string{"consumers", name}
	} else {
		value["id"] = path[len(path)-1]
	}
	s.store(w, path, value)
}

func (s *Server) store(w http.ResponseWriter, path []string, value map[string]any) {
	key := strings.Join(path, "/")
	if !anID.MatchString(path[len(path)-1]) && path[0] != "consumers" {
		refuse(w, http.StatusBadRequest, `invalid configuration: property "id" validation failed`)
		return
	}
	if wrong := s.wrong(path, value); wrong != "" {
		refuse(w, http.StatusBadRequest, wrong)
		return
	}
	s.index++
	next := maps.Clone(s.state)
	was, there := next[key]
	now, status := s.options.Now().Unix(), http.StatusOK
	made := resource{value, was.created, s.index}
	value["update_time"] = now
	value["create_time"] = was.value["create_time"]
	if !there {
		made.created, status = s.index, http.StatusCreated
		value["create_time"] = now
	}
	next[key] = made
	s.put(next)
	answer(w, status, s.shown(key, made))
}

func (s *Server) put(next state) {
	s.state = next
	s.seen.Put(s.options.Now(), next)
}

// wrong is what APISIX finds fault with, "" = nothing.
func (s *Server) wrong(path []string, value map[string]any) string {
	plugins, _ := value["plugins"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		config, is := plugins[name].(map[string]any)
		if !is {
			return "invalid plugins configuration"
		}
		if wrong := wrongPlugin(name, config, path); wrong != "" {
			return wrong
		}
	}
	for name, kind := range map[string]string{"service_id": "services", "group_id": "consumer_groups", "upstream_id": "upstreams"} {
		if id := text(value[name]); id != "" {
			if _, there := s.state[kind+"/"+id]; !there {
				return fmt.Sprintf("failed to fetch %s info by %s [%s], response code: 404", strings.TrimSuffix(strings.ReplaceAll(kind, "_", " "), "s"), strings.ReplaceAll(name, "_", " "), id)
			}
		}
	}
	if path[0] == "consumer_groups" && plugins == nil {
		return `invalid configuration: property "plugins" is required`
	}
	if path[0] == "routes" && value["uri"] == nil && value["uris"] == nil {
		return `invalid configuration: value should match only one schema, but matches none`
	}
	if len(path) == 4 {
		if _, there := s.state["consumers/"+path[1]]; !there {
			return "missing consumer of the credential"
		}
		return s.takenKey(strings.Join(path, "/"), keyOf(value))
	}
	return ""
}

func (s *Server) takenKey(own, key string) string {
	if key == "" {
		return `invalid configuration: property "plugins" is required`
	}
	for other, r := range s.state {
		if other != own && keyOf(r.value) == key {
			return "duplicate key found with consumer: " + strings.Split(other, "/")[1]
		}
	}
	return ""
}

func wrongPlugin(name string, config map[string]any, path []string) string {
	at := "failed to check the configuration of plugin " + name + " err: "
	switch name {
	case "key-auth":
		if path[0] == "consumers" && text(config["key"]) == "" {
			return at + `property "key" is required`
		}
	case "limit-count":
		if number(config["count"]) <= 0 || number(config["time_window"]) <= 0 {
			return at + `property "count" and "time_window" are required`
		}
		if code := number(config["rejected_code"]); config["rejected_code"] != nil && (code < 200 || code > 599) {
			return at + `property "rejected_code" validation failed: expected at least 200 and at most 599`
		}
	case "consumer-restriction":
		if config["whitelist"] == nil && config["blacklist"] == nil {
			return at + "value should match only one schema, but matches none"
		}
		if list, is := config["whitelist"].([]any); is && len(list) == 0 {
			return at + `property "whitelist" validation failed: expect array to have at least 1 items`
		}
	case "proxy-rewrite", "prometheus", "cors":
	default:
		return "unknown plugin [" + name + "]"
	}
	return ""
}

// patch merges members into a resource; null takes one away.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, key string) {
	found, there := s.state[key]
	change := map[string]any{}
	body, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
	switch {
	case !there:
		answer(w, http.StatusNotFound, map[string]any{"message": "Key not found"})
	case err != nil || json.Unmarshal(body, &change) != nil:
		refuse(w, http.StatusBadRequest, "invalid request body")
	default:
		s.store(w, strings.Split(key, "/"), merged(found.value, change))
	}
}

func merged(value, change map[string]any) map[string]any {
	out := maps.Clone(value)
	for name, v := range change {
		record, isRecord := v.(map[string]any)
		old, was := out[name].(map[string]any)
		switch {
		case v == nil:
			delete(out, name)
		case isRecord && was:
			out[name] = merged(old, record)
		default:
			out[name] = v
		}
	}
	return out
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request, key string, there bool) {
	if !there {
		answer(w, http.StatusNotFound, map[string]any{"message": "Key not found"})
		return
	}
	kind, id, _ := strings.Cut(key, "/")
	by := map[string]string{"services": "service_id", "consumer_groups": "group_id", "upstreams": "upstream_id"}[kind]
	for other, one := range s.state {
		if by != "" && text(one.value[by]) == id && r.URL.Query().Get("force") != "true" {
			user, name, _ := strings.Cut(other, "/")
			refuse(w, http.StatusBadRequest, fmt.Sprintf("can not delete this %s, %s [%s] is still using it now", strings.TrimSuffix(kind, "s"), strings.TrimSuffix(user, "s"), name))
			return
		}
	}
	next := maps.Clone(s.state)
	maps.DeleteFunc(next, func(other string, _ resource) bool { return other == key || strings.HasPrefix(other, key+"/") })
	s.put(next)
	answer(w, http.StatusOK, map[string]any{"deleted": "1", "key": "/apisix/" + key})
}

// keyOf is the key of a consumer or credential.
func keyOf(value map[string]any) string {
	plugins, _ := value["plugins"].(map[string]any)
	config, _ := plugins["key-auth"].(map[string]any)
	return text(config["key"])
}

func text(v any) string {
	t, _ := v.(string)
	return t
}

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}
