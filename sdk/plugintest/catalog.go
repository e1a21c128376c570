package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// Catalog is the fake host's catalog. It keeps entities as they are put, without processing them.
type Catalog struct {
	mu        sync.Mutex
	entities  map[entity.Canonical]sdk.Entity
	refreshed []string
	triggered []string
	hidden    map[string]map[entity.Canonical]bool // by user
}

// Component is an entity of kind Component with the members that the catalog asks for.
func Component(name string) sdk.Entity {
	return sdk.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"type": "service", "lifecycle": "production", "owner": "group:default/team"},
	}
}

// Annotated is a copy of an entity with one more annotation.
func Annotated(e sdk.Entity, key, value string) sdk.Entity {
	e = e.Clone()
	metadata, _ := e["metadata"].(map[string]any)
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations[key] = value
	return e
}

// Put adds or replaces entities.
func (c *Catalog) Put(entities ...sdk.Entity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entities == nil {
		c.entities = map[entity.Canonical]sdk.Entity{}
	}
	for _, e := range entities {
		c.entities[e.Ref().Canonical()] = e.Clone()
	}
}

// Refreshed are the refs that the plugin asked to refresh, in order.
func (c *Catalog) Refreshed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.refreshed)
}

// Triggered are the providers that the plugin asked to call early, in order.
func (c *Catalog) Triggered() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.triggered)
}

type catalogService struct {
	pluginv1.UnimplementedHostCatalogServiceServer

	c *Catalog
}

func (s catalogService) GetEntity(_ context.Context, req *pluginv1.GetEntityRequest) (*pluginv1.GetEntityResponse, error) {
	ref, err := entity.ParseRef(req.GetRef(), entity.Defaults{})
	if err != nil {
		return nil, apierror.Inputf("%v", err)
	}
	s.c.mu.Lock()
	e, ok := s.c.entities[ref.Canonical()]
	s.c.mu.Unlock()
	if !ok {
		return nil, apierror.NotFoundf("no entity %s", ref)
	}
	data, err := json.Marshal(e)
	return &pluginv1.GetEntityResponse{Json: data}, err
}

// QueryEntities understands filters of single values; the real catalog knows more.
func (s catalogService) QueryEntities(req *pluginv1.QueryEntitiesRequest, stream grpc.ServerStreamingServer[pluginv1.QueryEntitiesResponse]) error {
	for _, e := range s.c.selected(req.GetFilters(), int(req.GetLimit())) {
		data, err := json.Marshal(picked(e, req.GetFields()))
		if err != nil {
			return err
		}
		if err := stream.Send(&pluginv1.QueryEntitiesResponse{Entities: []*pluginv1.EntityDocument{{Json: data}}}); err != nil {
			return err
		}
	}
	return nil
}

func (s catalogService) RefreshEntity(_ context.Context, req *pluginv1.RefreshEntityRequest) (*pluginv1.RefreshEntityResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.refreshed = append(s.c.refreshed, req.GetRef())
	return &pluginv1.RefreshEntityResponse{}, nil
}

func (s catalogService) TriggerProvider(_ context.Context, req *pluginv1.TriggerProviderRequest) (*pluginv1.TriggerProviderResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.triggered = append(s.c.triggered, req.GetName())
	return &pluginv1.TriggerProviderResponse{}, nil
}

// selected are entities in the order of their refs.
func (c *Catalog) selected(filters []string, limit int) []sdk.Entity {
	c.mu.Lock()
	defer c.mu.Unlock()
	var refs []entity.Canonical
	for ref, e := range c.entities {
		if len(filters) == 0 || slices.ContainsFunc(filters, func(f string) bool { return matches(e, f) }) {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	if limit > 0 && len(refs) > limit {
		refs = refs[:limit]
	}
	out := make([]sdk.Entity, len(refs))
	for i, ref := range refs {
		out[i] = c.entities[ref]
	}
	return out
}

func matches(e sdk.Entity, filter string) bool {
	for condition := range strings.SplitSeq(filter, ",") {
		path, want, valued := strings.Cut(condition, "=")
		got, found := at(e, path)
		if !found || valued && !strings.EqualFold(fmt.Sprint(got), want) {
			return false
		}
	}
	return true
}

// at follows a path of dots; names of annotations and labels, which have dots themselves, are found as the rest of a path.
func at(v any, path string) (any, bool) {
	members, ok := v.(map[string]any)
	if e, isEntity := v.(sdk.Entity); isEntity {
		members, ok = e, true
	}
	if !ok {
		return nil, false
	}
	if found, ok := members[path]; ok {
		return found, true
	}
	first, rest, more := strings.Cut(path, ".")
	if !more {
		return nil, false
	}
	return at(members[first], rest)
}

func picked(e sdk.Entity, fields []string) sdk.Entity {
	if len(fields) == 0 {
		return e
	}
	out := sdk.Entity{}
	for _, f := range fields {
		v, ok := at(e, f)
		if !ok {
			continue
		}
		into := map[string]any(out)
		parts := strings.Split(f, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := into[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				into[p] = next
			}
			into = next
		}
		into[parts[len(parts)-1]] = v
	}
	return out
}
