package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

func scaffolderParts() []part {
	return []part{
		{"scaffolder/render", render}, {"scaffolder/tasks", tasksPerSecond}, {"scaffolder/events", eventLatency}, {"scaffolder/streams", manyStreams},
	}
}

// scaffolds measures the scaffolder.
func scaffolds(ctx context.Context, o options, w io.Writer) error {
	wanted := slices.DeleteFunc(scaffolderParts(), func(p part) bool { return !o.wants(p.name) })
	if len(wanted) == 0 {
		return nil
	}
	shop, err := openWorkshop()
	if err != nil {
		return err
	}
	defer shop.close()
	return measureAll(ctx, o, shop, wanted, w)
}

// templates of the measured hosts. LEDGER is the address of a [ledger].
const templates = `
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: one}
spec: {type: service, steps: [{id: s, action: 'debug:log', input: {message: 'Hello ${{ parameters.name }}'}}]}
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: lines}
spec: {type: service, steps: [{id: s, action: 'answers:lines', input: {count: '${{ parameters.count }}', milliseconds: '${{ parameters.milliseconds }}'}}]}
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: held}
spec: {type: service, steps: [{id: s, action: 'http:request', input: {method: POST, url: 'LEDGER/', timeout: 60000}}]}
`

// scaffolding is a host with those templates.
type scaffolding struct {
	*pluginHost
	ledger *ledger
}

// scaffolding starts a host that runs that many tasks at once.
func (s *workshop) scaffolding(ctx context.Context, o options, name string, concurrency int, database map[string]any, plugins map[string]string) (*scaffolding, error) {
	l := openLedger()
	if err := s.write("t", "templates.yaml", strings.ReplaceAll(templates, "LEDGER", l.URL)); err != nil {
		return nil, err
	}
	h, err := s.host(ctx, o, site{
		name: name, file: s.path("t", "templates.yaml"), database: database,
		scaffolder: map[string]any{"concurrentTasksLimit": concurrency},
		callboard: map[string]any{"scaffolder": map[string]any{
			"dataDir": s.path("t"), "http": map[string]any{"allow": []any{map[string]any{"host": strings.TrimPrefix(l.URL, "http://")}}},
		}},
	}, "auto", plugins)
	if err != nil {
		l.Close()
		return nil, err
	}
	x := &scaffolding{h, l}
	if err := x.awaitTemplates(ctx); err != nil {
		x.end()
		return nil, err
	}
	return x, nil
}

func (s *scaffolding) awaitTemplates(ctx context.Context) error {
	var page struct{ TotalItems int }
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if err := s.get(ctx, "/api/catalog/entities/by-query?limit=0&filter=kind=template", &page); err != nil {
			return err
		}
		if page.TotalItems == strings.Count(templates, "kind: Template") {
			return nil
		}
	}
	return fmt.Errorf("%d templates became visible", page.TotalItems)
}

func (s *scaffolding) end() {
	s.ledger.release()
	s.stop()
	s.ledger.Close()
}

// ledger is a service that answers when it is told to.
type ledger struct {
	*httptest.Server

	arrived chan struct{}
	mu      sync.Mutex
	open    chan struct{} // closed = calls are answered
}

func openLedger() *ledger {
	l := &ledger{arrived: make(chan struct{}, 2*streams), open: make(chan struct{})}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		l.arrived <- struct{}{}
		select {
		case <-open:
		case <-r.Context().Done():
		}
	}))
	return l
}

// release answers all who wait. Those who come later wait again.
func (l *ledger) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.open)
	l.open = make(chan struct{})
}

// await waits for that many calls.
func (l *ledger) await(ctx context.Context, n int) error {
	for i := range n {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.arrived:
		case <-time.After(time.Minute):
			return fmt.Errorf("only %d of %d tasks came to their step", i, n)
		}
	}
	return nil
}

// unbounded keeps connections for as many callers as there are.
var unbounded = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}}

func (s *scaffolding) ask(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+"/api/scaffolder/v2/tasks"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	return unbounded.Do(req)
}

// make creates a task.
func (s *scaffolding) make(ctx context.Context, template string, values map[string]any) (id string, err error) {
	body, err := json.Marshal(map[string]any{"templateRef": "template:default/" + template, "values": values})
	if err != nil {
		return "", err
	}
	res, err := s.ask(ctx, http.MethodPost, "", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	var made struct{ ID string }
	if res.StatusCode != http.StatusCreated || json.Unmarshal(text, &made) != nil {
		return "", fmt.Errorf("make a task of %s: %s: %s", template, res.Status, tail(string(text), 400))
	}
	return made.ID, nil
}

// taskEvent is one event as a reader of a stream gets it.
type taskEvent struct {
	ID   int64
	Type string
	Body struct{ Message string }
	at   time.Time
}

// read reads a task's stream to its completion; begun is called when the answer has begun. It fails when an event is missing.
func (s *scaffolding) read(ctx context.Context, id string, begun func(), each func(taskEvent)) error {
	res, err := s.ask(ctx, http.MethodGet, "/"+id+"/eventstream", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("stream of task %s: %s", id, res.Status)
	}
	begun()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	next := int64(1)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		e := taskEvent{at: time.Now()}
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("stream of task %s: %w", id, err)
		}
		if e.ID != next {
			return fmt.Errorf("stream of task %s: event %d came when %d was next", id, e.ID, next)
		}
		next++
		each(e)
		if e.Type == "completion" {
			return completedWell(id, e)
		}
	}
	return errors.Join(fmt.Errorf("the stream of task %s ended before the task", id), lines.Err())
}

func completedWell(id string, e taskEvent) error {
	if !strings.HasSuffix(e.Body.Message, "completed") {
		return fmt.Errorf("task %s: %s", id, e.Body.Message)
	}
	return nil
}

func quantiles(times []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*99/100]
}

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
