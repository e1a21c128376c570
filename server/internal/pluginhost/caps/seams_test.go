package caps

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
	"github.com/callboard/callboard/server/internal/search"
	"github.com/callboard/callboard/server/internal/widget"
	"github.com/callboard/callboard/server/internal/widget/widgettest"
)

// often has importers look often, and say nothing.
func often() ImporterOptions { return ImporterOptions{Poll: quick, Logger: silent()} }

// announce has an importer follow the plugin hello, whose manifest provides what change says.
func announce(t *testing.T, i *Importer, s Source, change func(*manifest.Provides)) {
	t.Helper()
	m := &manifest.Manifest{ID: "hello"}
	change(&m.Provides)
	if err := i.Announce(t.Context(), m, s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen within a minute that %s", what)
		}
	}
}

func TestActions_OfAPlugin(t *testing.T) {
	actiontest.Actions(t, func(t *testing.T, d action.Description, run actiontest.Run) action.Action {
		t.Helper()
		registry := action.NewRegistry()
		conn := serve(t, (&actionService{d: d, run: run}).register)
		announce(t, Actions(registry, ActionOptions{ImporterOptions: often()}), one(NewClient(conn, options("1"))), func(p *manifest.Provides) { p.Scaffolder.Actions = []string{d.ID} })
		eventually(t, "the action is registered", func() bool { return len(registry.List()) == 1 })
		return registry.List()[0]
	})
}

func TestWidgets_OfAPlugin(t *testing.T) {
	widgettest.Widgets(t, func(t *testing.T, d widget.Description, answer widgettest.Answer) widget.Widget {
		t.Helper()
		registry := widget.NewRegistry()
		conn := serve(t, (&widgetService{d: d, answer: answer}).register)
		announce(t, Widgets(registry, WidgetOptions{ImporterOptions: often()}), one(NewClient(conn, options("1"))), func(p *manifest.Provides) { p.Widgets = []string{"test"} })
		eventually(t, "the widget is registered", func() bool { return len(registry.List()) == 1 })
		return registry.List()[0]
	})
}

func TestImporter_KeepsWhatIsListedWhilePluginsAreAwayAndFollowsNewVersions(t *testing.T) {
	registry := action.NewRegistry()
	service := &actionService{d: action.Description{ID: "hello:greet", Description: "first"}}
	conn := serve(t, service.register)
	plugin := one(NewClient(conn, options("1")))
	i := Actions(registry, ActionOptions{ImporterOptions: often()})
	announce(t, i, plugin, func(p *manifest.Provides) { p.Scaffolder.Actions = []string{"hello:greet"} })
	eventually(t, "the action is registered", func() bool { return len(registry.List()) == 1 })
	plugin.set(true)
	if err := registry.List()[0].Execute(t.Context(), action.Invocation{}, &actiontest.Recorder{}); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("a plugin that is away answered %v", err)
	}
	next := *service
	next.d.Description = "second"
	plugin.replace(NewClient(serve(t, next.register), options("2")))
	plugin.set(false)
	eventually(t, "the new version is registered", func() bool { return registry.List()[0].Description().Description == "second" })
	if err := i.Withdraw(t.Context(), "hello", false); err != nil || len(registry.List()) != 0 {
		t.Errorf("after it was withdrawn there are %v, %v", registry.List(), err)
	}
}

func TestImporter_APluginCannotListMoreThanItsManifest(t *testing.T) {
	registry := action.NewRegistry()
	conn := serve(t, (&actionService{d: action.Description{ID: "other:thing"}}).register)
	_, err := listActions(t.Context(), NewClient(conn, options("1")), one(nil), []string{"hello:greet"}, nil)
	if output, ok := errors.AsType[*OutputError](err); !ok || !strings.Contains(output.Error(), `plugin hello, ListActions: the answer breaks a rule: "other:thing" is not in the manifest`) {
		t.Errorf("got %v", err)
	}
	if len(registry.List()) != 0 {
		t.Error("it was registered")
	}
}

