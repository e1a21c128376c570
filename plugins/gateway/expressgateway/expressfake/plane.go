package expressfake

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// Gateway is the data plane: it answers 200 for the services behind it.
func (s *Server) Gateway() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		status := s.pass(w, r)
		http.Error(w, http.StatusText(status), status)
	})
}

// pass is what the pipeline of the request's endpoint does.
func (s *Server) pass(w http.ResponseWriter, r *http.Request) int {
	read := s.config.Seen(s.options.Now())
	name, endpoint := matching(read, r.URL.Path)
	policies := policiesOf(read, name)
	if policies == nil {
		return http.StatusNotFound
	}
	user := ""
	for _, policy := range policies {
		switch {
		case policy["key-auth"] != nil:
			u, status := s.authenticate(r, endpoint)
			if status != http.StatusOK {
				return status
			}
			user = u
		case policy["rate-limit"] != nil:
			if !s.within(w, action(policy["rate-limit"]), name+" "+user) {
				return http.StatusTooManyRequests
			}
		}
	}
	return http.StatusOK
}

// matching is the endpoint of a path.
func matching(c config, path string) (string, map[string]any) {
	for name, value := range c.sections["api-endpoints"] {
		endpoint, _ := value.(map[string]any)
		paths, _ := endpoint["paths"].([]any)
		for _, p := range paths {
			pattern, _ := p.(string)
			if prefix, wild := strings.CutSuffix(pattern, "*"); path == pattern || wild && strings.HasPrefix(path, prefix) {
				return name, endpoint
			}
		}
	}
	return "", nil
}

func policiesOf(c config, endpoint string) []map[string]any {
	for _, value := range c.sections["pipelines"] {
		p, _ := value.(map[string]any)
		endpoints, _ := p["apiEndpoints"].([]any)
		if !slices.Contains(endpoints, any(endpoint)) {
			continue
		}
		all := []map[string]any{}
		policies, _ := p["policies"].([]any)
		for _, policy := range policies {
			one, _ := policy.(map[string]any)
			all = append(all, one)
		}
		return all
	}
	return nil
}

// action is that of the first step.
func action(policy any) map[string]any {
	steps, _ := policy.([]any)
	if len(steps) == 0 {
		return nil
	}
	step, _ := steps[0].(map[string]any)
	a, _ := step["action"].(map[string]any)
	return a
}

func (s *Server) authenticate(r *http.Request, endpoint map[string]any) (user string, status int) {
	scheme, presented, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "apiKey") {
		presented = r.URL.Query().Get("apiKey")
	}
	id, secret, _ := strings.Cut(presented, ":")
	c := s.credentials[id]
	if c == nil || (*c)["isActive"] != true || c.text("keySecret") != secret || s.users[c.text("consumerId")] == nil {
		return "", http.StatusUnauthorized
	}
	has, _ := (*c)["scopes"].([]any)
	needs, _ := endpoint["scopes"].([]any)
	for _, scope := range needs {
		if !slices.Contains(has, scope) {
			return "", http.StatusForbidden
		}
	}
	return c.text("consumerId"), http.StatusOK
}

func (s *Server) within(w http.ResponseWriter, a map[string]any, who string) bool {
	most, _ := a["max"].(float64)
	window, _ := a["windowMs"].(float64)
	states, ok := s.limiter.Take(s.options.Now(), who, driver.Limit{Requests: int64(most), Window: time.Duration(window) * time.Millisecond})
	w.Header().Set("X-RateLimit-Limit", strconv.FormatInt(int64(most), 10))
	w.Header().Set("X-RateLimit-Remaining", strconv.FormatInt(states[0].Remaining, 10))
	return ok
}
