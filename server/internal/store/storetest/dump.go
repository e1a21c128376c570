package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/store"
)

// Dump is every value in the tables whose names begin with prefix, one a line, for tests of what a database must not hold.
// Tables without a row are a mistake of the test: a dump of nothing proves nothing.
func Dump(t testing.TB, db *store.DB, prefix string) string {
	t.Helper()
	var text strings.Builder
	for _, table := range tables(t, db, prefix) {
		rowsOf(t, db, &text, "SELECT * FROM "+table) //nolint:unqueryvet // all columns, also those to come
	}
	if text.Len() == 0 {
		t.Fatalf("the tables %s… are empty", prefix)
	}
	return text.String()
}

// Columns are the names of a table's columns.
func Columns(t testing.TB, db *store.DB, table string) []string {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), "SELECT * FROM "+table+" LIMIT 0") //nolint:unqueryvet // their names are the question
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	return names
}

func tables(t testing.TB, db *store.DB, prefix string) []string {
	t.Helper()
	all := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if db.Dialect() == store.PostgreSQL {
		all = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	var text strings.Builder
	rowsOf(t, db, &text, all)
	var names []string
	for name := range strings.FieldsSeq(text.String()) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

func rowsOf(t testing.TB, db *store.DB, out *strings.Builder, query string) {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if data, ok := v.([]byte); ok {
				v = string(data)
			}
			fmt.Fprintln(out, v)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
