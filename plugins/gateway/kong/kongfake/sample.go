package kongfake

import "maps"

// Put puts an entity in as if it had been there before: {"name": "orders", "host": "orders.example"}. References are ids
// or what stands for them in paths. It panics on one that Kong would refuse.
func (s *Server) Put(kind string, e map[string]any) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := maps.Clone(e)
	switch {
	case text(row["id"]) != "":
	case s.options.DBLess:
		row["id"] = rowID(kindAt(kind), row)
	default:
		row["id"] = newID()
	}
	next := s.state
	if wrong := s.adopt(&next, kindAt(kind), row); wrong != nil {
		panic("kongfake: " + kind + ": " + wrong.Message)
	}
	s.put(next)
	if s.options.DBLess {
		s.hash = hashOf([]byte(s.export()))
	}
	return text(row["id"])
}

// Sample puts services in as a company might have them: orders and payments ask for keys, status lets in everybody.
// Requests are counted by consumer.
func (s *Server) Sample() {
	for _, name := range []string{"orders", "payments", "status"} {
		s.Put("services", entity{"name": name, "host": name + ".internal", "port": 8080.0, "tags": []any{"team-checkout"}})
		s.Put("routes", entity{"name": name, "service": name, "paths": []any{"/" + name}, "tags": []any{"team-checkout"}})
		if name != "status" {
			s.Put("plugins", entity{"name": "key-auth", "service": name, "config": map[string]any{"hide_credentials": true}})
			s.Put("plugins", entity{"name": "acl", "service": name, "config": map[string]any{"allow": []any{"internal"}, "hide_groups_header": true}})
		}
	}
	s.Put("plugins", entity{"name": "prometheus", "config": map[string]any{
		"status_code_metrics": true, "latency_metrics": true, "bandwidth_metrics": true, "per_consumer": true,
	}})
}
