package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

type fixed struct {
	overview Overview
	err      error
}

func (f fixed) Overview(context.Context) (Overview, error) { return f.overview, f.err }

// oneToken knows one good token.
type oneToken struct{}

func (oneToken) Authenticate(r *http.Request, _ string, _ httpx.Allowance) (*principal.Principal, error) {
	switch r.Header.Get("Authorization") {
	case "":
		return principal.Nobody, nil
	case "Bearer good-token":
		return &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}, nil
	default:
		return nil, apierror.New(apierror.Authentication, "Illegal token")
	}
}

func sample() Overview {
	return Overview{
		Organization: "Harbour", Version: "1.2.3", Started: now.Add(-90 * time.Minute), Ready: true, Database: "SQLite, callboard.db",
		Listeners:     []Listener{{"Portal and API", "http://127.0.0.1:7007"}},
		Kinds:         []Kind{{"API", 2}, {"Component", 8}},
		Problems:      []Problem{{Location: "file:/srv/a.yaml", Line: 9, EntityRef: "component:default/b", Field: "spec.owner", Name: "InputError", Message: "must be string", Since: now.Add(-time.Minute)}, {Location: "file:/srv/a.yaml", Line: 3, Column: 4, Message: "broken"}},
		Configuration: []string{"app-config.yaml"},
		ConfigNotes:   []ConfigNote{{"warning", "app-config.yaml", 22, "integrations.github[0].token", "is absent"}},
		Features:      []Feature{{"catalog", 24}},
	}
}

func console(source Source, access Access) http.Handler {
	return New(Options{Settings: Settings{Enabled: true, Access: access}, Source: source, Auth: oneToken{}, API: noAPI{}, Organization: "Harbour", Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return now }, DocsURL: "https://docs.example.com/"})
}

// noAPI is a host that has no features.
type noAPI struct{}

func (noAPI) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }

// factsPages are the pages about the host.
var factsPages = []string{"/console/host", "/console/plugins", "/console/problems"}

// allFacts is the text of the pages about the host, one after the other.
func allFacts(t *testing.T, h http.Handler) string {
	t.Helper()
	var all []string
	for _, path := range factsPages {
		text, _ := visibleText(t, do(h, local("GET", path)).Body.String())
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// local is a request from this machine.
func local(method, path string) *http.Request {
	r := httptest.NewRequest(method, "http://localhost:7007"+path, nil)
	r.RemoteAddr = "127.0.0.1:50000"
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// visibleText is the text of a page as a reader sees it, and its elements.
func visibleText(t *testing.T, page string) (text string, elements map[string]int) {
	t.Helper()
	elements = map[string]int{}
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " "), elements
		case html.TextToken:
			b.Write(tokens.Text())
			b.WriteByte(' ')
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := tokens.TagName()
			elements[string(name)]++
			for more {
				var key []byte
				key, _, more = tokens.TagAttr()
				elements["@"+string(key)]++
			}
		}
	}
}

