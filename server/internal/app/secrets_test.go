package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

// canary is the n-th secret. Letters and digits only, so that URL, JSON and HTML escapes leave it as it is.
func canary(n int) string { return fmt.Sprintf("Cnry%02dQz7tKw9LmVx3RbHs%02d", n, n) }

const canaries = 25

// secretConfig has a canary wherever operators put credentials. They are in the file, in other files and in variables.
func secretConfig(database string) string {
	text := `
app: {title: Test, baseUrl: 'http://127.0.0.1:PORT', datadogRum: {sessionKey: 'CANARY20'}}
backend:
  baseUrl: 'http://127.0.0.1:PORT'
  listen: '127.0.0.1:PORT'
  database: DATABASE
  cache: {store: redis, connection: 'redis://user:CANARY23@127.0.0.1:1/0'}
  reading: {allow: [{host: 127.0.0.1:REMOTE}]}
  auth:
    keys: [{secret: 'CANARY01'}]
    externalAccess:
      - {type: static, options: {token: test-token-1234, subject: test}}
      - {type: static, options: {token: CANARY02, subject: deploy}}
      - {type: legacy, options: {secret: 'CANARY03', subject: old}}
auth:
  session: {secret: 'CANARY04'}
  providers:
    guest: {dangerouslyAllowOutsideDevelopment: true}
    github: {development: {clientId: x, clientSecret: CANARY05}}
    oidc: {production: {metadataUrl: 'http://127.0.0.1:1/', clientId: y, clientSecret: {$env: OIDC_SECRET}}}
integrations:
  github:
    - {host: github.example.com, apiBaseUrl: 'http://127.0.0.1:REMOTE/api', token: CANARY07}
    - host: apps.example.com
      apps: [{appId: 1, clientId: c, clientSecret: CANARY08, webhookSecret: CANARY09, privateKey: "-----BEGIN RSA PRIVATE KEY-----\nCANARY10\n-----END RSA PRIVATE KEY-----"}]
  gitlab: [{host: gitlab.example.com, apiBaseUrl: 'http://127.0.0.1:REMOTE/api/v4', token: '${GITLAB_TOKEN}'}]
  bitbucketCloud: [{username: u, appPassword: CANARY12}]
  awsS3: [{accessKeyId: k, secretAccessKey: CANARY13}]
proxy:
  endpoints:
    /pager: {target: 'https://user:CANARY14@pager.example.com/', headers: {Authorization: 'Bearer CANARY15'}}
techdocs: {publisher: {type: awsS3, awsS3: {credentials: {secretAccessKey: CANARY16}}}}
custom: {nested: {webhook: 'https://user:CANARY21@hooks.example.com/',apiToken: CANARY17, url: 'https://x.example.com/?sig=CANARY18', file: {$file: secret.txt}}}
callboard: {operations: {listen: '127.0.0.1:OPERATIONS'}, http: {logAllRequests: true}, apiDocs: {tryIt: {enabled: true, servers: [{url: 'https://api.example.com', credentials: [{id: k, value: 'Bearer CANARY24'}]}]}}}
catalog:
  rules: [{allow: [Component, Location]}]
  locations:
    - {type: file, target: ./catalog/*.yaml}
    - {type: url, target: 'http://127.0.0.1:REMOTE/missing.yaml'}
    - {type: url, target: 'https://github.example.com/o/r/blob/main/missing.yaml'}
    - {type: url, target: 'https://gitlab.example.com/o/r/-/blob/main/missing.yaml'}
    - {type: url, target: 'https://apps.example.com/o/r/blob/main/missing.yaml'}
`
	for n := range canaries {
		text = strings.ReplaceAll(text, fmt.Sprintf("CANARY%02d", n), canary(n))
	}
	return strings.ReplaceAll(text, "DATABASE", database)
}

