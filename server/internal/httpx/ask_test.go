package httpx_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx"
)

func TestAsk_KeepsTheAnswerAndEndsWhatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  int
		body    string
		err     string
	}{
		"an answer":            {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); _, _ = w.Write([]byte(r.RequestURI)) }, 201, "/api/a%2Fb?x=1", ""},
		"nothing":              {func(http.ResponseWriter, *http.Request) {}, 200, "", ""},
		"news before it":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, 404, "", ""},
		"one in parts":         {func(w http.ResponseWriter, _ *http.Request) { inParts(w, "a", "b") }, 200, "ab", ""},
		"too much":             {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 101)) }, 0, "", "longer than 100 bytes"},
		"one that breaks off":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); panic(http.ErrAbortHandler) }, 0, "", "broke off"},
		"one that is given up": {func(_ http.ResponseWriter, r *http.Request) { *r = *r.WithContext(ended()) }, 0, "", "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/api/a%2Fb?x=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := httpx.Ask(c.handler, r, 100)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || got.Status != c.status || string(got.Body) != c.body {
				t.Errorf("got %d %q, %v", got.Status, got.Body, err)
			}
		})
	}
}

// inParts is how answers of plugins whose length is not known are passed on.
func inParts(w http.ResponseWriter, parts ...string) {
	for _, part := range parts {
		_, _ = w.Write([]byte(part))
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
