// Package httpxtest serves one or more features on a real edge with pretended credentials, for tests of routes.
package httpxtest

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// Credentials is an Authenticator that believes what it reads: "Bearer user:default/guest" is that user and
// "Bearer service:external:ci" the service "external:ci"; the cookie backstage-auth works the same for users.
// "Bearer embed:portal" is a page of the app "portal" that may see everything, with the rights of the service "portal".
// Anything else is an illegal token.
type Credentials struct{}

// Authenticate implements [httpx.Authenticator].
func (Credentials) Authenticate(r *http.Request, _ string, accept httpx.Allowance) (*principal.Principal, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || strings.TrimSpace(token) == "" {
		if c, err := r.Cookie("backstage-auth"); err == nil && accept.Has(httpx.AllowUserCookie) {
			return &principal.Principal{Kind: principal.User, Subject: c.Value, Limited: true, Token: c.Value}, nil
		}
		return principal.Nobody, nil
	}
	token = strings.TrimSpace(token)
	if subject, ok := strings.CutPrefix(token, "service:"); ok {
		return &principal.Principal{Kind: principal.Service, Subject: subject, Token: token}, nil
	}
	if strings.HasPrefix(token, "user:") {
		return &principal.Principal{Kind: principal.User, Subject: token, Token: token}, nil
	}
	if app, ok := strings.CutPrefix(token, "embed:"); ok {
		if !accept.Has(httpx.AllowEmbed) {
			return nil, apierror.New(apierror.NotAllowed, "This endpoint does not allow embed tokens")
		}
		all := []string{"*"}
		return &principal.Principal{Kind: principal.Service, Subject: app, Token: token, Embed: &principal.Embed{App: app, Widgets: all, Entities: all}}, nil
	}
	return nil, apierror.New(apierror.Authentication, "Illegal token")
}

// New is a started edge with [Credentials] and without configuration; its log goes to the test's output.
func New(tb testing.TB) *httpx.Server { return NewWith(tb, httpx.Options{}) }

// NewWith is [New] with options; what they leave out is as in New.
func NewWith(tb testing.TB, o httpx.Options) *httpx.Server {
	tb.Helper()
	if o.Auth == nil {
		o.Auth = Credentials{}
	}
	if o.Logger == nil {
		o.Logger = Logger(tb)
	}
	s, err := httpx.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	s.Started()
	return s
}

// Logger writes to the test's output.
func Logger(tb testing.TB) *slog.Logger { return LoggerTo(tb.Output()) }

// Buffer keeps what several goroutines write.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is everything so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// LoggerTo writes everything to w, for tests that read their log.
func LoggerTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Guest is the Authorization header value that most tests send.
const Guest = "Bearer user:default/guest"

// Do sends one request as guest; headers are name, value pairs and may override Authorization ("" removes it).
func Do(tb testing.TB, h http.Handler, method, target, body string, headers ...string) *http.Response {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", Guest)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// Body reads the whole body of an answer.
func Body(tb testing.TB, r *http.Response) string {
	tb.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}
