package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
)

func named(kind, name string) entity.Entity {
	return entity.Entity{"kind": kind, "metadata": map[string]any{"name": name}}
}

func TestCatalogRegister_AnswersTheEntityThatTheLocationIsAbout(t *testing.T) {
	for _, c := range []struct {
		entities []entity.Entity
		want     string
	}{
		{[]entity.Entity{named("Location", "generated-1"), named("API", "api"), named("Component", "generated-2"), named("Component", "shop")}, `"component:default/shop"`},
		{[]entity.Entity{named("Location", "generated-1"), named("API", "api")}, `"api:default/api"`},
		{[]entity.Entity{named("Location", "generated-1")}, `"location:default/generated-1"`},
		{nil, ""},
	} {
		s := newStep(t)
		catalog := &fakeCatalog{preview: c.entities}
		s.Catalog = catalog
		s.must("catalog:register", object{"repoContentsUrl": "https://github.test/o/r/blob/main/"})
		const url = "https://github.test/o/r/blob/main/catalog-info.yaml"
		want := []string{"info: Registering " + url + " in the catalog", `registering @ "` + url + `"`, "entityRef = " + c.want, `catalogInfoUrl = "` + url + `"`}
		if c.want == "" {
			want = append(want[:2], want[3])
		}
		s.said(want...)
		for _, by := range catalog.by {
			if by != s.Initiator {
				t.Errorf("the catalog was asked as %v", by)
			}
		}
	}
}

func TestCatalogRegister_ALocationThatIsThereFailsUnlessItMay(t *testing.T) {
	const url = "https://x.test/c.yaml"
	s := newStep(t)
	s.Catalog = &fakeCatalog{registered: []string{url}, preview: []entity.Entity{named("Component", "shop")}}
	if err := s.execute("catalog:register", object{"catalogInfoUrl": url}); !apierror.Has(err, apierror.Conflict) {
		t.Errorf("got %v", err)
	}
	s.Lines = nil
	s.must("catalog:register", object{"catalogInfoUrl": url, "optional": true})
	s.said("info: Registering "+url+" in the catalog", `registering @ "`+url+`"`, "registering @ null", `entityRef = "component:default/shop"`, `catalogInfoUrl = "`+url+`"`)

	for optional, fails := range map[bool]bool{false: true, true: false} {
		s = newStep(t)
		if err := s.execute("catalog:register", object{"catalogInfoUrl": "https://x.test/unreadable", "optional": optional}); (err != nil) != fails {
			t.Errorf("unreadable, optional %v: %v", optional, err)
		}
	}
	if err := s.execute("catalog:register", object{"repoContentsUrl": "https://elsewhere.test/x"}); err == nil || err.Error() != "InputError: No integration found for host https://elsewhere.test/x" {
		t.Errorf("got %v", err)
	}
}

// A run that was interrupted after the location was added goes on where it was; a user's retry after a conflict meets it again.
func TestCatalogRegister_GoesOnAfterAnInterruption(t *testing.T) {
	const url = "https://x.test/c.yaml"
	s := newStep(t)
	catalog := &fakeCatalog{lost: true}
	s.Catalog = catalog
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	s.Input = []byte(`{"catalogInfoUrl":"` + url + `"}`)
	if err := catalogRegister(catalog, s.reader).Execute(cancelled, s.Invocation, s.Recorder); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	s.Checkpoints = checkpoints(s.Recorder)
	catalog.lost = false
	s.must("catalog:register", object{"catalogInfoUrl": url})
	if len(catalog.registered) != 1 {
		t.Errorf("registered %v", catalog.registered)
	}
	other := newStep(t)
	other.Catalog = catalog
	for range 2 {
		if err := other.execute("catalog:register", object{"catalogInfoUrl": url}); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("got %v", err)
		}
		other.Checkpoints = checkpoints(other.Recorder)
	}
}

// checkpoints are what a run left for the next one.
func checkpoints(r *actiontest.Recorder) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, line := range r.Lines {
		if key, value, ok := strings.Cut(line, " @ "); ok {
			all[key] = json.RawMessage(value)
		}
	}
	return all
}

