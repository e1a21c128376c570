package catalog

import (
	"context"
	"fmt"

	"github.com/callboard/callboard/server/internal/catalog/index"
)

// NewestChange is the number of the newest change in the change log, 0 when it is empty.
func (e *Engine) NewestChange(ctx context.Context) (int64, error) {
	newest, _, err := e.db.lastSeq(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the change log: %w", err)
	}
	return newest, nil
}

// Changes are at most limit lines of the change log after the one numbered after, each with the entity as it is now; one
// that is gone has no document. Numbers are the same on every replica. Old lines are pruned, so a reader that is more than
// 100,000 changes behind misses some.
func (e *Engine) Changes(ctx context.Context, after int64, limit int) ([]index.Change, error) {
	list, err := e.db.changes(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the change log after %d: %w", after, err)
	}
	return list, nil
}
