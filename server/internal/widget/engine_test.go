package widget

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a widget that answers what a test says.
type scripted struct {
	d      Description
	asked  atomic.Int64
	answer func(ctx context.Context, q Query) ([]*frame.Frame, error)
}

func (s *scripted) Description() Description { return s.d }

func (s *scripted) Query(ctx context.Context, q Query) ([]*frame.Frame, error) {
	s.asked.Add(1)
	return s.answer(ctx, q)
}

// rig is the feature with two entities, of which the guest may read one.
type rig struct {
	t      *testing.T
	server *httpx.Server
	widget *scripted
	engine *Engine
	denied atomic.Bool // the permission of widgets

	mu     sync.Mutex
	now    time.Time
	titles map[string]string // of entities, by name
}

func start(t *testing.T, change func(*Description)) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	applies, err := ParseAppliesTo("kind:component")
	if err != nil {
		t.Fatal(err)
	}
	r.widget = &scripted{d: Description{ID: "cost/spend", Title: "Spend <b>", View: Line, AppliesTo: applies, Refresh: time.Minute,
		ArgsSchema: json.RawMessage(`{"type":"object","properties":{"top":{"type":"integer","minimum":1}},"additionalProperties":false}`)}}
	if change != nil {
		change(&r.widget.d)
	}
	r.widget.answer = func(_ context.Context, q Query) ([]*frame.Frame, error) {
		return []*frame.Frame{frame.New("spend", frame.Strings("who", q.User, "<i>"), frame.Numbers("usd", 1, 2))}, nil
	}
	registry := NewRegistry()
	if err := registry.Set("cost", []Widget{r.widget}); err != nil {
		t.Fatal(err)
	}
	r.server = httpxtest.New(t)
	r.engine = NewEngine(Options{Registry: registry, Entities: r, Authorizer: r, Logger: httpxtest.Logger(t), Now: r.clock,
		Permission: func(_, name string) (permission.Permission, bool) {
			return permission.Permission{Name: name}, name == "cost.read"
		}, RequestAccess: func(d Description, _ string) string { return "/access?widget=" + string(d.ID) }})
	Routes(r.server.Feature(Feature()), r.engine)
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *rig) Read(_ context.Context, p *principal.Principal, ref entity.Canonical) (Entity, bool, error) {
	kind, name, _ := strings.Cut(string(ref), ":default/")
	r.mu.Lock()
	defer r.mu.Unlock()
	title := r.titles[name]
	e := entity.Entity{"kind": kind, "metadata": map[string]any{"name": name, "namespace": "default", "title": title}}
	return Entity{e, string(ref) + title}, name == "shop" || name == "vault" && p.Kind == principal.Service, nil
}

// rename makes the entity another version of itself.
func (r *rig) rename(name, title string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.titles = map[string]string{name: title}
}

func (r *rig) Authorize(context.Context, *principal.Principal, permission.Permission) (permission.Decision, error) {
	if r.denied.Load() {
		return permission.Decision{Result: permission.Deny}, nil
	}
	return permission.Decision{Result: permission.Allow}, nil
}

// get asks as the guest.
func (r *rig) get(path string) (int, string) {
	r.t.Helper()
	res := httpxtest.Do(r.t, r.server, "GET", "/api/widgets/v1"+path, "")
	return res.StatusCode, httpxtest.Body(r.t, res)
}

const (
	spend     = "/data/cost/spend?entityRef=component:default/shop"
	spendHTML = "/render/cost/spend.html?entityRef=component:default/shop"
)

func TestData_IsForThoseWhoMayReadTheEntity(t *testing.T) {
	r := start(t, nil)
	for path, want := range map[string]int{
		spend: http.StatusOK, "/data/cost/spend": http.StatusBadRequest, "/data/cost/none?entityRef=component:default/shop": http.StatusNotFound,
		"/data/cost/spend?entityRef=component:default/vault": http.StatusNotFound, "/data/cost/spend?entityRef=user:default/shop": http.StatusBadRequest,
		"/data/cost/spend?entityRef=%2F%2F": http.StatusBadRequest, spend + `&args={"top":0}`: http.StatusBadRequest, spend + `&args={"top":3}`: http.StatusOK,
		spend + `&args={"bottom":3}`: http.StatusBadRequest, spend + `&args=[]`: http.StatusBadRequest, spend + `&args={`: http.StatusBadRequest,
		spend + "&from=yesterday": http.StatusBadRequest, spend + "&from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z": http.StatusBadRequest,
		spend + "&maxPoints=-1": http.StatusBadRequest, spend + "&tz=..%2F..%2Fetc%2Fpasswd": http.StatusBadRequest, spend + "&lang=%3Cx": http.StatusBadRequest,
		spend + "&unknown=1": http.StatusBadRequest, "/entities/component/default/shop": http.StatusOK, "/entities/component/default/vault": http.StatusNotFound,
		"/render/cost/spend.exe?entityRef=component:default/shop": http.StatusNotFound, "/render/cost/spend?entityRef=component:default/shop": http.StatusNotFound,
		spendHTML: http.StatusOK, "/catalog": http.StatusOK, spendHTML + "&w=1": http.StatusBadRequest,
	} {
		if status, body := r.get(path); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
	if res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+spend, "", "Authorization", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody is answered %d", res.StatusCode)
	}
}

