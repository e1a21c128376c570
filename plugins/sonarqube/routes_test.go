package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/sonarqube/fake"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestSummary_IsWhatTheFrontendReads(t *testing.T) {
	s := single()
	s.ExternalBaseURL = "https://quality.example.com/"
	r := start(t, s, fake.Options{})
	res := r.Get(checkoutSummary+"?", ann, plugintest.Header("Content-Type", "application/json"))
	if res.Status != http.StatusOK || res.Header.Get("Age") != "0" || res.Header.Get("Deprecation") != "" {
		t.Fatalf("%d %v %s", res.Status, res.Header, res.Text())
	}
	var got any
	res.JSON(t, &got)
	plugintest.Golden(t, "testdata/summary.golden.json", got)
}

func TestSummary_AsksForKnownMetricsOnly(t *testing.T) {
	for name, known := range map[string]fake.Metrics{"before 10.8": fake.Standard, "since 10.8": fake.Both, "software qualities only": fake.MQR} {
		t.Run(name, func(t *testing.T) {
			r := start(t, single(), fake.Options{Metrics: known, PageSize: 4})
			got := values(t, r.Get(checkoutSummary, ann))
			for metric, want := range map[string]string{
				"alert_status": "ERROR", "bugs": "3", "reliability_rating": "3.0", "security_rating": "1.0", "sqale_rating": "1.0", "code_smells": "41",
				"vulnerabilities": "0", "security_review_rating": "2.0", "security_hotspots_reviewed": "75.0", "coverage": "82.4", "duplicated_lines_density": "1.2",
			} {
				if got[metric] != want {
					t.Errorf("%s is %q, want %q", metric, got[metric], want)
				}
			}
			if len(got) != len(wantedMetrics) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSummary_LeavesOutWhatWasNotMeasured(t *testing.T) {
	r := start(t, single(), fake.Options{})
	if _, there := values(t, r.Get("/entities/component/default/billing/summary", ann))["coverage"]; there {
		t.Error("there is a coverage, of a project without tests")
	}
	res := r.Get("/entities/component/default/new/summary", ann)
	if want := `{"findings":{"measures":[]},"instanceUrl":"https://sonar.example.com","componentKey":"acme_new"}`; res.Text() != want {
		t.Errorf("of a project that was never analysed: %s", res.Text())
	}
}

func TestSummary_TellsWhatIsWrong(t *testing.T) {
	r := start(t, single(), fake.Options{})
	for _, c := range []struct {
		path string
		who  plugintest.RequestOption
		want int
		text string
	}{
		{"/entities/Component/default/none/summary", ann, 404, "Entity Component:default/none not found"},
		{"/entities/Component/default/a%2Fb/summary", ann, 404, "Entity Component:default/a/b not found"},
		{checkoutSummary, eve, 404, "Entity Component:default/checkout not found"},
		{checkoutSummary, plugintest.Header("X-Nobody", ""), 401, "nobody is signed in"},
		{"/entities/Component/default/plain/summary", ann, 400, "Entity Component:default/plain is missing the sonarqube.org/project-key annotation"},
		{"/entities/Component/default/blank/summary", ann, 400, "is missing the sonarqube.org/project-key annotation"},
		{"/entities/Component/default/keyless/summary", ann, 400, `must be [instance/]project`},
		{"/entities/Component/default/elsewhere/summary", ann, 400, "config with name special; there are: default"},
		{"/entities/Component/default/gone/summary", ann, 404, "Component key 'acme_gone' not found"},
		{checkoutSummary + "?branch=none", ann, 404, "on branch 'none' not found"},
		{checkoutSummary + "?branch=" + strings.Repeat("b", 256), ann, 400, "branch must have at most 255 bytes"},
	} {
		res := r.Get(c.path, c.who)
		if message := messageOf(t, res); res.Status != c.want || !strings.Contains(message, c.text) {
			t.Errorf("%s: %d %s, want %d %s", c.path, res.Status, message, c.want, c.text)
		}
	}
}

func TestSummary_OfABranch(t *testing.T) {
	r := start(t, single(), fake.Options{})
	r.sonar.Put(&fake.Project{Key: "acme_checkout", Branches: map[string][]fake.Analysis{"next": {{At: epoch, Bugs: 9}}}, Analyses: []fake.Analysis{{At: epoch, Bugs: 1}}})
	if got := values(t, r.Get(checkoutSummary+"?branch=next", ann))["bugs"]; got != "9" {
		t.Errorf("branch next has %s bugs", got)
	}
	if got := values(t, r.Get(checkoutSummary, ann))["bugs"]; got != "1" {
		t.Errorf("the main branch has %s bugs", got)
	}
}

func TestSummary_OfSeveralInstances(t *testing.T) {
	s := single()
	s.Instances = []instanceSettings{{Name: "special", BaseURL: cloud, APIKey: "squ_cloud", Mode: "auto"}}
	r := start(t, s, fake.Options{})
	other := fake.New(fake.Options{Cloud: true, Token: "squ_cloud"})
	other.Put(&fake.Project{Key: "acme_checkout", Analyses: []fake.Analysis{{At: epoch, Bugs: 70}}})
	r.Outgoing.Handle(cloud, other)
	res := r.Get("/entities/Component/default/elsewhere/summary", ann)
	if got := values(t, res)["bugs"]; got != "70" || !strings.Contains(res.Text(), `"instanceUrl":"https://sonarcloud.io"`) {
		t.Error(res.Text())
	}
	if got := values(t, r.Get(checkoutSummary, ann))["bugs"]; got != "3" {
		t.Errorf("the default instance has %s bugs", got)
	}
}

func TestSummary_IsForServicesToo(t *testing.T) {
	r := start(t, single(), fake.Options{})
	service := plugintest.As("plugin:scaffolder")
	if got := values(t, r.Get(checkoutSummary, service))["bugs"]; got != "3" {
		t.Error(got)
	}
	if res := r.Get("/entities/Component/default/none/summary", service); res.Status != http.StatusNotFound {
		t.Error(res.Status, res.Text())
	}
	if res := r.Get("/findings?componentKey=acme_checkout", service); res.Status != http.StatusOK {
		t.Error(res.Status, res.Text())
	}
}

func TestSummary_SaysThatTheCatalogDoesNotAnswer(t *testing.T) {
	for status, want := range map[int]int{401: 401, 403: 403, 500: 503, 200: 503} {
		r := start(t, single(), fake.Options{})
		r.Outgoing.HandleFunc("http://callboard.internal", fake.Raw(status, "text/plain", "no JSON"))
		if res := r.Get(checkoutSummary, ann); res.Status != want {
			t.Errorf("a catalog that answers %d: %d %s", status, res.Status, res.Text())
		}
	}
}

func TestFindings_AreDeprecatedAndOnlyOfProjectsThatTheCallerMaySee(t *testing.T) {
	r := start(t, single(), fake.Options{})
	res := r.Get("/findings?componentKey=acme_checkout", ann)
	if res.Status != http.StatusOK || res.Header.Get("Deprecation") != "true" {
		t.Fatal(res.Status, res.Text())
	}
	var got findings
	if res.JSON(t, &got); got.AnalysisDate != "2026-11-20T10:00:00+0000" || len(got.Measures) != len(wantedMetrics) {
		t.Error(res.Text())
	}
	before := len(r.sonar.Calls())
	for path, want := range map[string]int{
		"/findings": 400, "/findings?componentKey=": 400, "/findings?componentKey=a&componentKey=b": 400,
		"/findings?componentKey=acme_checkout&instanceKey=none": 400, "/findings?componentKey=acme_catalogue": 404, "/findings?componentKey=ACME_CHECKOUT": 404,
		"/findings?componentKey=acme_checkout,kind%3Dcomponent": 404,
	} {
		if res := r.Get(path, ann); res.Status != want || res.Header.Get("Deprecation") != "true" {
			t.Errorf("%s: %d %s", path, res.Status, res.Text())
		}
	}
	if res := r.Get("/findings?componentKey=acme_checkout", eve); res.Status != http.StatusNotFound {
		t.Errorf("eve may not see any entity of it: %d %s", res.Status, res.Text())
	}
	if calls := r.sonar.Calls()[before:]; len(calls) != 0 {
		t.Errorf("SonarQube was asked: %v", calls)
	}
}

func TestInstanceURL_IsThatForLinks(t *testing.T) {
	r := start(t, single(), fake.Options{})
	for _, path := range []string{"/instanceUrl", "/instanceUrl?instanceKey=default", "/instanceUrl?instanceKey="} {
		if res := r.Get(path, ann); res.Text() != `{"instanceUrl":"https://sonar.example.com"}` || res.Header.Get("Deprecation") != "true" {
			t.Errorf("%s: %s", path, res.Text())
		}
	}
	if res := r.Get("/instanceUrl?instanceKey=none", ann); res.Status != http.StatusBadRequest {
		t.Error(res.Status, res.Text())
	}
}

func TestSummary_AsksSonarQubeOnceForManyCallers(t *testing.T) {
	r := start(t, single(), fake.Options{})
	answers := make(chan int)
	for range 20 {
		go func() { answers <- r.Get(checkoutSummary, ann).Status }()
	}
	for range 20 {
		if got := <-answers; got != http.StatusOK {
			t.Error(got)
		}
	}
	r.clock.advance(time.Minute)
	if res := r.Get(checkoutSummary, ann); res.Header.Get("Age") != "60" {
		t.Errorf("age %s", res.Header.Get("Age"))
	}
	calls := slices.DeleteFunc(r.sonar.Calls(), func(path string) bool { return path == "/api/authentication/validate" })
	if want := []string{"/api/metrics/search", "/api/components/show", "/api/measures/component"}; !slices.Equal(calls, want) {
		t.Errorf("%v", calls)
	}
	r.clock.advance(2 * time.Minute)
	r.Get(checkoutSummary, ann)
	if again := r.sonar.Calls()[len(calls):]; slices.Contains(again, "/api/metrics/search") || len(again) != 2 {
		t.Errorf("after the cache's time: %v", again)
	}
}

func TestSummary_LearnsNewMetricsAfterAnUpgradeOfTheServer(t *testing.T) {
	r := start(t, single(), fake.Options{Metrics: fake.Standard})
	r.Get(checkoutSummary, ann)
	upgraded := fake.New(fake.Options{Metrics: fake.MQR, Token: good})
	upgraded.Put(fake.Sample(epoch)...)
	r.Outgoing.Handle(server, upgraded)
	r.clock.advance(5 * time.Minute)
	if got := values(t, r.Get(checkoutSummary, ann)); got["bugs"] != "3" || got["sqale_rating"] != "1.0" {
		t.Errorf("%v", got)
	}
}

func FuzzAnnotation_IsReadWithoutHarm(f *testing.F) {
	for _, seed := range []string{"acme", "a/b", "a/b/c", "/", "//", "", " ", "default/", "org.acme:billing", "\x00", "é/ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		p, err := annotatedProject(annotated("x", value), "component:default/x")
		if err != nil {
			return
		}
		if p.key == "" || p.instance == "" {
			t.Fatalf("%q is %+v", value, p)
		}
		if !slices.ContainsFunc(p.spellings(), func(s string) bool { return parseProject(s) == project{instance: p.instance, key: p.key} }) {
			t.Fatalf("%q has the spellings %v", value, p.spellings())
		}
	})
}

func FuzzMeasures_AreReadWithoutHarm(f *testing.F) {
	for _, seed := range []string{`{"metric":"bugs","value":"3"}`, `{"value":3}`, `{"value":null}`, `{"value":"NaN"}`, `{"value":1e999}`, `{"value":"1"}`, `{"value":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m measure
		if json.Unmarshal(data, &m) != nil {
			return
		}
		if _, err := json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		_, _ = m.Value.letter(), m.Value.rating("sqale_rating")
	})
}
