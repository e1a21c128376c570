package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/expressgateway"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/sdk"
)

// express is a running Express Gateway, with the API orders.
type express struct{ admin, proxy string }

const expressConfig = `
http: {port: %s, hostname: 127.0.0.1}
admin: {port: %s, host: 127.0.0.1}
apiEndpoints:
  orders: {host: '*', paths: ['/orders', '/orders/*'], scopes: [orders]}
serviceEndpoints:
  orders: {url: 'http://%s'}
policies: [key-auth, rate-limit, proxy]
pipelines:
  orders:
    apiEndpoints: [orders]
    policies:
      - key-auth: [{action: {}}]
      - rate-limit: [{action: {max: %d, windowMs: 60000, rateLimitBy: '${req.user.id}', delayMs: 0}}]
      - proxy: [{action: {serviceEndpoint: orders, changeOrigin: true}}]
`

func startExpress(t *testing.T, upstream string, limit int) express {
	t.Helper()
	installed := program(t, "node_modules/express-gateway")
	node, err := exec.LookPath("node")
	must(t, err)
	e := express{admin: address(t), proxy: address(t)}
	config := t.TempDir()
	template := filepath.Join(installed, "bin/generators/gateway/templates/basic/config/system.config.yml")
	for to, from := range map[string]string{
		"system.config.yml": template,
		// The template lacks the models, without which the gateway does not start.
		"models/users.json":        filepath.Join(installed, "lib/config/models/users.json"),
		"models/applications.json": filepath.Join(installed, "lib/config/models/applications.json"),
		"models/credentials.json":  filepath.Join(installed, "lib/config/models/credentials.json"),
	} {
		text, err := os.ReadFile(from)
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(config, to)), 0o700))
		must(t, os.WriteFile(filepath.Join(config, to), text, 0o600))
	}
	text := fmt.Sprintf(expressConfig, port(e.proxy), port(e.admin), upstream, limit)
	must(t, os.WriteFile(filepath.Join(config, "gateway.config.yml"), []byte(text), 0o600))
	run(t, e.admin, node, "-e", `require(process.argv[1])().load(process.argv[2]).run()`, installed, config)
	until(t, 20*time.Second, "the gateway listens", func() bool {
		res, err := client(t).Get("http://" + e.proxy + "/orders")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return e
}

func TestReal_ExpressGateway(t *testing.T) {
	e := startExpress(t, serve(t, echo()), 40)
	d, err := expressgateway.New(expressgateway.Options{Name: "real", HTTP: client(t), URL: "http://" + e.admin, Proxy: "http://" + e.proxy})
	must(t, err)
	g := &gateway{
		name: "Express Gateway", driver: d, api: "orders", plan: "orders", limited: "orders", limit: 40, url: "http://" + e.proxy + "/orders/1",
		within: 10 * time.Second, http: client(t),
	}
	g.life(t)
	g.published(t, serve(t, echo()), e.proxy)
}

// published puts another API behind the gateway.
func (g *gateway) published(t *testing.T, upstream, proxy string) {
	t.Helper()
	began := time.Now()
	api, err := g.driver.Publish(t.Context(), driver.Publication{ID: "stock", Name: "stock", Upstream: "http://" + upstream, Paths: []string{"/stock"}})
	must(t, err)
	other := *g
	other.api, other.plan, other.url = api.ID, api.Plans[0], "http://"+proxy+"/stock/7"
	other.app(t, "shop", other.plan)
	k := other.issue(t, "shop", "6a3f6a5e-0000-4000-8000-000000000009")
	until(t, 20*time.Second, "the API is served", func() bool { return other.status(t, k.Secret) == http.StatusOK })
	seen.note(g.name, "publish: the API is served", "200", millis(time.Since(began)))
}

// The laws are those of package drivertest, against the program itself. What it answers when it is not well is put between
// it and the driver.
func TestReal_ExpressGatewayKeepsTheLawsOfDrivers(t *testing.T) {
	e := startExpress(t, serve(t, echo()), 1_000_000)
	admin, err := url.Parse("http://" + e.admin)
	must(t, err)
	laws := 0
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		laws++
		var faults gatewayfake.Faults
		proxy := httputil.NewSingleHostReverseProxy(admin)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		proxy.Transport = transport
		between := serve(t, faults.Wrap(proxy))
		d, err := expressgateway.New(expressgateway.Options{
			Name: "real", HTTP: client(t), URL: "http://" + between, Proxy: "http://" + e.proxy, Header: "X-Gate", Value: "gate-secret",
		})
		must(t, err)
		t.Cleanup(func() { e.forget(t) })
		g := &gateway{driver: d, http: client(t)}
		return drivertest.Subject{
			Driver: d, API: "orders", Plan: "orders", Page: 60, Secrets: []string{"gate-secret"},
			Probe: func(t *testing.T, api driver.APIID, secret sdk.Secret) int {
				g.api, g.url = api, "http://"+e.proxy+"/"+string(api)
				return g.status(t, secret)
			},
			Foreign: e.foreign,
			Fail: func(f drivertest.Failure) func() {
				return faults.Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
			},
		}
	})
	if laws > 0 && !t.Failed() {
		seen.note("Express Gateway", "laws of drivers", fmt.Sprintf("%d kept", laws), "")
	}
}

// foreign makes a key as somebody would by hand.
func (e express) foreign(t *testing.T, app driver.AppID) driver.KeyID {
	t.Helper()
	var made struct {
		KeyID driver.KeyID `json:"keyId"`
	}
	e.call(t, http.MethodPost, "/credentials", fmt.Sprintf(`{"consumerId":%q,"type":"key-auth","credential":{}}`, app), &made)
	return made.KeyID
}

// forget removes all users, and with them what they have.
func (e express) forget(t *testing.T) {
	var found struct{ Users []struct{ ID string } }
	e.call(t, http.MethodGet, "/users?count=1000000", "", &found)
	for _, u := range found.Users {
		e.call(t, http.MethodDelete, "/users/"+u.ID, "", nil)
	}
}

func (e express) call(t *testing.T, method, path, body string, out any) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+e.admin+path, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode > 299 {
		t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	if out != nil {
		must(t, json.Unmarshal(text, out))
	}
}
