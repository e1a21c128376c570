package tykfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Gateway is the data plane. It answers for the APIs with a JSON of what they would have received.
func (s *Server) Gateway() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		p := &passage{server: s, now: s.options.Now(), w: w, r: r}
		p.run()
		p.measure()
	})
}

// passage is one request on its way through the data plane.
type passage struct {
	server *Server
	now    time.Time
	w      http.ResponseWriter
	r      *http.Request

	api     object
	key     string // as the store calls it
	session object

	status   int
	upstream time.Duration
}

func (p *passage) run() {
	if p.api = p.match(); p.api == nil {
		p.refuse(http.StatusNotFound, "Not Found")
		return
	}
	if !p.admitted() {
		return
	}
	p.status, p.upstream = p.server.options.Upstream(p.r)
	p.w.Header().Set("Content-Type", "application/json")
	p.w.WriteHeader(p.status)
	_ = json.NewEncoder(p.w).Encode(object{"api": p.api["name"], "path": p.r.URL.Path, "alias": p.session["alias"]}) // to a caller who may have gone
}

// admitted reports whether the caller may pass; who may not has been answered.
func (p *passage) admitted() bool {
	return p.api["use_keyless"] == true || p.authenticate() && p.permitted() && p.withinRate() && p.withinQuota()
}

// match finds the API with the longest listen path.
func (p *passage) match() object {
	var found object
	longest := -1
	for _, id := range slices.Sorted(maps.Keys(p.server.loaded.apis)) {
		api := p.server.loaded.apis[id]
		path := text(record(api["proxy"])["listen_path"])
		if api["active"] != false && strings.HasPrefix(p.r.URL.Path+"/", strings.TrimRight(path, "/")+"/") && len(path) > longest {
			longest, found = len(path), api
		}
	}
	return found
}

func (p *passage) authenticate() bool {
	auth := record(p.api["auth"])
	name := text(auth["auth_header_name"])
	if name == "" {
		name = "Authorization"
	}
	key := strings.TrimPrefix(p.r.Header.Get(name), "Bearer ")
	if auth["use_param"] == true && key == "" {
		key = p.r.URL.Query().Get(text(auth["param_name"]))
	}
	if key == "" {
		p.refuse(http.StatusUnauthorized, "Authorization field missing")
		return false
	}
	p.key = p.server.kept(key)
	session, there := p.server.sessions[p.key]
	switch {
	case !there:
		p.refuse(http.StatusForbidden, "Access to this API has been disallowed")
	case p.server.expired(session):
		p.refuse(http.StatusUnauthorized, "Key has expired, please renew")
	case session["is_inactive"] == true:
		p.refuse(http.StatusForbidden, "Key is inactive, please renew")
	default:
		p.session = session
		return true
	}
	return false
}

// rights are the APIs that a session may call: those of its policies, or without any its own. None at all are all.
func (s *Server) rights(session object) object {
	ids, _ := session["apply_policies"].([]any)
	if len(ids) == 0 {
		return record(session["access_rights"])
	}
	all := object{"": nil}
	for _, id := range ids {
		policy := s.loaded.policies[text(id)]
		if policy["active"] == true && policy["is_inactive"] != true {
			maps.Copy(all, record(policy["access_rights"]))
		}
	}
	return all
}

func (p *passage) permitted() bool {
	rights := p.server.rights(p.session)
	if _, may := rights[text(p.api["api_id"])]; len(rights) == 0 || may {
		return true
	}
	p.refuse(http.StatusForbidden, "Access to this API has been disallowed")
	return false
}

// limit is that of the policy for this API.
func (s *Server) limit(session object, api string) object {
	return record(record(s.rights(session)[api])["limit"])
}

func (p *passage) withinRate() bool {
	limit := p.server.limit(p.session, text(p.api["api_id"]))
	rate, per := int64(number(limit["rate"])), time.Duration(number(limit["per"])*float64(time.Second))
	if rate <= 0 || per <= 0 {
		return true
	}
	if _, ok := p.server.limiter.Take(p.now, "rate "+p.key+" "+text(p.api["api_id"]), driver.Limit{Requests: rate, Window: per}); !ok {
		p.refuse(http.StatusTooManyRequests, "Rate limit exceeded")
		return false
	}
	return true
}

func (p *passage) withinQuota() bool {
	quota, limited := quotaOf(p.server.limit(p.session, text(p.api["api_id"])))
	if !limited {
		return true
	}
	states, ok := p.server.limiter.Take(p.now, "quota "+p.key+" "+text(p.api["api_id"]), quota)
	p.w.Header().Set("X-RateLimit-Limit", strconv.FormatInt(quota.Requests, 10))
	p.w.Header().Set("X-RateLimit-Remaining", strconv.FormatInt(states[0].Remaining, 10))
	p.w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(states[0].Resets.Unix(), 10))
	if !ok {
		p.refuse(http.StatusForbidden, "Quota exceeded")
	}
	return ok
}

func quotaOf(limit object) (driver.Limit, bool) {
	quota := driver.Limit{Requests: int64(number(limit["quota_max"])), Window: time.Duration(number(limit["quota_renewal_rate"])) * time.Second}
	return quota, quota.Requests > 0 && quota.Window > 0
}

// counted is a session as it is answered: with the rights of its policies and what is left of their quotas.
func (s *Server) counted(key string, session object) object {
	out, rights := maps.Clone(session), object{}
	for api, right := range s.rights(session) {
		if api == "" {
			continue
		}
		copied := maps.Clone(record(right))
		if quota, limited := quotaOf(record(copied["limit"])); limited {
			state := s.limiter.Look(s.options.Now(), "quota "+key+" "+api, quota)
			limit := maps.Clone(record(copied["limit"]))
			limit["quota_remaining"], limit["quota_renews"] = state.Remaining, state.Resets.Unix()
			copied["limit"] = limit
		}
		rights[api] = copied
	}
	out["access_rights"] = rights
	return out
}

func (p *passage) refuse(status int, message string) {
	p.status = status
	answer(p.w, status, object{"error": message})
}

var buckets = []float64{1, 2, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100, 200, 300, 400, 500, 1000, 2000, 5000, 10000, 30000, 60000}

func (p *passage) measure() {
	if p.api == nil {
		return
	}
	name, alias, key := text(p.api["name"]), text(p.session["alias"]), p.key
	if len(key) > 4 {
		key = "****" + key[len(key)-4:]
	}
	m := &p.server.metrics
	m.Add("tyk_http_requests_total", gatewayfake.Labels{
		"response_code", strconv.Itoa(p.status), "api_name", name, "method", p.r.Method, "api_key", key, "alias", alias, "path", p.r.URL.Path,
	}, 1)
	ms := float64(p.upstream) / float64(time.Millisecond)
	for kind, value := range map[string]float64{"total": ms + 1, "upstream": ms, "gateway": 1} {
		m.Observe("tyk_http_latency", buckets, gatewayfake.Labels{
			"type", kind, "response_code", strconv.Itoa(p.status), "api_name", name, "method", p.r.Method, "api_key", key, "alias", alias, "path", p.r.URL.Path,
		}, value)
	}
}
