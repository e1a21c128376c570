package usage

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
)

// raw answers so, whatever is asked.
func raw(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestPrometheus_ThatIsNotWellIsDiagnosed(t *testing.T) {
	const data = "application/json"
	failed := func(kind, text string) string {
		return fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text)
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		says    string
	}{
		{"a page with 200", raw(200, "text/html", "<!doctype html><title>Sign in</title>"), "a page instead of data"},
		{"a page with 502", raw(502, "text/html", "<h1>Bad Gateway</h1>"), "answers 502"},
		{"a page with 404", raw(404, "text/html", "<h1>Not found</h1>"), "has no /api/v1"},
		{"no credentials", raw(401, "text/plain", "Unauthorized"), "refuses the credentials"},
		{"no right", raw(403, data, failed("forbidden", "tenant unknown")), "let these credentials query: tenant unknown"},
		{"a bad query", raw(400, data, failed("bad_data", `parse error: unexpected "}"`)), "answers 400: parse error"},
		{"too many samples", raw(422, data, failed("execution", "query processing would load too many samples")), "too many samples"},
		{"a query that took too long", raw(503, data, failed("timeout", "query timed out in expression evaluation")), "gave the query up"},
		{"an error with 200", raw(200, data, failed("internal", "broken")), "internal: broken"},
		{"half an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"status":"success"`)
		}, "broke its answer off"},
		{"JSON that ends too early", raw(200, data, `{"status":"success","data":{`), "no readable answer"},
		{"JSON of something else", raw(200, data, `{"ok":true}`), "it has no status"},
		{"a scalar", raw(200, data, `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`), `it is a "scalar", not a matrix`},
		{"values that are none", raw(200, data, `{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1,"x"]]}]}}`), `"x" is no number`},
		{"an endless answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", maxAnswer+1))
		}, "answers more than"},
		{"a redirect", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://login.example.com/?next=token")
			w.WriteHeader(http.StatusFound)
		}, "redirects to login.example.com"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "does not answer within 50ms"},
	} {
		p := start(t)
		p.handler = c.handler
		timeout := 20 * time.Second
		if c.name == "silence" {
			timeout = 50 * time.Millisecond
		}
		_, err := p.source(func(o *Options) { o.Timeout = timeout }).Requests(t.Context(), quarter)
		if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "usage of eu") {
			t.Errorf("%s: %v, want %s", c.name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "token-of-prometheus") {
			t.Errorf("%s: the error tells the token", c.name)
		}
	}
}

// refusing is a way out that lets nothing out.
type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

func TestPrometheus_ThatIsNotReachedIsDiagnosed(t *testing.T) {
	p := start(t)
	for says, err := range map[string]error{
		"needs.egress of the plugin does not name its address": fmt.Errorf("egress: %w", sdk.ErrNotAllowed),
		"cannot be reached: connection refused":                errors.New("connection refused"),
	} {
		s := p.source(func(o *Options) { o.HTTP = &http.Client{Transport: refusing{err}} })
		if _, err := s.Requests(t.Context(), quarter); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}

func TestCredentials_AreATokenOrAPassword(t *testing.T) {
	p := start(t)
	var got string
	p.handler = func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		raw(200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[]}}`)(w, r)
	}
	for want, change := range map[string]func(*Options){
		"Bearer token-of-prometheus": func(*Options) {},
		"Basic YW5uOnB3":             func(o *Options) { o.Token, o.Username, o.Password = "", "ann", "pw" },
		"":                           func(o *Options) { o.Token = "" },
	} {
		if _, err := p.source(change).Requests(t.Context(), quarter); err != nil || got != want {
			t.Errorf("sent %q, want %q (%v)", got, want, err)
		}
	}
}
