package sdk

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// The errors that mean something to callers. Return an error that wraps one of them, and the host answers with its
// status and your text; calls to the host return errors that errors.Is finds them in:
//
//	return fmt.Errorf("project %s: %w", name, sdk.ErrNotFound)
//
// Package apierror has the same errors with a message of their own.
var (
	ErrInput              error = apierror.New(apierror.Input, "")
	ErrAuthentication     error = apierror.New(apierror.Authentication, "")
	ErrNotAllowed         error = apierror.New(apierror.NotAllowed, "")
	ErrNotFound           error = apierror.New(apierror.NotFound, "")
	ErrConflict           error = apierror.New(apierror.Conflict, "")
	ErrNotImplemented     error = apierror.New(apierror.NotImplemented, "")
	ErrServiceUnavailable error = apierror.New(apierror.ServiceUnavailable, "")
)

// WriteError answers a request with an error as Backstage's backends do. An error without a name is answered with 500
// and without its text, which is logged.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	type named struct {
		Name    apierror.Name `json:"name"`
		Message string        `json:"message"`
	}
	type request struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	}
	type response struct {
		StatusCode int `json:"statusCode"`
	}
	name, message := apierror.NameOf(err), rpcerror.Message(err)
	status := apierror.New(name, "").HTTPStatus()
	if status == http.StatusInternalServerError {
		slog.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		message = "Internal error; the log of the plugin has more"
	}
	WriteJSON(w, status, struct {
		Error    named    `json:"error"`
		Request  request  `json:"request"`
		Response response `json:"response"`
	}{named{name, message}, request{r.Method, r.URL.RequestURI()}, response{status}})
}

// WriteJSON answers a request with a value as JSON.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		slog.Error("answer cannot be written as JSON", "type", typeName(value), "error", err)
		http.Error(w, `{"error":{"name":"Error","message":"Internal error; the log of the plugin has more"}}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have gone: nobody is left to be told
}
