package search

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var readNote = &permission.Permission{Type: "resource", Name: "note.read", ResourceType: "note"}

func guarded(s *shelf) Type {
	t := notes(s)
	t.Permission = readNote
	t.Conditions = func(_ context.Context, _ *principal.Principal, c *permission.Criteria) (func(string) bool, error) {
		allowed, _ := c.Condition.Params["keys"].(string)
		return func(ref string) bool { return strings.Contains(allowed, ref) }, nil
	}
	return t
}

func conditional(keys string) decisions {
	return decisions{"note.read": {Result: permission.Conditional, Conditions: &permission.Criteria{
		Condition: &permission.Condition{Rule: "KEYS", ResourceType: "note", Params: map[string]any{"keys": keys}}}}}
}

func TestQuery_ShowsOnlyWhatTheCallerMaySee(t *testing.T) {
	public := newShelf()
	public.note("public", "berth notice", "", "Notice")
	open := notes(public)
	open.Name = "notices"
	for _, c := range []struct {
		why       string
		decisions decisions
		want      []string
		total     bool
	}{
		{"everything", nil, []string{"/notes/public", "/notes/planner", "/notes/queue", "/notes/north"}, true},
		{"only the type that needs no permission", decisions{"note.read": {Result: permission.Deny}}, []string{"/notes/public"}, true},
		{"what the conditions let through, and no total", conditional("queue,north"), []string{"/notes/public", "/notes/queue", "/notes/north"}, false},
		{"nothing on conditions that are missing", decisions{"note.read": {Result: permission.Conditional}}, []string{"/notes/public"}, false},
		{"nothing on a decision nobody knows", decisions{"note.read": {Result: "MAYBE"}}, []string{"/notes/public"}, true},
	} {
		e := newTestEngine(t, c.decisions, guarded(harbour()), open)
		r := query(t, e, "term=berth")
		if diff := cmp.Diff(sorted(c.want), sorted(locations(r))); diff != "" {
			t.Errorf("%s:\n%s", c.why, diff)
		}
		if (r.Total != nil) != c.total {
			t.Errorf("%s: total %v", c.why, r.Total)
		}
	}
}

func TestQuery_ConditionsWithoutAResolverShowNothing(t *testing.T) {
	typ := guarded(harbour())
	typ.Conditions = nil
	e := newTestEngine(t, conditional("queue"), typ)
	if found := ask(t, e, "term="); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

func TestQuery_HidesTheResourceRefAndFillsPagesWithWhatIsVisible(t *testing.T) {
	e := newTestEngine(t, conditional("north,pages,queue"), guarded(harbour()))
	r := query(t, e, "term=&pageLimit=2")
	if diff := cmp.Diff([]string{"/notes/north", "/notes/pages"}, locations(r)); diff != "" || r.Next == nil {
		t.Error(diff, r.Next)
	}
	if body := string(e.render(r)); strings.Contains(body, "resourceRef") || strings.Contains(body, "authorization") || strings.Contains(body, "numberOfResults") {
		t.Error(body)
	}
}

func TestQuery_FailsWhenThePolicyFails(t *testing.T) {
	typ := guarded(harbour())
	typ.Conditions = func(context.Context, *principal.Principal, *permission.Criteria) (func(string) bool, error) {
		return nil, errors.New("unknown rule")
	}
	e := newTestEngine(t, conditional("queue"), typ)
	if _, err := e.Query(t.Context(), guest, Query{Limit: 25}); err == nil {
		t.Error("no error")
	}
}

func TestQuery_StopsWhenTheCallerHasGone(t *testing.T) {
	s := newShelf()
	for i := range 200 {
		s.note("n"+strings.Repeat("x", i), "a"+strings.Repeat("b", i), "", "")
	}
	e := newTestEngine(t, nil, notes(s))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Query(ctx, guest, Query{Term: "a", Limit: 25}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNew_RefusesTypesThatCannotWork(t *testing.T) {
	for want, types := range map[string][]Type{
		`has no field "location"`: {{Name: "x", Fields: []string{"title"}}},
		"registered twice":        {notes(nil), notes(nil)},
	} {
		if _, err := New(Options{Types: types}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRun_FollowsTheSourceUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.note("a", "first", "", "")
		e, err := New(Options{Types: []Type{notes(s)}, Authorizer: decisions(nil), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); e.Run(ctx) }()
		synctest.Wait()
		if n := e.Documents()["notes"]; n != 1 {
			t.Errorf("%d documents right after the start, want 1", n)
		}
		s.note("b", "second", "", "")
		time.Sleep(time.Second)
		if n := e.Documents()["notes"]; n != 2 {
			t.Errorf("%d documents a second after a change, want 2", n)
		}
		cancel()
		<-ended
	})
}
