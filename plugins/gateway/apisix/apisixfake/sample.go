package apisixfake

import (
	"encoding/json"
	"maps"
	"strings"
)

// Put puts a resource in as if it had been there before: "services/orders", "consumers/shop/credentials/1". It panics on one
// that APISIX would refuse.
func (s *Server) Put(key string, value map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := json.Marshal(value)
	if err != nil {
		panic("apisixfake: " + key + ": " + err.Error())
	}
	var plain map[string]any
	_ = json.Unmarshal(data, &plain) // it was just written
	path := strings.Split(key, "/")
	if wrong := s.wrong(path, plain); wrong != "" {
		panic("apisixfake: " + key + ": " + wrong)
	}
	if _, named := plain["username"]; !named {
		plain["id"] = path[len(path)-1]
	}
	s.index++
	next := state{}
	maps.Copy(next, s.state)
	plain["create_time"] = s.options.Now().Unix()
	next[key] = resource{plain, s.index, s.index}
	s.put(next)
}

// Sample puts services in as a company might have them: orders and payments ask for keys, status lets in everybody.
func (s *Server) Sample() {
	for _, name := range []string{"orders", "payments", "status"} {
		plugins := map[string]any{}
		if name != "status" {
			plugins["key-auth"] = map[string]any{"hide_credentials": true}
			plugins["consumer-restriction"] = map[string]any{"type": "consumer_group_id", "whitelist": []string{"internal"}}
		}
		s.Put("services/"+name, map[string]any{"name": name, "plugins": plugins, "upstream": map[string]any{"type": "roundrobin", "nodes": map[string]any{name + ".internal:8080": 1}}})
		s.Put("routes/"+name, map[string]any{"name": name, "uris": []string{"/" + name, "/" + name + "/*"}, "service_id": name})
	}
	s.Put("global_rules/1", map[string]any{"plugins": map[string]any{"prometheus": map[string]any{}}})
}
