package kong

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/sdk"
)

func TestKong_WithoutADatabaseAndWithoutLeaveIsReadOnly(t *testing.T) {
	r := start(t, Options{}, kongfake.Options{DBLess: true}, 1)
	n := 0
	for _, err := range r.APIs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := r.Health(t.Context()); err != nil || n != 3 {
		t.Errorf("%d APIs, %v", n, err)
	}
	for name, err := range r.writes(t.Context()) {
		if !errors.Is(err, sdk.ErrNotImplemented) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := r.fake.Faults().Calls(); slices.ContainsFunc(calls, func(c string) bool { return !strings.HasPrefix(c, "GET ") }) {
		t.Errorf("it was written to: %v", calls)
	}
}

func TestKong_OfSeveralNodesWithoutADatabaseHasEveryKeyOnEachOfThem(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true, JSON: true}, 2)
	r.plan(r.app("shop"), "orders", "gold")
	request := driver.KeyRequest{App: "shop", Operation: operationA, Secret: "first-secret-of-at-least-32-characters"}
	undo := r.nodes[1].Faults().Set(gatewayfake.Fault{Method: http.MethodPost, Status: 500})
	if _, err := r.IssueKey(t.Context(), request); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Fatal(err)
	}
	undo()
	request.Secret = "other-secret-of-at-least-32-characters" // somebody who lost the first one tries again
	k := r.issue(request)
	if k.Secret != "first-secret-of-at-least-32-characters" {
		t.Error("the key that one node had already was replaced")
	}
	r.wantStatus("/orders", k.Secret, 200)
	if err := r.RevokeKey(t.Context(), "shop", k.ID); err != nil {
		t.Fatal(err)
	}
	r.wantStatus("/orders", k.Secret, 401)
}

func TestKong_OfSeveralNodesWithoutADatabaseIsTheSameOnAllOfThemAfterEachStepThatFailedOnOne(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true, JSON: true}, 2)
	request := driver.KeyRequest{App: "shop", Operation: operationA, Secret: "a-secret-of-at-least-32-characters"}
	published := driver.Publication{ID: "stock", Upstream: "http://stock", Paths: []string{"/stock"}}
	ctx := t.Context()
	for _, step := range []struct {
		name          string
		do            func() error
		orders, stock int
	}{
		{"known", func() error { return r.EnsureConsumer(ctx, driver.App{ID: "shop"}) }, 401, 404},
		{"planned", func() error { return r.SetPlan(ctx, "shop", "orders", "gold") }, 401, 404},
		{"issued", func() error { _, err := r.IssueKey(ctx, request); return err }, 200, 404},
		{"published", func() error { _, err := r.Publish(ctx, published); return err }, 200, 403},
		{"planned again", func() error { return r.SetPlan(ctx, "shop", "stock", "gold") }, 200, 200},
		{"published again", func() error { published.Upstream = "http://other"; _, err := r.Publish(ctx, published); return err }, 200, 200},
		{"another plan", func() error { return r.SetPlan(ctx, "shop", "orders", "open") }, 200, 200},
		{"suspended", func() error { return r.SuspendKey(ctx, "shop", operationA, true) }, 401, 401},
		{"resumed", func() error { return r.SuspendKey(ctx, "shop", operationA, false) }, 200, 200},
		{"without a plan", func() error { return r.SetPlan(ctx, "shop", "orders", "") }, 403, 200},
		{"revoked", func() error { return r.RevokeKey(ctx, "shop", operationA) }, 401, 401},
	} {
		undo := r.nodes[1].Faults().Set(gatewayfake.Fault{Method: http.MethodPost, Status: 500})
		if err := step.do(); !errors.Is(err, sdk.ErrServiceUnavailable) {
			t.Errorf("%s on one node: %v", step.name, err)
		}
		undo()
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		r.wantStatus("/orders", request.Secret, step.orders)
		r.wantStatus("/stock", request.Secret, step.stock)
		var configs []string
		for _, node := range r.nodes {
			configs = append(configs, export(node))
		}
		if configs[0] != configs[1] {
			t.Fatalf("%s: nodes differ:\n%s\n%s", step.name, configs[0], configs[1])
		}
	}
}

