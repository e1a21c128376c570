package widget

import (
	"cmp"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Registry is the widgets that are installed. Sources bring and take theirs while the host runs. Safe for concurrent use.
type Registry struct {
	mu       sync.RWMutex
	bySource map[string][]Widget
}

// NewRegistry is without any.
func NewRegistry() *Registry { return &Registry{bySource: map[string][]Widget{}} }

// Set makes list all that source has. An id that is taken is a ConflictError, and nothing changes then.
func (r *Registry) Set(source string, list []Widget) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := map[ID]bool{}
	for other, theirs := range r.bySource {
		for _, w := range theirs {
			taken[w.Description().ID] = other != source
		}
	}
	for _, w := range list {
		id := w.Description().ID
		if taken[id] {
			return apierror.Conflictf("%s cannot add the widget %q: there is one of that id", source, string(id))
		}
		taken[id] = true
	}
	r.bySource[source] = slices.Clone(list)
	return nil
}

// Remove takes away everything that source has.
func (r *Registry) Remove(source string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.bySource, source)
}

// List is every widget, by id.
func (r *Registry) List() []Widget { return r.where(func(Description) bool { return true }) }

// For is every widget that is for e, by id.
func (r *Registry) For(e entity.Entity) []Widget {
	return r.where(func(d Description) bool { return d.AppliesTo.To(e) })
}

func (r *Registry) where(holds func(Description) bool) []Widget {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Widget
	for _, list := range r.bySource {
		for _, w := range list {
			if holds(w.Description()) {
				found = append(found, w)
			}
		}
	}
	slices.SortFunc(found, func(a, b Widget) int { return cmp.Compare(a.Description().ID, b.Description().ID) })
	return found
}

// Find is the widget with that id, or a NotFoundError.
func (r *Registry) Find(id ID) (Widget, error) {
	if found := r.where(func(d Description) bool { return d.ID == id }); len(found) > 0 {
		return found[0], nil
	}
	return nil, apierror.NotFoundf("There is no widget %q; is its plugin installed and running?", string(id))
}
