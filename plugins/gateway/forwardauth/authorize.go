package forwardauth

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// question is what a gateway asks about a request.
type question struct {
	api    *API // nil = none of this gateway's
	secret sdk.Secret
	method string
}

// decision is what it is answered.
type decision struct {
	status   int
	reason   string
	key      *credential // whose request it is; nil = nobody's
	standing standing
}

// decide answers from memory. It waits for nobody but those who count the same application's requests at the moment.
func (d *Driver) decide(q question, now time.Time) decision {
	if q.api == nil {
		return decision{status: http.StatusForbidden, reason: "no such API"}
	}
	if q.api.Preflight && q.method == http.MethodOptions {
		return decision{status: http.StatusOK}
	}
	if d.age() > d.stale {
		return decision{status: http.StatusServiceUnavailable, reason: "keys cannot be checked at the moment"}
	}
	if q.secret == "" {
		return decision{status: http.StatusUnauthorized, reason: "no API key"}
	}
	if len(q.secret) > mostSecret {
		return decision{status: http.StatusUnauthorized, reason: "the API key is not valid"}
	}
	c := d.index.Load().find(sha256.Sum256([]byte(q.secret)))
	if c == nil {
		return decision{status: http.StatusUnauthorized, reason: "the API key is not valid"}
	}
	return c.decide(q.api, now)
}

func (c *credential) decide(api *API, now time.Time) decision {
	switch {
	case !c.expires.IsZero() && !now.Before(c.expires):
		return decision{status: http.StatusUnauthorized, reason: "the API key has expired", key: c}
	case c.suspended:
		return decision{status: http.StatusForbidden, reason: "the API key is suspended", key: c}
	case c.api != "" && c.api != api.ID:
		return decision{status: http.StatusForbidden, reason: "the API key is for another API", key: c}
	}
	g := c.app.access[api.ID]
	if g == nil {
		return decision{status: http.StatusForbidden, reason: "the application has no access to this API", key: c}
	}
	s := admit(g.plan, g.meter, c.meters[api.ID], now)
	if s.broken {
		return decision{http.StatusTooManyRequests, "the limit of the plan is reached", c, s}
	}
	return decision{http.StatusOK, "", c, s}
}

// The headers of an answer that lets a request in. A gateway copies them over those of the request. What is not known is
// Nobody rather than missing, since some gateways leave a caller's own header where there is none to copy.
const (
	HeaderConsumer = "X-Consumer"       // the application's id
	HeaderApp      = "X-Consumer-App"   // its name, percent-encoded where it is not ASCII
	HeaderOwner    = "X-Consumer-Owner" // entity ref
	HeaderKey      = "X-Consumer-Key"   // the key's id
	// HeaderStatus is the status that is meant, for gateways that understand only some; see [Handler].
	HeaderStatus = "X-Authz-Status"

	Nobody = "-" // no application can be called so
)

func (d decision) header(h http.Header, now time.Time) {
	consumer, app, owner, key := Nobody, Nobody, Nobody, Nobody
	if d.key != nil && d.status == http.StatusOK {
		consumer, key = string(d.key.app.id), string(d.key.id)
		app, owner = orNobody(d.key.app.name), orNobody(d.key.app.owner)
	}
	h[HeaderConsumer], h[HeaderApp], h[HeaderOwner], h[HeaderKey] = []string{consumer}, []string{app}, []string{owner}, []string{key}
	h[HeaderStatus] = []string{strconv.Itoa(d.status)}
	if s := d.standing; s.limited {
		wait := strconv.FormatInt(int64((s.resets.Sub(now)+time.Second-1)/time.Second), 10)
		h["X-Ratelimit-Limit"] = []string{strconv.FormatInt(s.limit, 10)}
		h["X-Ratelimit-Remaining"] = []string{strconv.FormatInt(s.remaining, 10)}
		h["X-Ratelimit-Reset"] = []string{wait}
		if s.broken {
			h["Retry-After"] = []string{wait}
		}
	}
	if d.status == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{"5"}
	}
}

func orNobody(text string) string {
	if text == "" {
		return Nobody
	}
	return text
}

// app is the label of the application for metrics.
func (d decision) app() driver.AppID {
	if d.key == nil {
		return ""
	}
	return d.key.app.id
}
