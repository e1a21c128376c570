package apigeefake

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// Gateway is the data plane of the environment prod: the policies VerifyAPIKey, of the header x-apikey, and Quota.
func (s *Server) Gateway() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	now := s.options.Now()
	proxy, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !slices.Contains(proxies, proxy) {
		fault(w, http.StatusNotFound, "messaging.adaptors.http.flow.ApplicationNotFound", "Unable to identify proxy for url: "+r.URL.Path)
		return
	}
	given := r.Header.Get("X-Apikey")
	if given == "" {
		fault(w, http.StatusUnauthorized, "steps.oauth.v2.FailedToResolveAPIKey", "Failed to resolve API Key variable request.header.x-apikey")
		return
	}
	limits, code := s.seen.Seen(now).admit(now, given, proxy)
	if code != "" {
		fault(w, http.StatusUnauthorized, code, "Invalid ApiKey")
		return
	}
	if _, ok := s.used.Take(now, given, limits...); !ok {
		fault(w, http.StatusTooManyRequests, "policies.ratelimit.QuotaViolation", "Rate limit quota violation. Quota limit exceeded.")
		return
	}
	answer(w, http.StatusOK, map[string]string{"proxy": proxy})
}

func fault(w http.ResponseWriter, status int, code, text string) {
	answer(w, status, map[string]any{"fault": map[string]any{"faultstring": text, "detail": map[string]string{"errorcode": code}}})
}

// admit finds why a key does not open a proxy, "" = it does.
func (s state) admit(now time.Time, given, proxy string) (limits []driver.Limit, code string) {
	for _, a := range s.apps {
		for _, k := range a.Keys {
			switch {
			case k.Key != given:
				continue
			case a.Status != approved:
				return nil, "keymanagement.service.invalid_client-app_not_approved"
			case k.Status != approved:
				return nil, "oauth.v2.ApiKeyNotApproved"
			case !k.Expires.IsZero() && !now.Before(k.Expires):
				return nil, "keymanagement.service.consumer_key_expired"
			}
			for _, g := range k.Products {
				if p := s.products[g.Name]; g.Status == approved && p.has(proxy) {
					return p.limits(), ""
				}
			}
			return nil, "oauth.v2.InvalidApiKeyForGivenResource"
		}
	}
	return nil, "oauth.v2.InvalidApiKey"
}