// leaks finds canaries in what came out, in the encodings in which they could.
type leaks struct {
	needles map[string]string
	seen    map[string]bool // texts that were looked at: many answers are alike
}

func newLeaks() leaks {
	l := leaks{map[string]string{}, map[string]bool{}}
	for n := range canaries {
		secret := canary(n)
		l.needles[secret] = secret
		l.needles[secret[:14]] = secret + ", the first half" // of what was cut short
		l.needles[secret[10:]] = secret + ", the second half"
		l.needles[hex.EncodeToString([]byte(secret))] = secret + " in hex"
		for shift := range 3 { // base64 of a longer text has it in one of three forms
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("-", shift) + secret))
			l.needles[encoded[(shift*8+5)/6:len(encoded)-2]] = secret + " in base64"
		}
	}
	return l
}

// in tells which canary a text holds, and where.
func (l leaks) in(text string) (name, around string) {
	folded := strings.ToLower(text)
	for needle, name := range l.needles {
		if i := strings.Index(folded, strings.ToLower(needle)); i >= 0 && len(folded) == len(text) {
			return name, text[max(0, i-80):min(len(text), i+len(needle)+40)]
		} else if i >= 0 {
			return name, ""
		}
	}
	return "", ""
}

func (l leaks) check(t *testing.T, where, text string) {
	t.Helper()
	if l.seen[text] {
		return
	}
	l.seen[text] = true
	if name, around := l.in(text); name != "" {
		t.Errorf("%s holds %s: …%s…", where, name, around)
	}
}

func TestTheSearchForSecretsFindsThem(t *testing.T) {
	found := newLeaks()
	secret := "password=" + canary(7) + "\n"
	for name, text := range map[string]string{
		"plain": secret, "URL": url.QueryEscape(secret), "JSON": fmt.Sprintf("%q", secret), "upper case": strings.ToUpper(secret),
		"hex": hex.EncodeToString([]byte(secret)), "cut": secret[:24], "tail": secret[18:],
		"base64, 0": base64.StdEncoding.EncodeToString([]byte(secret)), "base64, 1": base64.StdEncoding.EncodeToString([]byte("x" + secret)),
		"base64, 2": base64.URLEncoding.EncodeToString([]byte("xx" + secret)), "basic": base64.StdEncoding.EncodeToString([]byte("user:" + canary(7))),
	} {
		if name2, _ := found.in("before " + text + " after"); name2 == "" {
			t.Errorf("%s: %s is not found", name, text)
		}
	}
	if name, _ := found.in("password=<secret> Cnry"); name != "" {
		t.Errorf("found %s where nothing is", name)
	}
}

func TestNothingThatComesOutOfTheHostHoldsASecret(t *testing.T) {
	remote := echoServer(t)
	for name, database := range map[string]string{
		"SQLite":     "{client: better-sqlite3, connection: ':memory:'}",
		"PostgreSQL": "",
	} {
		t.Run(name, func(t *testing.T) {
			if database == "" {
				if testing.Short() {
					t.Skip("the other database, in the full tier")
				}
				database = postgresWithPassword(t, canary(22))
			}
			operations := freePort(t)
			text := strings.NewReplacer("REMOTE", strings.TrimPrefix(remote.URL, "http://127.0.0.1:"), "OPERATIONS", fmt.Sprint(operations)).Replace(secretConfig(database))
			dir := write(t, map[string]string{"catalog/a.yaml": named("a"), "catalog/broken.yaml": "kind: [", "secret.txt": canary(19),
				"dist/index.html": "<!doctype html><html><head></head><body></body></html>", "dist/static/main.js": "1"})
			cfg, options, port := loadWith(t, dir, text, "OIDC_SECRET="+canary(6), "GITLAB_TOKEN="+canary(11))
			found := newLeaks()

			h := beginConfig(t, cfg, options, port)
			h.awaitReady(t)
			exerciseEverything(t, h, found)
			for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/cmdline", "/debug/vars"} {
				_, body := (&host{running: running{base: baseOf(operations)}}).fetch(t, http.MethodGet, path, "", "")
				found.check(t, "operations"+path, body)
				if path == "/metrics" && !strings.Contains(body, "callboard_http_requests_total") {
					t.Error("the metrics were not read")
				}
			}
			h.end(t)
			if log := h.log.String(); strings.Count(log, "\n") < 100 || !strings.Contains(log, `"msg":"catalog problem"`) {
				t.Errorf("this is not a log of what happened: %s", log)
			} else {
				found.check(t, "the log", log)
			}

			cfg, options, port = loadWith(t, dir, strings.Replace(text, "callboard: {", "callboard: {frontend: {dist: '"+filepath.Join(dir, "dist")+"'}, ", 1),
				"OIDC_SECRET="+canary(6), "GITLAB_TOKEN="+canary(11))
			h = beginConfig(t, cfg, options, port)
			h.awaitReady(t)
			for _, path := range []string{"/", "/index.html", "/static/main.js", "/.config-schema.json", "/anything"} {
				_, body := h.fetch(t, http.MethodGet, path, "", "")
				found.check(t, "the frontend's "+path, body)
			}
			h.end(t)
			found.check(t, "the log with a frontend", h.log.String())
			checkPrinted(t, cfg, found)
		})
	}
}

