package bearer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is a login and an API that takes its last token only.
type cloud struct {
	login  http.HandlerFunc // nil = gives tokens
	life   string
	asked  atomic.Int32
	revoke atomic.Bool // the API takes no token that was given before
	now    time.Time

	mu    sync.Mutex
	valid string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path == "/tenant/token" {
		n := c.asked.Add(1)
		if c.login != nil {
			c.login(w, r)
			return
		}
		c.valid = fmt.Sprint("t0ken-", n)
		c.revoke.Store(false)
		fmt.Fprintf(w, `{"token_type":"Bearer","access_token":%q,"expires_in":%s}`, c.valid, c.life)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+c.valid || c.revoke.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"message":"%s is expired"}`, r.Header.Get("Authorization"))
		return
	}
	_, _ = io.WriteString(w, `{}`)
}

func start(t *testing.T, c *cloud) (*Source, *rest.Client) {
	t.Helper()
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	if c.life == "" {
		c.life = "3600"
	}
	c.now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	source, err := New(Options{
		HTTP: s.Client(), Name: "Azure login", URL: s.URL + "/tenant/token", Secrets: []sdk.Secret{"s3cret"},
		Form: func(time.Time) (url.Values, error) { return url.Values{"client_secret": {"s3cret"}}, nil },
		Now:  func() time.Time { return c.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return source, &rest.Client{HTTP: s.Client(), Base: s.URL, Name: "Azure"}
}

func call(t *testing.T, s *Source, c *rest.Client) error {
	t.Helper()
	var out struct{}
	return s.Call(t.Context(), c, rest.Request{Method: "GET", Path: "/apis"}, &out)
}

func TestSource_KeepsATokenUntilShortlyBeforeItsEnd(t *testing.T) {
	c := &cloud{}
	s, api := start(t, c)
	for _, step := range []struct {
		later time.Duration
		asked int32
	}{{0, 1}, {0, 1}, {58 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}} {
		c.now = c.now.Add(step.later)
		if err := call(t, s, api); err != nil || c.asked.Load() != step.asked {
			t.Errorf("after %v: asked %d times, want %d; %v", step.later, c.asked.Load(), step.asked, err)
		}
	}
}

func TestSource_ReadsEveryFormOfALife(t *testing.T) {
	for life, want := range map[string]time.Duration{
		`3600`: 59 * time.Minute, `"3600"`: 59 * time.Minute, `3600.5`: 59 * time.Minute, `0`: 30 * time.Second, `-5`: 30 * time.Second,
		`"soon"`: 30 * time.Second, `null`: 30 * time.Second, `1e30`: longestLife - margin, `90`: 45 * time.Second,
	} {
		t.Run(life, func(t *testing.T) {
			c := &cloud{life: life}
			s, api := start(t, c)
			if err := call(t, s, api); err != nil {
				t.Fatal(err)
			}
			if got := s.until.Sub(c.now); got != want {
				t.Errorf("kept for %v, want %v", got, want)
			}
		})
	}
}

func TestSource_AsksAgainWhenATokenIsNotTakenAnyMore(t *testing.T) {
	c := &cloud{}
	s, api := start(t, c)
	if err := call(t, s, api); err != nil {
		t.Fatal(err)
	}
	c.revoke.Store(true)
	if err := call(t, s, api); err != nil || c.asked.Load() != 2 {
		t.Errorf("asked %d times, %v", c.asked.Load(), err)
	}
	answer, err := s.Send(t.Context(), api, rest.Request{Method: "GET", Path: "/apis"})
	if err != nil || answer.Status != http.StatusOK {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestSource_AsksOnceForManyAtOnce(t *testing.T) {
	c := &cloud{}
	s, api := start(t, c)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := call(t, s, api); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if c.asked.Load() != 1 {
		t.Errorf("asked %d times", c.asked.Load())
	}
}

func TestSource_TellsALoginThatIsNotWellFromOneThatRefuses(t *testing.T) {
	raw := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const data = "application/json"
	for name, c := range map[string]struct {
		login       http.HandlerFunc
		want        string
		credentials bool
	}{
		"a wrong secret":     {raw(401, data, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: s3cret"}`), "refuses the plugin's credentials: AADSTS7000215", true},
		"a wrong clock":      {raw(400, data, `{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token"}`), "Invalid JWT", true},
		"no text":            {raw(403, data, ``), "refuses the plugin's credentials: status 403", true},
		"another address":    {raw(404, data, `{"error":"not found"}`), "is not at its address, which answers 404: not found", false},
		"too often":          {raw(429, data, `{}`), "limits the rate of calls", false},
		"an outage":          {raw(503, data, `{}`), "answers 503", false},
		"a page":             {raw(200, "text/html", `<html>`), "answers a page", false},
		"a page for 404":     {raw(404, "text/html", `<html>`), "no management API is there", false},
		"no token":           {raw(200, data, `{}`), "answers without an access token", false},
		"a token of lines":   {raw(200, data, `{"access_token":"a\nHost: b"}`), "answers without an access token", false},
		"an endless token":   {raw(200, data, `{"access_token":"`+strings.Repeat("x", longestToken+1)+`"}`), "answers without an access token", false},
		"a list":             {raw(200, data, `[]`), "answers no readable JSON", false},
		"half an answer":     {raw(200, data, `{"access_tok`), "answers no readable JSON", false},
		"a token of numbers": {raw(200, data, `{"access_token":7}`), "answers no readable JSON", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, api := start(t, &cloud{login: c.login})
			err := call(t, s, api)
			if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if errors.Is(err, rest.ErrCredentials) != c.credentials {
				t.Errorf("%v blames credentials: %t", err, !c.credentials)
			}
		})
	}
}

func TestSource_DoesNotInsistOnRefusedCredentials(t *testing.T) {
	c := &cloud{login: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }}
	s, api := start(t, c)
	for range 3 {
		if err := call(t, s, api); !errors.Is(err, rest.ErrCredentials) {
			t.Fatalf("got %v", err)
		}
	}
	if c.asked.Load() != 1 {
		t.Errorf("asked %d times", c.asked.Load())
	}
	c.now = c.now.Add(rueful)
	c.login = nil
	if err := call(t, s, api); err != nil {
		t.Errorf("after the credentials were mended: %v", err)
	}
}

func TestSource_TellsNoTokenInErrors(t *testing.T) {
	c := &cloud{}
	s, api := start(t, c)
	c.login = func(w http.ResponseWriter, _ *http.Request) { // a token that the API does not take, and repeats
		_, _ = io.WriteString(w, `{"access_token":"t0ken-other","expires_in":3600}`)
	}
	if err := call(t, s, api); err == nil || !strings.Contains(err.Error(), "is expired") || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("got %v", err)
	}
}

func TestSource_EndsWithItsCaller(t *testing.T) {
	c := &cloud{}
	s, api := start(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Call(ctx, api, rest.Request{Method: "GET", Path: "/apis"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNew_RefusesWhatIsNoAddress(t *testing.T) {
	for _, address := range []string{"", "login", "ftp://login/token", "http://[::1"} {
		if _, err := New(Options{URL: address, Name: "login"}); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}