// export is the configuration of a node.
func export(node *kongfake.Server) string {
	req := httptest.NewRequest(http.MethodGet, "/config", nil)
	req.Header.Set("Kong-Admin-Token", adminToken)
	w := httptest.NewRecorder()
	node.ServeHTTP(w, req)
	return w.Body.String()
}

func TestKong_WithoutADatabaseKeepsWhatMustBeUnique(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true}, 1)
	r.fake.Put("consumers", map[string]any{"username": "theirs"})
	if err := r.EnsureConsumer(t.Context(), driver.App{ID: "theirs"}); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "that the portal did not make") {
		t.Error(err)
	}
	k := r.granted("gold")
	r.app("other")
	_, err := r.IssueKey(t.Context(), driver.KeyRequest{App: "other", Operation: operationB, Secret: k.Secret})
	if !errors.Is(err, sdk.ErrConflict) || strings.Contains(err.Error(), k.Secret.Reveal()) {
		t.Error(err)
	}
}

func TestKong_WithoutADatabaseNoticesThatOthersChangeItsConfiguration(t *testing.T) {
	r := start(t, Options{Declarative: true}, kongfake.Options{DBLess: true}, 1)
	r.app("shop")
	meddler := &meddling{next: r.options.HTTP.Transport, times: 1, meddle: func(n int) {
		r.fake.Put("consumers", map[string]any{"username": fmt.Sprintf("somebody-%d", n)})
	}}
	r.options.HTTP.Transport = meddler
	k := r.issue(driver.KeyRequest{App: "shop", Operation: operationA})
	if status := r.admin(http.MethodGet, "/consumers/somebody-1", ""); status != 200 || r.only("shop").ID != k.ID {
		t.Errorf("what somebody else loaded is gone: %d", status)
	}
	meddler.times = 100
	if err := r.RevokeKey(t.Context(), "shop", k.ID); !errors.Is(err, sdk.ErrConflict) || !strings.Contains(err.Error(), "being changed by somebody else") {
		t.Error(err)
	}
}

// meddling changes Kong after its configuration was read.
type meddling struct {
	next   http.RoundTripper
	meddle func(n int)

	mu       sync.Mutex
	n, times int
}

func (m *meddling) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.next.RoundTrip(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/config") && m.n < m.times {
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
		m.n++
		m.meddle(m.n)
	}
	return res, err
}

func TestDocument_IsReadAsYAMLAndAsJSON(t *testing.T) {
	for config, want := range map[string]string{
		"_format_version: '3.0'\nconsumers: [{id: a, username: b}, 7]\n":    "[map[id:a username:b]]",
		`{"_format_version":"3.0","consumers":[{"id":"a","username":"b"}]}`: "[map[id:a username:b]]",
		"_format_version: '3.0'\nconsumers: {}":                             "[]",
		"consumers: []":                                                     "it has no _format_version", "[1": "it is no YAML", "7": "it is no YAML",
	} {
		doc, err := parseDocument([]byte(config))
		got := fmt.Sprint(doc.rows(consumers))
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s", config, got)
		}
	}
}

// A node's configuration is a foreign text. Whatever it is, changes are made in it or refused.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("_format_version: '3.0'\nconsumers: [{id: a}, 7]\nacls: x\nplugins: [{id: p, config: {allow: [a]}}]"))
	f.Add([]byte(`{"_format_version":"3.0","consumers":[{"id":"a"}],"plugins":[{"id":"p","config":null}]}`))
	d, err := New(Options{Name: "eu"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		doc, err := parseDocument(config)
		if err != nil {
			return
		}
		added := change{verb: put, kind: memberships, owner: "a", id: "m", body: map[string]any{"group": "g"}}
		if _, err := d.edit(doc, []change{{verb: put, kind: consumers, id: "a", body: map[string]any{"username": "a"}}, added}); err != nil {
			return
		}
		if changed, err := d.edit(doc, []change{added}); err != nil || changed || !doc.has(memberships, "m") {
			t.Errorf("the same change again: %t, %v", changed, err)
		}
		if _, err := d.edit(doc, []change{{verb: remove, kind: memberships, id: "m"}}); err != nil || doc.has(memberships, "m") {
			t.Errorf("what was removed is there: %v", err)
		}
		_, _ = d.edit(doc, []change{{verb: patch, kind: plugins, id: "p", body: map[string]any{"config": map[string]any{"allow": []any{"b"}}}}})
	})
}
