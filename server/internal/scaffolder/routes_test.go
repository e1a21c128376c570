package scaffolder

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// golden compares JSON with a file, without what differs from run to run.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = times.ReplaceAllString(uuids.ReplaceAllString(got, "<id>"), "<time>")
	var value any
	if err := json.Unmarshal([]byte(got), &value); err == nil {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(value); err != nil {
			t.Fatal(err)
		}
		got = b.String()
	}
	goldentest.Compare(t, name, got)
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
)

// greeting is a template with a page and a step.
var greeting = templateOf("greeting", `"parameters":{"title":"Who","required":["name"],"properties":{"zone":{"type":"string"},"name":{"type":"string","pattern":"^[a-z]+$"}}},`+
	`"secrets":{"schema":{"type":"object","properties":{"key":{"type":"string","minLength":3}}}},`+
	`"steps":[{"action":"say","input":{"text":"Hello ${{ parameters.name }}"}}],`+
	`"output":{"links":[{"title":"Said","url":"https://example.com/${{ parameters.name }}"},{"if":"${{ false }}","title":"no","url":"x"}],"text":[{"content":"${{ steps['step-1'].output.text }}"}]}`)

const annsEntity = `{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"ann","namespace":"default"},"spec":{"memberOf":[]}}`

func greetings() setup {
	return setup{catalog: entities{"template:default/greeting": greeting, "user:default/ann": annsEntity}}
}

func TestTask_RunsAndTellsWhatItDid(t *testing.T) {
	r := newRig(t, sqlite(t), greetings())
	id := r.start(ann, "greeting", `{"name":"world"}`, `{"key":"hush"}`)
	stream := r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+id+"/eventstream", "")
	r.until(id, "completed")
	golden(t, "eventstream.txt", stream)
	golden(t, "task.json", r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+id, ""))
	golden(t, "events.json", r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+id+"/events", ""))
	golden(t, "events_after_4.json", r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+id+"/events?after=4", ""))
	golden(t, "tasks.json", r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks?limit=1&createdBy=user:default/ann", ""))
}

