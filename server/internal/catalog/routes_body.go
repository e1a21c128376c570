package catalog

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
)

// body joins serialised entities into an answer, without decoding what goes out as it is.
type body struct {
	buf       []byte
	items     int
	projector *projector // nil: entities as they are
}

// body takes a buffer from the pool; give it back with recycle.
func (a *api) body(fields *projection) *body {
	b, ok := a.buffers.Get().(*body)
	if !ok {
		b = &body{}
	}
	*b = body{buf: b.buf[:0]}
	if fields != nil {
		b.projector = fields.projector()
	}
	return b
}

// keptBody is the size up to which a buffer is worth keeping: a few large answers must not pin their memory.
const keptBody = 1 << 20

func (a *api) recycle(b *body) {
	if cap(b.buf) <= keptBody {
		b.projector = nil
		a.buffers.Put(b)
	}
}

func (b *body) raw(text string) { b.buf = append(b.buf, text...) }

func (b *body) separate() {
	if b.items > 0 {
		b.buf = append(b.buf, ',')
	}
	b.items++
}

func (b *body) entity(d *index.Doc) {
	b.separate()
	if b.projector != nil {
		b.buf = b.projector.append(b.buf, d.JSON)
		return
	}
	b.buf = append(b.buf, d.JSON...)
}

func (b *body) null() {
	b.separate()
	b.raw("null")
}

// send answers with an ETag when the entities were projected, as the reference does.
func (b *body) send(c *gin.Context) error {
	if b.projector != nil {
		return httpx.JSON(c, http.StatusOK, json.RawMessage(b.buf))
	}
	return httpx.Bytes(c, http.StatusOK, jsonType, b.buf, nil)
}

// problemJSON is an error outside the envelope, with its causes.
func problemJSON(err error) map[string]any {
	out := map[string]any{"name": apierror.Generic, "message": err.Error()}
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return out
	}
	out["name"], out["message"] = e.Name, e.Message
	maps.Copy(out, e.Fields)
	if e.Cause != nil {
		out["cause"] = problemJSON(e.Cause)
	}
	return out
}

// facets appends counted values, separated.
func (b *body) facets(facets []index.Facet) {
	for i, f := range facets {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.raw(`{"value":`)
		b.buf = appendText(b.buf, f.Value)
		b.raw(`,"count":`)
		b.buf = strconv.AppendInt(b.buf, int64(f.Count), 10)
		b.buf = append(b.buf, '}')
	}
}
