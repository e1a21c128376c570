package signin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/weblink"
)

const (
	// maxCookie is how long one cookie may be; what is longer goes into several.
	maxCookie = 4000
	// maxChunks bounds those: all cookies of a request share its header.
	maxChunks = 10
	// forgotten is when a browser that went to a provider need not come back any more.
	forgotten = 10 * time.Minute
	// rememberFor is how long sessions last when the configuration does not say.
	rememberFor = 1000 * 24 * time.Hour
)

// jar is the cookies of one provider: the nonce and the PKCE verifier of who is on their way, the refresh token and the
// granted scopes of who has arrived.
type jar struct {
	nonce, verifier, refreshToken, grantedScope string

	path, host  string // of the callback
	secure      bool
	app         string // the origin of the app
	rememberFor time.Duration
	now         func() time.Time
}

func newJar(id string, callback *url.URL, app string, lifetime time.Duration, now func() time.Time) *jar {
	j := &jar{
		nonce: id + "-nonce", verifier: id + "-code-verifier", refreshToken: id + "-refresh-token", grantedScope: id + "-granted-scope",
		host: callback.Hostname(), secure: callback.Scheme == "https", app: app, rememberFor: lifetime, now: now,
	}
	path := callback.EscapedPath()
	if strings.HasSuffix(path, id+"/handler/frame") {
		j.path = strings.TrimSuffix(path, "/handler/frame")
	} else {
		j.path = path + "/" + id
	}
	return j
}

// page is who asks: cookies for a page of another host must be sent to it there.
type page struct {
	w      http.ResponseWriter
	r      *http.Request
	origin string // "" = the app
}

func (j *jar) sameSite(origin string) http.SameSite {
	if origin = weblink.Origin(origin); origin == "" {
		origin = j.app
	}
	if u, err := url.Parse(origin); err == nil && u.Hostname() != j.host && j.secure {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}

func (j *jar) write(p page, name, value, below string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: encodeComponent(value), Path: j.path + below, HttpOnly: true, Secure: j.secure, SameSite: j.sameSite(p.origin),
		MaxAge: int(age / time.Second), Expires: j.now().Add(age)}
	if age <= 0 {
		c.MaxAge, c.Expires = -1, time.Unix(0, 0)
	}
	http.SetCookie(p.w, c)
}

// departure is what a browser is sent away with.
func (j *jar) departure(p page, nonce, verifier string) {
	j.write(p, j.nonce, nonce, "/handler", forgotten)
	j.write(p, j.verifier, verifier, "/handler", forgotten)
}

// arrived takes it back: it is good once.
func (j *jar) arrived(p page) {
	j.write(p, j.nonce, "", "/handler", 0)
	j.write(p, j.verifier, "", "/handler", 0)
}

// keep stores a value, in several cookies if need be; false when it is too long for that.
func (j *jar) keep(p page, name, value string) bool {
	parts := chunks(value)
	if len(parts) > maxChunks {
		return false
	}
	if len(parts) == 1 {
		j.dropChunks(p, name, 0)
		j.write(p, name, value, "", j.rememberFor)
		return true
	}
	if _, err := p.r.Cookie(name); err == nil {
		j.write(p, name, "", "", 0)
	}
	for i, part := range parts {
		j.write(p, chunkName(name, i), part, "", j.rememberFor)
	}
	j.dropChunks(p, name, len(parts))
	return true
}

// drop makes the browser forget a value, if it has one.
func (j *jar) drop(p page, name string) {
	if _, err := p.r.Cookie(name); err == nil {
		j.write(p, name, "", "", 0)
	}
	j.dropChunks(p, name, 0)
}

func (j *jar) dropChunks(p page, name string, from int) {
	for i := from; i < countChunks(p.r, name); i++ {
		j.write(p, chunkName(name, i), "", "", 0)
	}
}

// read is a value that the browser brought, "" when there is none.
func (j *jar) read(r *http.Request, name string) string {
	n := countChunks(r, name)
	if n == 0 {
		return cookie(r, name)
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(cookie(r, chunkName(name, i)))
	}
	return b.String()
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	if value, err := url.PathUnescape(c.Value); err == nil {
		return value
	}
	return c.Value
}

func chunkName(name string, i int) string { return name + "-" + strconv.Itoa(i) }

func countChunks(r *http.Request, name string) int {
	n := 0
	for n < maxChunks && cookie(r, chunkName(name, n)) != "" {
		n++
	}
	return n
}

// chunks splits a value so that each part fits into a cookie as it is written there.
func chunks(value string) []string {
	var parts []string
	from, length := 0, 0
	for i := range len(value) {
		n := len(encodeComponent(value[i : i+1]))
		if length+n > maxCookie {
			parts = append(parts, value[from:i])
			from, length = i, 0
		}
		length += n
	}
	return append(parts, value[from:])
}

// encodeComponent is JavaScript's encodeURIComponent, except that it also encodes !'()* which are plain there: what it
// makes is safe in a cookie and between the quotes of a script.
func encodeComponent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
