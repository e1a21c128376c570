package apimfake

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// Gateway is the data plane.
func (s *Server) Gateway() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	now := s.options.Now()
	seen := s.seen.Seen(now)
	id, a, found := seen.serving(r.URL.Path)
	if !found {
		refuse(w, http.StatusNotFound, "Resource not found")
		return
	}
	header := a.Header
	if header == "" {
		header = "Ocp-Apim-Subscription-Key"
	}
	key := r.Header.Get(header)
	if key == "" {
		key = r.URL.Query().Get("subscription-key")
	}
	if key == "" {
		refuse(w, http.StatusUnauthorized, "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.")
		return
	}
	name, limits, let := seen.admit(key, id)
	if !let {
		refuse(w, http.StatusUnauthorized, "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.")
		return
	}
	states, ok := s.used.Take(now, name, limits...)
	for _, state := range states {
		if !ok && state.Remaining == 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(state.Resets.Sub(now).Seconds())+1))
			refuse(w, http.StatusTooManyRequests, "Rate limit is exceeded. Try again later.")
			return
		}
	}
	answer(w, http.StatusOK, map[string]string{"api": id})
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"statusCode": status, "message": message})
}

func (s state) serving(path string) (string, api, bool) {
	for id, a := range s.apis {
		if prefix := "/" + a.Path; path == prefix || strings.HasPrefix(path, prefix+"/") {
			return id, a, true
		}
	}
	return "", api{}, false
}

// admit finds the subscription of a key, if it is for an API.
func (s state) admit(key, api string) (name string, limits []driver.Limit, let bool) {
	for name, one := range s.subs {
		if one.State != stateActive || one.Primary != key && one.Secondary != key {
			continue
		}
		if product, ok := strings.CutPrefix(one.Scope, "/products/"); ok {
			p := s.products[product]
			return name, p.Limits, p.State == "published" && slices.Contains(p.APIs, api)
		}
		return name, nil, one.Scope == "/" || one.Scope == "/apis" || one.Scope == "/apis/"+api
	}
	return "", nil, false
}
