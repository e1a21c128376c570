package app_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/config"
)

// Secrets that are entered for tasks begin, and their lines, with the same marks, which every encoding writes differently.
// So few texts find each of them, however much of its end is missing.
const (
	entrusted     = 40
	entrustedMark = `Qz7"tK/w<L&m+V`
)

// operatorsSecret is for templates, and of no user.
const operatorsSecret = `R4vEn"of/the<Keep&`

// secretText is the n-th secret. Every tenth has several lines, as private keys do.
func secretText(n int) string {
	text := fmt.Sprintf("%s%02d%08x", entrustedMark, n, 0x9E3779B1*uint32(n+1))
	if n%10 == 9 {
		text += "\n" + text + "\n"
	}
	return text
}

func secretTexts() map[string]string {
	all := map[string]string{}
	for n := range entrusted {
		all[fmt.Sprintf("s%02d", n)] = secretText(n)
	}
	return all
}

// disguises are the ways to write a secret that the host must know.
var disguises = map[string]func(string) string{
	"as it is":            func(s string) string { return s },
	"upper case":          strings.ToUpper,
	"lower case":          strings.ToLower,
	"base64":              func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, one before":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("-" + s)) },
	"base64, two before":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("--" + s)) },
	"base64 for URLs":     func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"Basic credentials":   func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+s)) },
	"hex":                 func(s string) string { return hex.EncodeToString([]byte(s)) },
	"query":               url.QueryEscape,
	"path":                url.PathEscape,
	"JSON":                jsonText,
	"HTML":                html.EscapeString,
	"backwards":           backwards,
	"over lines":          overLines,
	"base64 over lines":   func(s string) string { return overLines(base64.StdEncoding.EncodeToString([]byte(s))) },
	"JSON within JSON":    func(s string) string { return jsonText(jsonText(s)) },
	"Bearer, in a header": func(s string) string { return "Authorization: Bearer " + s },
}

func jsonText(s string) string {
	text, _ := json.Marshal(s) // a string always marshals
	return strings.Trim(string(text), `"`)
}

func backwards(s string) string {
	all := []rune(s)
	slices.Reverse(all)
	return string(all)
}

// overLines breaks a text as programs do that print narrow columns.
func overLines(s string) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%6 == 0 {
			b.WriteString("\n  ")
		}
		b.WriteRune(r)
	}
	return b.String()
}

// traces finds secrets of tasks in what comes out of a host.
type traces struct {
	needles         map[string]string // the disguise, by what is looked for
	outlets, places int
	bytes           int
}

// newTraces also looks for further texts, as they are.
func newTraces(more ...string) *traces {
	tr := &traces{needles: map[string]string{}}
	for name, disguise := range disguises {
		// What follows the mark in a secret changes the last characters of its base64.
		text := level(disguise(entrustedMark))
		if strings.HasPrefix(name, "base64") || strings.HasPrefix(name, "Basic") {
			text = strings.TrimRight(text, "=")
			text = strings.TrimPrefix(text[:len(text)-2], "basic")
		}
		if name == "base64, one before" || name == "base64, two before" || name == "Basic credentials" {
			text = text[8:] // of what is before the mark
		}
		if name == "Bearer, in a header" {
			continue // it is the secret itself
		}
		tr.needles[text] = name
	}
	for _, text := range more {
		tr.needles[level(text)] = "another text"
	}
	return tr
}

// level takes away what differs between two writings of the same text: case, blanks, and the alphabet of base64.
func level(text string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\n', '\r':
			return -1
		case '-':
			return '+'
		case '_':
			return '/'
		}
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, text)
}

// unescaped undoes one layer of JSON.
var unescaped = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\/`, "/", `\\`, `\`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u001b`, "")

// in tells in which disguises a text holds a secret, and where the last of them is.
func (tr *traces) in(text string) (names, around string) {
	var found []string
	for layer := range 3 { // as it is, and within JSON, and within JSON within JSON
		flat := level(text)
		for needle, name := range tr.needles {
			if i := strings.Index(flat, needle); i >= 0 {
				found = append(found, fmt.Sprintf("%s, %d layers of JSON", name, layer))
				around = flat[max(0, i-80):min(len(flat), i+len(needle)+60)]
			}
		}
		text = unescaped.Replace(text)
	}
	slices.Sort(found)
	return strings.Join(found, "; "), around
}

func (tr *traces) check(t *testing.T, outlet, text string) {
	t.Helper()
	tr.outlets++
	tr.bytes += len(text)
	if name, around := tr.in(text); name != "" {
		tr.places++
		t.Errorf("%s holds a secret (%s): …%s…", outlet, name, around)
	}
}

