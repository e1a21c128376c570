package httpx_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// unstarted is a server as New makes it.
func unstarted(tb testing.TB, o httpx.Options) *httpx.Server {
	tb.Helper()
	o.Auth, o.Logger = httpxtest.Credentials{}, httpxtest.Logger(tb)
	s, err := httpx.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	r := s.Feature(httpx.Feature{ID: "demo"})
	r.GET("/who", httpx.AnyPrincipal, who)
	r.GET("/.backstage/auth/v1/jwks.json", httpx.Public, echo())
	return s
}

const readiness, liveness = "/.backstage/health/v1/readiness", "/.backstage/health/v1/liveness"

func TestHealth_FollowsTheProgram(t *testing.T) {
	s := unstarted(t, httpx.Options{Settings: httpx.Settings{HealthHeaders: http.Header{"X-Health": {"yes"}}}})
	expect := func(path string, status int, body string) {
		t.Helper()
		res := httpxtest.Do(t, s, http.MethodGet, path, "", "Authorization", "Bearer bad")
		if got := httpxtest.Body(t, res); res.StatusCode != status || got != body || res.Header.Get("X-Health") != "yes" ||
			res.Header.Get("Content-Type") != "application/json; charset=utf-8" || res.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: %d %s %v", path, res.StatusCode, got, res.Header)
		}
	}
	expect(readiness, 503, `{"message":"Backend has not started yet","status":"error"}`)
	expect(liveness, 200, `{"status":"ok"}`)
	s.Started()
	expect(readiness, 200, `{"status":"ok"}`)
	expect("/.backstage/health/v1/Readiness/", 200, `{"status":"ok"}`)
	s.Draining()
	expect(readiness, 503, `{"message":"Backend is shutting down","status":"error"}`)
	s.Started() // there is no way back
	expect(readiness, 503, `{"message":"Backend is shutting down","status":"error"}`)
	expect(liveness, 200, `{"status":"ok"}`)
	for method, path := range map[string]string{http.MethodPost: readiness, http.MethodDelete: liveness, http.MethodGet: readiness + "/x"} {
		if res := httpxtest.Do(t, s, method, path, ""); res.StatusCode != 404 || httpxtest.Body(t, res) != "" {
			t.Errorf("%s %s: %d", method, path, res.StatusCode)
		}
	}
	if res := httpxtest.Do(t, s, http.MethodHead, readiness, ""); httpxtest.Body(t, res) != "" {
		t.Error("HEAD has a body")
	}
}

func TestGate_HoldsRequestsUntilTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := unstarted(t, httpx.Options{})
		go func() {
			time.Sleep(4 * time.Second)
			s.Started()
		}()
		if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/.backstage/auth/v1/jwks.json", "", "Authorization", ""); res.StatusCode != 200 {
			t.Errorf("keys: %d", res.StatusCode)
		}
		began := time.Now()
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/who", "")
		if took := time.Since(began); res.StatusCode != 200 || took != 4*time.Second {
			t.Errorf("%d after %s", res.StatusCode, took)
		}
	})
}

func TestGate_GivesUpAndRefusesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := unstarted(t, httpx.Options{})
		began := time.Now()
		res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/who?x", "", "Authorization", "")
		const want = `{"error":{"name":"ServiceUnavailableError","message":"Service has not started up yet"},"request":{"method":"GET","url":"/who?x"},"response":{"statusCode":503}}`
		if got := httpxtest.Body(t, res); got != want || time.Since(began) != 5*time.Second {
			t.Errorf("%s after %s", got, time.Since(began))
		}
		s.Started()
		s.Draining()
		if res := httpxtest.Do(t, s, http.MethodGet, "/api/demo/who", ""); res.StatusCode != 200 {
			t.Errorf("draining: %d", res.StatusCode)
		}
		s.ShuttingDown()
		if got := httpxtest.Body(t, httpxtest.Do(t, s, http.MethodGet, "/api/demo/who", "")); !strings.Contains(got, "Service is shutting down") {
			t.Error(got)
		}
	})
}

