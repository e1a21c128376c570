package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// operator is one that has the plugin "sentry".
type operator struct {
	restarted []string
	err       error
	lines     []LogLine
}

func (o *operator) Restart(_ context.Context, plugin string) error {
	if plugin != "sentry" {
		return ErrUnknownPlugin
	}
	o.restarted = append(o.restarted, plugin)
	return o.err
}

func (o *operator) Logs(_ context.Context, plugin string, n int, follow bool, take func(LogLine) error) error {
	if plugin != "sentry" {
		return ErrUnknownPlugin
	}
	for _, l := range o.lines {
		if n > 0 || follow {
			if err := take(l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *operator) Changed(context.Context) <-chan struct{} {
	once := make(chan struct{}, 1)
	once <- struct{}{}
	close(once)
	return once
}

// services knows tokens of services beside the user's.
type services struct{ oneToken }

func (s services) Authenticate(r *http.Request, feature string, accept httpx.Allowance) (*principal.Principal, error) {
	switch r.Header.Get("Authorization") {
	case "Bearer service":
		return &principal.Principal{Kind: principal.Service, Subject: "ci"}, nil
	case "Bearer restricted":
		return &principal.Principal{Kind: principal.Service, Subject: "ci", Restrictions: &principal.Restrictions{}}, nil
	}
	return s.oneToken.Authenticate(r, feature, accept)
}

func withPlugins() Overview {
	o := Overview{Started: now, Ready: true}
	o.Plugins = []Plugin{
		{ID: "sentry", Version: "1.4.0", State: "backoff", Since: now.Add(-time.Minute), Reason: "exit status 2", Restarts: 3, Lines: []string{"panic: canary"},
			Needs: []string{"It may send requests to sentry.io on port 443 (encrypted)."}, Sandbox: "partial", SandboxNotes: []string{"there are no user namespaces here"}},
		{ID: "cost", Version: "2.0.0", State: "needs-approval", Reason: "The lock file does not approve it.", Asks: []string{"It may read every entity of the catalog."}},
		{ID: "hello-go", State: "ready", Development: true, Memory: 17 << 20, InFlight: 2, BuildOutput: "main.go:7: canary"},
	}
	return o
}

func pluginConsole(o Operator, access Access) http.Handler {
	return New(Options{Settings: Settings{Enabled: true, Access: access}, Source: fixed{overview: withPlugins()}, Auth: services{}, API: noAPI{},
		Operator: o, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
}

func TestPlugins_StateReasonNeedsAndWhatToDoStandOnThePage(t *testing.T) {
	text := allFacts(t, pluginConsole(&operator{}, PublicOnLoopback))
	for _, part := range []string{"3 plugins need a look", "Plugins 3", "sentry 1.4.0 backoff for 1 min", "exit status 2", "3 restarts", "sandbox partial", "there are no user namespaces here",
		"It may send requests to sentry.io on port 443 (encrypted).", "panic: canary", "cost 2.0.0 needs-approval", "It may read every entity of the catalog.",
		"callboard plugin approve cost", "hello-go development ready", "17 MiB", "2 in flight", "It could not be built: main.go:7: canary", "Restart sentry", "Log of sentry"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func TestPlugins_OnlyOperatorsRestartAndReadLogs(t *testing.T) {
	for name, tc := range map[string]struct {
		token  string
		remote bool
		page   int
		may    bool
	}{
		"this machine":       {"", false, 200, true},
		"a stranger":         {"", true, 401, false},
		"a user":             {"Bearer good-token", true, 200, false},
		"a service":          {"Bearer service", true, 200, true},
		"a restricted token": {"Bearer restricted", true, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := &operator{lines: []LogLine{{At: now, Level: "info", Message: "hello"}}}
			h := pluginConsole(o, PublicOnLoopback)
			ask := func(r *http.Request) *httptest.ResponseRecorder {
				r.RemoteAddr = "127.0.0.1:50000"
				if tc.remote {
					r.RemoteAddr = "10.0.0.5:50000"
				}
				if tc.token != "" {
					r.Header.Set("Authorization", tc.token)
				}
				return do(h, r)
			}
			for _, path := range []string{"/console/plugins", "/console.json"} {
				if w := ask(local("GET", path)); w.Code != tc.page || strings.Contains(w.Body.String(), "canary") != tc.may {
					t.Errorf("%s: %d, lines shown: %v", path, w.Code, strings.Contains(w.Body.String(), "canary"))
				}
			}
			for _, path := range []string{"/console/plugin?id=sentry", "/console/plugin/log?id=sentry"} {
				if w := ask(local("GET", path)); (w.Code == 200) != tc.may || strings.Contains(w.Body.String(), "hello") != tc.may {
					t.Errorf("%s: %d %s", path, w.Code, w.Body)
				}
			}
			w := ask(local("GET", "/console/changes"))
			if (w.Code == 200) != (tc.page == 200) {
				t.Errorf("changes: %d", w.Code)
			}
			if w := ask(form("/console/plugin/restart", "id", "sentry")); (w.Code == http.StatusSeeOther) != tc.may || (len(o.restarted) == 1) != tc.may {
				t.Errorf("restart: %d, %v", w.Code, o.restarted)
			}
		})
	}
}

func TestRestart_TellsWhatWentWrongAndRefusesOtherSites(t *testing.T) {
	o := &operator{err: errors.New("plugin sentry cannot be started: needs-config, /token is missing")}
	h := pluginConsole(o, PublicOnLoopback)
	r := form("/console/plugin/restart", "id", "sentry")
	r.RemoteAddr = "127.0.0.1:5"
	w := do(h, r)
	if text, _ := visibleText(t, w.Body.String()); w.Code != http.StatusConflict || !strings.Contains(text, "/token is missing") {
		t.Errorf("%d %s", w.Code, text)
	}
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		o.restarted = nil
		r := form("/console/plugin/restart", "id", "sentry")
		r.RemoteAddr = "127.0.0.1:5"
		r.Header.Set(header, value)
		if w := do(h, r); w.Code != http.StatusForbidden || len(o.restarted) != 0 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	r = form("/console/plugin/restart", "id", "nobody")
	r.RemoteAddr = "127.0.0.1:5"
	if w := do(h, r); w.Code != 404 {
		t.Errorf("unknown: %d", w.Code)
	}
	if w := do(h, local("GET", "/console/plugin?id=nobody")); w.Code != 404 {
		t.Errorf("unknown page: %d", w.Code)
	}
	if w := do(console(fixed{overview: withPlugins()}, PublicOnLoopback), local("GET", "/console/plugin?id=sentry")); w.Code != 404 {
		t.Errorf("without an operator: %d", w.Code)
	}
}

func TestPlugins_HostileTextsStayText(t *testing.T) {
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</pre></details><iframe src=//evil.example>`} {
		o := Overview{Started: now, Ready: true, Plugins: []Plugin{{ID: "sentry", Title: hostile, Version: hostile, State: hostile, Reason: hostile, Remark: hostile,
			Sandbox: hostile, SandboxNotes: []string{hostile}, Needs: []string{hostile}, Asks: []string{hostile}, Lines: []string{hostile}, BuildOutput: hostile}}}
		h := New(Options{Settings: Settings{Enabled: true, Access: PublicOnLoopback}, Source: fixed{overview: o}, Auth: services{}, API: noAPI{}, Log: slog.New(slog.DiscardHandler),
			Operator: &operator{lines: []LogLine{{Level: hostile, Message: hostile, Fields: map[string]any{hostile: hostile}}}}, Now: func() time.Time { return now }})
		for _, path := range []string{"/console/plugins", "/console/plugin?id=sentry"} {
			page := do(h, local("GET", path)).Body.String()
			_, elements := visibleText(t, page)
			if elements["script"] != 1 || elements["iframe"] != 0 || elements["@onerror"] != 0 || elements["img"] != 1 {
				t.Errorf("%s with %q: %v", path, hostile, elements)
			}
		}
		stream := do(h, local("GET", "/console/plugin/log?id=sentry")).Body.String()
		if strings.Contains(stream, "<script") || strings.Count(stream, "\ndata: ") != 1 {
			t.Error(stream)
		}
	}
}