func TestTracesOfSecretsAreFoundInEveryDisguise(t *testing.T) {
	tr := newTraces()
	for n := range entrusted {
		for name, disguise := range disguises {
			for layer, text := range []string{disguise(secretText(n)), jsonText("x " + disguise(secretText(n)))} {
				if found, _ := tr.in("before " + text + " after"); found == "" {
					t.Errorf("secret %d, %s, layer %d: not found in %s", n, name, layer, text)
				}
			}
		}
	}
	if found, around := tr.in(`{"message":"*** and *** of Qz7 tK"}`); found != "" {
		t.Errorf("found %s where nothing is: %s", found, around)
	}
}

// gossip is a service that gives back what it was sent, in every disguise.
type gossip struct {
	*httptest.Server
	mu    sync.Mutex
	heard map[string]string
	// during is called while a step waits for the answer.
	during func()
}

func openGossip(t *testing.T) *gossip {
	t.Helper()
	g := &gossip{during: func() {}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard := map[string]string{}
		_ = json.Unmarshal(body, &heard)
		g.mu.Lock()
		g.heard = heard
		g.mu.Unlock()
		g.during()
		answer := map[string][]string{}
		for name, secret := range heard {
			for how, disguise := range disguises {
				answer[name] = append(answer[name], how+": "+disguise(secret))
			}
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Told", base64.StdEncoding.EncodeToString(body[:min(len(body), 500)]))
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(g.Close)
	return g
}

// indiscreet tells its secrets in all ways that the host's own actions have: %s is how it ends.
const indiscreet = `
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: %s}
spec:
  type: service
  steps:
    - {id: ask, action: 'http:request', input: {method: POST, url: 'GOSSIP/', params: {all: '${{ secrets.s00 }}'}, headers: {Authorization: 'Bearer ${{ secrets.s01 }}'}, body: '${{ secrets }}'}}
    - {id: answer, name: 'Told ${{ secrets.s02 }}', action: 'debug:log', input: {message: '${{ steps.ask.output.body }} ${{ steps.ask.output.headers | dump }}'}}
    - {id: each, action: 'debug:log', each: EACH, input: {message: '${{ each.value }} ${{ each.value | upper }} ${{ each.value | urlencode }} ${{ each.value | escape }} ${{ each.value | dump | dump }} ${{ each.value | reverse }} x${{ each.value }}y'}}
    - {id: all, action: 'debug:log', input: {message: '${{ secrets | dump }} ${{ environment.secrets | dump }}'}}
    - {id: file, action: 'catalog:write', input: {filePath: info.yaml, entity: {apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: told, annotations: {a: '${{ secrets.s03 }}', b: '${{ secrets.s09 }}'}}, spec: {type: '${{ secrets | dump }}', lifecycle: '${{ environment.secrets.keep }}', owner: y}}}}
    - {id: show, action: 'debug:log', input: {listWorkspace: with-contents}}
    - {id: key, action: 'notification:send', input: {recipients: entity, entityRefs: [], title: '${{ secrets.s04 }}', info: '${{ secrets | dump }}', optional: true}}
%s
  output:
    answer: '${{ steps.ask.output.body }}'
    headers: '${{ steps.ask.output.headers | dump }}'
    secrets: '${{ secrets | dump }}'
    links: [{title: t, url: 'https://x.example/${{ steps.ask.output.body }}'}]
`

// endings of that template: one is well, the other fails with secrets in each error.
var endings = map[string]string{"discloses": "", "fails": `
    - {id: again, action: 'debug:log', each: ['${{ steps.ask.output.body }}'], input: {message: '${{ each.value }}'}}
    - {id: names, action: 'debug:log', each: '${{ secrets }}', input: {message: '${{ each.value }}'}}
    - {id: path, action: 'fs:delete', input: {files: ['../../${{ secrets.s06 }}']}}
    - {id: address, if: '${{ always() }}', action: 'http:request', input: {method: GET, url: 'http://127.0.0.1:1/${{ secrets.s07 }}?${{ secrets.s08 }}'}}
    - {id: template, if: '${{ always() }}', action: 'fetch:plain', input: {url: 'https://${{ secrets.s00 | urlencode }}.example/${{ secrets.s01 }}'}}
    - {id: input, if: '${{ always() }}', action: 'fs:rename', input: {files: '${{ secrets | dump }}'}}
    - {id: loop, if: '${{ always() }}', action: 'debug:log', each: '${{ secrets.s03 }}', input: {message: x}}
`}

// telltale is a host on which those templates run.
type telltale struct {
	*host
	t              *testing.T
	gossip         *gossip
	traces         *traces
	dir            string
	owner, other   string // tokens
	operations     int
	secrets        string // as JSON
	events         map[string]string
	duringDatabase int
}

func openTelltale(t *testing.T) *telltale {
	t.Helper()
	tt := &telltale{t: t, gossip: openGossip(t), operations: freePort(t), events: map[string]string{}}
	var items []string
	for n := 0; n < entrusted; n += 9 { // among them one of several lines
		items = append(items, fmt.Sprintf("'${{ secrets.s%02d }}'", n))
	}
	place := strings.NewReplacer("GOSSIP", tt.gossip.URL, "EACH", "["+strings.Join(items, ", ")+"]")
	files := map[string]string{"work/.keep": ""}
	for name, ending := range endings {
		files["catalog/"+name+".yaml"] = place.Replace(fmt.Sprintf(indiscreet, name, ending))
	}
	tt.dir = write(t, files)
	if err := os.Remove(filepath.Join(tt.dir, "work", ".keep")); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"connection: ':memory:'", "connection: '"+filepath.Join(tt.dir, "db.sqlite")+"'",
		"auth: {providers", "scaffolder: {defaultEnvironment: {secrets: {keep: '"+operatorsSecret+"'}}}\nauth: {providers",
		"backend:\n", "backend:\n  workingDirectory: '"+filepath.Join(tt.dir, "work")+"'\n",
		"callboard: {operations: {listen: false}}", fmt.Sprintf("callboard: {operations: {listen: '127.0.0.1:%d'}, http: {logAllRequests: true}, scaffolder: {dataDir: '%s', http: {allow: [{host: '%s'}]}}}",
			tt.operations, tt.dir, strings.TrimPrefix(tt.gossip.URL, "http://")),
		"allow: [Component,", "allow: [Template, Component,").Replace(basicConfig)
	cfg, options, port := load(t, tt.dir, text)
	tt.host = beginConfig(t, cfg, options, port)
	tt.awaitReady(t)
	for name := range endings {
		tt.awaitEntity(t, "template/default/"+name)
	}
	tt.owner, tt.other = mint(t, cfg, "user:default/ann"), tt.guestToken(t)
	tt.traces = newTraces(tt.owner[strings.LastIndexByte(tt.owner, '.')+1:], operatorsSecret)
	text2, err := json.Marshal(secretTexts())
	if err != nil {
		t.Fatal(err)
	}
	tt.secrets = string(text2)
	tt.gossip.during = func() { tt.duringDatabase += tt.database() }
	return tt
}

func mint(t *testing.T, cfg *config.Config, user string) string {
	t.Helper()
	token, err := app.Mint(t.Context(), cfg, slog.New(slog.DiscardHandler), auth.MintRequest{User: user})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// database looks at the bytes of the database's files, and tells how many there are.
func (tt *telltale) database() (size int) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(filepath.Join(tt.dir, "db.sqlite"+suffix))
		if err != nil {
			tt.t.Error(err)
		}
		tt.traces.check(tt.t, "the database's file"+suffix, string(data))
		size += len(data)
	}
	return size
}

