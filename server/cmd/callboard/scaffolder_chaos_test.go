package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const tasksConfig = `
app: {title: Test, baseUrl: 'http://ADDRESS'}
backend:
  baseUrl: 'http://ADDRESS'
  listen: 'ADDRESS'
  workingDirectory: 'FOLDER/work'
  database: {client: better-sqlite3, connection: 'FOLDER/callboard.sqlite'}
  auth: {externalAccess: [{type: static, options: {token: test-token-1234, subject: test}}]}
callboard:
  operations: {listen: false}
  scaffolder: {templates: {timeout: 1m}, lease: {seconds: 1}, dataDir: 'FOLDER/data', http: {allow: [{host: 'LEDGER', methods: [POST]}]}}
catalog:
  rules: [{allow: [Template]}]
  locations: [{type: file, target: 'FOLDER/template.yaml'}]
`

// orderTemplate has two steps of http:request, which must not be run twice, among steps that may.
const orderTemplate = `
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: order}
spec:
  type: service
  steps:
    - {id: begin, action: 'debug:log', input: {message: 'order of ${{ context.task.id }}'}}
    - {id: first, action: 'http:request', input: {method: POST, url: 'http://LEDGER/${{ context.task.id }}/first'}}
    - {id: between, action: 'debug:log', input: {message: 'answered ${{ steps.first.output.code }}'}}
    - {id: second, action: 'http:request', input: {method: POST, url: 'http://LEDGER/${{ context.task.id }}/second'}}
    - {id: end, action: 'debug:log', input: {message: 'answered ${{ steps.second.output.code }}'}}
`

// ledger is somebody else's service, which writes down each call before it answers.
type ledger struct {
	*httptest.Server

	mu      sync.Mutex
	calls   map[string]int // by "/task/step"
	held    string         // the step whose calls get no answer, "" = none
	arrived chan struct{}  // such a call is there
}

func openLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{calls: map[string]int{}, arrived: make(chan struct{}, 1)}
	l.Server = httptest.NewServer(http.HandlerFunc(l.write))
	t.Cleanup(l.Close)
	return l
}

func (l *ledger) write(_ http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.calls[r.URL.Path]++
	held := l.held != "" && strings.HasSuffix(r.URL.Path, "/"+l.held)
	l.mu.Unlock()
	if !held {
		return
	}
	select {
	case l.arrived <- struct{}{}:
	default:
	}
	<-r.Context().Done() // until the host is dead
}

func (l *ledger) hold(step string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = step
	select {
	case <-l.arrived: // of an earlier life
	default:
	}
}

func (l *ledger) count(task, step string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls["/"+task+"/"+step]
}

// taskEvent is an event of a task as its readers get it.
type taskEvent struct {
	ID   int64
	Type string
	Body struct {
		Message string
		StepID  string
	}
}

// orders are tasks on a host that is killed again and again, each followed by a reader.
type orders struct {
	ledger  *ledger
	folder  string
	binary  string
	config  string
	host    atomic.Pointer[program]
	ids     []string
	readers sync.WaitGroup
	mu      sync.Mutex
	seen    map[string][]taskEvent // by task
}

func newOrders(t *testing.T) *orders {
	t.Helper()
	o := &orders{ledger: openLedger(t), folder: t.TempDir(), seen: map[string][]taskEvent{}}
	if err := os.Mkdir(filepath.Join(o.folder, "work"), 0o700); err != nil {
		t.Fatal(err)
	}
	place := strings.NewReplacer("LEDGER", strings.TrimPrefix(o.ledger.URL, "http://"), "FOLDER", o.folder)
	writeText(t, filepath.Join(o.folder, "template.yaml"), place.Replace(orderTemplate))
	o.config, o.binary = place.Replace(tasksConfig), builtProgram(t)
	return o
}

// live starts a host.
func (o *orders) live(t *testing.T) {
	t.Helper()
	p := serve(t, o.binary, o.config)
	o.host.Store(p)
	p.awaitReady(t)
	eventually(t, "the template is there", func() bool {
		status, _, _ := p.call(http.MethodGet, "/api/catalog/entities/by-name/template/default/order", token, "")
		return status == http.StatusOK
	})
}

// place makes a task and follows it.
func (o *orders) place(t *testing.T) {
	t.Helper()
	status, body, err := o.host.Load().call(http.MethodPost, "/api/scaffolder/v2/tasks", token, `{"templateRef":"template:default/order","values":{}}`)
	var made struct{ ID string }
	if err != nil || status != http.StatusCreated || json.Unmarshal([]byte(body), &made) != nil {
		t.Fatalf("make a task: %d %v %s", status, err, body)
	}
	o.ids = append(o.ids, made.ID)
	o.readers.Go(func() { o.follow(t, made.ID) })
}