func TestData_NeedsThePermissionOfTheWidget(t *testing.T) {
	r := start(t, func(d *Description) { d.Permission = "cost.read" })
	if status, body := r.get(spend); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	r.denied.Store(true)
	if status, body := r.get(spend); status != http.StatusForbidden || !strings.Contains(body, "cost.read") {
		t.Errorf("%d %s", status, body)
	}
	for _, list := range []string{"/entities/component/default/shop", "/catalog"} {
		if _, body := r.get(list); body != `{"widgets":[]}` {
			t.Errorf("%s offers a widget that may not be seen: %s", list, body)
		}
	}
	unknown := start(t, func(d *Description) { d.Permission = "cost.typo" })
	if status, body := unknown.get(spend); status != http.StatusForbidden || !strings.Contains(body, "does not declare") {
		t.Errorf("a permission that nobody declares: %d %s", status, body)
	}
}

func TestCatalog_TellsHowHighPicturesAre(t *testing.T) {
	for view, want := range map[View]string{Line: `"height":300`, Stat: `"height":180`, Table: ""} {
		r := start(t, func(d *Description) { d.View = view })
		_, body := r.get("/catalog")
		if !strings.Contains(body, `"id":"cost/spend"`) || !strings.Contains(body, want) || want == "" && strings.Contains(body, "height") {
			t.Errorf("%s: %s", view, body)
		}
	}
}

func TestData_IsAskedOnceForAllWhoLookAtTheSame(t *testing.T) {
	r := start(t, nil)
	release := make(chan struct{})
	answer := r.widget.answer
	r.widget.answer = func(ctx context.Context, q Query) ([]*frame.Frame, error) {
		<-release
		return answer(ctx, q)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { r.get(spend) })
	}
	for n := 0; r.widget.asked.Load() == 0 && n < 5000; n++ {
		time.Sleep(time.Millisecond)
	}
	close(release)
	all.Wait()
	r.get(spend)
	r.get(spendHTML)
	if n := r.widget.asked.Load(); n != 1 {
		t.Errorf("the widget was asked %d times", n)
	}
	r.advance(2 * time.Minute)
	r.get(spend)
	if n := r.widget.asked.Load(); n != 2 {
		t.Errorf("the widget was asked %d times after its answer was old", n)
	}
}

func TestData_OfAnEntityThatHasChangedIsAskedForAgainAndThatOfTheFormerVersionStillThere(t *testing.T) {
	r := start(t, nil)
	r.widget.answer = func(_ context.Context, q Query) ([]*frame.Frame, error) {
		title, _ := q.Entity.Metadata()["title"].(string)
		return []*frame.Frame{frame.New("spend", frame.Strings("title", title))}, nil
	}
	for _, step := range []struct {
		title string
		asked int64
	}{{"first", 1}, {"first", 1}, {"second", 2}, {"second", 2}, {"first", 2}} {
		r.rename("shop", step.title)
		if _, body := r.get(spend); !strings.Contains(body, `"`+step.title+`"`) || r.widget.asked.Load() != step.asked {
			t.Errorf("the entity is called %s: %s, after %d questions", step.title, body, r.widget.asked.Load())
		}
	}
}

func TestData_OfAnEntityThatMayNotBeReadAnyLongerIsNotAnsweredFromWhatIsRemembered(t *testing.T) {
	r := start(t, nil)
	for _, service := range []bool{true, false} {
		p := &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}
		if service {
			p = &principal.Principal{Kind: principal.Service, Subject: "ci"}
		}
		_, err := r.engine.Data(t.Context(), p, Request{ID: "cost/spend", Entity: "component:default/vault"})
		if service != (err == nil) {
			t.Errorf("a service: %v, got %v", service, err)
		}
	}
	one, _ := r.engine.Data(t.Context(), &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}, Request{ID: "cost/spend", Entity: "component:default/shop"})
	two, _ := r.engine.Data(t.Context(), &principal.Principal{Kind: principal.User, Subject: "user:default/bob"}, Request{ID: "cost/spend", Entity: "component:default/shop"})
	if one == nil || two == nil || one == two || one.Frames[0].Columns[0].Values[0] == two.Frames[0].Columns[0].Values[0] {
		t.Error("two viewers share an answer that names one of them")
	}
}

func TestData_ThatIsEmptyIsAskedForAgainSoon(t *testing.T) {
	r := start(t, nil)
	full := r.widget.answer
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, nil }
	if _, body := r.get(spend); !strings.Contains(body, `"status":"empty"`) {
		t.Error(body)
	}
	r.widget.answer = full
	r.advance(retry)
	if _, body := r.get(spend); !strings.Contains(body, `"status":"ok"`) {
		t.Error(body)
	}
}

