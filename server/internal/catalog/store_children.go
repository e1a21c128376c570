package catalog

import (
	"context"
	"database/sql"
	"slices"

	"github.com/google/uuid"
)

// owned is what a batch needs to know of an entity that is to be stored, and what it plans for it.
type owned struct {
	position   int  // in the order of emission
	stored     bool // there is a row
	exists     bool // there is a row, or one is planned
	hash, key  string
	next       *emitted // to be written, nil = as it is
	edges      []edgeSource
	edgesStale bool // the edges differ from what is stored
}

// edgeSource is who brought an entity: a provider or a parent.
type edgeSource struct{ key, ref string }

// placeChildren stores what the entities emitted, and their edges. A child that belongs to another location is a
// conflict and stays as it is. Edges to a child are replaced: the last parent is the only one.
func (b *batch) placeChildren(ctx context.Context, results []*result) ([]conflict, error) {
	results, known, all := placing(results)
	if len(results) == 0 {
		return nil, nil
	}
	states, err := b.ownedBy(ctx, all)
	if err != nil {
		return nil, err
	}
	before, err := b.childrenOf(ctx, known)
	if err != nil {
		return nil, err
	}
	var conflicts []conflict
	var counts, dropped [][]any
	for _, r := range results {
		mine, refused := b.placeAll(states, edgeSource{ref: string(r.ref)}, r.emitted)
		conflicts = append(conflicts, refused...)
		for _, target := range before[string(r.ref)] {
			if !mine[target] {
				b.dropEdge(states[target], edgeSource{ref: string(r.ref)})
				b.marks[target] = true
				dropped = append(dropped, []any{string(r.ref), target})
			}
		}
		if len(mine) != r.children || len(refused) != r.conflicts {
			counts = append(counts, []any{r.id, len(mine), len(refused)})
		}
	}
	if err := execRows(ctx, b.tx, "DELETE FROM catalog_references WHERE (source_entity_ref, target_entity_ref) IN (VALUES ", dropped, ")"); err != nil {
		return nil, err
	}
	if err := b.flushChildren(ctx, states); err != nil {
		return nil, err
	}
	return conflicts, execRows(ctx, b.tx, "WITH v (id, children, conflicts) AS (VALUES ", counts,
		") UPDATE catalog_refresh_state AS s SET children = v.children, conflicts = v.conflicts FROM v WHERE s.entity_id = v.id")
}

// placing are the results that concern edges: known are those whose entities have some, all is what they emitted.
func placing(results []*result) (concerned []*result, known []string, all []emitted) {
	for _, r := range results {
		if !r.ok || len(r.emitted) == 0 && !r.known {
			continue
		}
		concerned = append(concerned, r)
		if r.known && (r.children > 0 || r.references > 0) {
			known = append(known, string(r.ref))
		}
		all = append(all, r.emitted...)
	}
	return concerned, known, all
}

// placeAll plans the children of one source and returns those it now has, and those it may not have.
func (*batch) placeAll(states map[string]*owned, source edgeSource, children []emitted) (map[string]bool, []conflict) {
	mine := make(map[string]bool, len(children))
	var refused []conflict
	for i := range children {
		c := &children[i]
		s := states[string(c.ref)]
		if s.exists && s.key != "" && s.key != c.locationKey {
			refused = append(refused, conflict{emitted: *c, source: source.key + source.ref, existingKey: s.key})
			continue
		}
		if !s.exists || s.hash != c.hash || s.key != c.locationKey {
			s.next = c
		}
		s.exists, s.hash, s.key = true, c.hash, c.locationKey
		if len(s.edges) != 1 || s.edges[0] != source {
			s.edges, s.edgesStale = []edgeSource{source}, true
		}
		mine[string(c.ref)] = true
	}
	return mine, refused
}

// dropEdge takes one edge out of the plan for an entity that others of the batch emit; nil = nobody does.
func (*batch) dropEdge(s *owned, gone edgeSource) {
	if s == nil {
		return
	}
	if i := slices.Index(s.edges, gone); i >= 0 {
		s.edges, s.edgesStale = slices.Delete(s.edges, i, i+1), true
	}
}

