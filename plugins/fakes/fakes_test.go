package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/plugins/cost/intake"
	kongdriver "github.com/callboard/callboard/plugins/gateway/kong"
	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configuration is app-config.yaml as a host reads it in an environment.
func configuration(t *testing.T, environment []string) (c struct {
	Callboard struct {
		Plugins struct {
			Sentry struct {
				Settings struct {
					Organizations []struct{ Slug, URL, Token string }
				}
			}
			SonarQube struct {
				Settings struct {
					BaseURL string `yaml:"baseUrl"`
					APIKey  string `yaml:"apiKey"`
				}
			} `yaml:"sonarqube"`
			Cost struct {
				Settings struct {
					Buckets []struct {
						Endpoint, Bucket string
						AccessKey        string     `yaml:"accessKey"`
						SecretKey        sdk.Secret `yaml:"secretKey"`
					}
				}
			}
			Gateway struct {
				Settings struct {
					Gateways []struct {
						Name, Type, URL string
						ProxyURL        string `yaml:"proxyUrl"`
						Token           sdk.Secret
						Usage           struct{ URL string }
						APIs            []struct{ ID string }
					}
				}
			}
		}
	}
},
) {
	t.Helper()
	text, err := os.ReadFile("app-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		text = regexp.MustCompile(`\$\{`+name+`(:-[^}]*)?\}`).ReplaceAll(text, []byte(value))
	}
	if left := regexp.MustCompile(`\$\{FAKE_[^}]*\}`).Find(text); left != nil {
		t.Fatalf("app-config.yaml asks for %s, which no service sets", left)
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// started are all services, filled as of now, while the test runs.
func started(t *testing.T) reachable { return reach(t, services(time.Now)...) }

func reach(t *testing.T, services ...service) reachable {
	t.Helper()
	list, err := listen(services, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(list.close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return list
}

// get reads an answer of 200 into to.
func get(t *testing.T, url, authorization string, to any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", url, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(to); err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
}

func TestConfiguration_FitsWhatIsServed(t *testing.T) {
	plugins := configuration(t, started(t).environment()).Callboard.Plugins
	for _, o := range plugins.Sentry.Settings.Organizations {
		var found struct{ Slug string }
		get(t, o.URL+"/api/0/organizations/"+o.Slug+"/", "Bearer "+o.Token, &found)
		if found.Slug != o.Slug {
			t.Errorf("the organization %q is answered as %q", o.Slug, found.Slug)
		}
	}
	var signedIn struct{ Valid bool }
	sonar := plugins.SonarQube.Settings
	get(t, sonar.BaseURL+"/api/authentication/validate", "Bearer "+sonar.APIKey, &signedIn)
	if !signedIn.Valid {
		t.Error("SonarQube does not take the token of app-config.yaml")
	}
}

func TestBills_ReachUntilYesterday(t *testing.T) {
	few := newBills(time.Now)
	few.rowsPerDay = 5
	bills := reach(t, few.service())
	b := configuration(t, append(bills.environment(), started(t).environment()...)).Callboard.Plugins.Cost.Settings.Buckets[0]
	s := &intake.S3{HTTP: http.DefaultClient, Endpoint: b.Endpoint, Bucket: b.Bucket, Region: "us-east-1", AccessKey: b.AccessKey, SecretKey: b.SecretKey, Now: time.Now}
	clouds := map[string]int{}
	current := 0
	month := time.Now().UTC().AddDate(0, 0, -1).Format("2006-01")
	for o, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		cloud, _, _ := strings.Cut(o.Name, "/")
		clouds[cloud]++
		if strings.Contains(o.Name, month) {
			current++
		}
	}
	if len(clouds) != 3 || clouds["aws"] < 12 || clouds["azure"] < 12 || clouds["google"] < 12 || current != 3 {
		t.Errorf("bills by cloud: %v, %d of them for %s", clouds, current, month)
	}
}

func TestGateways_AreAsTheConfigurationSays(t *testing.T) {
	served := map[string]bool{}
	for _, g := range configuration(t, started(t).environment()).Callboard.Plugins.Gateway.Settings.Gateways {
		for _, a := range g.APIs {
			served[g.Name+"/"+a.ID] = true
		}
		if g.Type != "kong" {
			continue
		}
		d, err := kongdriver.New(kongdriver.Options{Name: g.Name, HTTP: http.DefaultClient, URL: g.URL, Proxy: g.ProxyURL, Token: g.Token})
		if err != nil {
			t.Fatal(err)
		}
		for a, err := range d.APIs(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			served[g.Name+"/"+string(a.ID)] = true
			var found struct{ Data struct{ Result []any } }
			get(t, g.Usage.URL+"/api/v1/query?time=2026-11-20T00:00:00Z&query="+url.QueryEscape(`kong_http_requests_total{service="`+string(a.ID)+`",code="200"}`), "", &found)
			if len(found.Data.Result) == 0 {
				t.Errorf("Prometheus knows no request to %s", a.ID)
			}
		}
	}
	for _, api := range annotated(t, "callboard.dev/gateway-api") {
		if !served[api] {
			t.Errorf("no gateway has %s", api)
		}
	}
}

// annotated are the values of an annotation in the sample catalog.
func annotated(t *testing.T, key string) []string {
	t.Helper()
	var values []string
	err := filepath.WalkDir("../../examples/catalog", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range regexp.MustCompile(`(?m)^    `+regexp.QuoteMeta(key)+`: (\S+)$`).FindAllSubmatch(text, -1) {
			values = append(values, string(found[1]))
		}
		return err
	})
	if err != nil || len(values) == 0 {
		t.Fatalf("no entity of the sample catalog has the annotation %s: %v", key, err)
	}
	return values
}

func TestSample_HasTheProjectsThatTheCatalogNames(t *testing.T) {
	plugins := configuration(t, started(t).environment()).Callboard.Plugins
	for _, value := range annotated(t, "sentry.io/project-slug") {
		o := plugins.Sentry.Settings.Organizations[0]
		var issues []struct{ Title string }
		get(t, o.URL+"/api/0/projects/"+o.Slug+"/"+strings.TrimPrefix(value, o.Slug+"/")+"/issues/", "Bearer "+o.Token, &issues)
		if len(issues) == 0 {
			t.Errorf("the project %s has no issue to show", value)
		}
	}
	for _, key := range annotated(t, "sonarqube.org/project-key") {
		var found struct{ Component struct{ Key string } }
		get(t, plugins.SonarQube.Settings.BaseURL+"/api/components/show?component="+key, "Bearer "+plugins.SonarQube.Settings.APIKey, &found)
		if found.Component.Key != key {
			t.Errorf("the project %s is answered as %q", key, found.Component.Key)
		}
	}
}

func TestSample_DoesNotAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		filled := time.Now()
		done := make(chan struct{})
		go func() {
			keepYoung(ctx, []service{{fill: func(now time.Time) { filled = now }}, {name: "ageless"}}, time.Hour)
			close(done)
		}()
		time.Sleep(72*time.Hour + time.Minute)
		synctest.Wait()
		if age := time.Since(filled); age > time.Hour {
			t.Errorf("after three days the sample is of %s ago", age)
		}
		cancel()
		<-done
	})
}