func TestData_OfOneViewerIsNotShownToAnother(t *testing.T) {
	r := start(t, nil)
	r.get(spend)
	res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1"+spend, "", "Authorization", "Bearer service:external:ci")
	if body := httpxtest.Body(t, res); strings.Contains(body, "guest") {
		t.Error(body)
	}
}

func TestData_StaysWithItsAgeWhileTheWidgetFails(t *testing.T) {
	r := start(t, nil)
	r.get(spend)
	var trouble error
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, trouble }
	r.advance(10 * time.Minute)
	trouble = apierror.New(apierror.ServiceUnavailable, "the bill is being printed")
	_, body := r.get(spend)
	if !strings.Contains(body, `"status":"stale"`) || !strings.Contains(body, `"notice":"the bill is being printed"`) || !strings.Contains(body, `"asOf":"2026-11-20T12:00:00Z"`) {
		t.Error(body)
	}
	if _, body := r.get(spendHTML); !strings.Contains(body, "As of 20 Nov 2026 12:00 UTC; there is no newer answer: the bill is being printed") {
		t.Error(body)
	}
	asked := r.widget.asked.Load()
	if r.get(spend); r.widget.asked.Load() != asked {
		t.Error("a widget that has just failed is asked by every viewer")
	}
	r.advance(retry)
	trouble = errors.New("dial tcp 10.0.0.7: refused")
	if _, body := r.get(spend); strings.Contains(body, "10.0.0.7") || !strings.Contains(body, `"status":"stale"`) {
		t.Error(body)
	}
	r.advance(retry)
	trouble = apierror.New(apierror.NotAllowed, "not for you any more")
	if status, _ := r.get(spend); status != http.StatusForbidden {
		t.Errorf("an answer that says no is glossed over: %d", status)
	}
	trouble = apierror.New(apierror.ServiceUnavailable, "still")
	if status, body := r.get(spend); status != http.StatusServiceUnavailable {
		t.Errorf("what was taken away is shown again: %d %s", status, body)
	}
	fails := r.widget.answer
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { return nil, nil }
	if status, body := r.get(spend); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	r.widget.answer = fails
	r.advance(time.Hour)
	if status, body := r.get(spend); status != http.StatusServiceUnavailable {
		t.Errorf("an answer of yesterday is shown: %d %s", status, body)
	}
}

func TestData_OfWidgetsOfDifferentNamesIsNeverTheSame(t *testing.T) {
	w := &scripted{d: Description{ID: "cost/spend"}}
	first, err := keyOf(w, posed{})
	if err != nil {
		t.Fatal(err)
	}
	w.d.ID = "sentry/issues" // at the address of one that is gone
	if second, err := keyOf(w, posed{}); err != nil || second == first {
		t.Errorf("both have the answer of one, %v", err)
	}
}

func TestData_OfAWidgetThatPanicsIsAnError(t *testing.T) {
	r := start(t, nil)
	r.widget.answer = func(context.Context, Query) ([]*frame.Frame, error) { panic("at the disco") }
	if status, body := r.get(spend); status != http.StatusInternalServerError || strings.Contains(body, "disco") {
		t.Errorf("%d %s", status, body)
	}
}

func TestRender_IsAPictureWithATableOrTextAlone(t *testing.T) {
	r := start(t, nil)
	const of = "?entityRef=component:default/shop"
	for path, parts := range map[string][]string{
		"/render/cost/spend.html" + of: {"<figcaption>Spend &lt;b&gt;</figcaption>", "<svg", "<details><summary>Table</summary>", "&lt;i&gt;"},
		"/render/cost/spend.svg" + of:  {"<svg", "<style>", "<title>Spend &lt;b&gt;</title>"},
		"/render/cost/spend.txt" + of:  {"who", "usd"},
		"/render/cost/spend.csv" + of:  {"who,usd"},
	} {
		status, body := r.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
		}
		for _, part := range parts {
			if !strings.Contains(body, part) {
				t.Errorf("%s has no %s: %s", path, part, body)
			}
		}
	}
	res := httpxtest.Do(t, r.server, "GET", "/api/widgets/v1/render/cost/spend.svg"+of, "")
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || res.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%s %s", csp, res.Header.Get("Content-Type"))
	}
	table := start(t, func(d *Description) { d.View = Table })
	if status, _ := table.get("/render/cost/spend.svg" + of); status != http.StatusBadRequest {
		t.Errorf("a picture of a table: %d", status)
	}
}

func TestStyle_IsForEverybody(t *testing.T) {
	res := httpxtest.Do(t, start(t, nil).server, "GET", "/api/widgets/v1/style.css", "", "Authorization", "")
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") {
		t.Error(res.StatusCode, res.Header)
	}
}
