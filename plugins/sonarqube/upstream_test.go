package main

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/sonarqube/fake"
	"github.com/callboard/callboard/sdk"
)

func TestSonarQube_IsNeverTrustedToAnswerWell(t *testing.T) {
	const data = "application/json"
	redirect := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://login.example.com/?token=x")
		w.WriteHeader(http.StatusFound)
	}
	for _, c := range []struct {
		name, path string
		fault      http.HandlerFunc
		want       int
		text       string
	}{
		{"a login page", "/api/", fake.HTMLPage(200), 503, "answers a page instead of data to api/metrics/search; check baseUrl"},
		{"a page without a type", "/api/", fake.Raw(200, "", "  <html>"), 503, "answers a page instead of data"},
		{"a page for 404", "/api/", fake.HTMLPage(404), 503, "has no Web API at its address; check baseUrl"},
		{"a redirect", "/api/", redirect, 503, "redirects to login.example.com; set baseUrl"},
		{"500", "/api/measures", fake.Raw(500, data, `{"errors":[{"msg":"An error has\noccurred."}]}`), 503, "answers 500: An error has occurred."},
		{"a page for 502", "/api/", fake.HTMLPage(502), 503, "answers 502"},
		{"truncated JSON", "/api/measures", fake.Raw(200, data, `{"component":{"measures":[{"metric":"bugs","va`), 503, "answers no readable JSON to api/measures/component"},
		{"nothing", "/api/components", fake.Raw(200, data, ``), 503, "no readable JSON"},
		{"another form", "/api/measures", fake.Raw(200, data, `{"component":[1,2]}`), 503, "no readable JSON"},
		{"a value of another type", "/api/measures", fake.Raw(200, data, `{"component":{"measures":[{"metric":"bugs","value":{}}]}}`), 503, "no readable JSON"},
		{"too much", "/api/measures", fake.Raw(200, data, strings.Repeat(" ", maxAnswer+1)), 503, "answers more than"},
		{"no metrics", "/api/metrics", fake.Raw(200, data, `{"metrics":[],"total":0}`), 503, "lists no metrics"},
		{"400", "/api/components", fake.Raw(400, data, `{"errors":[{"msg":"Value of parameter is wrong"}]}`), 503, "answers 400: Value of parameter is wrong"},
		{"401", "/api/components", fake.Raw(401, "", ``), 401, "refuses the token: it is wrong, revoked or expired"},
		{"403", "/api/components", fake.Raw(403, data, `{"errors":[{"msg":"Insufficient privileges"}]}`), 403, "the token lacks the permission Browse on the project: Insufficient privileges"},
		{"404", "/api/components", fake.Raw(404, data, `{"errors":[]}`), 404, "has no such project, or the token lacks the permission Browse on it"},
		{"an endless message", "/api/components", fake.Raw(403, data, `{"errors":[{"msg":"`+strings.Repeat("é", 5000)+`"}]}`), 403, "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := single()
			s.Timeout = sdk.Duration(80 * time.Millisecond) // shorter than a pause before a second try
			r := start(t, s, fake.Options{})
			r.sonar.Fail(c.path, c.fault)
			res := r.Get(checkoutSummary, ann)
			message := messageOf(t, res)
			if res.Status != c.want || !strings.Contains(message, c.text) || len(message) > 500 {
				t.Errorf("%d %s, want %d %s", res.Status, message, c.want, c.text)
			}
		})
	}
}

