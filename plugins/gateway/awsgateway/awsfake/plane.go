package awsfake

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Gateway is the data plane: requests are for /<api>/<stage>/...
func (s *Server) Gateway() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	now := s.options.Now()
	seen := s.seen.Seen(now)
	segments := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(segments) < 2 || !slices.Contains(seen.apis[segments[0]].Stages, segments[1]) {
		refuse(w, http.StatusForbidden, "Missing Authentication Token")
		return
	}
	key, plan, let := seen.admit(r.Header.Get("X-Api-Key"), stage{segments[0], segments[1]})
	switch {
	case !let:
		refuse(w, http.StatusForbidden, "Forbidden")
	case !s.count(now, key, plan, seen.plans[plan]):
		refuse(w, http.StatusTooManyRequests, "Limit Exceeded")
	default:
		answer(w, http.StatusOK, map[string]string{"api": segments[0]})
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"message": message})
}

// admit finds the key of a value and the plan that has the stage.
func (s state) admit(value string, at stage) (key, plan string, let bool) {
	for id, k := range s.keys {
		if k.Value != value || !k.Enabled {
			continue
		}
		for plan, p := range s.plans {
			if slices.Contains(p.Keys, id) && slices.Contains(p.Stages, at) {
				return id, plan, true
			}
		}
	}
	return "", "", false
}

// count counts a request, unless the plan's quota is used up.
func (s *Server) count(now time.Time, key, id string, p plan) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = now.UTC()
	begin := now
	switch p.Period {
	case "WEEK":
		begin = now.AddDate(0, 0, -int(now.Weekday()))
	case "MONTH":
		begin = now.AddDate(0, 0, 1-now.Day())
	}
	var used int64
	for day := begin; !day.After(now); day = day.AddDate(0, 0, 1) {
		used += s.used[usageKey{id, key, day.Format(time.DateOnly)}]
	}
	if p.Limit > 0 && used >= p.Limit {
		return false
	}
	s.used[usageKey{id, key, now.Format(time.DateOnly)}]++
	return true
}