func TestCatalogFetch_SaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		input object
		want  string
	}{
		{object{}, "Missing entity reference or references"},
		{object{"entityRef": "component:none"}, "Entity component:none not found"},
		{object{"entityRefs": []string{"domain:cranes", "none"}, "defaultKind": "domain"}, "Entity none not found"},
		{object{"entityRef": "none"}, `Error: Entity reference "none" had missing or empty kind (e.g. did not start with "component:" or similar)`},
		{object{"entityRef": "domain:"}, `TypeError: Entity reference "domain:" was not on the form [<kind>:][<namespace>/]<name>`},
	} {
		if err := newStep(t).execute("catalog:fetch", c.input); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v", c.input, err)
		}
	}
	const cranes = `{"kind":"Domain","metadata":{"name":"cranes","description":"Lifting gear"}}`
	s := newStep(t)
	s.must("catalog:fetch", object{"optional": true})
	s.must("catalog:fetch", object{"entityRef": "cranes", "entityRefs": []string{"cranes", "none"}, "defaultKind": "Domain", "optional": true})
	s.must("catalog:fetch", object{"entityRef": "domain:none", "optional": true})
	s.said("entity = "+cranes, "entities = ["+cranes+",null]", "entity = null")
}

func TestNotificationSend_SendsOnceAndSaysWhenItCannot(t *testing.T) {
	s := newStep(t)
	notifier := &fakeNotifier{}
	s.Notifier = notifier
	s.must("notification:send", object{"recipients": "entity", "entityRefs": []string{"user:ann"}, "title": "Done", "info": "It is done", "severity": "high"})
	s.said("info: Sending notification to entity", "send.notification.Done @ true")
	if n := notifier.sent[0]; n.Broadcast || len(n.EntityRefs) != 1 || *n.Description != "It is done" || *n.Severity != "high" || n.Link != nil {
		t.Errorf("sent %+v", n)
	}
	s.Checkpoints = map[string]json.RawMessage{"send.notification.Done": json.RawMessage("true")}
	s.must("notification:send", object{"recipients": "broadcast", "title": "Done"})
	s.must("notification:send", object{"recipients": "entity", "title": "x", "optional": true})
	if len(notifier.sent) != 1 {
		t.Errorf("sent %d", len(notifier.sent))
	}
	if err := s.execute("notification:send", object{"recipients": "entity", "title": "x"}); err == nil || err.Error() != "Entity references must be provided" {
		t.Errorf("got %v", err)
	}
	s.Lines, notifier.err = nil, apierror.Inputf("no such user")
	if err := s.execute("notification:send", object{"recipients": "broadcast", "title": "x"}); !apierror.Has(err, apierror.Input) {
		t.Errorf("got %v", err)
	}
	s.must("notification:send", object{"recipients": "broadcast", "title": "x", "optional": true})
	const told = "error: Failed to send notification: InputError: no such user"
	s.said("info: Sending notification to broadcast", told, "info: Sending notification to broadcast", told)
}

func TestDebugWait_WaitsAndStopsAtOnce(t *testing.T) {
	s := newStep(t)
	s.must("debug:wait", object{})
	s.must("debug:wait", object{"milliseconds": 0.5, "seconds": 0, "minutes": 0})
	s.must("debug:wait", object{"milliseconds": -5})
	for _, input := range []object{{"minutes": 10, "milliseconds": 1}, {"seconds": 601}, {"minutes": 1e300}} {
		if err := s.execute("debug:wait", input); err == nil || !strings.Contains(err.Error(), "longer than the maximum threshold of 0 hours, 10 minutes, 0 seconds") {
			t.Errorf("%v: %v", input, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s.Input = []byte(`{"minutes":10}`)
	go func() { ended <- debugWait().Execute(ctx, s.Invocation, s.Recorder) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) { // the test would end by its own deadline
		t.Errorf("got %v", err)
	}
}