func TestSonarQube_MayAnswerLessOrStrangeValues(t *testing.T) {
	const data = "application/json"
	for body, want := range map[string]string{
		`{"component":null}`: `{"measures":[]`,
		`{}`:                 `{"measures":[]`,
		`{"component":{"measures":[{"metric":"sqale_rating","value":"1"},{"metric":"bugs","value":7}]}}`:         `{"metric":"bugs","value":"7"},{"metric":"sqale_rating","value":"1.0"}`,
		`{"component":{"measures":[{"metric":"coverage","value":null},{"metric":"someone_elses","value":"1"}]}}`: `[{"metric":"coverage"}]`,
	} {
		r := start(t, single(), fake.Options{})
		r.sonar.Fail("/api/measures", fake.Raw(200, data, body))
		if got := r.Get(checkoutSummary, ann).Text(); !strings.Contains(strings.ReplaceAll(got, `"analysisDate":"2026-11-20T10:00:00+0000",`, ""), want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	r := start(t, single(), fake.Options{})
	r.sonar.Fail("/api/components", fake.Raw(200, data, `{"component":null}`))
	if got := r.Get(checkoutSummary, ann).Text(); !strings.Contains(got, `"findings":null`) {
		t.Error(got)
	}
	if got := r.Get("/findings?componentKey=acme_checkout", ann).Text(); got != "null" {
		t.Error(got)
	}
}

func TestSonarQube_MayListMetricsWithoutEnd(t *testing.T) {
	r := start(t, single(), fake.Options{})
	r.sonar.Fail("/api/metrics", fake.Raw(200, "application/json", `{"metrics":[{"key":"bugs"}],"total":2000000000}`))
	if got := values(t, r.Get(checkoutSummary, ann)); got["bugs"] != "3" || len(got) != 1 {
		t.Errorf("%v", got)
	}
	if n := len(r.sonar.Calls()); n > maxPages+5 {
		t.Errorf("%d calls", n)
	}
}

func TestSonarQube_ThatIsNotThereIsSaidToBeSo(t *testing.T) {
	t.Run("refused by the host", func(t *testing.T) {
		s := single()
		r := start(t, s, fake.Options{})
		s.BaseURL = "https://other.example.com"
		if err := r.Configure(s); err != nil {
			t.Fatal(err)
		}
		message := messageOf(t, r.Get(checkoutSummary, ann))
		if !strings.Contains(message, "the host does not let the plugin reach https://other.example.com") {
			t.Error(message)
		}
	})
	t.Run("silent", func(t *testing.T) {
		silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		defer silent.Close()
		s := single()
		s.BaseURL, s.Timeout = silent.URL, sdk.Duration(50*time.Millisecond)
		r := start(t, single(), fake.Options{})
		if err := r.Configure(s); err != nil {
			t.Fatal(err)
		}
		if res := r.Get(checkoutSummary, ann); res.Status != 503 || !strings.Contains(res.Text(), "does not answer in time") {
			t.Error(res.Status, res.Text())
		}
	})
}

func TestSonarQube_ThatIsDownLeavesTheLastGoodFindingsWithTheirAge(t *testing.T) {
	r := start(t, single(), fake.Options{})
	r.Get(checkoutSummary, ann)
	r.sonar.Fail("/api/", fake.Raw(500, "text/plain", "oops"))
	r.clock.advance(time.Hour)
	res := r.Get(checkoutSummary, ann)
	var got summary
	res.JSON(t, &got)
	if res.Status != 200 || res.Header.Get("Age") != "3600" || got.Findings.Stale == nil || !got.Findings.Stale.AsOf.Equal(epoch) ||
		!strings.Contains(got.Findings.Stale.Reason, "answers 500") || len(got.Findings.Measures) != len(wantedMetrics) {
		t.Errorf("%d %v %s", res.Status, res.Header, res.Text())
	}
	before := len(r.sonar.Calls())
	r.Get(checkoutSummary, ann)
	if n := len(r.sonar.Calls()); n != before {
		t.Error("a SonarQube that is down is asked again at once")
	}
	r.sonar.Fail("", nil)
	r.clock.advance(time.Minute)
	if got := r.Get(checkoutSummary, ann).Text(); strings.Contains(got, "stale") {
		t.Errorf("it is up again: %s", got)
	}
	r.sonar.Fail("/api/", fake.Raw(500, "text/plain", "oops"))
	r.clock.advance(25 * time.Hour)
	if res := r.Get(checkoutSummary, ann); res.Status != 503 {
		t.Errorf("findings of yesterday are shown: %d %s", res.Status, res.Text())
	}
}

func TestSonarQube_ThatSaysNoIsNotGlossedOverWithOldFindings(t *testing.T) {
	r := start(t, single(), fake.Options{})
	r.Get(checkoutSummary, ann)
	r.sonar.SetToken("squ_other")
	r.clock.advance(time.Hour)
	if res := r.Get(checkoutSummary, ann); res.Status != 401 {
		t.Errorf("the token was revoked: %d %s", res.Status, res.Text())
	}
	r.sonar.SetToken(good)
	r.sonar.Put(&fake.Project{Key: "acme_checkout", Hidden: true})
	r.clock.advance(time.Hour)
	if res := r.Get(checkoutSummary, ann); res.Status != 403 {
		t.Errorf("the permission was taken away: %d %s", res.Status, res.Text())
	}
	r.sonar.Fail("/api/", fake.Raw(500, "", ""))
	r.clock.advance(time.Hour)
	if res := r.Get(checkoutSummary, ann); res.Status != 503 {
		t.Errorf("what is forbidden comes back in an outage: %d %s", res.Status, res.Text())
	}
}

func TestSonarQube_IsLeftAloneAsLongAsItAsksFor(t *testing.T) {
	s := single()
	s.BaseURL = cloud
	r := start(t, s, fake.Options{Cloud: true})
	r.sonar.Limit(0, 40*time.Second)
	res := r.Get(checkoutSummary, ann)
	if res.Status != 503 || !strings.Contains(res.Text(), "limits the rate of calls") {
		t.Fatal(res.Status, res.Text())
	}
	asked := len(r.sonar.Calls())
	r.clock.advance(35 * time.Second) // later than an error is repeated, earlier than SonarQube wants
	if res := r.Get(checkoutSummary, ann); !strings.Contains(res.Text(), "it is called again at 12:00:40 UTC") {
		t.Error(res.Text())
	}
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "limits the rate") {
		t.Error(err)
	}
	if n := len(r.sonar.Calls()); n != asked {
		t.Errorf("%d calls during the pause", n-asked)
	}
	r.sonar.Limit(-1, 0)
	r.clock.advance(40 * time.Second)
	if res := r.Get(checkoutSummary, ann); res.Status != 200 {
		t.Error(res.Status, res.Text())
	}
}

func TestSonarQube_CannotAskForAnEndlessPause(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"99999999": longestWait, "-5": defaultWait, "": defaultWait, "soon": defaultWait, "0": 0, "7": 7 * time.Second,
		epoch.Add(time.Minute).Format(http.TimeFormat): time.Minute, epoch.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		i := newInstance(instanceSettings{Name: "x", BaseURL: server})
		i.now = func() time.Time { return epoch }
		i.wait(value)
		if got := i.waiting.Sub(epoch); got != want {
			t.Errorf("Retry-After %q: %s, want %s", value, got, want)
		}
	}
}

