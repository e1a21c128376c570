package app_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
)

// bodyLimits are the limits of features that take more than the reference's default.
var bodyLimits = map[string]int64{"scaffolder": 10 << 20, "api-docs": 3 << 20, "widgets": 1 << 20}

// A body is an endless stream of an unfinished JSON text, so that a route that reads it without a limit never ends.
func TestEveryRouteRefusesABodyOverItsLimit(t *testing.T) {
	h := launch(t, t.TempDir(), everything)
	guest := h.guestToken(t)
	for _, r := range h.server().Routes() {
		token := serviceToken
		if r.Access == httpx.UserOnly {
			token = guest
		}
		limit := int64(100 << 10)
		if more := bodyLimits[r.Feature]; more > 0 {
			limit = more
		}
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded"} {
			body := &endless{stopAt: limit + 1<<20}
			req := httptest.NewRequestWithContext(t.Context(), r.Method, example(r), body)
			req.ContentLength = -1
			req.Header.Set("Content-Type", contentType)
			req.Header.Set("Authorization", "Bearer "+token)
			answer := httptest.NewRecorder()
			h.app.Handler().ServeHTTP(answer, req)
			if body.read > limit+64<<10 {
				t.Errorf("%s read %d bytes of a body, the limit is %d", nameOf(r), body.read, limit)
			}
			refused := answer.Code == http.StatusRequestEntityTooLarge || answer.Code == http.StatusBadRequest
			if body.read > limit && !refused {
				t.Errorf("%s with too large a body: %d %s", nameOf(r), answer.Code, answer.Body)
			}
			// The reference says 413, or 400 where an OpenAPI document is checked.
			if takesBody(r) && contentType == "application/json" && (!refused || !strings.Contains(answer.Body.String(), "request entity too large")) {
				t.Errorf("%s with too large a body: %d %s", nameOf(r), answer.Code, answer.Body)
			}
		}
	}
}

// withoutBody change something and read no body.
var withoutBody = []string{
	"POST /api/auth/guest/refresh", "POST /api/auth/guest/handler/frame",
	"POST /api/auth/v1/sessions/:session/approve", "POST /api/auth/v1/sessions/:session/reject",
	"POST /api/proxy/*path", "PUT /api/proxy/*path", "PATCH /api/proxy/*path", // without an endpoint nobody reads it
}

func takesBody(r httpx.Route) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return !unknownProvider(r) && !slices.Contains(withoutBody, nameOf(r))
	}
	return false
}

// endless is the text of a JSON string that does not end before stopAt.
type endless struct{ read, stopAt int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.read >= e.stopAt {
		return 0, io.EOF
	}
	n := copy(p, filler)
	if e.read == 0 {
		copy(p, `{"a":"`)
	}
	e.read += int64(n)
	return n, nil
}

var filler = strings.Repeat("x", 64<<10)

const hasty = `
backend:
  server: {headersTimeout: 100, requestTimeout: 100, keepAliveTimeout: 100}
`

// What a caller does not finish, the host ends. The waits below are bounded only by the deadline of a failing test.
func TestSlowCallersAreCutOff(t *testing.T) {
	h := launch(t, t.TempDir(), strings.Replace(basicConfig, "backend:\n", hasty[1:], 1))
	head := "POST /api/permission/authorize HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + serviceToken + "\r\nContent-Type: application/json\r\n"
	for name, sent := range map[string]string{
		"in the middle of the headers":    "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
		"in the middle of the body":       head + "Content-Length: 100\r\n\r\n{",
		"in the middle of a chunk":        head + "Transfer-Encoding: chunked\r\n\r\n64\r\n{",
		"after an answer, without asking": "GET /.backstage/health/v1/liveness HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stayed open")
			}
		})
	}
}
