package httpx

import (
	"net/http"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// cors answers preflights and marks answers to allowed origins. An origin that is not allowed is not refused: it gets
// an answer without CORS headers, which its browser will not show to the page.
type cors struct {
	any       bool
	origins   []string // lower-case globs
	preflight []header
	actual    []header
	reflect   bool // allow whatever headers the preflight asks for
	through   bool // preflights go on to the handler
	status    int
}

func newCORS(c *CORS) *cors {
	if c == nil {
		return nil
	}
	k := &cors{any: c.Origins == nil, reflect: len(c.AllowedHeaders) == 0, through: c.PreflightContinue, status: c.OptionsSuccessStatus}
	if k.status == 0 {
		k.status = http.StatusNoContent
	}
	for _, o := range c.Origins {
		o = strings.ToLower(o)
		for strings.Contains(o, "**") { // the reference has no globstar
			o = strings.ReplaceAll(o, "**", "*")
		}
		k.origins = append(k.origins, o)
	}
	if c.Credentials {
		k.actual = append(k.actual, fixedHeader("Access-Control-Allow-Credentials", "true"))
	}
	if len(c.ExposedHeaders) > 0 {
		k.actual = append(k.actual, fixedHeader("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ",")))
	}
	methods := c.Methods
	if methods == nil {
		methods = []string{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"}
	}
	k.preflight = append(k.preflight, fixedHeader("Access-Control-Allow-Methods", strings.Join(methods, ",")))
	if !k.reflect {
		k.preflight = append(k.preflight, fixedHeader("Access-Control-Allow-Headers", strings.Join(c.AllowedHeaders, ",")))
	}
	if c.MaxAge != "" {
		k.preflight = append(k.preflight, fixedHeader("Access-Control-Max-Age", c.MaxAge))
	}
	return k
}

func (k *cors) allows(origin string) bool {
	origin = strings.TrimSuffix(strings.ToLower(origin), "/")
	for _, glob := range k.origins {
		if ok, err := doublestar.Match(glob, origin); ok && err == nil && !hiddenByGlob(glob, origin) {
			return true
		}
	}
	return false
}

// hiddenByGlob reports whether a part of the origin that begins with a dot stands where the glob begins with a star:
// stars match no hidden names.
func hiddenByGlob(glob, origin string) bool {
	parts := strings.Split(origin, "/")
	for i, pattern := range strings.Split(glob, "/") {
		if strings.HasPrefix(pattern, "*") && i < len(parts) && strings.HasPrefix(parts[i], ".") {
			return true
		}
	}
	return false
}

var (
	varyOrigin           = []string{"Origin"}
	varyOriginAndHeaders = []string{"Origin, Access-Control-Request-Headers"}
	varyHeaders          = []string{"Access-Control-Request-Headers"}
	anyOrigin            = []string{"*"}
	zeroLength           = []string{"0"}
)

// handle sets the headers and reports whether the request is answered by them.
func (k *cors) handle(x *exchange) (answered bool) {
	h := x.w.Header()
	if k.any {
		h["Access-Control-Allow-Origin"] = anyOrigin
	} else {
		origin := x.r.Header["Origin"]
		if len(origin) != 1 || !k.allows(origin[0]) {
			return false
		}
		h["Access-Control-Allow-Origin"] = origin[:1:1]
		h["Vary"] = varyOrigin
	}
	for _, a := range k.actual {
		h[a.name] = a.values
	}
	if x.r.Method != http.MethodOptions {
		return false
	}
	for _, p := range k.preflight {
		h[p.name] = p.values
	}
	if k.reflect {
		if k.any {
			h["Vary"] = varyHeaders
		} else {
			h["Vary"] = varyOriginAndHeaders
		}
		if asked := strings.Join(x.r.Header["Access-Control-Request-Headers"], ", "); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	if k.through {
		return false
	}
	if x.r.ProtoMajor == 1 {
		// The reference sends it for browsers that else wait for a body. net/http takes "Content-Length" off a 204, not
		// this spelling.
		h["content-length"] = zeroLength
	}
	x.WriteHeader(k.status)
	return true
}