func TestCommand_FindsTheServicesAndGivesItsStatus(t *testing.T) {
	var out, errs bytes.Buffer
	status := run([]string{"-port", "0", "--", "sh", "-c", `echo "at $FAKE_SENTRY_URL and $FAKE_SONARQUBE_URL"; exit 7`}, &out, &errs)
	if status != 7 {
		t.Errorf("exit status %d, want that of the command, 7", status)
	}
	if !regexp.MustCompile(`(?m)^at http://127\.0\.0\.1:\d+ and http://127\.0\.0\.1:\d+$`).Match(out.Bytes()) || errs.Len() > 0 {
		t.Errorf("stdout %q, stderr %q", out.String(), errs.String())
	}
}

func TestCommand_SaysWhatIsWrong(t *testing.T) {
	taken := started(t)[0].listener.Addr().String()
	port := taken[strings.LastIndex(taken, ":")+1:]
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-port", port}, 1, "sentry: listen tcp " + taken},
		{[]string{"-port", "0", "--", "no-such-command"}, 1, `"no-such-command": executable file not found`},
		{[]string{"-shoe", "9"}, 2, "flag provided but not defined: -shoe"},
		{[]string{"-help"}, 0, "Usage: fakes [-port N]"},
	} {
		var out, errs bytes.Buffer
		if status := run(c.args, &out, &errs); status != c.status || !strings.Contains(errs.String(), c.says) {
			t.Errorf("fakes %s: status %d, %q", strings.Join(c.args, " "), status, errs.String())
		}
	}
}

func TestCommand_IsToldToEnd(t *testing.T) {
	var out, errs bytes.Buffer
	status := run([]string{"-port", "0", "--", "sh", "-c", `trap 'echo in order; exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.05; done`}, &out, &errs)
	if status != 9 || !strings.HasSuffix(out.String(), "in order\n") {
		t.Errorf("status %d, stdout %q, stderr %q", status, out.String(), errs.String())
	}
}
