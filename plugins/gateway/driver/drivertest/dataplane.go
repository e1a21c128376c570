package drivertest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// keyHeader is where requests carry their key.
const keyHeader = "Apikey"

// Credential implements [driver.Driver].
func (m *Memory) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	var p driver.Presentation
	err := m.call(ctx, Call{Method: "Credential"}, func() error {
		for _, a := range m.apis {
			if a.ID == api {
				p = driver.Presentation{URL: a.BaseURL, Header: keyHeader}
				return nil
			}
		}
		return apierror.NotFoundf("gateway %s: no API %s", m.options.Name, api)
	})
	return p, err
}

// Quota implements [driver.Driver].
func (m *Memory) Quota(ctx context.Context, app driver.AppID, api driver.APIID) (driver.Quota, error) {
	var q driver.Quota
	err := m.call(ctx, Call{Method: "Quota", App: app}, func() error {
		a, err := m.app(app)
		if err == nil {
			err = m.without("quotaRead")
		}
		if err != nil {
			return err
		}
		limit, limited := m.limit(a, api)
		if !limited {
			return apierror.NotFoundf("gateway %s: application %s has no plan for %s", m.options.Name, app, api)
		}
		used := a.count(api, limit, m.options.Now(), 0)
		q = driver.Quota{Limit: limit, Used: used, Remaining: max(limit.Requests-used, 0), Resets: a.since[api].Add(limit.Window)}
		return nil
	})
	return q, err
}

func (m *Memory) limit(a *memoryApp, api driver.APIID) (driver.Limit, bool) {
	for _, p := range m.plans {
		if p.ID == a.granted[api] {
			return p.Limits[0], true
		}
	}
	return driver.Limit{}, false
}

// count adds requests to the present window and answers how many there are in it.
func (a *memoryApp) count(api driver.APIID, limit driver.Limit, now time.Time, requests int64) int64 {
	if now.Sub(a.since[api]) >= limit.Window {
		a.since[api], a.used[api] = now, 0
	}
	a.used[api] += requests
	return a.used[api]
}

// ServeHTTP is the data plane: it answers 200 to requests for an API, "/orders", that a key lets in.
func (m *Memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	status := m.admit(driver.APIID(api), sdk.Secret(r.Header.Get(keyHeader)))
	http.Error(w, http.StatusText(status), status)
}

func (m *Memory) admit(api driver.APIID, secret sdk.Secret) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.options.Now()
	for _, k := range m.keys {
		if k.secret != secret || k.revoked || k.Suspended || !k.Expires.IsZero() && !now.Before(k.Expires) {
			continue
		}
		a := m.apps[k.App]
		if k.api != "" && k.api != api || a == nil {
			return http.StatusForbidden
		}
		limit, limited := m.limit(a, api)
		switch {
		case !limited && m.without("plans") == nil:
			return http.StatusForbidden
		case limited && a.count(api, limit, now, 1) > limit.Requests:
			return http.StatusTooManyRequests
		}
		return http.StatusOK
	}
	return http.StatusUnauthorized
}

// Alive are the keys that the gateway has, by id.
func (m *Memory) Alive() map[driver.KeyID]driver.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	alive := map[driver.KeyID]driver.Key{}
	for id, k := range m.keys {
		if !k.revoked {
			alive[id] = k.Key
		}
	}
	return alive
}
