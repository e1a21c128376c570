package httpx

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

const jsonType = "application/json; charset=utf-8"

// JSON renders v compactly with the weak ETag of the reference (W/"<hex length>-<base64 sha1>") and answers a matching
// If-None-Match with 304. A json.RawMessage is sent as it is, so it must be compact already.
func JSON(c *gin.Context, status int, v any) error {
	x := exchangeOf(c)
	if raw, ok := v.(json.RawMessage); ok {
		return x.sendTagged(status, jsonType, raw)
	}
	buf, err := x.server.encodeJSON(v)
	if err != nil {
		return err
	}
	defer x.server.buffers.Put(buf)
	return x.sendTagged(status, jsonType, buf.Bytes())
}

// Bytes renders a body that is already serialised, without ETag. gz, if not nil, is the same body compressed by gzip:
// it is sent as is to callers that accept it.
func Bytes(c *gin.Context, status int, contentType string, body, gz []byte) error {
	return exchangeOf(c).sendBytes(status, contentType, body, gz)
}

// Tagged renders a body that is already serialised with its ETag, as [JSON] does.
func Tagged(c *gin.Context, status int, contentType string, body []byte) error {
	return exchangeOf(c).sendTagged(status, contentType, body)
}

// NoContent answers 204.
func NoContent(c *gin.Context) error { c.Status(http.StatusNoContent); return nil }

func (s *Server) encodeJSON(v any) (*bytes.Buffer, error) {
	buf := s.buffer()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // JavaScript does not, and the tag is made of the bytes
	if err := enc.Encode(v); err != nil {
		s.buffers.Put(buf)
		return nil, err
	}
	buf.Truncate(buf.Len() - 1) // the encoder's newline
	return buf, nil
}

func (x *exchange) sendJSON(status int, v any) {
	buf, err := x.server.encodeJSON(v)
	if err != nil {
		x.WriteHeader(http.StatusInternalServerError)
		return
	}
	defer x.server.buffers.Put(buf)
	_ = x.sendTagged(status, jsonType, buf.Bytes())
}

func (x *exchange) sendTagged(status int, contentType string, body []byte) error {
	h := x.Header()
	if h["Etag"] == nil {
		x.slots[slotTag] = weakETag(body)
		h["Etag"] = x.slots[slotTag : slotTag+1 : slotTag+1]
	}
	if status/100 == 2 && fresh(x.r, h["Etag"][0]) {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	return x.sendBytes(status, contentType, body, nil)
}

func (x *exchange) sendBytes(status int, contentType string, body, gz []byte) error {
	h := x.Header()
	x.slots[slotType] = contentType
	h["Content-Type"] = x.slots[slotType : slotType+1 : slotType+1]
	if gz != nil && len(body) >= compressFrom && h["Content-Encoding"] == nil &&
		x.r.Method != http.MethodHead && takesGzip(x.r.Header["Accept-Encoding"]) {
		h["Content-Encoding"] = codings["gzip"]
		body = gz
	}
	if len(body) >= compressFrom || x.r.Method == http.MethodHead {
		x.slots[slotLength] = strconv.Itoa(len(body))
		h["Content-Length"] = x.slots[slotLength : slotLength+1 : slotLength+1]
	}
	x.knownLength = true
	x.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return nil
	}
	_, err := x.Write(body)
	return err
}

// weakETag is the tag that Express makes of a body.
func weakETag(body []byte) string {
	sum := sha1.Sum(body) //nolint:gosec // the reference's tag; it protects nothing
	var sum64 [28]byte
	base64.StdEncoding.Encode(sum64[:], sum[:])
	b := make([]byte, 0, 48)
	b = append(b, `W/"`...)
	b = strconv.AppendInt(b, int64(len(body)), 16)
	b = append(b, '-')
	b = append(b, sum64[:27]...)
	b = append(b, '"')
	return string(b)
}

// fresh reports whether the caller already has the body with that tag. A reload ("Cache-Control: no-cache") never has.
func fresh(r *http.Request, tag string) bool {
	match := r.Header["If-None-Match"]
	if len(match) == 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if strings.Contains(strings.ToLower(strings.Join(r.Header["Cache-Control"], ",")), "no-cache") || r.Header["If-Modified-Since"] != nil {
		return false
	}
	for _, line := range match {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimSpace(part)
			if part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}
