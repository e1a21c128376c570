package signin

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// state is what a provider hands back unread. Whoever holds it can read it, and whoever makes one up lacks the cookie with
// its nonce.
type state struct {
	nonce, env string
	// origin is that of the page that asked, "" = the app's.
	origin, redirectURL, flow string
	// scope is what was asked for, of providers whose scopes are kept in a cookie.
	scope    string
	hasScope bool
}

// maxState bounds what is decoded, in characters of hex.
const maxState = 16 << 10

// encode is hex of a query string, in the order of the reference.
func (s state) encode() string {
	var b strings.Builder
	add := func(name, value string, given bool) {
		if !given {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(value))
	}
	add("nonce", s.nonce, true)
	add("env", s.env, true)
	add("origin", s.origin, s.origin != "")
	add("redirectUrl", s.redirectURL, s.redirectURL != "")
	add("flow", s.flow, s.flow != "")
	add("scope", s.scope, s.hasScope)
	return hex.EncodeToString([]byte(b.String()))
}

// decodeState reads what [state.encode] made. Everything else lacks the environment, as far as the caller is told.
func decodeState(text string) (state, error) {
	var q url.Values
	if len(text) <= maxState {
		if raw, err := hex.DecodeString(text); err == nil {
			q, _ = url.ParseQuery(string(raw)) // what it could read is looked at
		}
	}
	last := func(name string) string {
		if v := q[name]; len(v) > 0 {
			return v[len(v)-1]
		}
		return ""
	}
	s := state{nonce: last("nonce"), env: last("env"), origin: last("origin"), redirectURL: last("redirectUrl"), flow: last("flow"), scope: last("scope"), hasScope: q.Has("scope")}
	switch {
	case s.env == "":
		return state{}, apierror.New(apierror.NotAllowed, "OAuth state is invalid, missing env")
	case s.nonce == "":
		return state{}, apierror.New(apierror.NotAllowed, "OAuth state is invalid, missing nonce")
	}
	return s, nil
}