// begin starts a template with the secrets and waits for the end of its task.
func (tt *telltale) begin(template, want string) (id string) {
	tt.t.Helper()
	code, body := tt.fetch(tt.t, http.MethodPost, "/api/scaffolder/v2/tasks", tt.owner, `{"templateRef":"`+template+`","values":{},"secrets":`+tt.secrets+`}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || code != http.StatusCreated {
		tt.t.Fatalf("start %s: %d %s", template, code, body)
	}
	tt.ends(made.ID, want)
	return made.ID
}

func (tt *telltale) ends(id, want string) {
	tt.t.Helper()
	status, events := tt.awaitTask(tt.t, id)
	if masks := strings.Count(events, "***"); status != want || masks < entrusted*10 || !strings.Contains(events, "Finished step debug:log") {
		tt.t.Errorf("the task is %s, want %s, and has %d masks: %s", status, want, masks, events[max(0, len(events)-2000):])
	}
	tt.gossip.mu.Lock()
	defer tt.gossip.mu.Unlock()
	if heard := len(tt.gossip.heard); heard < entrusted || tt.gossip.heard["s09"] != secretText(9) {
		tt.t.Errorf("only %d secrets came to the step", heard)
	}
}

// retries runs a failed task again, with its secrets.
func (tt *telltale) retries(id string) {
	tt.t.Helper()
	status, body := tt.fetch(tt.t, http.MethodPost, "/api/scaffolder/v2/tasks/"+id+"/retry", tt.owner, `{"secrets":`+tt.secrets+`}`)
	if status != http.StatusCreated {
		tt.t.Errorf("retry: %d %s", status, body)
	}
	tt.ends(id, "failed")
	tt.asks(id)
}

// asks looks at what everybody who may ask is told about a task.
func (tt *telltale) asks(id string) {
	for who, token := range map[string]string{"its owner": tt.owner, "another user": tt.other, "a service": serviceToken} {
		for _, path := range []string{"/" + id, "", "/" + id + "/events", "/" + id + "/events?after=3", "/" + id + "/eventstream", "/" + id + "/eventstream?after=1"} {
			status, body := tt.fetch(tt.t, http.MethodGet, "/api/scaffolder/v2/tasks"+path, token, "")
			if status != http.StatusOK || !strings.Contains(body, id) {
				tt.t.Errorf("%s as %s: %d %s", path, who, status, body)
			}
			tt.traces.check(tt.t, path+" as "+who, body)
		}
		_, body := tt.fetch(tt.t, http.MethodPost, "/api/scaffolder/v2/tasks/"+id+"/retry", token, `{"secrets":{"s00":["`+secretText(0)[:3]+`"]}}`)
		tt.traces.check(tt.t, "a retry that is refused, as "+who, body)
	}
}

// tries runs a template dry.
func (tt *telltale) tries(name string, token string) {
	tt.t.Helper()
	_, document := tt.fetch(tt.t, http.MethodGet, "/api/catalog/entities/by-name/template/default/"+name, serviceToken, "")
	status, body := tt.fetch(tt.t, http.MethodPost, "/api/scaffolder/v2/dry-run", token, `{"template":`+document+`,"values":{},"secrets":`+tt.secrets+`,"directoryContents":[]}`)
	if status == http.StatusOK != (name == "discloses") {
		tt.t.Errorf("dry run of %s: %d %s", name, status, body)
	}
	var report struct {
		DirectoryContents []struct{ Base64Content []byte }
	}
	_ = json.Unmarshal([]byte(body), &report) // it may be an error
	for _, f := range report.DirectoryContents {
		// The caller's own secrets are there, which the template writes.
		if strings.Contains(string(f.Base64Content), operatorsSecret[:5]) || !strings.Contains(string(f.Base64Content), entrustedMark[:3]) {
			tt.t.Errorf("the files of a dry run: %s", f.Base64Content)
		}
		body = strings.ReplaceAll(body, base64.StdEncoding.EncodeToString(f.Base64Content), "")
	}
	if name == "discloses" && len(report.DirectoryContents) != 1 {
		tt.t.Errorf("the dry run wrote %d files", len(report.DirectoryContents))
	}
	tt.traces.check(tt.t, "a dry run of "+name, body)
}

// checkHost looks at what operators see.
func (tt *telltale) checkHost() {
	tt.t.Helper()
	for _, path := range []string{"/console.json", "/", "/api/notifications/notifications"} {
		_, body := tt.fetch(tt.t, http.MethodGet, path, tt.other, "")
		tt.traces.check(tt.t, path, body)
	}
	operations := &host{running: running{base: baseOf(tt.operations)}}
	for _, path := range []string{"/metrics", "/readyz", "/debug/vars"} {
		_, body := operations.fetch(tt.t, http.MethodGet, path, "", "")
		tt.traces.check(tt.t, "operations"+path, body)
	}
	log := tt.log.String()
	if !strings.Contains(log, "scaffolder task created") || !strings.Contains(log, "a further step of a task failed") {
		tt.t.Error("this is not a log of what happened")
	}
	tt.traces.check(tt.t, "the log", log)
}

// Forty secrets go through every step that could tell them. Nobody is told.
func TestSecretsOfTasksLeaveTheHostByNoOutlet(t *testing.T) {
	if raced {
		t.Skip("the race detector makes the template language so slow that it stops at its own limit of time")
	}
	tt := openTelltale(t)
	discloses, fails := tt.begin("discloses", "completed"), tt.begin("fails", "failed")
	tt.asks(discloses)
	tt.asks(fails)
	tt.tries("discloses", tt.other)
	tt.retries(fails)
	tt.tries("fails", tt.owner)
	tt.checkHost()
	if size := tt.database(); size < 100<<10 || tt.duringDatabase < 100<<10 {
		t.Errorf("the database has %d bytes, and had %d: what was looked at?", size, tt.duringDatabase)
	}
	tt.end(t)
	left, err := os.ReadDir(filepath.Join(tt.dir, "work"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the folder of tasks: %v %v", left, err)
	}
	tt.traces.check(t, "the log to its end", tt.log.String())
	t.Logf("%d secrets in %d disguises, %d outlets, %d KB looked at: %d found", entrusted, len(disguises), tt.traces.outlets, tt.traces.bytes>>10, tt.traces.places)
}
