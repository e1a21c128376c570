package signals

import (
	"context"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
)

// Feature is what the edge needs to know. Everything is open: the token comes as the subprotocol, because browsers
// cannot set headers on a WebSocket, and a connection without one is a guest's.
func Feature() httpx.Feature {
	return httpx.Feature{ID: "signals", Policies: []httpx.Policy{{Path: "/", Allow: httpx.AllowUnauthenticated}}}
}

// ReadLimits reads the section callboard.signals.
func ReadLimits(s *config.Section) Limits {
	positive := func(key string) int {
		n := s.Int(key, 0)
		if s.Has(key) && n < 1 {
			s.Problem(key, "must be 1 or more")
		}
		return n
	}
	return Limits{
		Connections: positive("maxConnections"), ConnectionsPerUser: positive("maxConnectionsPerUser"),
		Channels: positive("maxChannels"), FrameBytes: int64(positive("maxFrameBytes")), Queue: positive("maxQueue"),
	}
}

// Routes adds the routes of h to r.
func Routes(r *httpx.Router, h *Hub) {
	r.GET("/health", httpx.Public, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, map[string]string{"status": "ok"})
	})
	r.Unlisted(http.MethodGet, "/", httpx.Public, h.upgrade)
}

func (h *Hub) upgrade(c *gin.Context) error {
	if !strings.EqualFold(c.GetHeader("Upgrade"), "websocket") || strings.HasSuffix(requestPath(c), "/") {
		return empty(c, http.StatusNotFound)
	}
	id, token := guest, c.GetHeader("Sec-WebSocket-Protocol")
	if token != "" {
		found, err := h.identities.Identify(c.Request.Context(), token)
		if err != nil {
			h.log.InfoContext(c.Request.Context(), "signal connection refused", "error", err)
			return empty(c, http.StatusUnauthorized)
		}
		if found.User != "" {
			id = found
		}
	}
	if err := h.reserve(id.User); err != nil {
		return err
	}
	defer h.release(id.User)
	// The page may be served from another origin. There is nothing to forge: no cookie is read here.
	ws, err := websocket.Accept(c.Writer, c.Request, &websocket.AcceptOptions{Subprotocols: []string{token}, InsecureSkipVerify: true})
	if err != nil {
		return nil // Accept has answered
	}
	// What limits a request in time is not for a connection; what ends it is in serve.
	h.serve(context.WithoutCancel(c.Request.Context()), ws, id)
	return nil
}

// requestPath is the path as it came: the edge matches a trailing slash too, the reference does not.
func requestPath(c *gin.Context) string {
	path, _, _ := strings.Cut(c.Request.RequestURI, "?")
	return path
}

func empty(c *gin.Context, status int) error {
	c.Status(status)
	c.Writer.WriteHeaderNow()
	return nil
}
