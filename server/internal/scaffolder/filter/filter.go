// Package filter is the registry of the template filters that sources beside the scaffolder itself bring: what plugins add
// to the language of package templating. Contract page: scaffolder, §4.
package filter

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// own are the filters of the language and of the scaffolder. Nobody may take their place: templates rely on them, and what
// parseRepoUrl answers decides where code is published.
var own = []string{
	"parseRepoUrl", "parseEntityRef", "pick", "projectSlug",
	"abs", "batch", "capitalize", "center", "d", "default", "dictsort", "dump", "e", "escape", "first", "float", "forceescape",
	"groupby", "indent", "int", "join", "jsonify", "last", "length", "list", "lower", "nl2br", "random", "reject", "rejectattr",
	"replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "striptags", "sum", "title",
	"trim", "truncate", "upper", "urlencode", "urlize", "wordcount",
}

// Reserved are the names that no source can take.
func Reserved() []string { return slices.Clone(own) }

// Registry is the filters that are installed. Sources bring and take theirs while the host runs. Safe for concurrent use.
type Registry struct {
	mu       sync.Mutex
	bySource map[string][]templating.Filter
	all      atomic.Pointer[[]templating.Filter]
}

// NewRegistry is without any.
func NewRegistry() *Registry {
	r := &Registry{bySource: map[string][]templating.Filter{}}
	r.all.Store(&[]templating.Filter{})
	return r
}

// Set makes list all that source has. A name that is taken, by another source or by the language, is a ConflictError, and
// nothing changes then.
func (r *Registry) Set(source string, list []templating.Filter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := map[string]string{}
	for _, name := range own {
		taken[name] = "the template language"
	}
	next := []templating.Filter{}
	for other, theirs := range r.bySource {
		if other == source {
			continue
		}
		for _, f := range theirs {
			taken[f.ID] = other
		}
		next = append(next, theirs...)
	}
	for _, f := range list {
		if owner, is := taken[f.ID]; is {
			return apierror.Conflictf("%s cannot add the template filter %q: there is one of that name, of %s", source, f.ID, owner)
		}
		taken[f.ID] = source
	}
	next = append(next, list...)
	slices.SortFunc(next, func(a, b templating.Filter) int { return cmp.Compare(a.ID, b.ID) })
	r.bySource[source] = slices.Clone(list)
	r.all.Store(&next)
	return nil
}

// Remove takes away everything that source has.
func (r *Registry) Remove(source string) {
	_ = r.Set(source, nil) // nothing can be in conflict
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.bySource, source)
}

// List is every filter, by name. It is asked for at each rendering, and costs nothing; the list is not to be changed.
func (r *Registry) List() []templating.Filter { return *r.all.Load() }
