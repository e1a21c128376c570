package pluginhost

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
	"github.com/callboard/callboard/server/internal/principal"
)

type shelf struct {
	Name string `json:"name" desc:"Name of the shelf"`
}

// guard gives the shop a permission on its goods, whose refs are "<shelf>/<number>".
func guard(p *sdk.Plugin) {
	p.Permission(sdk.Permission{Name: "shop.goods.take", Action: "update", ResourceType: "shop-goods"})
	p.Permission(sdk.Permission{Name: "shop.close"})
	sdk.Rule(p, "ON_SHELF", "shop-goods", func(_ context.Context, ref string, s shelf) (bool, error) {
		name, number, _ := strings.Cut(ref, "/")
		if number == "" {
			return false, sdk.ErrNotFound
		}
		return name == s.Name, nil
	}, "Goods on a shelf")
}

const guardedProvides = "\n  permissions: [shop.goods.take, shop.close]\n  permissionRules: [ON_SHELF]\n"

// guardedShop is a folder with a shop that has permissions, and routes of its own or none.
func guardedShop(t *testing.T, mode string) string {
	t.Helper()
	dir := shopFolder(t, "1.0.0", mode)
	text := fmt.Sprintf(shopManifest, "1.0.0")
	routes := "\n  http: { unauthenticated: [/open, /facades/till/health], facades: { till: /facades/till } }\n"
	if mode == "guarded-without-routes" {
		text = strings.Replace(text, routes, guardedProvides, 1)
	} else {
		text = strings.Replace(text, routes, routes[:len(routes)-1]+guardedProvides, 1)
	}
	put(t, filepath.Join(dir, "plugin.yaml"), text)
	return dir
}

// topShelf lets users take goods from the top shelf alone, and decides nothing else.
type topShelf struct{}

func (topShelf) Decide(_ context.Context, p permission.Permission, _ *permission.User) (permission.Decision, error) {
	if p.Name != "shop.goods.take" {
		return permission.Decision{Result: permission.Deny}, nil
	}
	c := permission.When("shop-goods", "ON_SHELF", map[string]any{"name": "top"})
	return permission.Decision{Result: permission.Conditional, Conditions: &c}, nil
}

// acting adds "Bearer acting", which is another plugin that acts for the guest.
type acting struct{ httpxtest.Credentials }

func (a acting) Authenticate(r *http.Request, feature string, accept httpx.Allowance) (*principal.Principal, error) {
	if r.Header.Get("Authorization") == "Bearer acting" {
		return &principal.Principal{Kind: principal.User, Subject: "user:default/guest", Actor: "plugin:catalog"}, nil
	}
	return a.Credentials.Authenticate(r, feature, accept)
}

// office is a host with a real edge and a permission engine.
type office struct {
	*rig
	server *httpx.Server
}

