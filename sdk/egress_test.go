package sdk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script answers one request after the other.
type script struct {
	answers []any // an int is a status, an error an error, a string a status 503 with that Retry-After
	bodies  []string
	at      []time.Duration
	started time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.at = append(s.at, time.Since(s.started))
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.bodies = append(s.bodies, string(data))
	}
	next := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	res := &http.Response{Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}
	switch next := next.(type) {
	case error:
		return nil, next
	case int:
		res.StatusCode = next
	case string:
		res.StatusCode = http.StatusServiceUnavailable
		res.Header.Set("Retry-After", next)
	}
	return res, nil
}

func TestRetry_RepeatsWhatMayBeRepeated(t *testing.T) {
	broken := errors.New("connection reset")
	for _, c := range []struct {
		name    string
		method  string
		body    io.Reader
		timeout time.Duration
		answers []any
		tries   int
		status  int
	}{
		{"a good answer is taken", "GET", nil, 0, []any{200}, 1, 200},
		{"an outage is bridged", "GET", nil, 0, []any{503, broken, 200}, 3, 200},
		{"three times at most", "GET", nil, 0, []any{502}, 3, 502},
		{"errors three times at most", "DELETE", nil, 0, []any{broken}, 3, 0},
		{"a client's mistake stays one", "GET", nil, 0, []any{404}, 1, 404},
		{"a POST is not repeated", "POST", strings.NewReader("x"), 0, []any{503}, 1, 503},
		{"a PUT is, with its body", "PUT", strings.NewReader("body"), 0, []any{429, 204}, 2, 204},
		{"a body that cannot be sent again is not", "PUT", io.MultiReader(strings.NewReader("x")), 0, []any{503}, 1, 503},
		{"Retry-After in seconds is kept", "GET", nil, 0, []any{"20", 200}, 2, 200},
		{"Retry-After beyond the deadline is not waited for", "GET", nil, 10 * time.Second, []any{"20", 200}, 1, 503},
		{"Retry-After of an hour is not waited for", "GET", nil, 0, []any{"3600", 200}, 1, 503},
		{"a refusal is final", "GET", nil, 0, []any{ErrNotAllowed}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.timeout)
					defer cancel()
				}
				s := &script{answers: c.answers, started: time.Now()}
				req, err := http.NewRequestWithContext(ctx, c.method, "https://a.example", c.body)
				if err != nil {
					t.Fatal(err)
				}
				res, err := (&retrying{s}).RoundTrip(req)
				status := 0
				if err == nil {
					status = res.StatusCode
					_ = res.Body.Close()
				}
				if len(s.at) != c.tries || status != c.status {
					t.Errorf("%d tries, status %d, %v", len(s.at), status, err)
				}
				if c.method == "PUT" && c.tries == 2 && !slices.Equal(s.bodies, []string{"body", "body"}) {
					t.Errorf("bodies %q", s.bodies)
				}
				if c.answers[0] == "20" && c.tries == 2 && (s.at[1] < 20*time.Second || s.at[1] > 21*time.Second) {
					t.Errorf("waited %s", s.at[1])
				}
			})
		})
	}
}

func TestRetry_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://a.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := (&retrying{&script{answers: []any{"20"}}}).RoundTrip(req); !errors.Is(err, context.Canceled) {
			t.Error(res, err)
		}
	})
}

func TestRetryAfter_IsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "120": 2 * time.Minute, "Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		if got, ok := retryAfter(value, now); !ok || got != want {
			t.Errorf("%q: %s %v", value, got, ok)
		}
	}
	for _, value := range []string{"", "-1", "soon", "99999999999999999999"} {
		if got, ok := retryAfter(value, now); ok {
			t.Errorf("%q: %s", value, got)
		}
	}
}
