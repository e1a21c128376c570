package expressfake

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
)

// config is gateway.config.yml. It is never changed, only replaced.
type config struct {
	sections map[string]map[string]any // "api-endpoints", "service-endpoints", "pipelines"
	policies []string
}

func sample() config {
	action := func(a map[string]any) []any { return []any{map[string]any{"action": a}} }
	return config{
		sections: map[string]map[string]any{
			"api-endpoints":     {"orders": map[string]any{"host": "*", "paths": []any{"/orders", "/orders/*"}, "scopes": []any{"orders"}}},
			"service-endpoints": {"orders": map[string]any{"url": "http://orders.internal:8080"}},
			"pipelines": {"orders": map[string]any{
				"apiEndpoints": []any{"orders"},
				"policies": []any{
					map[string]any{"key-auth": action(map[string]any{})},
					map[string]any{"rate-limit": action(map[string]any{"max": 60.0, "windowMs": 60_000.0, "rateLimitBy": "${req.user.id}", "delayMs": 0.0})},
					map[string]any{"proxy": action(map[string]any{"serviceEndpoint": "orders", "changeOrigin": true})},
				},
			}},
		},
		policies: []string{"key-auth", "rate-limit", "proxy"},
	}
}

// Configure puts an entry into a section, "api-endpoints" for instance, as if it had always been there.
func (s *Server) Configure(section, name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(section, name, value)
	s.config.Put(s.options.Now().Add(-s.options.Reread), s.written)
}

// write replaces what is written; s.mu is held.
func (s *Server) write(section, name string, value any) {
	next := config{maps.Clone(s.written.sections), s.written.policies}
	next.sections[section] = maps.Clone(next.sections[section])
	next.sections[section][name] = value
	s.written = next
}

func (s *Server) showSection(w http.ResponseWriter, r *http.Request) {
	read := s.config.Seen(s.options.Now())
	if r.PathValue("section") == "policies" {
		answer(w, read.policies)
		return
	}
	entries, known := read.sections[r.PathValue("section")]
	if !known {
		noRoute(w, r)
		return
	}
	answer(w, entries)
}

func (s *Server) writeSection(w http.ResponseWriter, r *http.Request) {
	section, name := r.PathValue("section"), r.PathValue("name")
	if section == "policies" {
		if !slices.Contains(s.written.policies, name) {
			s.written.policies = append(slices.Clone(s.written.policies), name)
			s.config.Put(s.options.Now(), s.written)
		}
		answer(w, object{"status": "ok"})
		return
	}
	entries, known := s.written.sections[section]
	if !known {
		noRoute(w, r)
		return
	}
	var value any
	if text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20)); err != nil || json.Unmarshal(text, &value) != nil {
		value = map[string]any{}
	}
	_, there := entries[name]
	s.write(section, name, value)
	s.config.Put(s.options.Now(), s.written)
	if there {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusCreated)
}