func TestPage_ShowsWhatRunsWhatThereIsAndWhatIsWrongWhere(t *testing.T) {
	h := console(fixed{overview: sample()}, PublicOnLoopback)
	w := do(h, local("GET", "/console/host"))
	text := allFacts(t, h)
	for _, part := range []string{"Harbour", "Ready · up 1 h 30 min", "Running, and 2 catalog problems need a look.", "Version 1.2.3", "Database SQLite, callboard.db",
		"Portal and API http://127.0.0.1:7007", "4 May 2026, 10:30 UTC", "/srv/a.yaml line 3:4 broken", "line 9 must be string field spec.owner entity component:default/b InputError for 1 min",
		"warning integrations.github[0].token is absent app-config.yaml:22", "Read from app-config.yaml .", "Entities 10", "Component 8 API 2", "catalog", "No frontend is served"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestPage_HasAWordForEveryState(t *testing.T) {
	empty := Overview{Started: now, Ready: true}
	starting := Overview{Started: now}
	pending := Overview{Started: now, Ready: true, Pending: 1, Kinds: []Kind{{"API", 1}}}
	one := Overview{Started: now, Ready: true, ConfigNotes: []ConfigNote{{Severity: "error", File: "f"}}}
	many := Overview{Started: now, Ready: true}
	for i := range maxShown + 5 {
		many.Problems = append(many.Problems, Problem{Location: fmt.Sprint("file:", i), Message: "m"})
	}
	for want, o := range map[string]Overview{
		"everything it was given could be read.|None. Every file was read|The catalog is empty.|Nothing to remark.": empty,
		"Starting: the catalog is being read for the first time.|None so far.":                                      starting,
		"1 entity is still being processed.|1 waiting to be processed.":                                             pending,
		"1 configuration error needs a look.":                                                                       one,
		"205 catalog problems|5 more are in the JSON":                                                               many,
	} {
		text := allFacts(t, console(fixed{overview: o}, PublicOnLoopback))
		for part := range strings.SplitSeq(want, "|") {
			if !strings.Contains(text, part) {
				t.Errorf("%q is missing in\n%s", part, text)
			}
		}
	}
	w := do(console(fixed{err: errors.New("canary: database password")}, PublicOnLoopback), local("GET", "/console/host"))
	if text, _ := visibleText(t, w.Body.String()); w.Code != 503 || !strings.Contains(text, "The facts could not be read.") || strings.Contains(text, "canary") {
		t.Errorf("%d %s", w.Code, text)
	}
}

func TestPage_KeepsHostileNamesAndMessagesAsText(t *testing.T) {
	source := &fixed{}
	h := console(source, PublicOnLoopback)
	elementsOf := func(text string) map[string]int {
		all := map[string]int{}
		source.overview = fill(sample(), text)
		for _, path := range factsPages {
			_, elements := visibleText(t, do(h, local("GET", path)).Body.String())
			for name, n := range elements {
				all[name] += n
			}
		}
		return all
	}
	before := elementsOf("plain")
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</code></main><iframe src=//evil.example>`,
		`javascript:alert(1)`, "{{.}}<style>*{}</style>", "\u202e<b>", "--><svg/onload=alert(1)>", "\x00<a href=x>", `</title><base href=//evil.example/>`,
	} {
		if diff := cmp.Diff(before, elementsOf(hostile)); diff != "" {
			t.Errorf("%q changes the elements of the page:\n%s", hostile, diff)
		}
		text := allFacts(t, h)
		if want := strings.Join(strings.Fields(strings.ReplaceAll(hostile, "\x00", "\ufffd")), " "); strings.Count(text, want) < 8 {
			t.Errorf("%q is not shown as it is", hostile)
		}
	}
}

// fill puts text everywhere a stranger could.
func fill(o Overview, text string) Overview {
	o.Version, o.Database = text, text
	o.Kinds = []Kind{{text, 1}}
	o.Listeners = []Listener{{text, text}}
	o.Problems = []Problem{{Location: text, Line: 1, EntityRef: text, Field: text, Name: text, Message: text}}
	o.ConfigNotes = []ConfigNote{{"warning", text, 1, text, text}}
	o.Configuration = []string{text}
	o.Features = []Feature{{text, 1}}
	return o
}

func TestPage_RunsNoCodeButItsOwnFile(t *testing.T) {
	h := console(fixed{overview: sample()}, PublicOnLoopback)
	for _, path := range []string{"/", "/console/", "/console/host", "/console/catalog", "/console.json", "/nothing", "/console/console.css", "/console/sign-in"} {
		header := do(h, local("GET", path)).Header()
		policy := header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
		if header.Get("X-Frame-Options") != "DENY" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, header)
		}
	}
	_, elements := visibleText(t, do(h, local("GET", "/console/host")).Body.String())
	if elements["style"] != 0 || elements["@style"] != 0 || elements["script"] != 1 || elements["@src"] != 2 {
		t.Errorf("inline styles or foreign scripts: %v", elements)
	}
	for name := range elements {
		if strings.HasPrefix(name, "@on") {
			t.Errorf("there is an event handler in the page: %s", name)
		}
	}
	for path, contentType := range map[string]string{"/console/console.css": "text/css; charset=utf-8", "/console/console.js": "text/javascript; charset=utf-8", "/console/icon.svg": "image/svg+xml", "/favicon.ico": "image/svg+xml"} {
		w := do(h, local("GET", path))
		if w.Code != 200 || w.Header().Get("Content-Type") != contentType || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		r := local("GET", path)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		if again := do(h, r); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.Code)
		}
	}
}

func TestJSON_HoldsTheSameFacts(t *testing.T) {
	w := do(console(fixed{overview: sample()}, PublicOnLoopback), local("GET", "/console.json"))
	var got Overview
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %v %s", w.Code, err, w.Body)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
	w = do(console(fixed{err: errors.New("canary")}, PublicOnLoopback), local("GET", "/console.json"))
	if w.Code != 503 || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOtherPaths_AreNotFoundAndNeverRedirected(t *testing.T) {
	h := console(fixed{overview: sample()}, PublicOnLoopback)
	for _, path := range []string{"/catalog", "//evil.example", "/\\evil.example", "/a/../\\evil.example", "//console/", "/console//host", "/console/../assets/host.html", "/console/./host", "/console/host/", "/console/host.html", "/index.html", "/console.json/"} {
		r := local("GET", "/")
		r.URL.Path = path
		w := do(h, r)
		if w.Code != 404 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if w := do(h, local(method, "/console/host")); w.Code != 404 || w.Body.Len() != 0 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	off := New(Options{Settings: Settings{}, Source: fixed{}, Auth: oneToken{}, Log: slog.New(slog.DiscardHandler)})
	if w := do(off, local("GET", "/")); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("disabled: %d", w.Code)
	}
}

func TestReadSettings_DefaultsToThisMachineAndFailsClosed(t *testing.T) {
	for text, want := range map[string]Settings{
		"{}":                                    {true, PublicOnLoopback},
		"callboard: {console: {enabled: 'no'}}": {false, PublicOnLoopback},
		"callboard: {console: {access: authenticated}}": {true, Authenticated},
		"callboard: {console: {access: everybody}}":     {true, Authenticated},
	} {
		c := config.FromYAML(text)
		if got := ReadSettings(c); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if wrong := strings.Contains(text, "everybody"); wrong != (c.Err() != nil) {
			t.Errorf("%s: %v", text, c.Err())
		}
	}
}

func TestAgo_WritesTheTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 61 * time.Minute: "1 h 1 min", time.Hour: "1 h",
		24 * time.Hour: "1 d", 50*time.Hour + 5*time.Minute: "2 d 2 h"} {
		if got := ago(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
