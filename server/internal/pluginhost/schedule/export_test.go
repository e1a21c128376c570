package schedule

import (
	"context"
	"testing"

	"github.com/callboard/callboard/server/internal/store"
)

// Exec changes rows as another host would.
func Exec(t *testing.T, db *store.DB, statement string, args ...any) {
	t.Helper()
	if _, err := (table{db}).change(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}
