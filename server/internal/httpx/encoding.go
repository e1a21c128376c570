package httpx

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// compressFrom is the size from which answers are compressed, as in the reference.
const compressFrom = 1024

// encoder is a pooled compressor.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// encoders are the content codings that the edge can make.
type encoders struct{ brotli, gzip, deflate sync.Pool }

func (e *encoders) init() {
	const level = 3
	e.brotli.New = func() any {
		// The window bounds what a pooled encoder keeps; answers are rarely longer.
		return encoder(brotli.NewWriterOptions(io.Discard, brotli.WriterOptions{Quality: level, LGWin: 18}))
	}
	e.gzip.New = func() any { w, _ := gzip.NewWriterLevel(io.Discard, level); return encoder(w) }
	e.deflate.New = func() any { w, _ := zlib.NewWriterLevel(io.Discard, level); return encoder(w) }
}

func (e *encoders) pool(coding string) *sync.Pool {
	switch coding {
	case "br":
		return &e.brotli
	case "deflate":
		return &e.deflate
	}
	return &e.gzip
}

// bodyMode says what happens to what the handler writes.
type bodyMode uint8

const (
	bodyPlain   bodyMode = iota
	bodyWaiting          // of unknown length, still below compressFrom: kept back with the header
	bodyEncoded
)

var (
	varyEncoding       = []string{"Accept-Encoding"}
	varyOriginEncoding = []string{"Origin, Accept-Encoding"}
	codings            = map[string][]string{"br": {"br"}, "gzip": {"gzip"}, "deflate": {"deflate"}}
)

// planBody decides about compression from the headers, which are complete now. "Vary" names the encoding whenever the
// type could be compressed, even if this body is too small or the caller takes none.
func (x *exchange) planBody(status int) {
	x.mode = bodyPlain
	h := x.w.Header()
	contentType := h["Content-Type"]
	if len(contentType) == 0 || !compressible(contentType[0]) || noTransform(h) {
		return
	}
	addVaryEncoding(h)
	if status == http.StatusNoContent || status == http.StatusNotModified || status == http.StatusPartialContent ||
		x.r.Method == http.MethodHead || h["Content-Encoding"] != nil {
		return
	}
	coding := negotiate(x.r.Header["Accept-Encoding"])
	if coding == "" {
		return
	}
	if length := h["Content-Length"]; len(length) > 0 {
		if n, err := strconv.ParseInt(length[0], 10, 64); err == nil && n < compressFrom {
			return
		}
		x.startEncoding(coding)
		return
	}
	if x.knownLength {
		return // and small, or its length would be told
	}
	x.mode = bodyWaiting
	x.coding = coding
}

func (x *exchange) startEncoding(coding string) {
	h := x.w.Header()
	delete(h, "Content-Length")
	h["Content-Encoding"] = codings[coding]
	if tag := h["Etag"]; len(tag) == 1 && strings.HasPrefix(tag[0], `"`) {
		h["Etag"] = []string{"W/" + tag[0]} // the tag was of other bytes
	}
	x.mode, x.coding = bodyEncoded, coding
	x.encoder = x.server.encoders.pool(coding).Get().(encoder) //nolint:forcetypeassert // the pool makes nothing else
	x.encoder.Reset(x.w)
}

// hold keeps back p while the body is small; it reports false when the body has outgrown that.
func (x *exchange) hold(p []byte) bool {
	if x.held == nil {
		x.held = x.server.buffer()
	}
	if x.held.Len()+len(p) >= compressFrom {
		return false
	}
	x.held.Write(p)
	return true
}

// release ends the waiting: the header goes out, then what was held back.
func (x *exchange) release(encode bool) error {
	x.mode = bodyPlain
	if encode {
		x.startEncoding(x.coding)
	}
	x.w.WriteHeader(x.status)
	held := x.held
	x.held = nil
	if held == nil {
		return nil
	}
	defer x.server.buffers.Put(held)
	if held.Len() == 0 {
		return nil
	}
	_, err := x.writeBody(held.Bytes())
	return err
}

