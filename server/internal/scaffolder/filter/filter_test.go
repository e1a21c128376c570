package filter

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

func names(r *Registry) string {
	var all []string
	for _, f := range r.List() {
		all = append(all, f.ID)
	}
	return strings.Join(all, " ")
}

func named(ids ...string) []templating.Filter {
	var list []templating.Filter
	for _, id := range ids {
		list = append(list, templating.Filter{ID: id})
	}
	return list
}

func TestRegistry_SourcesComeAndGo(t *testing.T) {
	r := NewRegistry()
	for _, step := range []struct {
		source string
		list   []templating.Filter
		want   string
	}{
		{"b", named("shout", "dsn"), "dsn shout"},
		{"a", named("team"), "dsn shout team"},
		{"b", named("dsn"), "dsn team"},
		{"a", nil, "dsn"},
	} {
		if err := r.Set(step.source, step.list); err != nil || names(r) != step.want {
			t.Errorf("%s: %q, %v", step.source, names(r), err)
		}
	}
	r.Remove("b")
	r.Remove("never")
	if names(r) != "" {
		t.Error(names(r))
	}
}

func TestRegistry_ATakenNameIsRefusedAndNothingChanges(t *testing.T) {
	r := NewRegistry()
	if err := r.Set("a", named("shout")); err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]templating.Filter{named("x", "shout"), named("x", "x"), named("parseRepoUrl"), named("upper")} {
		if err := r.Set("b", list); !apierror.Has(err, apierror.Conflict) || names(r) != "shout" {
			t.Errorf("%v: %q, %v", list, names(r), err)
		}
	}
}

func TestRegistry_IsReadWhileItChanges(t *testing.T) {
	r := NewRegistry()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			source := fmt.Sprint("s", i)
			for range 100 {
				if err := r.Set(source, named(source)); err != nil {
					t.Error(err)
				}
				if !strings.Contains(names(r), source) {
					t.Error("what was set is not there")
				}
				r.Remove(source)
			}
		})
	}
	all.Wait()
}
