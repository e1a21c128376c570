package httpx

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/callboard/callboard/sdk/apierror"
)

// envelope is the body of every error answer.
type envelope struct {
	Error    errorBody        `json:"error"`
	Request  envelopeRequest  `json:"request"`
	Response envelopeResponse `json:"response"`
}

type envelopeRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

type envelopeResponse struct {
	StatusCode int `json:"statusCode"`
}

// errorBody is one error as clients see it. Name and message come first, as in the reference.
type errorBody struct {
	name    apierror.Name
	message string
	fields  map[string]any
	cause   *errorBody
}

// MarshalJSON implements [json.Marshaler].
func (e errorBody) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	member := func(first byte, key string, value any) error {
		b.WriteByte(first)
		if err := enc.Encode(key); err != nil {
			return err
		}
		b.WriteByte(':')
		return enc.Encode(value)
	}
	err := errors.Join(member('{', "name", e.name), member(',', "message", e.message))
	for _, key := range slices.Sorted(maps.Keys(e.fields)) {
		if key != "name" && key != "message" && key != "cause" {
			err = errors.Join(err, member(',', key, e.fields[key]))
		}
	}
	if e.cause != nil {
		err = errors.Join(err, member(',', "cause", e.cause))
	}
	b.WriteByte('}')
	return b.Bytes(), err
}

// fail answers with err, or has the connection cut when the answer has begun: a half body must not look complete.
func (x *exchange) fail(err error) {
	if x.mode == bodyWaiting { // nothing has left yet
		x.finishBody(true)
		x.wroteHeader, x.mode = false, bodyPlain
	}
	if x.wroteHeader {
		x.server.log.LogAttrs(context.Background(), slog.LevelError, "request failed after its answer had begun",
			slog.String("request", x.id()), slog.String("error", err.Error()))
		x.broken = !x.hijacked
		return
	}
	status, body := x.server.describe(err, x)
	h := x.Header()
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified", "Cache-Control"} {
		delete(h, name)
	}
	if status == http.StatusNotModified {
		x.WriteHeader(status)
		return
	}
	x.sendJSON(status, envelope{
		Error:    body,
		Request:  envelopeRequest{Method: x.r.Method, URL: x.url()},
		Response: envelopeResponse{StatusCode: status},
	})
}

// describe gives the status and serialised form of err. Only an [apierror.Error] speaks for itself; the text of any
// other error stays in the log, under an id that the caller can quote.
func (s *Server) describe(err error, x *exchange) (int, errorBody) {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		logID := newLogID()
		s.log.LogAttrs(context.Background(), slog.LevelError, "internal error",
			slog.String("logId", logID), slog.String("request", x.id()),
			slog.String("method", x.r.Method), slog.String("path", printable(x.path)), slog.String("error", err.Error()))
		return http.StatusInternalServerError, errorBody{
			name: apierror.Generic, message: "An internal error occurred logId=" + logID,
		}
	}
	status := e.HTTPStatus()
	if status >= http.StatusInternalServerError {
		level := slog.LevelError
		if x.mount != nil && x.mount.whole != nil {
			level = slog.LevelDebug // what stands behind tells its state by itself, not once for each request
		}
		s.log.LogAttrs(context.Background(), level, "request failed",
			slog.String("request", x.id()), slog.Int("status", status),
			slog.String("method", x.r.Method), slog.String("path", printable(x.path)), slog.String("error", err.Error()))
	}
	return status, serialise(e, 0)
}

// serialise renders an error and its causes. A cause without a name is an "Error": whoever made it the cause of an
// [apierror.Error] has shown it on purpose.
func serialise(err error, depth int) errorBody {
	const maxCauses = 16
	e, ok := err.(*apierror.Error) //nolint:errorlint // what wraps a cause is the cause that is shown
	if !ok {
		return errorBody{name: apierror.Generic, message: err.Error()}
	}
	b := errorBody{name: e.Name, message: e.Message, fields: e.Fields}
	if e.Cause != nil && depth < maxCauses {
		cause := serialise(e.Cause, depth+1)
		b.cause = &cause
	}
	return b
}

func newLogID() string {
	var b [10]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