// follow reads a task's events as a frontend does that connects again after each accident.
func (o *orders) follow(t *testing.T, id string) {
	last := int64(0)
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		events, err := o.events(id, fmt.Sprintf("?after=%d", last))
		if err != nil { // the host is dead
			time.Sleep(10 * time.Millisecond)
			continue
		}
		o.mu.Lock()
		o.seen[id] = append(o.seen[id], events...)
		o.mu.Unlock()
		if n := len(events); n > 0 {
			if last = events[n-1].ID; events[n-1].Type == "completion" {
				return
			}
		}
	}
	t.Errorf("task %s does not end", id)
}

func (o *orders) events(id, query string) (events []taskEvent, err error) {
	status, body, err := o.host.Load().call(http.MethodGet, "/api/scaffolder/v2/tasks/"+id+"/events"+query, token, "")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%d %s", status, body)
	}
	return events, json.Unmarshal([]byte(body), &events)
}

func (o *orders) status(t *testing.T, id string) string {
	t.Helper()
	_, body, err := o.host.Load().call(http.MethodGet, "/api/scaffolder/v2/tasks/"+id, token, "")
	var task struct{ Status string }
	if err != nil || json.Unmarshal([]byte(body), &task) != nil {
		t.Fatalf("read task %s: %v %s", id, err, body)
	}
	return task.Status
}

// kill ends the host in the middle of its work: while a call of the first or the second step waits for its answer, or at
// any moment.
func (o *orders) kill(t *testing.T, cycle int) {
	t.Helper()
	held := []string{"first", "second", ""}[cycle%3]
	o.ledger.hold(held)
	for range 3 {
		o.place(t)
	}
	if held == "" {
		time.Sleep(rand.N(200 * time.Millisecond)) // the moment is what varies, nothing waits for it
	} else {
		select {
		case <-o.ledger.arrived:
		case <-time.After(time.Minute):
			t.Fatalf("no task comes to the step %s", held)
		}
	}
	o.host.Load().signal(syscall.SIGKILL)
}

func TestChaos_KillingTheHostRunsNoStepTwiceThatMustNotBe(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and kills it many times")
	}
	o, kills := newOrders(t), often(50, 5)
	for cycle := range kills {
		o.live(t)
		o.kill(t, cycle)
	}
	o.ledger.hold("")
	o.live(t)
	o.readers.Wait()
	completed, parked := 0, 0
	var last, where string // a parked task, and its step
	for _, id := range o.ids {
		if step := o.check(t, id); step == "" {
			completed++
		} else {
			parked++
			last, where = id, step
		}
	}
	if parked == 0 || completed == 0 {
		t.Fatalf("%d tasks completed and %d were parked: this tells little", completed, parked)
	}
	eventually(t, "the files of tasks are gone", func() bool {
		left, err := os.ReadDir(filepath.Join(o.folder, "work"))
		return err == nil && len(left) == 0
	})
	o.retry(t, last, where)
	t.Logf("%d kills; %d tasks ended: %d completed, %d parked; %d calls, none twice", kills, len(o.ids), completed, parked, len(o.ledger.calls))
}

// check holds a task that has ended, its events, and the ledger against each other. It answers the step that was parked,
// "" = the task completed.
func (o *orders) check(t *testing.T, id string) (parked string) {
	t.Helper()
	log, err := o.events(id, "")
	if err != nil || len(log) == 0 {
		t.Fatalf("events of task %s: %d, %v", id, len(log), err)
	}
	for i, e := range log {
		if e.ID != int64(i+1) || (e.Type == "completion") != (i == len(log)-1) {
			t.Errorf("task %s: event %d of %d has the number %d and is a %s", id, i+1, len(log), e.ID, e.Type)
		}
		if strings.Contains(e.Body.Message, "was interrupted while it ran") {
			parked = e.Body.StepID
		}
	}
	if seen := o.seen[id]; fmt.Sprint(seen) != fmt.Sprint(log) {
		t.Errorf("task %s: its reader saw\n%v\nand it is\n%v", id, seen, log)
	}
	status := o.status(t, id)
	if (status == "completed") != (parked == "") || (status != "completed" && status != "failed") {
		t.Errorf("task %s is %s, parked is the step %q: %v", id, status, parked, log)
	}
	for _, step := range []string{"first", "second"} {
		n := o.ledger.count(id, step)
		if n > 1 || (n == 0 && status == "completed") {
			t.Errorf("task %s, %s, called %d times in its step %s: %v", id, status, n, step, log)
		}
	}
	return parked
}

// retry runs a parked task again, which a person may decide: then its step does run.
func (o *orders) retry(t *testing.T, id, step string) {
	t.Helper()
	before := o.ledger.count(id, step)
	if status, body, err := o.host.Load().call(http.MethodPost, "/api/scaffolder/v2/tasks/"+id+"/retry", token, `{}`); status != http.StatusCreated {
		t.Errorf("retry task %s: %d %v %s", id, status, err, body)
		return
	}
	eventually(t, "the task that was retried is completed", func() bool { return o.status(t, id) == "completed" })
	if after := o.ledger.count(id, step); after != before+1 {
		t.Errorf("the retry of task %s called %d times in its step %s", id, after-before, step)
	}
}