func TestCollators_DocumentsAreFoundByThoseWhoMayReadTheirEntity(t *testing.T) {
	service := &collatorService{}
	service.set(nil,
		&pluginv1.SearchDocument{Title: "Login fails", Text: "crash", Location: "/sentry/1", EntityRef: "Component:default/Shop", ExtraJson: []byte(`{"level":"error","title":"forged"}`)},
		&pluginv1.SearchDocument{Title: "Cart crash", Location: "/sentry/2", EntityRef: "component:default/secret"},
		&pluginv1.SearchDocument{Title: "Known crash", Location: "https://sentry.test/3"},
		&pluginv1.SearchDocument{Title: "Script crash", Location: "javascript:alert(1)"})
	read := permission.Permission{Type: permission.Resource, Name: "catalog.entity.read", ResourceType: "catalog-entity"}
	decisions := permission.Fake{"catalog.entity.read": {Result: permission.Conditional, Conditions: &permission.Criteria{}}}
	engine := runSearch(t, decisions)
	plugin := one(NewClient(serve(t, service.register), options("1")))
	announce(t, Collators(engine, CollatorOptions{ImporterOptions: often(), Entity: &read,
		Conditions: func(context.Context, *principal.Principal, *permission.Criteria) (func(string) bool, error) {
			return func(ref string) bool { return ref == "component:default/shop" }, nil
		}}), plugin, func(p *manifest.Provides) { p.Search.Types = []string{"issue"} })
	eventually(t, "documents are indexed", func() bool { return engine.Documents()["issue"] == 3 })
	if diff := cmp.Diff([]string{"/sentry/1", "https://sentry.test/3"}, found(t, engine, "crash")); diff != "" {
		t.Error(diff)
	}
	service.set(errors.New("broke off"), &pluginv1.SearchDocument{Title: "Only crash", Location: "/sentry/9"})
	before := service.count()
	plugin.replace(NewClient(serve(t, service.register), options("2")))
	eventually(t, "the new version is read", func() bool { return service.count() > before })
	if diff := cmp.Diff([]string{"/sentry/1", "https://sentry.test/3"}, found(t, engine, "crash")); diff != "" {
		t.Errorf("a stream that broke changed the index: %s", diff)
	}
	service.set(nil, &pluginv1.SearchDocument{Title: "Only crash", Location: "/sentry/9"})
	eventually(t, "the index follows", func() bool { return slices.Equal(found(t, engine, "crash"), []string{"/sentry/9"}) })
}

func runSearch(t *testing.T, a permission.Authorizer) *search.Engine {
	t.Helper()
	engine, err := search.New(search.Options{Authorizer: a, Logger: silent(), Interval: quick})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return engine
}

func found(t *testing.T, engine *search.Engine, term string) []string {
	t.Helper()
	r, err := engine.Query(t.Context(), &principal.Principal{Kind: principal.User}, search.Query{Term: term, Limit: 25})
	if err != nil {
		t.Fatal(err)
	}
	var locations []string
	for _, x := range r.Results {
		locations = append(locations, x.Document.Values[2])
		if strings.Contains(string(x.Document.Extra), "forged") {
			t.Error("an extra member stands in the place of a searched one")
		}
	}
	slices.Sort(locations)
	return locations
}

// board is a TaskScheduler that writes down what it has.
type board struct {
	set atomic.Pointer[map[manifest.ID][]schedule.Task]
}

func (b *board) Set(_ context.Context, plugin manifest.ID, tasks []schedule.Task) error {
	b.set.Store(&map[manifest.ID][]schedule.Task{plugin: tasks})
	return nil
}

func (b *board) Remove(manifest.ID) { b.set.Store(&map[manifest.ID][]schedule.Task{}) }

func (b *board) tasks() map[manifest.ID][]schedule.Task {
	if p := b.set.Load(); p != nil {
		return maps.Clone(*p)
	}
	return nil
}

func TestTasks_AreScheduledWhileThePluginIsThereAndRunToTheirEnd(t *testing.T) {
	ran := make(chan string, 1)
	service := &taskService{
		tasks: []*pluginv1.Task{{Id: "sweep", IntervalSeconds: 60, TimeoutSeconds: 5, InitialDelaySeconds: 1}},
		run: func(ctx context.Context, id string) error {
			ran <- id
			if _, bounded := ctx.Deadline(); !bounded {
				return errors.New("no deadline")
			}
			return apierror.NotAllowedf("the token was revoked")
		},
	}
	plugin, b, runner := one(NewClient(serve(t, service.register), options("1"))), &board{}, NewTaskRunner()
	announce(t, Tasks(b, runner, often()), plugin, func(p *manifest.Provides) { p.Tasks = []string{"sweep"} })
	want := map[manifest.ID][]schedule.Task{"hello": {{ID: "sweep", Interval: time.Minute, Timeout: 5 * time.Second, InitialDelay: time.Second}}}
	eventually(t, "the task is scheduled", func() bool { return cmp.Equal(want, b.tasks()) })
	if err := runner.RunTask(t.Context(), "hello", "sweep"); !apierror.Has(err, apierror.NotAllowed) || <-ran != "sweep" {
		t.Errorf("got %v", err)
	}
	plugin.set(true)
	eventually(t, "the task is gone", func() bool { return len(b.tasks()) == 0 })
	if err := runner.RunTask(t.Context(), "hello", "sweep"); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("got %v", err)
	}
	plugin.set(false)
	eventually(t, "the task is back", func() bool { return len(b.tasks()) == 1 })
	if err := runner.RunTask(t.Context(), "nobody", "sweep"); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("got %v", err)
	}
}