func TestToken_IsSentAsTheInstanceWants(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(good+":"))
	for _, c := range []struct {
		name, base, authType string
		options              fake.Options
		want                 int
		header, text         string
	}{
		{"a server", server, "", fake.Options{}, 200, basic, ""},
		{"a server with Bearer", server, "Bearer", fake.Options{}, 200, "Bearer " + good, ""},
		{"an old server with Bearer", server, "Bearer", fake.Options{NoBearer: true}, 401, "Bearer " + good, `try authType \"Basic\"`},
		{"an old server", server, "", fake.Options{NoBearer: true}, 200, basic, ""},
		{"Cloud", cloud, "", fake.Options{Cloud: true}, 200, "Bearer " + good, ""},
		{"Cloud in the US", "https://SonarQube.us", "", fake.Options{Cloud: true}, 200, "Bearer " + good, ""},
		{"Cloud with Basic", cloud, "Basic", fake.Options{Cloud: true}, 401, basic, `SonarQube Cloud wants authType \"Bearer\"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := single()
			s.BaseURL, s.AuthType = c.base, c.authType
			r := start(t, s, c.options)
			r.Outgoing.Handle(strings.ToLower(c.base), r.sonar)
			res := r.Get(checkoutSummary, ann)
			if res.Status != c.want || !strings.Contains(res.Text(), c.text) {
				t.Errorf("%d %s", res.Status, res.Text())
			}
			for _, sent := range r.Outgoing.Requests() {
				if !strings.HasPrefix(sent.URL, "http://callboard.internal") && sent.Header.Get("Authorization") != c.header {
					t.Errorf("sent %q to %s", sent.Header.Get("Authorization"), sent.URL)
				}
			}
		})
	}
}

func TestToken_ForAnalysesIsToldFromAUsersToken(t *testing.T) {
	for _, token := range []sdk.Secret{"sqp_0123456789", "sqa_0123456789"} {
		s := single()
		s.APIKey = token
		r := start(t, s, fake.Options{})
		if res := r.Get(checkoutSummary, ann); res.Status != 401 || !strings.Contains(res.Text(), "it is a token for analyses") || strings.Contains(res.Text(), token.Reveal()) {
			t.Error(res.Status, res.Text())
		}
	}
}

func TestCloud_HidesProjectsThatTheTokenMayNotBrowse(t *testing.T) {
	for base, want := range map[string]int{cloud: 404, server: 403} {
		s := single()
		s.BaseURL = base
		r := start(t, s, fake.Options{Cloud: base == cloud})
		r.sonar.Put(&fake.Project{Key: "acme_checkout", Hidden: true})
		if res := r.Get(checkoutSummary, ann); res.Status != want || !strings.Contains(res.Text(), "Browse") {
			t.Error(res.Status, res.Text())
		}
		if err := r.q.engine.Load().instances[0].state(); err.message != "" {
			t.Errorf("a project is no trouble of the instance: %s", err.message)
		}
	}
}

func testCache(now func() time.Time) *cache[int] {
	return &cache[int]{life: time.Minute, negative: time.Second, keep: time.Hour, most: 3, timeout: time.Minute, now: now, running: &work{}}
}

func TestCache_ReadsAgainWhatBecameOutdatedWhileItWasRead(t *testing.T) {
	c := testCache((&clock{}).now)
	reading, release := make(chan struct{}), make(chan struct{})
	first := make(chan int)
	go func() {
		r, _ := c.get(t.Context(), "a", func(context.Context) (int, error) { close(reading); <-release; return 1, nil })
		first <- r.value
	}()
	<-reading
	c.outdate("a")
	close(release)
	if got := <-first; got != 1 {
		t.Error(got)
	}
	if r, err := c.get(t.Context(), "a", func(context.Context) (int, error) { return 2, nil }); r.value != 2 || err != nil {
		t.Errorf("%+v %v", r, err)
	}
}

func TestCache_OutlivesCallersAndPanics(t *testing.T) {
	c := testCache((&clock{}).now)
	gone, leave := context.WithCancel(t.Context())
	release := make(chan struct{})
	leave()
	if _, err := c.get(gone, "a", func(context.Context) (int, error) { <-release; return 1, nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if r, err := c.get(t.Context(), "a", func(context.Context) (int, error) { return 2, nil }); r.value != 1 || err != nil {
		t.Errorf("what the caller who left had asked for: %+v %v", r, err)
	}
	if _, err := c.get(t.Context(), "b", func(context.Context) (int, error) { panic("x") }); err == nil {
		t.Error("no error")
	}
}

func TestCache_ForgetsWhatNobodyAsksFor(t *testing.T) {
	ticking := &clock{}
	c := testCache(ticking.now)
	var read []string
	for _, key := range []string{"a", "b", "c", "a", "d", "a", "b"} {
		ticking.advance(time.Second)
		_, _ = c.get(t.Context(), key, func(context.Context) (int, error) { read = append(read, key); return 0, nil })
	}
	if want := []string{"a", "b", "c", "d", "b"}; !slices.Equal(read, want) || len(c.entries) != 3 {
		t.Errorf("read %v, kept %d", read, len(c.entries))
	}
}
