package caps

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
	"github.com/callboard/callboard/server/internal/widget"
)

// ledger is a ProviderConnection that writes down what it is told.
type ledger struct {
	mu        sync.Mutex
	mutations []catalog.Mutation
	fail      error
}

func (l *ledger) ApplyMutation(_ context.Context, m catalog.Mutation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail == nil {
		l.mutations = append(l.mutations, m)
	}
	return l.fail
}

func (l *ledger) Refresh(context.Context, []string) error { return nil }

func (l *ledger) all() []catalog.Mutation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]catalog.Mutation(nil), l.mutations...)
}

// connected runs a provider over a fake catalog, until the test ends.
func connected(t *testing.T, s Source, o ProviderOptions) (*EntityProvider, *ledger) {
	t.Helper()
	o.Poll, o.Logger = quick, silent()
	p, l := Provider("hello", "things", s, o), &ledger{}
	if err := p.Connect(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return p, l
}

// feeding is a plugin whose provider sends what feed sends.
func feeding(t *testing.T, l Limits, feed func(send func(*pluginv1.RefreshProviderResponse) error) error) *switchboard {
	t.Helper()
	service := &providerService{interval: 3600, refresh: func(_ *pluginv1.RefreshProviderRequest, send func(*pluginv1.RefreshProviderResponse) error) error {
		return feed(send)
	}}
	return one(NewClient(serve(t, service.register), options("1", limited(l))))
}

func upserts(docs ...*pluginv1.EntityDocument) *pluginv1.RefreshProviderResponse {
	return &pluginv1.RefreshProviderResponse{Upserts: docs}
}

func raw(text string) *pluginv1.EntityDocument { return &pluginv1.EntityDocument{Json: []byte(text)} }

func thing(name string) entity.Entity { return catalogtest.NewEntity("Component", name) }

// annotated is an entity whose location annotations say so.
func annotated(location string) entity.Entity {
	e := thing("a")
	e.Metadata()["annotations"] = map[string]any{entity.AnnotationLocation: location}
	return e
}

func TestProvider_RefusesBadOutputAndChangesNothing(t *testing.T) {
	endless := func(m *pluginv1.RefreshProviderResponse) func(func(*pluginv1.RefreshProviderResponse) error) error {
		return func(send func(*pluginv1.RefreshProviderResponse) error) error {
			for {
				if err := send(m); err != nil {
					return err
				}
			}
		}
	}
	messages := func(ms ...*pluginv1.RefreshProviderResponse) func(func(*pluginv1.RefreshProviderResponse) error) error {
		return func(send func(*pluginv1.RefreshProviderResponse) error) error {
			for _, m := range ms {
				if err := send(m); err != nil {
					return err
				}
			}
			return nil
		}
	}
	nested := `{"apiVersion":"a","kind":"B","metadata":{"name":"c"},"spec":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	for name, test := range map[string]struct {
		feed func(func(*pluginv1.RefreshProviderResponse) error) error
		want string
	}{
		"an endless stream of empty messages": {endless(&pluginv1.RefreshProviderResponse{}), "a stream of more than 1000 messages"},
		"an endless stream of entities":       {endless(upserts(document(thing("a")), document(thing("b")))), "more than 100 entities"},
		"an endless stream of large cursors":  {endless(&pluginv1.RefreshProviderResponse{NextCursor: strings.Repeat("x", 40_000)}), "a stream of more than 1000000 bytes"},
		"a cursor that is too long":           {messages(&pluginv1.RefreshProviderResponse{NextCursor: strings.Repeat("x", 70_000)}), "a cursor of 70000 bytes"},
		"a message that is too large":         {messages(upserts(raw(strings.Repeat("x", 3<<20)))), "a message of more than"},
		"an entity that is too large":         {messages(upserts(raw(`{"kind":"` + strings.Repeat("x", 20_000) + `"}`))), "an entity of 20011 bytes, at most 10000 are allowed"},
		"no JSON":                             {messages(upserts(raw(`{"kind":`))), "not a JSON object"},
		"NaN":                                 {messages(upserts(raw(`{"kind":NaN}`))), "not a JSON object"},
		"a list":                              {messages(upserts(raw(`[]`))), "not a JSON object"},
		"null":                                {messages(upserts(raw(`null`))), "envelope is malformed"},
		"two objects":                         {messages(upserts(raw(string(document(thing("a")).GetJson()) + "{}"))), "more than one JSON object"},
		"nothing":                             {messages(upserts(raw(``))), "not a JSON object"},
		"nesting that is too deep":            {messages(upserts(raw(nested))), "nested 101 levels deep"},
		"no kind":                             {messages(upserts(raw(`{"apiVersion":"a","metadata":{"name":"b"}}`))), "envelope is malformed"},
		"a name that is a number":             {messages(upserts(raw(`{"apiVersion":"a","kind":"B","metadata":{"name":1}}`))), "envelope is malformed"},
		"a ref that is none":                  {messages(&pluginv1.RefreshProviderResponse{Removals: []string{"x"}}), "an entity ref that cannot be"},
		"a ref with a NUL":                    {messages(&pluginv1.RefreshProviderResponse{Removals: []string{"component:default/\x00"}}), "an entity ref that cannot be"},
		"a location that is a file":           {messages(upserts(document(annotated("file:/etc/passwd")))), `is "file:/etc/passwd": only url: and plugin:hello/things are allowed`},
		"a location of another plugin":        {messages(upserts(document(annotated("plugin:other/things")))), "only url: and plugin:hello/things"},
		"a location that runs as script":      {messages(upserts(document(annotated("url:javascript:alert(1)")))), "only url: and plugin:hello/things"},
		"annotations that are a list":         {messages(upserts(raw(`{"apiVersion":"a","kind":"B","metadata":{"name":"c","annotations":[]}}`))), "annotations"},
		"an error after half of it": {func(send func(*pluginv1.RefreshProviderResponse) error) error {
			return errors.Join(send(upserts(document(thing("a")))), errors.New("boom"))
		}, "boom"},
		"silence": {func(func(*pluginv1.RefreshProviderResponse) error) error {
			time.Sleep(400 * time.Millisecond)
			return nil
		}, "sent nothing for 100ms"},
		"a location key that is far too large": {messages(upserts(&pluginv1.EntityDocument{Json: document(thing("a")).GetJson(), LocationKey: strings.Repeat("x", 600)})), "a location key of 600 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			l := Limits{StreamMessages: 1000, StreamBytes: 1_000_000, Entities: 100, EntityBytes: 10_000, MessageBytes: 2 << 20}
			if name == "silence" {
				l.Idle = 100 * time.Millisecond
			}
			s := feeding(t, l, test.feed)
			p, told := connected(t, s, ProviderOptions{})
			err := p.Trigger(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(strings.ToLower(err.Error()), "plugin hello") {
				t.Errorf("got %v, want something about %q", err, test.want)
			}
			if m := told.all(); len(m) > 0 {
				t.Errorf("something was applied: %v", m)
			}
			if got := p.Status(); got.Error == "" || got.Entities != 0 {
				t.Errorf("its status is %+v", got)
			}
		})
	}
}

func TestProvider_TakesWhatIsOddButAllowed(t *testing.T) {
	odd := raw(`{"apiVersion":"a","kind":"B","metadata":{"name":"c","__proto__":{"x":1}},"spec":{"n":9007199254740993,"s":"` + "\xff" + `","n2":1e2}}`)
	s := feeding(t, Limits{}, func(send func(*pluginv1.RefreshProviderResponse) error) error {
		return send(&pluginv1.RefreshProviderResponse{Full: true, Upserts: []*pluginv1.EntityDocument{document(thing("twice")), odd, document(annotated("url:https://a.test/x.yaml")), document(thing("twice"))}})
	})
	p, l := connected(t, s, ProviderOptions{})
	if err := p.Trigger(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := l.all()[0]
	if len(m.Added) != 3 || !m.Full || m.Added[0].LocationKey != "plugin:hello/things" {
		t.Fatalf("applied: %+v", m)
	}
	want := entity.Entity{"apiVersion": "a", "kind": "B", "spec": map[string]any{"n": json.Number("9007199254740993"), "s": "\uFFFD", "n2": json.Number("1e2")},
		"metadata": map[string]any{"name": "c", "__proto__": map[string]any{"x": json.Number("1")}, "annotations": map[string]any{
			entity.AnnotationLocation: "plugin:hello/things", entity.AnnotationOriginLocation: "plugin:hello/things"}}}
	if diff := cmp.Diff(want, m.Added[1].Entity); diff != "" {
		t.Error(diff)
	}
	if got := m.Added[2].Entity.Annotation(entity.AnnotationLocation); got != "url:https://a.test/x.yaml" {
		t.Errorf("a URL of its own became %s", got)
	}
}

func TestProcessor_BadOutputLeavesEntitiesAsTheyAreAndSpoilsNoOther(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(item *pluginv1.ProcessItem) *pluginv1.ProcessResult // for the entity "bad"
		want   string
	}{
		"no JSON": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			return &pluginv1.ProcessResult{EntityJson: []byte("{")}
		}, "not a JSON object"},
		"an entity too large": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			return &pluginv1.ProcessResult{EntityJson: make([]byte, 20_000)}
		}, "at most 10000"},
		"another entity": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			return &pluginv1.ProcessResult{EntityJson: document(thing("other")).GetJson()}
		}, "another entity"},
		"another location": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			e := annotated("file:/etc/x")
			e.Metadata()["name"] = "bad"
			return &pluginv1.ProcessResult{EntityJson: document(e).GetJson()}
		}, "another annotation"},
		"a relation to nothing": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			return &pluginv1.ProcessResult{Relations: []*pluginv1.EmittedRelation{{SourceRef: "x", Type: "y", TargetRef: "z"}}}
		}, "an entity ref that cannot be"},
		"too many refresh keys": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			return &pluginv1.ProcessResult{RefreshKeys: make([]string, 2000)}
		}, "2000 refresh keys"},
		"a malformed child": {func(*pluginv1.ProcessItem) *pluginv1.ProcessResult {
			return &pluginv1.ProcessResult{EmittedEntities: []*pluginv1.EntityDocument{raw(`{}`)}}
		}, "envelope is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := processing(t, Limits{EntityBytes: 10_000}, func(_ context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
				answer := &pluginv1.ProcessEntitiesResponse{}
				for _, item := range r.GetItems() {
					if strings.Contains(string(item.GetEntityJson()), `"name":"bad"`) {
						answer.Results = append(answer.Results, test.answer(item))
						continue
					}
					answer.Results = append(answer.Results, do(catalogtest.Behaviour{Pre: seen}, r.GetStage(), item))
				}
				return answer, nil
			})
			w.expect(t, test.want)
		})
	}
}

func TestProcessor_ABatchThatBreaksIsHalvedUntilTheCulpritIsAlone(t *testing.T) {
	breaks := func(r *pluginv1.ProcessEntitiesRequest) bool {
		for _, item := range r.GetItems() {
			if strings.Contains(string(item.GetEntityJson()), `"name":"bad"`) {
				return true
			}
		}
		return false
	}
	for name, broken := range map[string]func(*pluginv1.ProcessEntitiesResponse) (*pluginv1.ProcessEntitiesResponse, error){
		"an error": func(*pluginv1.ProcessEntitiesResponse) (*pluginv1.ProcessEntitiesResponse, error) {
			return nil, errors.New("boom")
		},
		"too few results": func(a *pluginv1.ProcessEntitiesResponse) (*pluginv1.ProcessEntitiesResponse, error) {
			a.Results = a.GetResults()[1:]
			return a, nil
		},
		"too many results": func(a *pluginv1.ProcessEntitiesResponse) (*pluginv1.ProcessEntitiesResponse, error) {
			a.Results = append(a.GetResults(), a.GetResults()...)
			return a, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := processing(t, Limits{}, func(_ context.Context, r *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error) {
				answer := &pluginv1.ProcessEntitiesResponse{}
				for _, item := range r.GetItems() {
					answer.Results = append(answer.Results, do(catalogtest.Behaviour{Pre: seen}, r.GetStage(), item))
				}
				if breaks(r) {
					return broken(answer)
				}
				return answer, nil
			})
			w.expect(t, "")
		})
	}
}

func seen(e entity.Entity) (entity.Entity, error) {
	e.Metadata()["labels"] = map[string]any{"seen": "yes"}
	return e, nil
}

// world is a catalog with a processor of a plugin and entities, one of which is called bad.
type world struct{ *catalogtest.World }

func processing(t *testing.T, l Limits, batch func(context.Context, *pluginv1.ProcessEntitiesRequest) (*pluginv1.ProcessEntitiesResponse, error)) world {
	t.Helper()
	service := &processorService{does: catalogtest.Behaviour{Kinds: []string{"component"}}, batch: batch}
	p := Processor("hello", "seer", one(NewClient(serve(t, service.register), options("1", limited(l)))), ProcessorOptions{Poll: quick, Logger: silent()})
	entities := &catalogtest.ProviderFake{ID: "entities"}
	w := catalogtest.Start(t, "")
	w.Extend(catalog.Extension{Processors: []catalog.Processor{p}, Providers: []catalog.EntityProvider{entities}})
	w.Wait("the processor is met", func() bool { return !p.Declare().Unknown })
	docs := []entity.Entity{thing("bad")}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		docs = append(docs, thing(name))
	}
	if err := entities.Set(t.Context(), docs...); err != nil {
		t.Fatal(err)
	}
	return world{w}
}

func (w world) expect(t *testing.T, problem string) {
	t.Helper()
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		w.Wait(name+" is processed", func() bool {
			e := w.Get("component:default/" + name)
			labels, _ := e.Metadata()["labels"].(map[string]any)
			return labels["seen"] == "yes"
		})
	}
	bad := w.WaitFor("component:default/bad")
	if bad.Metadata()["labels"] != nil || w.Get("component:default/other") != nil {
		t.Errorf("bad output was taken: %v", bad)
	}
	if problem == "" {
		return
	}
	w.Wait("a problem tells of it", func() bool {
		problems, err := w.Problems(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if strings.Contains(p.Message, problem) && strings.Contains(p.Message, "plugin hello, ProcessEntities seer") {
				return true
			}
		}
		return false
	})
}

func TestProcessor_CannotHaveTheHostReadOtherFiles(t *testing.T) {
	location := catalogtest.NewEntity("Location", "l")
	changed := location.Clone()
	changed.Spec()["targets"] = []any{"/etc/secrets.yaml"}
	if err := sameThing(location, changed); err == nil {
		t.Error("another target was taken")
	}
	if err := sameThing(location, location.Clone()); err != nil {
		t.Error(err)
	}
	p := Processor("hello", "seer", one(nil), ProcessorOptions{})
	for key, want := range map[string]string{"": "plugin:hello/seer", "file:/etc/x": "plugin:hello/seer", "x": "plugin:hello/seer", "url:https://a.test/x": "url:https://a.test/x"} {
		if got := p.childLocation(key).String(); got != want {
			t.Errorf("%q: children come from %s", key, got)
		}
	}
}

func TestAction_RefusesBadOutput(t *testing.T) {
	output := func(name, value string) *pluginv1.ExecuteActionResponse {
		return &pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Output{Output: &pluginv1.ActionOutput{Name: name, ValueJson: []byte(value)}}}
	}
	for name, test := range map[string]struct {
		m    *pluginv1.ExecuteActionResponse
		want string
	}{
		"an output that is no JSON":   {output("x", "{"), "output x that is no JSON"},
		"an output without a name":    {output("", "1"), `an output named ""`},
		"an output that is too large": {output("x", `"`+strings.Repeat("x", 2000)+`"`), "output x of 2002 bytes, at most 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			service := &actionService{feed: func(send func(*pluginv1.ExecuteActionResponse) error) error { return send(test.m) }}
			c := NewClient(serve(t, service.register), options("1", limited(Limits{OutputBytes: 1000})))
			a := &remoteAction{source: one(c), description: action.Description{ID: "hello:do"}}
			var heard actiontest.Recorder
			err := a.Execute(t.Context(), action.Invocation{}, &heard)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(heard.Lines) > 0 {
				t.Errorf("got %v, heard %v", err, heard.Lines)
			}
		})
	}
	flood := &actionService{feed: func(send func(*pluginv1.ExecuteActionResponse) error) error {
		for {
			if err := (send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Log{Log: &pluginv1.ActionLog{Message: strings.Repeat("x", 2000)}}})); err != nil {
				return err
			}
		}
	}}
	c := NewClient(serve(t, flood.register), options("1", limited(Limits{StreamMessages: 50, LogBytes: 10})))
	var heard actiontest.Recorder
	err := (&remoteAction{source: one(c)}).Execute(t.Context(), action.Invocation{}, &heard)
	if output, ok := errors.AsType[*OutputError](err); !ok || !output.TooMuch || len(heard.Lines) != 50 || heard.Lines[0] != "info: xxxxxxx…" {
		t.Errorf("got %v after %d lines", err, len(heard.Lines))
	}
}

func TestWidget_RefusesBadFrames(t *testing.T) {
	frameOf := func(name string, rows int) []byte {
		data, err := json.Marshal(map[string]any{"name": name, "columns": []any{map[string]any{"name": "n", "type": "number", "values": make([]int, rows)}}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, test := range map[string]struct {
		feed  func(send func([]byte) error) error
		want  string
		query time.Duration
	}{
		"no JSON": {func(send func([]byte) error) error { return send([]byte("{")) }, "frame", 0},
		"other columns": {func(send func([]byte) error) error {
			return errors.Join(send(frameOf("a", 1)), send([]byte(`{"name":"a","columns":[]}`)))
		}, "join frame", 0},
		"a script link": {func(send func([]byte) error) error {
			return send([]byte(`{"name":"a","columns":[{"name":"n","type":"string","values":["x"],"links":["javascript:alert(1)"]}]}`))
		}, "frame", 0},
		"too many frames":    {endlessFrames(func(i int) []byte { return frameOf(strconv.Itoa(i), 0) }), "more than 100 frames", 0},
		"an endless frame":   {endlessFrames(func(int) []byte { return frameOf("a", 1000) }), "frames of more than 100000 bytes", 0},
		"a query that hangs": {func(func([]byte) error) error { time.Sleep(400 * time.Millisecond); return nil }, "within 100ms", 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			service := &widgetService{feed: test.feed}
			c := NewClient(serve(t, service.register), options("1", limited(Limits{WidgetBytes: 100_000, Query: test.query})))
			w := &remoteWidget{source: one(c), name: "test"}
			frames, err := w.Query(t.Context(), widget.Query{})
			if err == nil || !strings.Contains(err.Error(), test.want) && !strings.Contains(err.Error(), "sent nothing for 100ms") || frames != nil {
				t.Errorf("got %v, %v", frames, err)
			}
		})
	}
}

func endlessFrames(frame func(i int) []byte) func(send func([]byte) error) error {
	return func(send func([]byte) error) error {
		for i := 0; ; i++ {
			if err := send(frame(i)); err != nil {
				return err
			}
		}
	}
}

func TestRules_WrongCountsAreRefused(t *testing.T) {
	service := &ruleService{listed: thingRules(), wrong: true}
	book := &ruleBook{plugin: "hello", source: one(NewClient(serve(t, service.register), options("1")))}
	held, err := book.hold(t.Context(), &permission.Condition{Rule: "IS_TEAM", Params: map[string]any{"team": "a"}}, []string{"a-1", "a-2"})
	if output, ok := errors.AsType[*OutputError](err); !ok || held != nil || !strings.Contains(output.Rule, "1 results for 2 resources") {
		t.Errorf("got %v, %v", held, err)
	}
}

func TestRules_BadListsAreRefused(t *testing.T) {
	for name, listed := range map[string]*pluginv1.ListRulesResponse{
		"an unknown action":       {Permissions: []*pluginv1.Permission{{Name: "thing.read", Action: "explode"}}},
		"a rule about nothing":    {Rules: []*pluginv1.PermissionRule{{Name: "IS_TEAM"}}},
		"a schema that is none":   {Rules: []*pluginv1.PermissionRule{{Name: "IS_TEAM", ResourceType: "thing", ParamsSchemaJson: `{"type":7}`}}},
		"a schema from elsewhere": {Rules: []*pluginv1.PermissionRule{{Name: "IS_TEAM", ResourceType: "thing", ParamsSchemaJson: `{"$ref":"http://127.0.0.1:1/x"}`}}},
		"a rule twice":            {Rules: []*pluginv1.PermissionRule{{Name: "IS_TEAM", ResourceType: "thing"}, {Name: "IS_TEAM", ResourceType: "other"}}},
	} {
		_, err := listRules(t.Context(), NewClient(serve(t, (&ruleService{listed: listed}).register), options("1")), one(nil), thingNames)
		if _, ok := errors.AsType[*OutputError](err); !ok || apierror.NameOf(err) != apierror.Generic {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