func thingRules() *pluginv1.ListRulesResponse {
	return &pluginv1.ListRulesResponse{
		Permissions: []*pluginv1.Permission{{Name: "thing.read", Action: "read", ResourceType: "thing"}, {Name: "thing.admin"}},
		Rules: []*pluginv1.PermissionRule{{Name: "IS_TEAM", Description: "belongs to the team", ResourceType: "thing",
			ParamsSchemaJson: `{"type":"object","required":["team"],"properties":{"team":{"type":"string"}}}`}},
	}
}

var thingNames = []string{"thing.read", "thing.admin", "IS_TEAM"}

func TestRules_AreListedAndEvaluatedForManyResourcesAtOnce(t *testing.T) {
	service := &ruleService{listed: thingRules()}
	integrations, err := listRules(t.Context(), NewClient(serve(t, service.register), options("1")), one(nil), thingNames)
	if err != nil || len(integrations) != 2 {
		t.Fatalf("%d integrations, %v", len(integrations), err)
	}
	want := []permission.Permission{{Type: "resource", Name: "thing.read", ResourceType: "thing", Attributes: permission.Attributes{Action: "read"}}, {Type: "basic", Name: "thing.admin"}}
	if diff := cmp.Diff(want, integrations[0].Permissions); diff != "" {
		t.Error(diff)
	}
	things := integrations[1]
	book := &ruleBook{plugin: "hello", source: one(NewClient(serve(t, service.register), options("1")))}
	refs := make([]string, 2*refsAtOnce)
	for i := range refs {
		refs[i] = []string{"a-1", "b-1"}[i%2]
	}
	held, err := book.hold(t.Context(), &permission.Condition{Rule: "IS_TEAM", Params: map[string]any{"team": "a"}}, refs)
	if err != nil || len(held) != len(refs) || held[0] != permission.Holds || held[1] != permission.Fails || service.calls != 2 {
		t.Errorf("%d answers, %v, %d calls", len(held), err, service.calls)
	}
	if err := things.Rules[0].Check(map[string]any{"team": 7}); err == nil {
		t.Error("wrong parameters were taken")
	}
	if err := things.Rules[0].Check(map[string]any{"team": "a"}); err != nil {
		t.Error(err)
	}
}

func TestRules_AnOutageLetsNobodyIn(t *testing.T) {
	engine := permission.New(permission.Options{Logger: silent()})
	plugin := one(NewClient(serve(t, (&ruleService{listed: thingRules()}).register), options("1")))
	i := Rules(engine, often())
	announce(t, i, plugin, func(p *manifest.Provides) {
		p.Permissions, p.PermissionRules = []string{"thing.read", "thing.admin"}, []string{"IS_TEAM"}
	})
	eventually(t, "the rules are there", func() bool {
		defer engine.Remove("other")
		return apierror.Has(engine.Set("other", []permission.Integration{{ResourceType: "thing"}}), apierror.Conflict)
	})
	plugin.set(true)
	book := &ruleBook{plugin: "hello", source: plugin}
	if held, err := book.hold(t.Context(), &permission.Condition{Rule: "IS_TEAM"}, []string{"a-1"}); !apierror.Has(err, apierror.ServiceUnavailable) || held != nil {
		t.Errorf("got %v, %v", held, err)
	}
}

func TestEvents_AreDeliveredInOrderAndAgainAfterAnError(t *testing.T) {
	var tries atomic.Int32
	service := &eventService{received: make(chan *pluginv1.Event, 10), fail: func() error {
		if tries.Add(1) == 1 {
			return errors.New("not now")
		}
		return nil
	}}
	bus := events.New(silent())
	defer bus.Close()
	i := Events(bus, often())
	announce(t, i, one(NewClient(serve(t, service.register), options("1"))), func(p *manifest.Provides) { p.Events.Topics = []string{"releases"} })
	eventually(t, "the plugin is subscribed", func() bool {
		bus.Publish(t.Context(), "releases", map[string]int{"n": 0})
		return len(service.received) > 0 || tries.Load() > 0
	})
	for n := 1; n <= 3; n++ {
		bus.Publish(t.Context(), "releases", map[string]int{"n": n})
	}
	bus.Publish(t.Context(), "others", map[string]int{"n": 9})
	var got []string
	for len(got) < 3 {
		e := <-service.received
		if text := string(e.GetPayloadJson()); text != `{"n":0}` {
			got = append(got, text)
		}
	}
	if diff := cmp.Diff([]string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, got); diff != "" {
		t.Error(diff)
	}
	if tries.Load() < 2 {
		t.Error("the failed delivery was not tried again")
	}
	if err := i.Withdraw(t.Context(), "hello", true); err != nil {
		t.Error(err)
	}
}