// ownedBy loads what is stored of the entities.
func (b *batch) ownedBy(ctx context.Context, children []emitted) (map[string]*owned, error) {
	states := make(map[string]*owned, len(children))
	refs := make([]string, 0, len(children))
	for _, c := range children {
		if states[string(c.ref)] == nil {
			states[string(c.ref)] = &owned{position: len(refs)}
			refs = append(refs, string(c.ref))
		}
	}
	existing := refs[:0:0]
	if err := queryIn(ctx, b.tx, refs, `SELECT entity_ref, unprocessed_hash, coalesce(location_key, '') FROM catalog_refresh_state
		WHERE entity_ref IN (?)`, func(rows *sql.Rows) error {
		var ref, hash, key string
		if err := rows.Scan(&ref, &hash, &key); err != nil {
			return err
		}
		s := states[ref]
		s.stored, s.exists, s.hash, s.key = true, true, hash, key
		existing = append(existing, ref)
		return nil
	}); err != nil {
		return nil, err
	}
	err := queryIn(ctx, b.tx, existing, `SELECT target_entity_ref, coalesce(source_key, ''), coalesce(source_entity_ref, '')
		FROM catalog_references WHERE target_entity_ref IN (?)`, func(rows *sql.Rows) error {
		var ref string
		var e edgeSource
		if err := rows.Scan(&ref, &e.key, &e.ref); err != nil {
			return err
		}
		states[ref].edges = append(states[ref].edges, e)
		return nil
	})
	return states, err
}

func (b *batch) childrenOf(ctx context.Context, parents []string) (map[string][]string, error) {
	children := map[string][]string{}
	err := queryIn(ctx, b.tx, parents, `SELECT source_entity_ref, target_entity_ref FROM catalog_references
		WHERE source_entity_ref IN (?)`, func(rows *sql.Rows) error {
		var source, target string
		err := rows.Scan(&source, &target)
		children[source] = append(children[source], target)
		return err
	})
	return children, err
}

// flushChildren writes the plan: new entities, changed ones, and edges. What is written is due at once, and in the order
// of emission: its time lies a little in the past.
func (b *batch) flushChildren(ctx context.Context, states map[string]*owned) error {
	var insert, update, edges [][]any
	var stale []string
	for _, ref := range inOrder(states) {
		s := states[ref]
		due := b.now - int64(len(states)-s.position)
		if s.next != nil && !s.stored {
			insert = append(insert, []any{b.newID(), ref, s.next.json, s.next.hash, s.next.line, null(s.next.locationKey), due})
		} else if s.next != nil {
			update = append(update, []any{ref, s.next.json, s.next.hash, s.next.line, null(s.next.locationKey), due})
		}
		if !s.edgesStale {
			continue
		}
		if s.stored {
			stale = append(stale, ref)
			b.marks[ref] = true // it may have become, or ceased to be, an orphan
		}
		for _, e := range s.edges {
			edges = append(edges, []any{null(e.key), null(e.ref), ref})
		}
	}
	if err := execRows(ctx, b.tx, `INSERT INTO catalog_refresh_state
		(entity_id, entity_ref, unprocessed_entity, unprocessed_hash, source_line, location_key, next_update_at) VALUES `, insert, ""); err != nil {
		return err
	}
	if err := execRows(ctx, b.tx, "WITH v (ref, entity, hash, line, location_key, next_at) AS (VALUES ", update,
		`) UPDATE catalog_refresh_state AS s SET unprocessed_entity = v.entity, unprocessed_hash = v.hash, source_line = v.line,
		location_key = v.location_key, next_update_at = v.next_at, result_hash = '' FROM v WHERE s.entity_ref = v.ref`); err != nil {
		return err
	}
	if err := execIn(ctx, b.tx, "DELETE FROM catalog_references WHERE target_entity_ref IN (?)", stale); err != nil {
		return err
	}
	return execRows(ctx, b.tx, "INSERT INTO catalog_references (source_key, source_entity_ref, target_entity_ref) VALUES ", edges, "")
}

// newID makes ids that ascend: rows of new entities then lie beside each other in every table and index, where random
// ids would touch a page each.
func (*batch) newID() string { return uuid.Must(uuid.NewV7()).String() }

func inOrder(states map[string]*owned) []string {
	refs := make([]string, len(states))
	for ref, s := range states {
		refs[s.position] = ref
	}
	return refs
}
