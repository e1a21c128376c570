package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
)

// callboard is the whole program with the plugin as a process of its own, as an operator runs it.
type callboard struct {
	config, listen, metrics string
	http                    *http.Client
	token                   string
}

const portalConfig = `
app: {baseUrl: 'http://%[1]s'}
backend:
  baseUrl: 'http://%[1]s'
  listen: {host: 127.0.0.1, port: %[2]s}
  database: {client: better-sqlite3, connection: {directory: %[3]s/sqlite}}
auth: {providers: {guest: {userEntityRef: 'user:default/guest', dangerouslyAllowOutsideDevelopment: true}}}
catalog:
  rules: [{allow: [API, Group, User]}]
  locations: [{type: file, target: %[3]s/catalog.yaml}]
callboard:
  operations: {listen: '%[4]s'}
  pluginHost: {dataDir: %[3]s/plugins}
  plugins:
    gateway:
      source: %[5]s
      development: true
      egress: {allowPrivate: [127.0.0.1]}
      settings:
        gateways:
        - name: edge
          type: forward-auth
          proxyUrl: http://%[6]s
          autoApprove: true
          apis: [{id: orders, url: 'http://%[6]s/orders', query: key, preflight: true}]
          plans:
          - {id: many, limits: [{requests: 1000000, per: month}]}
          - {id: day, limits: [{requests: 40, per: day}]}
          usage: {url: 'http://%[7]s', scrape: 1s}
        - {name: express, type: express-gateway, url: 'http://%[8]s', proxyUrl: 'http://%[9]s', autoApprove: true}
`

const portalCatalog = `
{apiVersion: backstage.io/v1alpha1, kind: Group, metadata: {name: checkout}, spec: {type: team, children: []}}
---
{apiVersion: backstage.io/v1alpha1, kind: User, metadata: {name: guest}, spec: {memberOf: [checkout]}}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders, description: Orders, annotations: {callboard.dev/gateway-api: edge/orders}}
spec: {type: openapi, lifecycle: production, owner: checkout, definition: '{"openapi":"3.0.3"}'}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders-express, description: Orders, annotations: {callboard.dev/gateway-api: express/orders}}
spec: {type: openapi, lifecycle: production, owner: checkout, definition: '{"openapi":"3.0.3"}'}
`

// folder is one that plugins, which run as users of their own, can pass; its path is short, since those of sockets are.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cbg")
	must(t, err)
	t.Cleanup(func() {
		_ = exec.Command("chmod", "-R", "u+w", dir).Run() // plugins are kept read-only
		_ = os.RemoveAll(dir)
	})
	must(t, os.Chmod(dir, 0o755)) // others must pass
	return dir
}

// newPortal writes the configuration; it is started by start.
func newPortal(t *testing.T, nginx, prometheus string, e express) *callboard {
	t.Helper()
	dir := folder(t)
	c := &callboard{config: filepath.Join(dir, "app-config.yaml"), listen: address(t), metrics: address(t), http: client(t)}
	c.http.Timeout = time.Minute
	text := fmt.Sprintf(portalConfig, c.listen, port(c.listen), dir, c.metrics, program(t, "portal/gateway"), nginx, prometheus, e.admin, e.proxy)
	must(t, os.WriteFile(c.config, []byte(text), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "catalog.yaml"), []byte(portalCatalog), 0o600))
	return c
}

// start waits until the plugin answers and knows the APIs of the catalog.
func (c *callboard) start(t *testing.T) (stop func()) {
	t.Helper()
	stop = run(t, c.listen, program(t, "portal/callboard"), "serve", "--config", c.config)
	until(t, time.Minute, "somebody can sign in", func() bool {
		req, err := http.NewRequest(http.MethodGet, "http://"+c.listen+"/api/auth/guest/refresh", nil)
		must(t, err)
		req.Header.Set("X-Requested-With", "XMLHttpRequest")
		var answer struct{ BackstageIdentity struct{ Token string } }
		status, text := c.do(t, req)
		c.token = ""
		if status == http.StatusOK && json.Unmarshal(text, &answer) == nil {
			c.token = answer.BackstageIdentity.Token
		}
		return c.token != ""
	})
	until(t, time.Minute, "the plugin knows the APIs", func() bool {
		status, text := c.ask(t, http.MethodGet, "/v1/apis", nil)
		return status == http.StatusOK && bytes.Contains(text, []byte("express/orders")) && bytes.Contains(text, []byte("edge/orders"))
	})
	return stop
}

func (c *callboard) do(t *testing.T, req *http.Request) (int, []byte) {
	t.Helper()
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, text
}

func (c *callboard) ask(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		must(t, err)
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.listen+prefix+path, reader)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(t, req)
}

