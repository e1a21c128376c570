package main

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// The annotations that tie an entity to an API at a gateway. Those of Kong's community plugin are understood as well.
const (
	apiAnnotation          = "callboard.dev/gateway-api"
	kongServiceAnnotation  = "kong-manager/service-name"
	kongInstanceAnnotation = "kong-manager/instance"
)

// apiRef names an API at a gateway.
type apiRef struct {
	gateway string
	api     driver.APIID
}

func (r apiRef) String() string { return r.gateway + "/" + string(r.api) }

// parseAPIRef reads "gateway/api"; the API's name may have slashes of its own.
func parseAPIRef(text string) (apiRef, bool) {
	gateway, api, ok := strings.Cut(strings.TrimSpace(text), "/")
	return apiRef{gateway, driver.APIID(api)}, ok && gateway != "" && api != ""
}

// apisOf are the APIs that an entity names. What cannot be read is left out: it is a mistake in the catalog, of which the
// entity's route tells.
func (h *hub) apisOf(e sdk.Entity) []apiRef {
	var refs []apiRef
	for part := range strings.SplitSeq(e.Annotation(apiAnnotation), ",") {
		if ref, ok := parseAPIRef(part); ok {
			refs = append(refs, ref)
		}
	}
	if service := strings.TrimSpace(e.Annotation(kongServiceAnnotation)); service != "" && len(refs) == 0 {
		for _, gateway := range h.kongInstances(e.Annotation(kongInstanceAnnotation)) {
			refs = append(refs, apiRef{gateway, driver.APIID(service)})
		}
	}
	return refs
}

// kongInstances are those that an annotation lists; without one, the first Kong there is.
func (h *hub) kongInstances(listed string) []string {
	var names []string
	for name := range strings.SplitSeq(listed, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if names != nil {
		return names
	}
	for _, name := range h.order {
		if t := h.gateways[name].Type; t == "kong" || t == "konnect" {
			return []string{name}
		}
	}
	return nil
}

// annotated answers the APIs of an entity, or what its annotation lacks.
func (h *hub) annotated(e sdk.Entity) ([]apiRef, error) {
	refs := h.apisOf(e)
	if len(refs) == 0 {
		return nil, apierror.NotFoundf("entity %s names no API: annotation %s must be gateway/api", e.Ref(), apiAnnotation)
	}
	for _, ref := range refs {
		if _, err := h.gateway(ref.gateway); err != nil {
			return nil, apierror.NotFoundf("entity %s: annotation %s names gateway %q, which is not among the settings", e.Ref(), apiAnnotation, ref.gateway)
		}
	}
	return refs, nil
}

// filters select the entities that name any API, or one.
func (h *hub) filters(ref *apiRef) []string {
	const annotations = "metadata.annotations."
	if ref == nil {
		return []string{annotations + apiAnnotation, annotations + kongServiceAnnotation}
	}
	if strings.Contains(string(ref.api), ",") {
		return h.filters(nil) // a comma joins conditions
	}
	return []string{annotations + apiAnnotation + "=" + ref.String(), annotations + kongServiceAnnotation + "=" + string(ref.api)}
}

// reader reads entities: with a caller's rights, or the plugin's own.
type reader interface {
	Entity(ctx context.Context, ref string) (sdk.Entity, error)
	Query(ctx context.Context, q sdk.Query) iter.Seq2[sdk.Entity, error]
}

// entityOf finds the entity that names an API, among those that the reader may see; nil = there is none.
func (h *hub) entityOf(ctx context.Context, read reader, ref apiRef) (sdk.Entity, error) {
	for _, filters := range [][]string{h.filters(&ref), h.filters(nil)} { // an annotation may list several
		for e, err := range read.Query(ctx, sdk.Query{Filters: filters}) {
			if err != nil {
				return nil, err
			}
			if slices.Contains(h.apisOf(e), ref) {
				return e, nil
			}
		}
	}
	return nil, nil
}

// resolve finds the API that somebody means: "gateway/api", or the ref of an entity that names one.
func (h *hub) resolve(ctx context.Context, read reader, named string) (apiRef, sdk.Entity, error) {
	if strings.Contains(named, ":") {
		e, err := read.Entity(ctx, named)
		if err != nil {
			return apiRef{}, nil, err
		}
		refs, err := h.annotated(e)
		if err != nil {
			return apiRef{}, nil, err
		}
		if len(refs) > 1 {
			return apiRef{}, nil, apierror.Inputf("api: entity %s names %d APIs: say which, as gateway/api", e.Ref(), len(refs))
		}
		return refs[0], e, nil
	}
	ref, ok := parseAPIRef(named)
	if !ok {
		return apiRef{}, nil, apierror.Inputf("api: %q is neither gateway/api nor the ref of an entity", named)
	}
	if _, err := h.gateway(ref.gateway); err != nil {
		return apiRef{}, nil, err
	}
	e, err := h.entityOf(ctx, read, ref)
	if err == nil && e == nil {
		err = apierror.NotFoundf("no entity that you may read has the annotation %s: %s", apiAnnotation, ref)
	}
	return ref, e, err
}

// ownersOf are the full refs of those who own an entity: by its relations, or where those were not read by its spec.
func ownersOf(e sdk.Entity) []string {
	var owners []string
	relations, _ := e["relations"].([]any)
	for _, r := range relations {
		relation, _ := r.(map[string]any)
		if target, _ := relation["targetRef"].(string); relation["type"] == "ownedBy" && target != "" {
			owners = append(owners, strings.ToLower(target))
		}
	}
	if owner, _ := e.Spec()["owner"].(string); len(owners) == 0 && owner != "" {
		owners = append(owners, fullRef(owner, "group", e.Namespace()))
	}
	return owners
}

// fullRef completes a ref, and writes it in lower case, as ownership refs are.
func fullRef(ref, kind, namespace string) string {
	if ref = strings.ToLower(strings.TrimSpace(ref)); ref == "" {
		return ""
	}
	if before, after, ok := strings.Cut(ref, ":"); ok {
		kind, ref = before, after
	}
	if !strings.Contains(ref, "/") {
		ref = namespace + "/" + ref
	}
	return kind + ":" + ref
}

func isNotFound(err error) bool { return errors.Is(err, sdk.ErrNotFound) }
