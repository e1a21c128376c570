package proxy

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// Feature is what the edge needs to know. The edge lets everybody pass, because the configuration says by endpoint who
// may and can change; [Proxy.Serve] asks for credentials, also where no endpoint is.
func (p *Proxy) Feature() httpx.Feature {
	return httpx.Feature{ID: "proxy", BodyLimit: p.limits.Body, LeaveBodies: true,
		Policies: []httpx.Policy{{Path: "/", Allow: httpx.AllowUnauthenticated}}}
}

// carried are the methods that pass. TRACE would show the caller what the host adds, CONNECT asks for a tunnel.
var carried = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	"QUERY", "SEARCH", "PROPFIND", "REPORT"}

// Routes adds the routes of p to r.
func Routes(r *httpx.Router, p *Proxy) {
	for _, method := range carried {
		r.Unlisted(method, "/*path", httpx.Public, p.handle)
	}
}

func (p *Proxy) handle(c *gin.Context) (err error) {
	done, err := httpx.StreamBody(c)
	if err != nil {
		return err
	}
	defer func() { err = done(err) }()
	return p.Serve(c.Writer, c.Request, func() (*principal.Principal, error) { return httpx.Credentials(c) })
}
