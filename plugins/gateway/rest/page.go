package rest

import (
	"iter"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// maxPages bounds a list: a gateway that always names a next page must not be read for ever.
const maxPages = 10_000

// Path joins segments, each escaped. An empty one makes a path that [Client] refuses, so that an identifier which is missing
// never turns "one of them" into "all of them".
func Path(segments ...string) string {
	var path strings.Builder
	for _, s := range segments {
		path.WriteByte('/')
		if strings.Trim(s, ".") == "" {
			s = strings.ReplaceAll(s, ".", "%2E")
		} else {
			s = url.PathEscape(s)
		}
		path.WriteString(s)
	}
	return path.String()
}

// Pages reads a list page by page. page answers the items of a page and the cursor of the next one, "" = it was the last;
// the cursor of the first is "". A cursor that comes back at once ends the list with an error.
func Pages[T any](page func(cursor string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		cursor := ""
		for range maxPages {
			items, next, err := page(cursor)
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			switch next {
			case "":
				return
			case cursor:
				yield(none, apierror.New(apierror.ServiceUnavailable, "the gateway names a page of a list as its own successor"))
				return
			}
			cursor = next
		}
		yield(none, apierror.Newf(apierror.ServiceUnavailable, "a list of the gateway has more than %d pages", maxPages))
	}
}

// Mapped passes on what convert makes of each item that it wants.
func Mapped[T, U any](list iter.Seq2[T, error], convert func(T) (U, bool)) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for item, err := range list {
			if err != nil {
				var none U
				yield(none, err)
				return
			}
			if made, wanted := convert(item); wanted && !yield(made, nil) {
				return
			}
		}
	}
}

// Failed is a list that ends with an error at once.
func Failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
