package httpx_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
)

func TestSettings_AreReadFromBackstagesKeys(t *testing.T) {
	c := config.FromYAML(`
backend:
  baseUrl: https://portal.test:7007/x
  https: true
  listen: {host: 127.0.0.1, port: '7207'}
  csp:
    connectSrc: ["'self'", 'https:']
    upgrade-insecure-requests: false
  referrer: {policy: [same-origin]}
  cors: {origin: 'http://localhost:3000', methods: [GET], credentials: true, maxAge: 60}
  rateLimit:
    global: false
    plugin: {catalog: {window: {seconds: 5}, incomingRequestLimit: 9, ipAllowList: []}}
  trustProxy: 2
  health: {headers: {x-a: b}}
  server: {headersTimeout: 1500, keepAliveTimeout: 30s}
  lifecycle: {startupRequestPauseTimeout: {seconds: 1}, serverShutdownDelay: PT2S}
callboard:
  http: {echoRequestId: true}
`)
	want := httpx.Settings{
		Address:  "127.0.0.1:7207",
		HTTPS:    httpx.HTTPS{Enabled: true, HostName: "portal.test"},
		CSP:      []httpx.Directive{{Name: "connect-src", Values: []string{"'self'", "https:"}}, {Name: "upgrade-insecure-requests"}},
		Referrer: []string{"same-origin"},
		CORS:     &httpx.CORS{Origins: []string{"http://localhost:3000"}, Methods: []string{"GET"}, Credentials: true, MaxAge: "60"},
		FeatureRateLimits: map[string]*httpx.RateLimit{
			"catalog": {Window: 5 * time.Second, Limit: 9, AllowAddresses: []string{}},
		},
		TrustProxy:    httpx.TrustHops(2),
		HealthHeaders: map[string][]string{"X-A": {"b"}},
		StartupPause:  time.Second, ShutdownDelay: 2 * time.Second,
		HeadersTimeout: 1500 * time.Millisecond, KeepAliveTimeout: 30 * time.Second,
		EchoRequestID: true,
	}
	if got := httpx.ReadSettings(c); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

func TestSettings_ListenTakesEveryForm(t *testing.T) {
	for text, want := range map[string]string{
		"{}": ":7007", "{listen: 7008}": ":7008", "{listen: ':7009'}": ":7009", "{listen: '7010'}": ":7010",
		"{listen: '0.0.0.0:80'}": "0.0.0.0:80", "{listen: {port: 81}}": ":81", "{listen: '[::1]:82'}": "[::1]:82",
	} {
		c := config.FromYAML("backend: " + text)
		if got := httpx.ReadSettings(c).Address; got != want || c.Err() != nil {
			t.Errorf("%s: %s %v", text, got, c.Err())
		}
	}
}

func TestSettings_SayWhichKeyIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"{listen: 'a:b'}":                                  "backend.listen",
		"{listen: 70000}":                                  "backend.listen",
		"{trustProxy: [nonsense]}":                         "backend.trustProxy",
		"{https: {certificate: {cert: x}}}":                "backend.https.certificate",
		"{csp: {default-src: [\"'self'; script-src *\"]}}": "backend.csp.default-src",
		"{rateLimit: {store: {type: redis}}}":              "backend.rateLimit.store.type",
		"{health: {headers: {x: ''}}}":                     "backend.health.headers.x",
	} {
		c := config.FromYAML("backend: " + text)
		httpx.ReadSettings(c)
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
