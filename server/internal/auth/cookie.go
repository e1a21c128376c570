package auth

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// cookieRules are the attributes of the cookie, which follow from the external address.
type cookieRules struct {
	domain string
	secure bool
}

func readCookieRules(d *Discovery) cookieRules {
	u, err := url.Parse(d.External("auth"))
	if err != nil {
		return cookieRules{}
	}
	return cookieRules{domain: u.Hostname(), secure: u.Scheme == "https" || u.Hostname() == "localhost"}
}

// format is the Set-Cookie value, with the attributes in the order of the reference. net/http cannot write Priority.
func (c cookieRules) format(token string, expires time.Time) string {
	var b strings.Builder
	b.WriteString(CookieName + "=" + token + "; Domain=" + c.domain + "; Path=/; Expires=" + expires.UTC().Format(http.TimeFormat) + "; HttpOnly")
	if c.secure {
		b.WriteString("; Secure; Priority=High; SameSite=None")
	} else {
		b.WriteString("; Priority=High; SameSite=Lax")
	}
	return b.String()
}

// cleared makes browsers forget the cookie.
func (c cookieRules) cleared() string { return c.format("", time.Unix(0, 0)) }

// cookieKept is how long a cookie must still be good for not to be replaced.
const cookieKept = 5 * time.Minute

// issueCookie returns when the caller's cookie expires, and the Set-Cookie value, "" when the one that came with the
// request is good for longer. Only a cookie of the same user is kept: the reference keeps any, and then a browser goes
// on reading as the person who signed in before.
func (s *Service) issueCookie(r *http.Request, p *principal.Principal) (expires time.Time, setCookie string, err error) {
	if existing := cookieToken(r); existing != "" {
		old, err := s.authenticate(r.Context(), existing, "auth", httpx.AllowUserCookie)
		if err == nil && old.Kind == principal.User && old.Subject == p.Subject {
			if _, expires, err := limitedToken(existing); err == nil && s.now().Add(cookieKept).Before(expires) {
				return expires, "", nil
			}
		}
	}
	token, expires, err := s.LimitedToken(p)
	if err != nil {
		return time.Time{}, "", err
	}
	return expires, s.cookie.format(token, expires), nil
}