// wants is ask of what must succeed.
func (c *callboard) wants(t *testing.T, method, path string, body, into any) {
	t.Helper()
	status, text := c.ask(t, method, path, body)
	if status < 200 || status > 299 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if into != nil {
		must(t, json.Unmarshal(text, into))
	}
}

// given is a key as the portal hands it to somebody.
type given struct {
	Secret     sdk.Secret
	Credential struct{ ID, State string }
	Present    struct{ URL, Header, Scheme string }
}

// access makes an application that has access to an API.
func (c *callboard) access(t *testing.T, name, api, plan string) (app string) {
	t.Helper()
	var made struct{ ID string }
	c.wants(t, http.MethodPost, "/v1/apps", map[string]any{"name": name, "owner": "group:default/checkout"}, &made)
	var request struct{ Status, Trouble string }
	c.wants(t, http.MethodPost, "/v1/requests", map[string]any{
		"app": made.ID, "api": api, "plan": plan, "ttlDays": 30, "reason": "The shop shows orders.",
	}, &request)
	if request.Status != "granted" {
		t.Fatalf("the request of %s is %+v", name, request)
	}
	return made.ID
}

func (c *callboard) issue(t *testing.T, app, api string) given {
	t.Helper()
	var k given
	c.wants(t, http.MethodPost, "/v1/apps/"+app+"/credentials", map[string]any{"api": api, "label": "end to end"}, &k)
	if k.Secret == "" || k.Present.URL == "" {
		t.Fatalf("issued %+v", k)
	}
	return k
}

// presents uses a key as the portal says that it is presented.
func (c *callboard) presents(t *testing.T, k given) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.Present.URL+"/1", nil)
	must(t, err)
	value := k.Secret.Reveal()
	if k.Present.Scheme != "" {
		value = k.Present.Scheme + " " + value
	}
	req.Header.Set(k.Present.Header, value)
	status, _ := c.do(t, req)
	return status
}

// end revokes a key, and notes what the portal saw at the gateway.
func (c *callboard) end(t *testing.T, name, did string, k given) {
	t.Helper()
	began := time.Now()
	var ended struct {
		State  string
		Proofs []struct {
			Of, By, Result string
			Took           time.Duration
		}
	}
	c.wants(t, http.MethodPost, "/v1/credentials/"+k.Credential.ID+"/revoke", map[string]any{"reason": "end to end", "secret": k.Secret.Reveal()}, &ended)
	call := time.Since(began)
	if status := c.presents(t, k); status != 401 && status != 403 {
		t.Errorf("%s: after it is revoked, the key is answered %d", name, status)
	}
	seen.note(name, did, "refused when the call returns", millis(call))
	for _, p := range ended.Proofs {
		seen.note(name, did+": the portal's proof", p.Result+" by "+p.By, millis(p.Took))
	}
	if len(ended.Proofs) == 0 {
		t.Errorf("%s: nothing proves that the key is refused", name)
	}
}

// life is what a key goes through at a gateway, by the portal's own API.
func (c *callboard) life(t *testing.T, name, api, plan string) {
	t.Helper()
	app := c.access(t, "Shop at "+api, api, plan)
	began := time.Now()
	first := c.issue(t, app, api)
	until(t, 10*time.Second, "the key is let in", func() bool { return c.presents(t, first) == http.StatusOK })
	seen.note(name, "issue: the key is let in", "200", millis(time.Since(began)))
	var second given
	c.wants(t, http.MethodPost, "/v1/credentials/"+first.Credential.ID+"/rotate", map[string]any{"grace": "1h"}, &second)
	if got := [2]int{c.presents(t, first), c.presents(t, second)}; got != [2]int{200, 200} {
		t.Errorf("%s: after the rotation the old and the new key are answered %v", name, got)
	}
	seen.note(name, "rotate: the old and the new key", "200 and 200", "")
	c.end(t, name, "rotate: the old key ends", first)
	id := second.Credential.ID
	c.wants(t, http.MethodPost, "/v1/credentials/"+id+"/suspend", map[string]any{"reason": "a question"}, nil)
	suspended := c.presents(t, second)
	c.wants(t, http.MethodPost, "/v1/credentials/"+id+"/resume", map[string]any{"reason": "it is answered"}, nil)
	if resumed := c.presents(t, second); !slices.Contains([]int{401, 403}, suspended) || resumed != 200 {
		t.Errorf("%s: the suspended key is answered %d, the resumed one %d", name, suspended, resumed)
	}
	seen.note(name, "suspend, resume", fmt.Sprintf("%d, 200", suspended), "")
	c.end(t, name, "revoke", second)
}

