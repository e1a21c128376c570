package relay

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/callboard/callboard/server/internal/principal"
)

// The headers that the host adds; see sdk.Principal.
const (
	principalHeader = "X-Callboard-Principal"
	userTokenHeader = "X-Callboard-User-Token" //nolint:gosec // the name of a header
	requestIDHeader = "X-Request-Id"
	traceHeader     = "Traceparent"
	stateHeader     = "Tracestate"
)

// withheld are headers of callers that no plugin sees: credentials, what belongs to the connection, and what proxies claim
// about the caller or the path, which others may believe. The host sets some of them itself.
var withheld = map[string]bool{
	"Authorization": true, "Cookie": true, "Cookie2": true,
	"Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Http2-Settings": true, "Content-Length": true, "Expect": true, "Host": true,
	"Forwarded": true, "X-Forwarded": true, "X-Real-Ip": true, "X-Client-Ip": true, "X-Cluster-Client-Ip": true, "True-Client-Ip": true,
	"Cf-Connecting-Ip": true, "Fastly-Client-Ip": true, "X-Rewrite-Url": true,
	"Proxy": true, requestIDHeader: true, traceHeader: true, stateHeader: true,
}

func isWithheld(name string) bool {
	return withheld[name] || strings.HasPrefix(name, "X-Callboard-") || strings.HasPrefix(name, "X-Forwarded-") ||
		strings.HasPrefix(name, "X-Original-") || strings.HasPrefix(name, "Proxy-")
}

// plainName reports whether a header name is letters, digits and dashes.
func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// commonForm is how servers that know headers as variables (CGI, WSGI and their kin) tell names apart: X_Callboard_Principal is
// X-Callboard-Principal to them.
func commonForm(name string) string {
	return textproto.CanonicalMIMEHeaderKey(strings.Map(func(r rune) rune {
		if plainName(string(r)) {
			return r
		}
		return '-'
	}, name))
}

// header is what the plugin gets: what the caller sent, less what is withheld, and who the caller is.
func (p *passage) header() (http.Header, error) {
	in := p.in.Header
	named := connectionNames(in["Connection"])
	out := make(http.Header, len(in)+4)
	for name, values := range in {
		if isWithheld(name) || slices.Contains(named, name) || !plainName(name) && isWithheld(commonForm(name)) {
			continue
		}
		out[name] = values
	}
	if hasToken(in["Te"], "trailers") {
		out["Te"] = []string{"trailers"}
	}
	if p.socket {
		out["Connection"], out["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
	p.traced(out)
	return out, p.identified(out)
}

// connectionNames are the headers that a caller wants to end here.
func connectionNames(values []string) (names []string) {
	for _, line := range values {
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part != "" && !strings.EqualFold(part, "keep-alive") && !strings.EqualFold(part, "close") {
				names = append(names, textproto.CanonicalMIMEHeaderKey(part))
			}
		}
	}
	return names
}

// caller is the principal as plugins read it.
type caller struct {
	Type          string   `json:"type"`
	Subject       string   `json:"subject,omitempty"`
	Actor         string   `json:"actor,omitempty"`
	OwnershipRefs []string `json:"ownershipRefs,omitempty"`
}

// maxOwnership bounds the text of ownership refs: servers take headers of 8 kB or 16 kB. Refs beyond are left out, which
// can only take rights away.
const maxOwnership = 4 << 10

func (p *passage) identified(out http.Header) error {
	who := p.call.Principal
	var refs []string
	if who.Kind == principal.User && p.relay.ownership != nil {
		var err error
		if refs, err = p.relay.ownership(p.in.Context(), who); err != nil {
			return err
		}
	}
	known, err := p.relay.identities.of(who, refs)
	if err != nil {
		return fmt.Errorf("tell plugin %s who calls: %w", p.relay.plugin, err)
	}
	out[principalHeader] = known
	out[requestIDHeader] = []string{p.call.RequestID}
	if who.Kind == principal.User && p.relay.userToken != nil {
		token, err := p.relay.userToken(who)
		if err != nil {
			return err
		}
		out[userTokenHeader] = []string{token}
	}
	return nil
}

// identities remembers the header of callers who were here lately: principals are shared between the requests of a token.
type identities [64]atomic.Pointer[identity]

type identity struct {
	who    *principal.Principal
	refs   []string
	header []string
}

// of gives the header's values, which nobody may change.
func (all *identities) of(who *principal.Principal, refs []string) ([]string, error) {
	place := &all[maphash.String(identitySeed, who.Subject)%uint64(len(all))]
	if known := place.Load(); known != nil && known.who == who && slices.Equal(known.refs, refs) {
		return known.header, nil
	}
	text, err := json.Marshal(caller{Type: who.Kind.String(), Subject: who.Subject, Actor: who.Actor, OwnershipRefs: within(refs, maxOwnership)})
	if err != nil {
		return nil, err
	}
	known := &identity{who: who, refs: refs, header: []string{base64.RawURLEncoding.EncodeToString(text)}}
	place.Store(known)
	return known.header, nil
}

var identitySeed = maphash.MakeSeed()

func within(refs []string, size int) []string {
	for i, ref := range refs {
		if size -= len(ref) + len(`"",`); size < 0 {
			return refs[:i]
		}
	}
	return refs
}

// traced passes a trace on, or begins one that nobody samples, so that the lines of a request can be found together.
func (p *passage) traced(out http.Header) {
	if parent := p.in.Header[traceHeader]; len(parent) == 1 && isTrace(parent[0]) {
		out[traceHeader] = parent
		if state := p.in.Header[stateHeader]; state != nil {
			out[stateHeader] = state
		}
		return
	}
	var ids [24]byte
	for i := 0; i < len(ids); i += 8 {
		binary.BigEndian.PutUint64(ids[i:], rand.Uint64()|1) //nolint:gosec // an id, not a secret; never zero
	}
	text := make([]byte, 0, 55)
	text = append(text, "00-"...)
	text = hex.AppendEncode(text, ids[:16])
	text = append(text, '-')
	text = hex.AppendEncode(text, ids[16:])
	text = append(text, "-00"...)
	out[traceHeader] = []string{string(text)}
}

// isTrace reports whether s is version 00 of W3C Trace Context.
func isTrace(s string) bool {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' || strings.Trim(s[3:35], "0") == "" || strings.Trim(s[36:52], "0") == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && c != '-' || c == '-' && i != 2 && i != 35 && i != 52 {
			return false
		}
	}
	return true
}