func openOffice(t *testing.T, plugins string) *office {
	t.Helper()
	server := httpxtest.NewWith(t, httpx.Options{Auth: acting{}, Logger: slog.New(slog.DiscardHandler)})
	engine := permission.New(permission.Options{Enabled: true, Policy: topShelf{}, Logger: slog.New(slog.DiscardHandler)})
	engine.Routes(server.Feature(permission.Feature()))
	rules := caps.Rules(engine, caps.ImporterOptions{Poll: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(rules.Close) // after the host has ended
	r := runWith(t, plugins, func(o *Options) {
		o.Edge, o.Permissions, o.Extensions = server, engine, []Extension{rules}
		o.Policy.BackoffBase = time.Hour // who crashed waits for the operator
	})
	return &office{rig: r, server: server}
}

const asService, asPlugin = "Bearer service:plugin:permission", "Bearer acting"

// call asks the edge, and answers the status and the body.
func (o *office) call(as, method, path, body string) string {
	o.t.Helper()
	r := httptest.NewRequestWithContext(o.t.Context(), method, "/api/"+path, strings.NewReader(body))
	if as != "" {
		r.Header.Set("Authorization", as)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	o.server.ServeHTTP(w, r)
	return fmt.Sprintf("%d %s", w.Code, strings.TrimSpace(w.Body.String()))
}

func (o *office) expect(want, as, method, path, body string) {
	o.t.Helper()
	if got := o.call(as, method, path, body); got != want && (!strings.HasSuffix(want, "…") || !strings.HasPrefix(got, strings.TrimSuffix(want, "…"))) {
		o.t.Errorf("%s %s %s as %q\n got %s\nwant %s", method, path, body, as, got, want)
	}
}

// read waits until the plugin's rules have been read.
func (o *office) read() {
	o.t.Helper()
	o.await("shop", supervise.Ready)
	for deadline := time.Now().Add(30 * time.Second); !strings.HasPrefix(o.call(asService, "GET", shopMetadata, ""), "200 "); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatalf("the rules were not read: %s", o.call(asService, "GET", shopMetadata, ""))
		}
	}
}

const (
	shopMetadata = "shop/.well-known/backstage/permissions/metadata"
	shopApply    = "shop/.well-known/backstage/permissions/apply-conditions"
	authorize    = "permission/authorize"

	shopShown = `{"permissions":[{"type":"resource","name":"shop.goods.take","attributes":{"action":"update"},"resourceType":"shop-goods"},{"type":"basic","name":"shop.close","attributes":{}}],` +
		`"rules":[{"name":"ON_SHELF","description":"Goods on a shelf","resourceType":"shop-goods","paramsSchema":{"type":"object",…`
)

// may asks whether goods may be taken; ref is JSON, "" = none.
func may(ref string) string {
	if ref != "" {
		ref = `"resourceRef":` + ref + `,`
	}
	return `{"items":[{"id":"1",` + ref + `"permission":{"type":"resource","name":"shop.goods.take","attributes":{"action":"update"},"resourceType":"shop-goods"}}]}`
}

// whether asks whether conditions hold for goods.
func whether(ref, conditions string) string {
	return `{"items":[{"id":"1","resourceRef":` + ref + `,"resourceType":"shop-goods","conditions":` + conditions + `}]}`
}

func TestPermissions_OfAPluginAreDecidedThroughTheHost(t *testing.T) {
	o := openOffice(t, development(guardedShop(t, "guarded")))
	o.read()
	o.expect("200 "+shopShown, asService, "GET", shopMetadata, "")
	o.expect("200 "+shopShown, httpxtest.Guest, "GET", shopMetadata, "")

	const onTop = `{"rule":"ON_SHELF","resourceType":"shop-goods","params":{"name":"top"}}`
	for _, as := range []string{asService, asPlugin} {
		o.expect(`200 {"items":[{"id":"1","result":"ALLOW"}]}`, as, "POST", shopApply, whether(`"top/1"`, onTop))
		o.expect(`200 {"items":[{"id":"1","result":["DENY","ALLOW","DENY"]}]}`, as, "POST", shopApply, whether(`["top/1","low/1","gone"]`, `{"not":`+onTop+`}`))
	}
	o.expect(`403 {"error":{"name":"NotAllowedError","message":""},…`, httpxtest.Guest, "POST", shopApply, whether(`"top/1"`, onTop))
	o.expect(`401 {"error":{"name":"AuthenticationError","message":"Missing credentials"},…`, "", "POST", shopApply, whether(`"top/1"`, onTop))
	o.expect(`401 {"error":{"name":"AuthenticationError","message":"Missing credentials"},…`, "", "GET", shopMetadata, "")
	o.expect(`500 {"error":{"name":"Error","message":"Permission rule 'NO_RULE' does not exist for resource type 'shop-goods'"},…`, asService, "POST", shopApply, whether(`"top/1"`, strings.Replace(onTop, "ON_SHELF", "NO_RULE", 1)))
	o.expect(`400 {"error":{"name":"InputError","message":"Unexpected resource types: odd-goods."},…`, asService, "POST", shopApply, strings.ReplaceAll(whether(`"top/1"`, onTop), "shop-goods", "odd-goods"))
	o.expect(`400 {"error":{"name":"InputError","message":"Parameters to rule are invalid; caused by …`, asService, "POST", shopApply, whether(`"top/1"`, strings.Replace(onTop, `"top"`, `7`, 1)))

	o.expect(`200 {"items":[{"id":"1","result":"ALLOW"}]}`, httpxtest.Guest, "POST", authorize, may(`"top/1"`))
	o.expect(`200 {"items":[{"id":"1","result":["ALLOW","DENY","DENY"]}]}`, httpxtest.Guest, "POST", authorize, may(`["top/1","low/1","gone"]`))
	o.expect(`200 {"items":[{"id":"1","result":"CONDITIONAL","pluginId":"shop","resourceType":"shop-goods","conditions":`+onTop+`}]}`, asPlugin, "POST", authorize, may(""))
	o.expect(`200 {"items":[{"id":"2","result":"DENY"}]}`, httpxtest.Guest, "POST", authorize, `{"items":[{"id":"2","permission":{"type":"basic","name":"shop.close","attributes":{}}}]}`)
}

func TestPermissions_OfAPluginThatIsAwayLetNobodyIn(t *testing.T) {
	dir := guardedShop(t, "guarded")
	o := openOffice(t, development(dir))
	o.read()
	_ = o.call(httpxtest.Guest, "POST", "shop/die", "")
	o.await("shop", supervise.Backoff)
	const away = `503 {"error":{"name":"ServiceUnavailableError","message":"Plugin 'shop' is not available: it has ended unexpectedly and is started again","plugin":"shop","state":"backoff"},…`
	o.expect(away, asService, "GET", shopMetadata, "")
	o.expect(away, asService, "POST", shopApply, `{"items":[]}`)
	o.expect(`403 …`, httpxtest.Guest, "POST", shopApply, `{"items":[]}`)
	o.expect(away, httpxtest.Guest, "POST", authorize, may(`"top/1"`))
	if err := o.Restart(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	o.read()
	o.expect(`200 {"items":[{"id":"1","result":"ALLOW"}]}`, httpxtest.Guest, "POST", authorize, may(`"top/1"`))

	o.Reload(o.config("shop: false"))
	o.await("shop", supervise.Stopped)
	for deadline := time.Now().Add(30 * time.Second); o.call(asService, "GET", shopMetadata, "") != "404 "; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatalf("still there: %s", o.call(asService, "GET", shopMetadata, ""))
		}
	}
	o.expect("404 ", asService, "POST", shopApply, `{"items":[]}`)
	o.expect(`501 {"error":{"name":"NotImplementedError",…`, httpxtest.Guest, "POST", authorize, may(`"top/1"`))
}

func TestPermissions_OfAPluginWithoutRoutesOrWithoutPermissions(t *testing.T) {
	o := openOffice(t, development(guardedShop(t, "guarded-without-routes")))
	o.read()
	o.expect("200 "+shopShown, asService, "GET", shopMetadata, "")
	o.expect("404 ", httpxtest.Guest, "GET", "shop/greeting/ann", "")
	o.expect("401 …", "", "GET", "shop/greeting/ann", "")

	o = openOffice(t, development(shopFolder(t, "1.0.0", "")))
	o.await("shop", supervise.Ready)
	o.expect("404 ", asService, "GET", shopMetadata, "") // as a stock plugin without permissions
	o.expect("404 ", asService, "POST", shopApply, `{"items":[]}`)
	o.expect("200 …", httpxtest.Guest, "GET", "shop/greeting/ann", "")
}
