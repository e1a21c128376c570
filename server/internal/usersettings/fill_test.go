package usersettings

import (
	"context"
	"strconv"
	"testing"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

// fill gives the guest as many values as a user may have.
func fill(t *testing.T, db *store.DB) {
	t.Helper()
	rows := make([]row, maxValues)
	for i := range rows {
		rows[i] = row{User: "user:default/guest", Bucket: "b", Key: strconv.Itoa(i), Value: "1"}
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