func loadWith(t testing.TB, dir, text string, env ...string) (*config.Config, config.Options, int) {
	t.Helper()
	port := freePort(t)
	writeFile(t, filepath.Join(dir, "app-config.yaml"), strings.ReplaceAll(text, "PORT", fmt.Sprint(port)))
	options := config.Options{Files: []string{filepath.Join(dir, "app-config.yaml")}, Dir: dir, Env: env}
	cfg, err := config.Load(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, options, port
}

// echoServer refuses everything and answers with what it was sent, credentials too: such answers are not to be trusted.
func echoServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_ = r.Header.Write(w)
	}))
	t.Cleanup(server.Close)
	return server
}

func postgresWithPassword(t *testing.T, password string) string {
	t.Helper()
	section := storetest.PostgreSQLConfig(t)
	section["connection"] = fmt.Sprint(section["connection"], " password=", password)
	text, err := json.Marshal(section)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exerciseEverything asks every route as every kind of caller, and every page.
func exerciseEverything(t *testing.T, h *host, found leaks) {
	t.Helper()
	guest := h.guestToken(t)
	paths := []string{"/", "/console.json", "/console/console.js", "/nothing", "/.backstage/health/v1/readiness"}
	for _, r := range h.server().Routes() {
		paths = append(paths, r.Method+" "+example(r))
	}
	for _, query := range []string{"", "?filter=kind=location", "?limit=x", "?%zz"} {
		paths = append(paths, "/api/catalog/entities"+query)
	}
	for _, path := range append(paths, "/api/catalog/entities/by-name/component/default/a", "/api/catalog/locations", "/api/search/query?term=a") {
		method, target, ok := strings.Cut(path, " ")
		if !ok {
			method, target = http.MethodGet, path
		}
		for _, token := range []string{"", guest, serviceToken, canary(2), canary(3), "x" + canary(2)} {
			for _, body := range []string{"", `{"a":`, `{"type":"url","target":"https://github.example.com/o/r/blob/main/missing.yaml"}`} {
				if method == http.MethodGet && body != "" {
					continue
				}
				req := h.request(t, method, target, token, body)
				req.AddCookie(&http.Cookie{Name: "backstage-auth", Value: canary(2)})
				req.RequestURI, req.RemoteAddr = target, "127.0.0.1:1"
				if req.Body == nil {
					req.Body = http.NoBody
				}
				answer := httptest.NewRecorder()
				h.app.Handler().ServeHTTP(answer, req)
				found.check(t, path, fmt.Sprint(answer.Header(), answer.Body))
			}
		}
	}
	status, page := h.fetch(t, http.MethodGet, "/console.json", "", "")
	if status != http.StatusOK || !strings.Contains(page, "missing.yaml") {
		t.Errorf("the console does not show the unreadable locations, so the check above says little: %d %s", status, page)
	}
}

// checkPrinted looks at what the command line shows of a configuration.
func checkPrinted(t *testing.T, cfg *config.Config, found leaks) {
	t.Helper()
	for _, format := range []config.Format{config.YAML, config.JSON} {
		var masked, open bytes.Buffer
		if err := cfg.Print(&masked, format, true); err != nil {
			t.Fatal(err)
		}
		found.check(t, "config print", masked.String())
		if err := cfg.Print(&open, format, false); err != nil || !strings.Contains(open.String(), canary(2)) {
			t.Errorf("config print --secrets: %v; the canaries are not there", err)
		}
	}
	for _, problem := range cfg.Check(app.ConfigKeys...) {
		found.check(t, "config check", problem.Error())
	}
}

// What is wrong with a configuration is told without the values that are secret.
func TestMistakesInSecretsAreToldWithoutThem(t *testing.T) {
	found := newLeaks()
	for name, c := range map[string]struct{ change, to string }{
		"static token with blanks":  {"token: test-token-1234", "token: 'with blank " + canary(1) + "'"},
		"legacy secret, not base64": {"{type: static, options: {token: test-token-1234, subject: test}}", "{type: legacy, options: {secret: '**" + canary(2) + "**', subject: x}}"},
		"token of a wrong type":     {"token: test-token-1234", "token: [" + canary(3) + "]"},
		"no such server":            {"{client: better-sqlite3, connection: ':memory:'}", "{client: pg, connection: {host: 127.0.0.1, port: 1, user: u, password: " + canary(4) + "}}"},
		"no such server, URL":       {"{client: better-sqlite3, connection: ':memory:'}", "{client: pg, connection: 'postgres://u:" + canary(5) + "@127.0.0.1:1/x'}"},
		"bad connection URL":        {"{client: better-sqlite3, connection: ':memory:'}", "{client: pg, connection: 'postgres://u:" + canary(6) + "@127.0.0.1:port/x'}"},
		"bad connection words":      {"{client: better-sqlite3, connection: ':memory:'}", "{client: pg, connection: 'host=127.0.0.1 port=none password=" + canary(7) + "'}"},
		"password of a wrong type":  {"{client: better-sqlite3, connection: ':memory:'}", "{client: pg, connection: {host: 127.0.0.1, port: 1, password: [" + canary(8) + "]}}"},
		"bad certificate":           {"backend:\n", "backend:\n  https: {certificate: {cert: '" + canary(9) + "', key: '" + canary(10) + "'}}\n"},
		"no such client":            {"client: better-sqlite3", "client: oracle, password: " + canary(11)},
		"log level":                 {"callboard: {", "callboard: {log: {level: 'loud'}, secretKey: " + canary(12) + ", "},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			text := strings.Replace(basicConfig, c.change, c.to, 1)
			if text == basicConfig {
				t.Fatal("the change changes nothing")
			}
			cfg, options, _ := load(t, t.TempDir(), text)
			a, err := app.New(t.Context(), app.Options{Config: cfg, Source: options, Logger: slog.New(slog.NewJSONHandler(io.MultiWriter(&log), nil))})
			if err == nil && name == "bad certificate" {
				err = a.Run(t.Context())
			}
			found.check(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
			found.check(t, "the log", log.String())
			checkProblems(t, cfg, found)
		})
	}
}

func checkProblems(t *testing.T, cfg *config.Config, found leaks) {
	t.Helper()
	found.check(t, "config check", fmt.Sprint(app.CheckConfig(cfg)))
	for _, problem := range cfg.Check(app.ConfigKeys...) {
		found.check(t, "config check", problem.Error())
	}
}
