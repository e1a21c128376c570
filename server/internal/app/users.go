package app

import (
	"context"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

// UsersWith finds whom a sign-in provider means. It need not find all: several are refused, unless all but one only look
// like the value.
func (u users) UsersWith(_ context.Context, field, value string) ([]entity.Entity, error) {
	const enough = 20
	page := u.engine.Index().Snapshot().Query(index.Query{Filter: index.All(index.In("kind", "user"), index.In(field, value)), Limit: enough, NoTotal: true})
	var found []entity.Entity
	for _, item := range page.Items {
		e, _, err := decode(item.Doc)
		if err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, nil
}