func TestForm_ShowsThePagesOfATemplateInTheirOrder(t *testing.T) {
	s := greetings()
	s.catalog["template:default/pages"] = `{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Template",` +
		`"metadata":{"name":"pages","title":"Pages <&>","description":"d","ui:options":{"x":1}},"spec":{"type":"t","steps":[],` +
		`"presentation":{"buttonLabels":{"createButtonText":"Go"}},"EXPERIMENTAL_formDecorators":[{"id":"old"}],` +
		`"parameters":[{"properties":{"z":{"type":"string"},"a":{"type":"string"}}},{"title":"Second","description":"more"}]}}`
	r := newRig(t, sqlite(t), s)
	got := r.must(http.StatusOK, ann, http.MethodGet, "/v2/templates/default/template/pages/parameter-schema", "")
	const want = `{"title":"Pages <&>","presentation":{"buttonLabels":{"createButtonText":"Go"}},"description":"d","ui:options":{"x":1},"steps":[` +
		`{"title":"Please enter the following information","schema":{"properties":{"z":{"type":"string"},"a":{"type":"string"}}}},` +
		`{"title":"Second","description":"more","schema":{"title":"Second","description":"more"}}],"formDecorators":[{"id":"old"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for path, status := range map[string]int{"default/template/nope": 404, "default/component/pages": 400, "DEFAULT/Template/Greeting": 200} {
		if got, body := r.ask(ann, http.MethodGet, "/v2/templates/"+path+"/parameter-schema", ""); got != status {
			t.Errorf("%s: %d %s, want %d", path, got, body, status)
		}
	}
}

func TestCreate_ValuesThatDoNotFitAreToldAsFormsReadThem(t *testing.T) {
	r := newRig(t, sqlite(t), greetings())
	golden(t, "violations.json", r.must(http.StatusBadRequest, ann, http.MethodPost, "/v2/tasks", `{"templateRef":"template:greeting","values":{"name":"LOUD"}}`))
	secrets := r.must(http.StatusBadRequest, ann, http.MethodPost, "/v2/tasks", `{"templateRef":"template:greeting","values":{"name":"a"},"secrets":{"key":"zq"}}`)
	golden(t, "violations_of_secrets.json", secrets)
	if strings.Contains(secrets, "zq") {
		t.Errorf("the answer tells the secret: %s", secrets)
	}
	if _, list := r.ask(ci, http.MethodGet, "/v2/tasks", ""); list != `{"tasks":[],"totalTasks":0}` {
		t.Errorf("a task was made: %s", list)
	}
}

func TestCancel_EndsAStepAtOnceAndRetryRunsItAgain(t *testing.T) {
	s := greetings()
	s.catalog["template:default/waiting"] = templateOf("waiting", `"steps":[{"id":"w","name":"Wait","action":"wait"}]`)
	r := newRig(t, sqlite(t), s)
	id := r.start(ann, "waiting", `{}`, `{}`)
	r.waitFor(id, "waiting")
	if status, body := r.ask(ann, http.MethodPost, "/v2/tasks/"+id+"/retry", `{}`); status != http.StatusConflict {
		t.Errorf("a task that runs was retried: %d %s", status, body)
	}
	if got := r.must(http.StatusOK, ann, http.MethodPost, "/v2/tasks/"+id+"/cancel", ""); got != `{"status":"cancelled"}` {
		t.Errorf("got %s", got)
	}
	r.until(id, "failed")
	close(r.release)
	r.must(http.StatusCreated, ann, http.MethodPost, "/v2/tasks/"+id+"/retry", `{"secrets":{"later":"secret"}}`)
	r.until(id, "completed")
	events := r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+id+"/events", "")
	if !strings.Contains(events, `"type":"recovered"`) || strings.Count(events, `"type":"completion"`) != 1 {
		t.Errorf("got %s", events)
	}
}

// waitFor polls the events of a task for a text.
func (r *rig) waitFor(id, text string) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(r.must(http.StatusOK, ci, http.MethodGet, "/v2/tasks/"+id+"/events", ""), text) {
			return
		}
	}
	r.t.Fatalf("the task %s never said %q", id, text)
}

func TestEvents_ThePollEndsWithNothingWhenNothingComes(t *testing.T) {
	s := greetings()
	s.yaml = "scaffolder: {concurrentTasksLimit: 0}"
	r := newRig(t, sqlite(t), s)
	r.service.pollFor = 50 * time.Millisecond
	id := r.start(ann, "greeting", `{"name":"a"}`, `{}`)
	if got := r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+id+"/events", ""); got != "[]" {
		t.Errorf("got %s", got)
	}
}

func TestEvents_APollEndsWithTheHost(t *testing.T) {
	s := greetings()
	s.yaml = "scaffolder: {concurrentTasksLimit: 0}"
	r := newRig(t, sqlite(t), s)
	r.service.pollFor = time.Hour
	id := r.start(ann, "greeting", `{"name":"a"}`, `{}`)
	answer := make(chan string, 1)
	go func() {
		_, body := r.ask(ann, http.MethodGet, "/v2/tasks/"+id+"/events", "")
		answer <- body
	}()
	for r.policy.times(PermissionTaskRead) == 0 { // then the request is with the feature
		time.Sleep(time.Millisecond)
	}
	r.edge.ShuttingDown()
	if got := <-answer; got != "[]" {
		t.Errorf("got %s", got)
	}
}

const manyStreams = 200

// Pages of a running task stay open together: each costs a goroutine or two, and all see everything.
func TestEventStream_TwoHundredReadersSeeEverythingLive(t *testing.T) {
	s := greetings()
	s.catalog["template:default/waiting"] = templateOf("waiting", `"steps":[{"id":"w","name":"Wait","action":"wait"},{"id":"s","action":"say","input":{"text":"after"}}]`)
	r := newRig(t, sqlite(t), s)
	base := r.listen()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	id := r.start(ann, "waiting", `{}`, `{}`)
	var begun, all sync.WaitGroup
	begun.Add(manyStreams)
	seen := make([]string, manyStreams)
	for i := range manyStreams {
		all.Go(func() { seen[i] = follow(t, client, base+"/v2/tasks/"+id+"/eventstream", begun.Done) })
	}
	begun.Wait()
	close(r.release)
	all.Wait()
	for i, text := range seen {
		if text != seen[0] || !strings.Contains(text, "after") || strings.Count(text, "event: completion") != 1 {
			t.Fatalf("reader %d saw:\n%s\nthe first saw:\n%s", i, text, seen[0])
		}
	}
}

// follow reads a stream to its end. begun is called when the waiting step has been seen.
func follow(t *testing.T, client *http.Client, url string, begun func()) string {
	var once sync.Once
	defer once.Do(begun)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	req.Header.Set("Authorization", ann)
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	var text strings.Builder
	for lines := bufio.NewReader(res.Body); ; {
		line, err := lines.ReadString('\n')
		text.WriteString(line)
		if strings.Contains(line, "waiting") {
			once.Do(begun)
		}
		if err == io.EOF {
			return text.String()
		}
		if err != nil {
			t.Error(err)
			return ""
		}
	}
}

func TestDryRun_TellsWhatATemplateWouldDo(t *testing.T) {
	r := newRig(t, sqlite(t), greetings())
	body := `{"template":` + greeting + `,"values":{"name":"world"},"secrets":{"key":"hush"},"directoryContents":[{"path":"a/b.txt","base64Content":"Yg"}]}`
	golden(t, "dryrun.json", r.must(http.StatusOK, ann, http.MethodPost, "/v2/dry-run", body))
	for name, c := range map[string]struct{ body, says string }{
		"no template":      {`{"template":{"kind":"Component"},"values":{},"directoryContents":[]}`, "Input template is not a template"},
		"values":           {`{"template":` + greeting + `,"values":{},"directoryContents":[]}`, `{"errors":[`},
		"a file's content": {`{"template":` + greeting + `,"values":{},"directoryContents":[{"path":"x"}]}`, `Malformed request: [\n  {\n    \"code\": \"invalid_type\"`},
	} {
		if status, got := r.ask(ann, http.MethodPost, "/v2/dry-run", c.body); status != http.StatusBadRequest || !strings.Contains(got, c.says) {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
}

func TestActions_AreListedByIDInTheFormOfTheReference(t *testing.T) {
	s := greetings()
	s.actions = []action.Action{act{about: action.Description{ID: "sentry:release:create", Examples: []action.Example{{Description: "the least", Example: "steps: []"}}}}}
	r := newRig(t, sqlite(t), s)
	const want = `[{"id":"say","description":"Says it","schema":{"input":{"type":"object","properties":{"text":{}}}}},` +
		`{"id":"sentry:release:create","examples":[{"description":"the least","example":"steps: []"}]},{"id":"wait"}]`
	if got := r.must(http.StatusOK, ann, http.MethodGet, "/v2/actions", ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAutocomplete_AsksTheProviderThatThePathNames(t *testing.T) {
	s := greetings()
	s.deps = func(d *Deps) {
		d.Autocompleters = map[string]Autocompleter{"forge": func(_ context.Context, resource, token string, from map[string]string) ([]Completion, error) {
			if resource != "repos" {
				return nil, apierror.Inputf("Invalid resource: %s", resource)
			}
			return []Completion{{ID: token + "@" + from["host"]}}, nil
		}}
	}
	r := newRig(t, sqlite(t), s)
	for path, want := range map[string]string{
		"forge/repos": `{"results":[{"id":"t@h"}]}`, "forge/x": "Invalid resource: x", "other/repos": "Unsupported provider: other",
	} {
		if _, got := r.ask(ann, http.MethodPost, "/v2/autocomplete/"+path, `{"token":"t","context":{"host":"h"}}`); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestTemplatingExtensions_AreTheLanguagesOwn(t *testing.T) {
	r := newRig(t, sqlite(t), greetings())
	got := r.must(http.StatusOK, ann, http.MethodGet, "/v2/templating-extensions", "")
	for _, part := range []string{`"parseRepoUrl"`, `"globals":{"functions":{},"values":{}}`} {
		if !strings.Contains(got, part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
}

func TestLenientBase64_DecodesAsTheReferenceDoes(t *testing.T) {
	for text, want := range map[string]string{"Yg==": "b", "Yg": "b", "Y g\n=": "b", "_-8=": "\xff\xef", "YWJjZ": "abc", "": "", "!": "", "YQ==YQ==": "a"} {
		if got := string(jsvalue.DecodeBase64(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