func TestServe_AnswersWhatHasBegunBeforeItEnds(t *testing.T) {
	s := httpxtest.New(t)
	inside, finish := make(chan struct{}), make(chan struct{})
	s.Mount("slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-finish
		w.WriteHeader(http.StatusAccepted)
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, answered := make(chan error, 1), make(chan int, 1)
	go func() { served <- s.Serve(ctx, ln, 10*time.Second) }()
	go func() {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Get("http://" + ln.Addr().String() + "/api/slow")
		if err != nil {
			answered <- 0
			return
		}
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	<-inside
	cancel()
	close(finish)
	if status := <-answered; status != http.StatusAccepted {
		t.Errorf("the request was cut: %d", status)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestListen_SaysWhenThePortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := httpxtest.NewWith(t, httpx.Options{Settings: httpx.Settings{Address: taken.Addr().String()}})
	_, err = s.Listen(t.Context())
	if err == nil || !strings.Contains(err.Error(), "backend.listen: "+taken.Addr().String()+" is in use by another process") {
		t.Error(err)
	}
}

func TestListen_SpeaksTLSWithACertificateOfItsOwn(t *testing.T) {
	s := httpxtest.NewWith(t, httpx.Options{Settings: httpx.Settings{
		Address: "127.0.0.1:0", HTTPS: httpx.HTTPS{Enabled: true, HostName: "portal.test"},
	}})
	ln, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln, time.Second) }()
	res, err := insecureClient().Get("https://" + ln.Addr().String() + liveness)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 || res.TLS.PeerCertificates[0].VerifyHostname("portal.test") != nil {
		t.Errorf("%d %v", res.StatusCode, res.TLS.PeerCertificates[0].DNSNames)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestRateLimit_RefusesTheCallerUntilItsWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := demo(t, httpx.Options{Settings: httpx.Settings{
			RateLimit:         &httpx.RateLimit{Limit: 2, SkipFailed: true},
			FeatureRateLimits: map[string]*httpx.RateLimit{"demo": {Window: time.Hour, Limit: 3}},
		}})
		get := func(target string) *http.Response { return httpxtest.Do(t, s, http.MethodGet, target, "") }
		for range 3 {
			if res := get("/api/nope"); res.StatusCode != 404 {
				t.Fatalf("a failed request counts: %d", res.StatusCode)
			}
		}
		for range 2 {
			if res := get("/api/demo/who"); res.StatusCode != 200 {
				t.Fatalf("%d", res.StatusCode)
			}
		}
		res := get("/api/demo/who")
		const want = `{"error":{"name":"Error","message":"Too many requests, please try again later"},"response":{"statusCode":429}}`
		if got := httpxtest.Body(t, res); res.StatusCode != 429 || got != want || res.Header.Get("Retry-After") == "" {
			t.Errorf("%d %s %v", res.StatusCode, got, res.Header)
		}
		time.Sleep(time.Minute + time.Second)
		if res := get("/api/demo/who"); res.StatusCode != 200 {
			t.Errorf("after the window: %d", res.StatusCode)
		}
		if res := get("/api/demo/who"); res.StatusCode != 429 {
			t.Errorf("over the feature's own limit: %d", res.StatusCode)
		}
	})
}

func TestTrustProxy_DecidesWhoTheCallerIs(t *testing.T) {
	networks, err := httpx.TrustNetworks([]string{"loopback", "192.0.2.0/24", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := httpx.TrustNetworks([]string{"nonsense"}); err == nil {
		t.Error("nonsense is trusted")
	}
	for _, tc := range []struct {
		trust           httpx.TrustProxy
		forwarded, want string
	}{
		{httpx.TrustProxy{}, "203.0.113.9", "192.0.2.1"},
		{httpx.TrustAll(), "198.51.100.1, 203.0.113.9", "198.51.100.1"},
		{httpx.TrustHops(1), "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{networks, "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{networks, "198.51.100.1, 2001:db8::1", "198.51.100.1"},
		{httpx.TrustAll(), "evil\r\n, 203.0.113.9", "203.0.113.9"},
		{httpx.TrustAll(), "", "192.0.2.1"},
	} {
		var log strings.Builder
		s := demo(t, httpx.Options{Logger: httpxtest.LoggerTo(&log), Settings: httpx.Settings{TrustProxy: tc.trust, LogAllRequests: true}})
		httpxtest.Do(t, s, http.MethodGet, "/api/demo/who", "", "X-Forwarded-For", tc.forwarded)
		if !strings.Contains(log.String(), "remote="+tc.want+" ") {
			t.Errorf("%q: %s", tc.forwarded, log.String())
		}
	}
}

func TestMetrics_CountByRouteAndNeverByPath(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := demo(t, httpx.Options{Metrics: registry})
	for _, target := range []string{"/api/demo/things/a", "/api/demo/things/b", "/api/demo/nope-1", "/api/nope-2", "/nope-3", readiness} {
		httpxtest.Do(t, s, http.MethodGet, target, "")
	}
	httpxtest.Do(t, s, http.MethodGet, "/api/demo/things/c", "", "Authorization", "")
	text := httpxtest.Body(t, httpxtest.Do(t, s.Operations(registry, nil), http.MethodGet, "/metrics", ""))
	for _, want := range []string{
		`callboard_http_requests_total{feature="demo",method="GET",route="/things/:name",status="200"} 2`,
		`callboard_http_requests_total{feature="demo",method="",route="unknown",status="404"} 1`,
		`callboard_http_requests_total{feature="demo",method="",route="unknown",status="401"} 1`,
		`callboard_http_requests_total{feature="",method="",route="unknown",status="404"} 2`,
		`callboard_http_requests_total{feature="",method="",route="health",status="200"} 1`,
		`callboard_http_request_duration_seconds_count{feature="demo",method="GET",route="/things/:name"} 2`,
		`callboard_http_requests_in_flight 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "nope-") {
		t.Error("a path made a series")
	}
	if res := httpxtest.Do(t, s.Operations(registry, nil), http.MethodGet, "/readyz", ""); res.StatusCode != 200 {
		t.Errorf("readyz: %d", res.StatusCode)
	}
}
