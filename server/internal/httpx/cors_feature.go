package httpx

import (
	"net/http"
	"strings"
)

// What a page of an origin that a feature knows may send and read. Cookies are not part of it.
var (
	pageMethods = []string{"GET, HEAD, POST, DELETE"}
	pageHeaders = []string{"Authorization, Content-Type, Accept-Language, If-None-Match, Cache-Control"}
	pageReads   = []string{"Age, ETag, Retry-After, Content-Disposition, X-Request-Id"}
	pageMaxAge  = []string{"600"}
)

// crossOrigin sets the headers for pages of other origins and reports whether the request is answered by them. A feature
// that has origins of its own answers for those; everything else is as the settings say.
func (s *Server) crossOrigin(x *exchange) (answered bool) {
	known := s.originRule(x)
	if known == nil {
		return s.cors != nil && s.cors.handle(x)
	}
	origin := x.r.Header["Origin"]
	if len(origin) != 1 || !known(origin[0]) {
		answered = s.cors != nil && s.cors.handle(x)
		if h := x.w.Header(); h["Vary"] == nil {
			h["Vary"] = varyOrigin
		}
		return answered
	}
	h := x.w.Header()
	h["Access-Control-Allow-Origin"] = origin[:1:1]
	h["Vary"] = varyOrigin
	if x.r.Method != http.MethodOptions || x.r.Header["Access-Control-Request-Method"] == nil {
		h["Access-Control-Expose-Headers"] = pageReads
		return false
	}
	h["Access-Control-Allow-Methods"], h["Access-Control-Allow-Headers"], h["Access-Control-Max-Age"] = pageMethods, pageHeaders, pageMaxAge
	x.WriteHeader(http.StatusNoContent)
	return true
}

// originRule is that of the feature which the path leads to; nil = it has none.
func (s *Server) originRule(x *exchange) func(string) bool {
	id, _, ok := apiSegment(x.routedPath())
	if !ok {
		return nil
	}
	mounts := s.mounts.Load().byID
	m := mounts[id]
	if m == nil {
		m = mounts[strings.ToLower(id)]
	}
	if m == nil || m.router == nil || !isASCII(id) {
		return nil
	}
	return m.router.feature.Origins
}
