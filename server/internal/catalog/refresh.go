package catalog

import (
	"context"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Refresh schedules the entity and all Locations above it, up to 32 levels, for processing now. The ref may be in any
// case. NotFoundError "Entity <ref> not found".
func (e *Engine) Refresh(ctx context.Context, ref string) error {
	ref = strings.ToLower(ref)
	id, err := e.db.exists(ctx, ref)
	if err != nil {
		return err
	}
	if id == "" {
		return apierror.NotFoundf("Entity %s not found", ref)
	}
	due := []string{ref}
	seen := map[string]bool{ref: true}
	for at, depth := ref, 0; depth < maxLocationDepth; depth++ {
		up, err := e.db.parentsOf(ctx, []string{at})
		if err != nil {
			return err
		}
		if at = up[at]; at == "" || seen[at] {
			break
		}
		seen[at] = true
		if isLocationRef(entity.Canonical(at)) {
			due = append(due, at)
		}
	}
	if err := e.db.refresh(ctx, due); err != nil {
		return err
	}
	e.wake()
	return nil
}

func isLocationRef(ref entity.Canonical) bool { return strings.HasPrefix(string(ref), "location:") }

// AncestryItem is one entity of an ancestry with the refs of its parents.
type AncestryItem struct {
	Ref        entity.Canonical
	UID        string
	JSON       []byte // the final entity; not to be changed
	ParentRefs []entity.Canonical
}

// maxAncestry bounds the answer; a tree of Locations is far smaller.
const maxAncestry = 1000

// Ancestry lists the entity itself and then its ancestors, depth first. Each entity appears once, cycles included.
// NotFoundError "No such entity <ref>". Nothing is filtered by permission here: that is the reading side's.
func (e *Engine) Ancestry(ctx context.Context, ref string) ([]AncestryItem, error) {
	ref = strings.ToLower(ref)
	root, err := e.db.visible(ctx, ref)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, apierror.NotFoundf("No such entity %s", ref)
	}
	seen := map[entity.Canonical]bool{root.Ref: true}
	var items []AncestryItem
	for todo := []AncestryItem{*root}; len(todo) > 0 && len(items) < maxAncestry; {
		item := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		parents, err := e.db.visibleParents(ctx, item.Ref)
		if err != nil {
			return nil, err
		}
		item.ParentRefs = make([]entity.Canonical, len(parents))
		for i, p := range parents {
			item.ParentRefs[i] = p.Ref
			if !seen[p.Ref] {
				seen[p.Ref] = true
				todo = append(todo, p)
			}
		}
		items = append(items, item)
	}
	return items, nil
}
