package catalog

import (
	"context"
	"fmt"

	"github.com/callboard/callboard/sdk/entity"
)

// LocationKey is the location that brings an entity, such as "file:/srv/catalog/template.yaml"; "" when there is none.
// Unlike its annotations, no entity can choose it.
func (e *Engine) LocationKey(ctx context.Context, ref entity.Canonical) (string, error) {
	keys, err := texts(ctx, e.db.db.Read(), "SELECT coalesce(location_key, '') FROM catalog_refresh_state WHERE entity_ref = ?", string(ref))
	if err != nil {
		return "", fmt.Errorf("the location of %s: %w", ref, err)
	}
	if len(keys) == 0 {
		return "", nil
	}
	return keys[0], nil
}
