package intake

import (
	"context"
	"io"
	"iter"
	"time"
)

// Place is where bills are put: a folder, or a bucket.
type Place interface {
	// Name tells people, and records, which place it is.
	Name() string
	// Origin is that of its jobs.
	Origin() string
	// List streams all files; an error ends it.
	List(ctx context.Context) iter.Seq2[Object, error]
	// Open opens a file as it was listed; it fails when it has changed since, where the place can tell.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
	// Settles reports whether files grow while they can be seen already, so that they must be seen twice alike.
	Settles() bool
}

// Object is a file in a place.
type Object struct {
	Name     string // with slashes, below the place
	Size     int64
	Modified time.Time
	Tag      string // changes with the content; empty where the place has none
}

// same reports whether nothing tells that the file has changed.
func (o Object) same(p Object) bool {
	return o.Name == p.Name && o.Size == p.Size && o.Modified.Equal(p.Modified) && o.Tag == p.Tag
}