func TestReal_PortalWithThePluginAsAProcess(t *testing.T) {
	upstream := serve(t, echo())
	e := startExpress(t, upstream, 1_000_000)
	nginx, prometheus := address(t), address(t)
	c := newPortal(t, nginx, prometheus, e)
	startNginx(t, nginx, c.listen, upstream)
	startPrometheusAt(t, prometheus, map[string]string{"portal": c.metrics})
	began := time.Now()
	stop := c.start(t)
	seen.note("callboard serve", "started, with the plugin and the catalog", "ready", millis(time.Since(began)))
	c.life(t, "nginx, portal", "edge/orders", "many")
	preflights(t, c.http, "nginx, portal", "http://"+nginx+"/orders/1")
	c.life(t, "Express Gateway, portal", "express/orders", "orders")
	c.costs(t, "http://"+upstream+"/orders/1")
	c.counts(t)
	c.quotaOutlivesARestart(t, stop)
}

// costs measures what a gateway's question adds to a request, beside the same request to the API itself.
func (c *callboard) costs(t *testing.T, direct string) {
	t.Helper()
	k := c.issue(t, c.access(t, "Patient", "edge/orders", "many"), "edge/orders")
	median := func(ask func() int) time.Duration {
		took := make([]time.Duration, 300)
		for n := range took {
			began := time.Now()
			if status := ask(); status != http.StatusOK {
				t.Fatalf("answered %d", status)
			}
			took[n] = time.Since(began)
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	bare := median(func() int { return sends(t, c.http, http.MethodGet, direct) })
	asked := median(func() int { return c.presents(t, k) })
	seen.note("nginx, portal", "a request, of 300 the median", "to the API itself "+millis(bare), millis(asked))
}

// read is how often the portal reads what plugins count, whoever scrapes it more often.
const read = 15 * time.Second

// counts compares the usage that the portal shows with what was sent.
func (c *callboard) counts(t *testing.T) {
	t.Helper()
	app := c.access(t, "Busy", "edge/orders", "many")
	k := c.issue(t, app, "edge/orders")
	const before, sent = 200, 150
	send := func(n, total int) {
		for range n {
			if status := c.presents(t, k); status != http.StatusOK {
				t.Fatalf("a key within its plan is answered %d", status)
			}
		}
		line := fmt.Sprintf(`forwardauth_requests_total{api="orders",app=%q,code="200",gateway="edge",plugin="gateway"} %d`+"\n", app, total)
		until(t, 3*read, "the portal's metrics have the requests", func() bool {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.metrics+"/metrics", nil)
			must(t, err)
			_, text := c.do(t, req)
			time.Sleep(scrape / 10)
			return bytes.Contains(text, []byte(line))
		})
		time.Sleep(2 * scrape) // and so does Prometheus
	}
	send(before, before)
	from := nextStep()
	send(sent, before+sent)
	to := nextStep()
	var found struct {
		Items []struct{ Requests []struct{ Values []*float64 } }
	}
	query := "?step=15s&from=" + from.Format(time.RFC3339) + "&to=" + to.Format(time.RFC3339)
	c.wants(t, http.MethodGet, "/v1/apps/"+app+"/usage"+query, nil, &found)
	if len(found.Items) != 1 || len(found.Items[0].Requests) != 1 {
		t.Fatalf("usage %+v", found)
	}
	total := 0.0
	for _, v := range found.Items[0].Requests[0].Values {
		if v != nil {
			total += *v
		}
	}
	seen.note("Prometheus, portal", "requests that the portal shows", fmt.Sprintf("%.1f of %d sent", total, sent), "")
	if !near(total, sent) {
		t.Errorf("the portal shows %.2f requests, want %d", total, sent)
	}
}

// nextStep waits for the next whole step of a chart.
func nextStep() time.Time {
	next := time.Now().Truncate(read).Add(read)
	time.Sleep(time.Until(next))
	return next.UTC()
}

// quotaOutlivesARestart uses a plan up, and starts the portal again.
func (c *callboard) quotaOutlivesARestart(t *testing.T, stop func()) {
	t.Helper()
	k := c.issue(t, c.access(t, "Greedy", "edge/orders", "day"), "edge/orders")
	allowed := 0
	for c.presents(t, k) == http.StatusOK {
		allowed++
	}
	began := time.Now()
	stop()
	c.start(t)
	after := c.presents(t, k)
	seen.note("nginx, portal", "quota of 40, then the portal is started again", fmt.Sprintf("%d × 200, then %d", allowed, after), millis(time.Since(began)))
	if allowed != 40 || after != http.StatusTooManyRequests {
		t.Errorf("%d requests were let in, and one more after the restart answered %d", allowed, after)
	}
}
