// Package apierror is the vocabulary of errors that cross an API edge: the names Backstage gives its errors, each with
// one HTTP status. Engines return these; the HTTP edge renders them; everything else is an internal error whose text
// never leaves the process.
package apierror

import (
	"errors"
	"fmt"
	"net/http"
)

// Name is the error name on the wire, such as "InputError". Clients switch on it.
type Name string

// The names of the reference, and the status that each one is answered with.
const (
	NotModified        Name = "NotModifiedError"        // 304
	Input              Name = "InputError"              // 400
	Authentication     Name = "AuthenticationError"     // 401
	NotAllowed         Name = "NotAllowedError"         // 403
	NotFound           Name = "NotFoundError"           // 404
	Conflict           Name = "ConflictError"           // 409
	NotImplemented     Name = "NotImplementedError"     // 501
	ServiceUnavailable Name = "ServiceUnavailableError" // 503
	// TypeErr and Generic are what the reference throws where it does not choose a name; both are answered with 500
	// when they reach the edge on their own, and are seen mostly as causes.
	TypeErr Name = "TypeError"
	Generic Name = "Error"
)

var statuses = map[Name]int{
	NotModified: http.StatusNotModified, Input: http.StatusBadRequest, Authentication: http.StatusUnauthorized,
	NotAllowed: http.StatusForbidden, NotFound: http.StatusNotFound, Conflict: http.StatusConflict,
	NotImplemented: http.StatusNotImplemented, ServiceUnavailable: http.StatusServiceUnavailable,
}

// Error is an error with a name, a message meant for the caller, and what is added to its serialised form.
//
// Message already holds the text of the cause where the reference folds it in ("X; caused by Y"): use [Wrap] for that.
type Error struct {
	Name    Name
	Message string
	// Cause is serialised as a nested object under "cause"; nil = none.
	Cause error
	// Status overrides the status of Name, as a numeric statusCode does in the reference; 0 = by name.
	Status int
	// Fields are further members of the serialised error, such as "type" of a body parser error.
	Fields map[string]any
}

// New returns an error of that name.
func New(name Name, message string) *Error { return &Error{Name: name, Message: message} }

// Newf is [New] with a format.
func Newf(name Name, format string, args ...any) *Error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...)}
}

// Wrap names an error with a cause; the cause's text is folded into the message as the reference does it:
// "message; caused by Name: text".
func Wrap(name Name, message string, cause error) *Error {
	if cause == nil {
		return New(name, message)
	}
	return &Error{Name: name, Message: message + "; caused by " + Describe(cause), Cause: cause}
}

func (e *Error) Error() string { return string(e.Name) + ": " + e.Message }

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an *Error of the same name and without a message, so that
// errors.Is(err, apierror.New(apierror.NotFound, "")) asks for the kind.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Name == e.Name
}

// HTTPStatus is the status this error is answered with.
func (e *Error) HTTPStatus() int {
	if e.Status != 0 {
		return e.Status
	}
	if s, ok := statuses[e.Name]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Describe is the "Name: message" form of any error; an error without a name is an "Error".
func Describe(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && error(e) == err { //nolint:errorlint // an error that only wraps one has a text of its own
		return e.Error()
	}
	return string(Generic) + ": " + err.Error()
}

// NameOf is the name of err, or [Generic] when no [Error] is in its chain.
func NameOf(err error) Name {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Name
	}
	return Generic
}

// Has reports whether err or one of its causes carries that name first in its chain.
func Has(err error, name Name) bool { return err != nil && NameOf(err) == name }

// The constructors below are the everyday ones.

func Inputf(format string, args ...any) *Error      { return Newf(Input, format, args...) }
func NotFoundf(format string, args ...any) *Error   { return Newf(NotFound, format, args...) }
func NotAllowedf(format string, args ...any) *Error { return Newf(NotAllowed, format, args...) }
func Conflictf(format string, args ...any) *Error   { return Newf(Conflict, format, args...) }
func TypeErrorf(format string, args ...any) *Error  { return Newf(TypeErr, format, args...) }
