package httpx

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// routeTable finds what gin, which matches exactly, does not: paths that differ from a pattern in the case of fixed
// segments or by a trailing slash. It is asked only after gin has found nothing, so it may be slow.
type routeTable struct{ routes []*route }

func (t *routeTable) add(rt *route) {
	for _, other := range t.routes {
		if other.Method != rt.Method {
			continue
		}
		if rt.rest != "" && other.rest != "" && pathShape(rt.Path) == pathShape(other.Path) {
			panic("httpx: " + rt.Method + " " + rt.Path + " is registered twice")
		}
		if moreSpecific(rt.Path, other.Path) {
			other.rivals = append(other.rivals, rt)
		} else if moreSpecific(other.Path, rt.Path) {
			rt.rivals = append(rt.rivals, other)
		}
	}
	t.routes = append(t.routes, rt)
}

// canonical rewrites path so that gin finds it.
func (t *routeTable) canonical(method, path string) (string, bool) {
	var best *route
	found := ""
	for _, rt := range t.routes {
		if rt.rest != "" || !rt.answers(method) {
			continue
		}
		if c, ok := matchPattern(rt.Path, path); ok && (best == nil || moreSpecific(rt.Path, best.Path)) {
			best, found = rt, c
		}
	}
	return found, best != nil
}

func (rt *route) answers(method string) bool {
	return rt.Method == method || rt.Method == http.MethodGet && method == http.MethodHead
}

func canonicalPath(routes []*route, path string) (string, bool) {
	for _, rt := range routes {
		if c, ok := matchPattern(rt.Path, path); ok {
			return c, true
		}
	}
	return "", false
}

// matchPattern matches an escaped path with a gin pattern: fixed segments in any case, a trailing slash ignored, each
// parameter one non-empty segment that is left as it came. The result has the pattern's own spelling.
//
// Nothing is decoded here: an escaped slash or dot never becomes structure.
func matchPattern(pattern, path string) (string, bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	var b strings.Builder
	rest := path
	for {
		seg, more, ok := cutSegment(pattern)
		if !ok {
			break
		}
		if strings.HasPrefix(seg, "*") {
			if rest == "" {
				return "", false
			}
			b.WriteString(rest)
			return b.String(), true
		}
		got, tail, ok := cutSegment(rest)
		if !ok {
			return "", false
		}
		name, isParam := strings.CutPrefix(seg, ":")
		switch {
		case isParam && name != "" && got != "":
			seg = got
		case isParam || !strings.EqualFold(seg, got) || !isASCII(got):
			return "", false
		}
		b.WriteByte('/')
		b.WriteString(seg)
		pattern, rest = more, tail
	}
	if rest != "" && rest != "/" {
		return "", false
	}
	return b.String(), true
}

// restParams gives the parameters of a pattern that ends in "/*rest", if path matches it. As with gin, the rest keeps
// its leading slash.
func restParams(pattern, path string) (gin.Params, bool) {
	if _, ok := matchPattern(pattern, path); !ok {
		return nil, false
	}
	var params gin.Params
	for {
		seg, more, ok := cutSegment(pattern)
		if !ok {
			return params, true
		}
		if name, isRest := strings.CutPrefix(seg, "*"); isRest {
			return append(params, gin.Param{Key: name, Value: path}), true
		}
		value, rest, _ := cutSegment(path)
		if name, isParam := strings.CutPrefix(seg, ":"); isParam {
			params = append(params, gin.Param{Key: name, Value: value})
		}
		pattern, path = more, rest
	}
}

// cutSegment splits "/a/b" into "a" and "/b"; ok is false for "" .
func cutSegment(path string) (seg, rest string, ok bool) {
	if path == "" || path[0] != '/' {
		return "", "", false
	}
	path = path[1:]
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:], true
	}
	return path, "", true
}

// moreSpecific reports whether some paths match both patterns and a is the narrower: where they first differ, a has a
// fixed segment, or a parameter against b's rest.
func moreSpecific(a, b string) bool {
	narrower := false
	for {
		sa, ra, oka := cutSegment(a)
		sb, rb, okb := cutSegment(b)
		if !oka || !okb {
			return narrower && oka == okb
		}
		wa, wb := segmentWidth(sa), segmentWidth(sb)
		switch {
		case wb == 2:
			return narrower || wa < 2
		case wa == 2:
			return false
		case wa < wb:
			narrower = true
		case wa > wb && !narrower:
			return false
		case wa == 0 && wb == 0 && !strings.EqualFold(sa, sb):
			return false
		}
		a, b = ra, rb
	}
}

func segmentWidth(seg string) int {
	switch {
	case strings.HasPrefix(seg, "*"):
		return 2
	case strings.HasPrefix(seg, ":"):
		return 1
	default:
		return 0
	}
}

// decodeParams decodes path parameters of a path that was routed escaped. gin would read "+" as a blank.
func decodeParams(params gin.Params) {
	for i, p := range params {
		if v, err := url.PathUnescape(p.Value); err == nil {
			params[i].Value = v
		}
	}
}

// isASCII guards case folding: U+017F and U+212A fold to ASCII letters and must not match them.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
