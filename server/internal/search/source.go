package search

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// Type is one kind of document: what callers name in types[], and where its documents come from.
type Type struct {
	Name string
	// Fields are the searchable members of a document, in the order of [Document.Values]. "location" must be one.
	Fields []string
	Source Source
	// Permission decides who sees documents of this type; nil = every caller.
	Permission *permission.Permission
	// Needs are further permissions, each of which a caller must have without conditions.
	Needs []permission.Permission
	// Conditions turns a conditional decision into a test on resource refs, for one request. A type with a resource
	// permission and without Conditions shows nothing to callers whose decision is conditional.
	Conditions func(ctx context.Context, p *principal.Principal, c *permission.Criteria) (func(resourceRef string) bool, error)
}

// Source provides the documents of one type. It is comparable, as pointers are. Its methods are called by one goroutine of the engine at a time.
type Source interface {
	// Generation is a number that is different after any document was added, changed or removed. It is polled, so it
	// must be cheap, and it must be read before the documents it describes.
	Generation() uint64
	// Documents lists what there is now, in any order. An error ends the pass; the index stays as it was.
	Documents(ctx context.Context) iter.Seq2[Entry, error]
}

// Entry names one document without reading it.
type Entry struct {
	// Key is unique among the documents of the type. Results of equal rank are in the order of keys.
	Key string
	// Version differs whenever the document does; Read is called only for versions that the index does not have.
	Version uint64
	// Read makes the document. ok false leaves the entry out of the index.
	Read func() (d Document, ok bool, err error)
}

// Document is one thing to be found.
type Document struct {
	// Values has one text per field of the type; "" is answered as an empty text.
	Values []string
	// Extra is a JSON object with members that are answered but not searched; nil = none.
	Extra json.RawMessage
	// ResourceRef is what the type's permission is asked about. It is never answered.
	ResourceRef string
}
