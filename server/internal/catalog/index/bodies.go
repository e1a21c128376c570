package index

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/maypok86/otter/v2"
)

// bodies keeps the compressed form of the documents that are asked for, by bytes: compressing costs more than
// everything else that an answer needs. A document that was replaced is not asked for again and drops out.
type bodies struct {
	cache   *otter.Cache[*Doc, []byte]
	writers sync.Pool
}

const defaultBodyBytes = 32 << 20

// MinCompress is the size below which compressing an answer is not worth it; it is the threshold of the HTTP edge.
const MinCompress = 1024

func newBodies(limit uint64) *bodies {
	return &bodies{
		cache: otter.Must(&otter.Options[*Doc, []byte]{
			MaximumWeight: limit,
			Weigher:       func(_ *Doc, gz []byte) uint32 { return uint32(len(gz)) + 64 },
			Executor:      func(work func()) { work() },
		}),
		writers: sync.Pool{New: func() any {
			w, _ := gzip.NewWriterLevel(nil, gzip.DefaultCompression)
			return w
		}},
	}
}

// Gzip is the document compressed, nil when it is too small for that. It must not be changed.
func (ix *Index) Gzip(d *Doc) []byte {
	if len(d.JSON) < MinCompress {
		return nil
	}
	b := ix.bodies
	if gz, ok := b.cache.GetIfPresent(d); ok {
		return gz
	}
	var buf bytes.Buffer
	w := b.writers.Get().(*gzip.Writer) //nolint:forcetypeassert // nothing else is put there
	defer b.writers.Put(w)
	w.Reset(&buf)
	if _, err := w.Write(d.JSON); err != nil || w.Close() != nil {
		return nil // not reachable: a buffer takes everything
	}
	gz := bytes.Clone(buf.Bytes())
	b.cache.Set(d, gz)
	return gz
}
