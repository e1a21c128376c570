package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// running is a host that serves until the test ends.
type running struct {
	base string
	stop func() error
}

// write puts files into a folder of the test's own and returns it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const basicConfig = `
app: {title: Test, baseUrl: 'http://127.0.0.1:PORT'}
backend:
  baseUrl: 'http://127.0.0.1:PORT'
  listen: '127.0.0.1:PORT'
  database: {client: better-sqlite3, connection: ':memory:'}
  auth: {externalAccess: [{type: static, options: {token: test-token-1234, subject: test}}]}
auth: {providers: {guest: {dangerouslyAllowOutsideDevelopment: true}}}
callboard: {operations: {listen: false}}
catalog:
  rules: [{allow: [Component, API, System, Domain, Resource, Group, User, Location]}]
  locations: [{type: file, target: ./catalog/*.yaml}]
`

// patientTemplates is for the race detector, which makes the template engine forty times slower.
var patientTemplates = []string{`APP_CONFIG_callboard_scaffolder_templates_timeout="1m"`}

func load(t testing.TB, dir, text string) (*config.Config, config.Options, int) {
	t.Helper()
	port := freePort(t)
	file := filepath.Join(dir, "app-config.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "PORT", strconv.Itoa(port))), 0o600); err != nil {
		t.Fatal(err)
	}
	options := config.Options{Files: []string{file}, Dir: dir, Env: patientTemplates}
	cfg, err := config.Load(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, options, port
}

func serve(t *testing.T, cfg *config.Config, options config.Options, port int) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, app.Options{Config: cfg, Source: options, Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	var stopped bool
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	r := running{"http://127.0.0.1:" + strconv.Itoa(port), stop}
	select {
	case <-a.Ready():
	case err := <-ended:
		stopped = true
		t.Fatalf("ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("not ready after 30 s")
	}
	r.waitFor(t, "/.backstage/health/v1/readiness")
	return r
}

func (r running) waitFor(t *testing.T, path string) {
	t.Helper()
	for range 500 {
		if status, _ := r.get(t, path, ""); status == http.StatusOK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s never answered 200", path)
}

func (r running) get(t *testing.T, path, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (r running) names(t *testing.T, filter string) []string {
	t.Helper()
	_, body := r.get(t, "/api/catalog/entities?fields=metadata.name&order=asc:metadata.name&filter="+filter, "test-token-1234")
	var entities []struct{ Metadata struct{ Name string } }
	if err := json.Unmarshal([]byte(body), &entities); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	names := []string{}
	for _, e := range entities {
		names = append(names, e.Metadata.Name)
	}
	return names
}

func freePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

const component = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: NAME}\nspec: {type: service, lifecycle: production, owner: crew}\n"

func named(name string) string { return strings.ReplaceAll(component, "NAME", name) }

func TestAHostServesItsCatalogOnBothDatabasesAndEndsOrderly(t *testing.T) {
	postgres, err := json.Marshal(storetest.PostgreSQLConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, database := range map[string]string{"SQLite": "{client: better-sqlite3, connection: ':memory:'}", "PostgreSQL": string(postgres)} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{"catalog/a.yaml": named("a"), "catalog/b.yaml": named("b")})
			text := strings.ReplaceAll(basicConfig, "{client: better-sqlite3, connection: ':memory:'}", database)
			r := serveText(t, dir, text)
			if got := strings.Join(r.names(t, "kind=component"), ","); got != "a,b" {
				t.Errorf("components: %s", got)
			}
			if status, body := r.get(t, "/api/catalog/entities/by-name/component/default/A", "test-token-1234"); status != 200 || !strings.Contains(body, `"name":"a"`) {
				t.Errorf("by name: %d %s", status, body)
			}
			if err := r.stop(); err != nil {
				t.Errorf("the end: %v", err)
			}
		})
	}
}

func serveText(t *testing.T, dir, text string) running {
	t.Helper()
	cfg, options, port := load(t, dir, text)
	return serve(t, cfg, options, port)
}

// One broken file among others is told, and costs nobody else anything.
func TestBrokenFilesAreToldAndTheOthersLoad(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	bomb := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: bomb}\nspec:\n  a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, pair := range []string{"ba", "cb", "dc", "ed", "fe", "gf", "hg"} {
		bomb += "  " + pair[:1] + ": &" + pair[:1] + " [" + strings.TrimSuffix(strings.Repeat("*"+pair[1:]+",", 9), ",") + "]\n"
	}
	dir := write(t, map[string]string{
		"catalog/good.yaml":     named("good"),
		"catalog/syntax.yaml":   "kind: Component\n  bad: [indent\n",
		"catalog/bomb.yaml":     bomb,
		"catalog/deep.yaml":     "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: deep}\nspec: {x: " + deep + "}\n",
		"catalog/huge.yaml":     strings.ReplaceAll(named("huge"), "name: huge", "name: huge, description: "+strings.Repeat("x", 10<<20)),
		"catalog/unknown.yaml":  "apiVersion: example.com/v1\nkind: Lighthouse\nmetadata: {name: lamp}\n",
		"catalog/nameless.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {}\nspec: {type: x, lifecycle: y, owner: z}\n",
		"catalog/twice.yaml":    named("good"),
		"catalog/self.yaml":     "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: self}\nspec: {type: file, target: ./self.yaml}\n",
	})
	text := strings.ReplaceAll(basicConfig, "locations: [{type: file, target: ./catalog/*.yaml}]", `locations:
    - {type: file, target: ./catalog/good.yaml}
    - {type: file, target: ./catalog/syntax.yaml}
    - {type: file, target: ./catalog/bomb.yaml}
    - {type: file, target: ./catalog/deep.yaml}
    - {type: file, target: ./catalog/huge.yaml}
    - {type: file, target: ./catalog/unknown.yaml}
    - {type: file, target: ./catalog/nameless.yaml}
    - {type: file, target: ./catalog/twice.yaml}
    - {type: file, target: ./catalog/self.yaml}
    - {type: file, target: ./catalog/missing.yaml}
    - {type: carrier-pigeon, target: somewhere}`)
	r := serveText(t, dir, text)
	if got := strings.Join(r.names(t, "kind=component"), ","); got != "good" {
		t.Errorf("components: %s, want only the good one", got)
	}
	status, page := r.get(t, "/console.json", "")
	if status != http.StatusOK {
		t.Fatalf("console: %d %s", status, page)
	}
	for _, file := range []string{"syntax.yaml", "bomb.yaml", "deep.yaml", "huge.yaml", "unknown.yaml", "nameless.yaml", "missing.yaml", "carrier-pigeon"} {
		if !strings.Contains(page, file) {
			t.Errorf("the console does not name %s", file)
		}
	}
}

func TestMistakesThatKeepTheHostFromStartingSayWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct{ change, to, want string }{
		"port in use":         {"listen: '127.0.0.1:PORT'", "listen: '" + taken.Addr().String() + "'", "is in use by another process"},
		"unwritable database": {"connection: ':memory:'", "connection: /proc/nothing/callboard.sqlite", "backend.database.connection"},
		"unknown database":    {"client: better-sqlite3", "client: oracle", `"oracle" is not supported`},
		"wrong type":          {"locations: [{type: file, target: ./catalog/*.yaml}]", "processingInterval: often", "catalog.processingInterval"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, options, _ := load(t, t.TempDir(), strings.ReplaceAll(basicConfig, c.change, c.to))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			a, err := app.New(ctx, app.Options{Config: cfg, Source: options, Logger: slog.New(slog.DiscardHandler)})
			if err == nil {
				err = a.Run(ctx)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a message with %q", err, c.want)
			}
		})
	}
}
