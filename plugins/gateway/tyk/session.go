package tyk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

// session is one whole: Tyk replaces all of it at each change, so that what the driver does not know must come back as it was.
type session map[string]any

// place is where a session is: the name by which Tyk keeps it, which is the key itself where it does not hash keys.
type place struct {
	ID     sdk.Secret
	Hashed bool
}

func (p place) path() string { return rest.Path("tyk", "keys", p.ID.Reveal()) }

// query says how the path is meant: Tyk finds keys that were made elsewhere by their organization, too.
func (d *Driver) query(p place) url.Values {
	query := url.Values{}
	if p.Hashed {
		query.Set("hashed", "true")
	}
	if d.options.Org != "" {
		query.Set("org_id", d.options.Org)
	}
	return query
}

func (d *Driver) read(ctx context.Context, p place) (session, error) {
	var s session
	r := rest.Request{Method: http.MethodGet, Path: p.path(), Query: d.query(p), Hide: []sdk.Secret{p.ID}}
	if err := d.admin.Call(ctx, r, &s); err != nil {
		return nil, err
	}
	if _, is := s["access_rights"]; !is {
		return nil, d.unavailable("answers something that is no key")
	}
	return s, nil
}

// replace writes a session in place of itself; what is used of quotas stays.
func (d *Driver) replace(ctx context.Context, p place, s session) error {
	query := d.query(p)
	query.Set("suppress_reset", "1")
	_, err := d.write(ctx, rest.Request{Method: http.MethodPut, Path: p.path(), Query: query, Body: s, Hide: []sdk.Secret{p.ID}})
	return err
}

// none is the right to call an API that does not exist: a session without rights may call all of them.
func none() map[string]any {
	return map[string]any{"portal-none": map[string]any{"api_id": "portal-none", "api_name": "none", "versions": []string{"Default"}}}
}

// newSession is that of a key with policies.
func (d *Driver) newSession(r driver.KeyRequest, policies []string) session {
	meta := map[string]any{"portal": "key", "portal_app": string(r.App), "portal_op": r.Operation, "portal_label": rest.Line(r.Label)}
	if secret := r.Secret.Reveal(); len(secret) >= 24 { // of a shorter one, a prefix would be too much
		meta["portal_prefix"] = secret[:8]
	}
	s := session{
		"alias": string(r.App), "org_id": d.options.Org, "is_inactive": false, "expires": int64(0), "rate": -1, "per": -1, "quota_max": -1,
		"access_rights": none(), "meta_data": meta, "tags": []string{"portal"},
	}
	s.apply(policies)
	if !r.Expires.IsZero() {
		s["expires"] = r.Expires.Unix()
	}
	return s
}

// apply sets the policies of a session, and reports whether they were others.
func (s session) apply(policies []string) bool {
	was := texts(s["apply_policies"])
	slices.Sort(was)
	if policies == nil {
		policies = []string{}
	}
	s["apply_policies"] = policies
	s["access_rights"] = none() // those of policies are added by Tyk
	return !slices.Equal(was, policies)
}

func (s session) meta(name string) string {
	meta, _ := s["meta_data"].(map[string]any)
	text, _ := meta[name].(string)
	return text
}

func (s session) alias() string {
	text, _ := s["alias"].(string)
	return text
}

// key is what may be told of a session.
func (s session) key(app driver.AppID, id driver.KeyID) driver.Key {
	k := driver.Key{ID: id, App: app, Operation: s.meta("portal_op"), Label: s.meta("portal_label"), Prefix: s.meta("portal_prefix")}
	k.Suspended, _ = s["is_inactive"].(bool)
	if created, err := time.Parse(time.RFC3339, text(s["date_created"])); err == nil {
		k.Created = created.UTC()
	}
	if end, _ := s["expires"].(float64); end > 0 {
		k.Expires = time.Unix(int64(end), 0).UTC()
	}
	return k
}

// limit is what a session has of an API, with what is left of it.
type limit struct {
	Rate      float64 `json:"rate"`
	Per       float64 `json:"per"`
	Max       int64   `json:"quota_max"`
	Renewal   int64   `json:"quota_renewal_rate"`
	Remaining int64   `json:"quota_remaining"`
	Renews    int64   `json:"quota_renews"`
}

func (s session) limit(api driver.APIID) (limit, bool) {
	var rights map[string]struct {
		Limit *limit `json:"limit"`
	}
	data, err := json.Marshal(s["access_rights"])
	if err != nil || json.Unmarshal(data, &rights) != nil || rights[string(api)].Limit == nil {
		return limit{}, false
	}
	return *rights[string(api)].Limit, true
}

func text(v any) string {
	t, _ := v.(string)
	return strings.TrimSpace(t)
}

func texts(v any) []string {
	var out []string
	switch list := v.(type) {
	case []string:
		out = slices.Clone(list)
	case []any:
		for _, one := range list {
			if t, is := one.(string); is {
				out = append(out, t)
			}
		}
	}
	return out
}
