package catalog

import (
	"context"
	"database/sql"

	"github.com/callboard/callboard/sdk/entity"
)

// visible is the final entity with that canonical ref, nil when there is none.
func (d database) visible(ctx context.Context, ref string) (*AncestryItem, error) {
	items, err := d.finals(ctx, "SELECT entity_ref, entity_id, final_entity FROM catalog_final_entities WHERE entity_ref = ?", ref)
	if len(items) == 0 {
		return nil, err
	}
	return &items[0], err
}

// visibleParents are the final entities that emitted the one with that ref.
func (d database) visibleParents(ctx context.Context, ref entity.Canonical) ([]AncestryItem, error) {
	return d.finals(ctx, `SELECT f.entity_ref, f.entity_id, f.final_entity FROM catalog_references AS r
		JOIN catalog_final_entities AS f ON f.entity_ref = r.source_entity_ref WHERE r.target_entity_ref = ? ORDER BY f.entity_ref`, string(ref))
}

func (d database) finals(ctx context.Context, query string, args ...any) ([]AncestryItem, error) {
	var items []AncestryItem
	err := each(ctx, d.db.Read(), func(rows *sql.Rows) error {
		var item AncestryItem
		err := rows.Scan(&item.Ref, &item.UID, &item.JSON)
		items = append(items, item)
		return err
	}, query, args...)
	return items, err
}

// originOf is the root location that an entity came from, as its document says; found tells whether there is one.
func (d database) originOf(ctx context.Context, ref string) (origin string, found bool, err error) {
	docs, err := texts(ctx, d.db.Read(), "SELECT unprocessed_entity FROM catalog_refresh_state WHERE entity_ref = ?", ref)
	if err != nil || len(docs) == 0 {
		return "", false, err
	}
	doc, err := decodeEntity(docs[0])
	return doc.Annotation(entity.AnnotationOriginLocation), true, err
}
