package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// The stages whose problems come and go independently.
const (
	processStage  = "process"
	stitchStage   = "stitch"
	providerStage = "provider"
)

func (d database) problems(ctx context.Context) ([]Problem, error) {
	stored, err := texts(ctx, d.db.Read(), "SELECT problems FROM catalog_problems")
	var all []Problem
	for _, s := range stored {
		all = append(all, decodeProblems(s)...)
	}
	return all, err
}

// storeProblems replaces what is wrong with each of the results, conflicts of its children included.
func (b *batch) storeProblems(ctx context.Context, results []*result, conflicts []conflict) ([]problemChange, error) {
	after := make(map[string][]Problem, len(results))
	for _, r := range results {
		after[string(r.ref)] = r.problems
	}
	for _, c := range conflicts {
		p := conflictProblem(c)
		after[c.source] = append(after[c.source], p)
	}
	return b.replaceProblems(ctx, processStage, after)
}

func conflictProblem(c conflict) Problem {
	return Problem{
		Location: c.locationKey, Line: c.line, EntityRef: c.ref, Field: "metadata.name", Name: apierror.Conflict,
		Message: fmt.Sprintf("Detected conflicting entityRef %s already referenced by %s and now also %s", c.ref, c.existingKey, c.locationKey),
	}
}

// replaceProblems sets the problems of one stage by key, usually the ref of the entity that was worked on.
func (b *batch) replaceProblems(ctx context.Context, stage string, after map[string][]Problem) ([]problemChange, error) {
	keys := make([]string, 0, len(after))
	for key := range after {
		keys = append(keys, key)
	}
	before := map[string][]Problem{}
	if err := queryIn(ctx, b.tx, keys, "SELECT entity_ref, problems FROM catalog_problems WHERE stage = '"+stage+"' AND entity_ref IN (?)",
		func(rows *sql.Rows) error {
			var key, problems string
			err := rows.Scan(&key, &problems)
			before[key] = decodeProblems(problems)
			return err
		}); err != nil {
		return nil, err
	}
	var changes []problemChange
	var insert [][]any
	var remove []string
	for key, problems := range after {
		merged, change := mergeProblems(before[key], problems, time.UnixMilli(b.now).UTC())
		if len(change.added)+len(change.resolved) > 0 {
			changes = append(changes, change)
		}
		switch {
		case len(merged) > 0:
			data, err := json.Marshal(merged)
			if err != nil {
				return nil, err
			}
			insert = append(insert, []any{key, stage, string(data)})
		case len(before[key]) > 0:
			remove = append(remove, key)
		}
	}
	if err := execIn(ctx, b.tx, "DELETE FROM catalog_problems WHERE stage = '"+stage+"' AND entity_ref IN (?)", remove); err != nil {
		return nil, err
	}
	return changes, execRows(ctx, b.tx, "INSERT INTO catalog_problems (entity_ref, stage, problems) VALUES ", insert,
		" ON CONFLICT (entity_ref, stage) DO UPDATE SET problems = excluded.problems")
}
