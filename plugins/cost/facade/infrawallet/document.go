package infrawallet

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Bounds of the lists that are kept, each as one value of the store.
const (
	mostKept    = 500
	longestKept = 200 << 10 // the store takes 256 KiB
	longestBody = 256 << 10
)

// list is a list that is kept as one document. Two changes at once are both done, one after the other.
type list[T any] struct {
	store Store
	key   string
}

func (l list[T]) read(ctx context.Context) (items []T, version int64, err error) {
	items = []T{}
	version, err = l.store.GetJSON(ctx, l.key, &items)
	if errors.Is(err, sdk.ErrNotFound) {
		return items, 0, nil
	}
	return items, version, err
}

// change replaces the list by what edit makes of it. Edit may be called several times.
func (l list[T]) change(ctx context.Context, edit func([]T) ([]T, error)) error {
	const attempts = 10
	for range attempts {
		items, version, err := l.read(ctx)
		if err != nil {
			return err
		}
		if items, err = edit(items); err != nil {
			return err
		}
		if text, err := json.Marshal(items); err != nil {
			return err
		} else if len(items) > mostKept || len(text) > longestKept {
			return apierror.Inputf("at most %d records of %d KiB in all are kept", mostKept, longestKept>>10)
		}
		if _, err = l.store.PutJSON(ctx, l.key, items, sdk.PutOptions{IfVersion: &version}); !errors.Is(err, sdk.ErrConflict) {
			return err
		}
	}
	return apierror.Conflictf("the list is being changed by many at once; try again")
}

// put replaces the item that same finds, or adds one.
func put[T any](items []T, item T, same func(T) bool) []T {
	for i := range items {
		if same(items[i]) {
			items[i] = item
			return items
		}
	}
	return append(items, item)
}

// decode reads a body.
func decode(w http.ResponseWriter, r *http.Request, what string, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, longestBody)).Decode(into); err != nil {
		return wrongBody(what, err)
	}
	return nil
}