// finishBody completes the answer after the handler; aborted = its end must not look like one.
func (x *exchange) finishBody(aborted bool) {
	if x.mode == bodyWaiting && !aborted {
		_ = x.release(false)
	}
	if x.held != nil {
		x.server.buffers.Put(x.held)
		x.held = nil
	}
	if x.encoder != nil {
		if !aborted {
			_ = x.encoder.Close()
		}
		x.encoder.Reset(io.Discard)
		x.server.encoders.pool(x.coding).Put(x.encoder)
		x.encoder = nil
	}
}

func addVaryEncoding(h http.Header) {
	v := h["Vary"]
	switch {
	case len(v) == 0:
		h["Vary"] = varyEncoding
	case len(v) == 1 && v[0] == varyOrigin[0]:
		h["Vary"] = varyOriginEncoding
	default:
		all := strings.Join(v, ", ")
		if all != "*" && !strings.Contains(strings.ToLower(all), "accept-encoding") {
			h["Vary"] = []string{all + ", Accept-Encoding"}
		}
	}
}

func noTransform(h http.Header) bool {
	cc := h["Cache-Control"]
	return len(cc) > 0 && strings.Contains(strings.ToLower(strings.Join(cc, ",")), "no-transform")
}

// compressible reports whether bodies of that type shrink. Event streams are left out: their events must not wait in a
// compressor.
func compressible(contentType string) bool {
	if contentType == jsonType {
		return true
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch media {
	case "text/event-stream":
		return false
	case "application/json", "application/javascript", "application/xml", "application/wasm", "application/manifest+json",
		"application/x-ndjson", "image/svg+xml", "font/ttf", "font/otf", "application/vnd.ms-fontobject", "image/x-icon":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") ||
		strings.HasSuffix(media, "+text")
}

// negotiate picks the coding for the values of Accept-Encoding, "" = identity: what is asked for most, then as the
// reference prefers.
func negotiate(accept []string) string {
	return acceptable(accept).best("br", "gzip", "deflate")
}

// Coding picks among the codings in which a body is kept, of "br", "gzip" and "deflate"; "" = send it as it is.
func Coding(r *http.Request, kept ...string) string {
	return acceptable(r.Header["Accept-Encoding"]).best(kept...)
}

// takesGzip reports whether a body that is kept compressed by gzip may be sent, even where another coding is preferred.
func takesGzip(accept []string) bool { return acceptable(accept).best("gzip", "deflate") == "gzip" }

// qualities is what Accept-Encoding says about each coding, -1 = nothing.
type qualities struct{ brotli, gzip, deflate, identity float64 }

func acceptable(accept []string) qualities {
	q, rest := qualities{-1, -1, -1, -1}, -1.0
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			name = strings.TrimSpace(name)
			if of := q.of(name); of != nil {
				*of = quality(params)
			} else if name == "*" {
				rest = quality(params)
			}
		}
	}
	for _, of := range []*float64{&q.brotli, &q.gzip, &q.deflate} {
		if *of < 0 {
			*of = rest
		}
	}
	return q
}

func (q *qualities) of(name string) *float64 {
	switch {
	case strings.EqualFold(name, "gzip"):
		return &q.gzip
	case strings.EqualFold(name, "br"):
		return &q.brotli
	case strings.EqualFold(name, "deflate"):
		return &q.deflate
	case strings.EqualFold(name, "identity"):
		return &q.identity
	}
	return nil
}

// best is the first of the codings that nothing else exceeds.
func (q qualities) best(codings ...string) string {
	best, most := "", max(q.identity, 0)
	for _, name := range codings {
		if of := *q.of(name); of > most || of == most && best == "" && of > 0 {
			best, most = name, of
		}
	}
	return best
}

func quality(params string) float64 {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}

func (s *Server) buffer() *bytes.Buffer {
	b := s.buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool makes nothing else
	b.Reset()
	return b
}
