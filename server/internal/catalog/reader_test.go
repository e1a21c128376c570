package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// kinds reads a selection and counts it by kind.
func kinds(t *testing.T, r Reader, q Selection) (counts map[string]int, first string) {
	t.Helper()
	counts = map[string]int{}
	for body, err := range r.Entities(t.Context(), principal.Host("hello"), q) {
		if err != nil {
			t.Fatal(err)
		}
		var e entity.Entity
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		if len(counts) == 0 {
			first = string(body)
		}
		counts[strings.ToLower(e.Kind())]++
	}
	return counts, first
}

func TestReader_SelectsAsTheRoutesDo(t *testing.T) {
	r := Reader{Index: recordedIndex(t), Authorizer: permission.Fake{}}
	all, _ := kinds(t, r, Selection{})
	total := 0
	for _, n := range all {
		total += n
	}
	if total != r.Index.Snapshot().Len() || all["component"] == 0 || all["system"] == 0 {
		t.Fatalf("selected %v of %d", all, r.Index.Snapshot().Len())
	}
	some, _ := kinds(t, r, Selection{Filters: []string{"kind=component", "kind=system"}})
	if len(some) != 2 || some["component"] != all["component"] || some["system"] != all["system"] {
		t.Errorf("selected %v", some)
	}
	if none, _ := kinds(t, r, Selection{Filters: []string{"kind=component,kind=nothing", "kind=nothing"}}); none["component"] != all["component"] {
		t.Errorf("values of one key are alternatives: %v", none)
	}
	one, first := kinds(t, r, Selection{Filters: []string{"kind=component"}, Fields: []string{"kind", "metadata.name"}, Limit: 1})
	if one["component"] != 1 || len(one) != 1 || !strings.HasPrefix(first, `{"kind":"Component","metadata":{"name":"`) || strings.Contains(first, "uid") {
		t.Errorf("selected %v, %s", one, first)
	}
}

func TestReader_SaysWhatIsWrongWithAQuestion(t *testing.T) {
	r := Reader{Index: recordedIndex(t), Authorizer: permission.Fake{}}
	for _, q := range []Selection{{Filters: []string{"=x"}}, {Fields: []string{"a[0]"}}} {
		for _, err := range r.Entities(t.Context(), principal.Host("hello"), q) {
			if !apierror.Has(err, apierror.Input) {
				t.Errorf("%v: %v", q, err)
			}
		}
	}
	if _, err := r.Entity(t.Context(), principal.Host("hello"), "shop"); !apierror.Has(err, apierror.Input) {
		t.Errorf("a ref without kind: %v", err)
	}
	if _, err := r.Entity(t.Context(), principal.Host("hello"), "component:shop-that-is-not"); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("an entity that is not there: %v", err)
	}
}

func TestReader_ShowsWhatTheCallerMayRead(t *testing.T) {
	ix := recordedIndex(t)
	var ref string
	for body, err := range (Reader{Index: ix, Authorizer: permission.Fake{}}).Entities(t.Context(), principal.Host("hello"), Selection{Filters: []string{"kind=component"}, Limit: 1}) {
		var e entity.Entity
		if err = errors.Join(err, json.Unmarshal(body, &e)); err != nil {
			t.Fatal(err)
		}
		ref = strings.ToUpper(e.Ref().String())
	}
	systems := permission.When(ResourceType, "IS_ENTITY_KIND", map[string]any{"kinds": []any{"System"}})
	for name, c := range map[string]struct {
		decision permission.Decision
		sees     bool
		most     int
	}{
		"everything": {permission.Decision{Result: permission.Allow}, true, 100},
		"nothing":    {permission.Decision{Result: permission.Deny}, false, 0},
		"systems":    {permission.Decision{Result: permission.Conditional, Conditions: &systems}, false, 1},
	} {
		r := Reader{Index: ix, Authorizer: permission.Fake{PermissionRead.Name: c.decision}}
		if _, err := r.Entity(t.Context(), principal.Nobody, ref); (err == nil) != c.sees {
			t.Errorf("who may read %s reads %s: %v", name, ref, err)
		}
		if seen, _ := kinds(t, r, Selection{}); len(seen) > c.most || (c.most > 0) != (seen["system"] > 0) {
			t.Errorf("who may read %s sees %v", name, seen)
		}
	}
}

func TestReader_StopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range (Reader{Index: recordedIndex(t), Authorizer: permission.Fake{}}).Entities(ctx, principal.Host("hello"), Selection{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}
