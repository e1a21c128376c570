// Package rpcerror carries errors over gRPC without losing what they mean: a Backstage error name becomes a status code
// and a Diagnostic in the status' details, and the other way round. Host and plugins use the same two functions.
package rpcerror

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// TextLimit is how many bytes of a text cross: a status travels in trailers, which gRPC libraries hold to 8 KiB.
const TextLimit = 1024

// codeOf is the protocol's table. A name that is not in it travels as INTERNAL, with the name in the Diagnostic.
var codeOf = map[apierror.Name]codes.Code{
	apierror.Input:              codes.InvalidArgument,
	apierror.Authentication:     codes.Unauthenticated,
	apierror.NotAllowed:         codes.PermissionDenied,
	apierror.NotFound:           codes.NotFound,
	apierror.Conflict:           codes.Aborted,
	apierror.NotImplemented:     codes.Unimplemented,
	apierror.ServiceUnavailable: codes.Unavailable,
}

// nameOf reads the codes of peers that send no Diagnostic. It knows more codes than codeOf: other languages' libraries
// answer on their own, for example RESOURCE_EXHAUSTED when a message is too long.
var nameOf = map[codes.Code]apierror.Name{
	codes.InvalidArgument:    apierror.Input,
	codes.FailedPrecondition: apierror.Input,
	codes.OutOfRange:         apierror.Input,
	codes.Unauthenticated:    apierror.Authentication,
	codes.PermissionDenied:   apierror.NotAllowed,
	codes.NotFound:           apierror.NotFound,
	codes.Aborted:            apierror.Conflict,
	codes.AlreadyExists:      apierror.Conflict,
	codes.Unimplemented:      apierror.NotImplemented,
	codes.Unavailable:        apierror.ServiceUnavailable,
	codes.ResourceExhausted:  apierror.ServiceUnavailable,
}

// Encode turns err into a gRPC status error; nil stays nil, and so does what is a status already. An error without a name
// becomes INTERNAL: its text goes to the peer's log, never to the peer's callers.
func Encode(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[statusError](err); ok {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, excerpt.Of(err.Error(), TextLimit))
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, excerpt.Of(err.Error(), TextLimit))
	}
	d := Diagnose(err)
	code, known := codeOf[apierror.Name(d.GetCode())]
	if !known {
		code = codes.Internal
	}
	s, serr := status.New(code, d.GetSummary()).WithDetails(d)
	if serr != nil { // the Diagnostic cannot be marshalled: a name that is not valid UTF-8
		return status.Error(code, d.GetSummary())
	}
	return s.Err()
}

// statusError is what package status makes.
type statusError interface {
	error
	GRPCStatus() *status.Status
}

// Diagnose is err as a Diagnostic of severity ERROR.
func Diagnose(err error) *pluginv1.Diagnostic {
	d := &pluginv1.Diagnostic{
		Severity: pluginv1.Diagnostic_SEVERITY_ERROR,
		Summary:  excerpt.Of(err.Error(), TextLimit),
	}
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		d.Code = string(e.Name)
		d.Summary = excerpt.Of(Message(err), TextLimit)
	}
	return d
}

// Message is the text of err for callers, without the name that travels beside it: "issue 7: NotFoundError: gone"
// becomes "issue 7: gone", and "issue 7: NotFoundError: " becomes "issue 7".
func Message(err error) string {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return err.Error()
	}
	text := strings.Replace(err.Error(), e.Error(), e.Message, 1)
	text = strings.TrimSuffix(text, ": ")
	if text == "" {
		return string(e.Name)
	}
	return text
}

// Decode turns what a gRPC call returned into what its peer meant: an [apierror.Error], a context error, or the error
// itself. It is the inverse of [Encode]; nil stays nil.
func Decode(err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, detail := range s.Details() {
		if d, ok := detail.(*pluginv1.Diagnostic); ok {
			return fromDiagnostic(d)
		}
	}
	switch s.Code() {
	case codes.OK:
		return nil
	case codes.Canceled:
		return &remote{text: s.Message(), cause: context.Canceled}
	case codes.DeadlineExceeded:
		return &remote{text: s.Message(), cause: context.DeadlineExceeded}
	}
	switch name, known := nameOf[s.Code()]; {
	case name == apierror.ServiceUnavailable:
		// The text is a gRPC library's own, with addresses and paths in it: for logs, not for callers.
		return &remote{text: s.Message(), cause: apierror.New(name, "The service does not answer at present")}
	case known:
		return apierror.New(name, s.Message())
	}
	return &remote{text: s.Message()}
}

func fromDiagnostic(d *pluginv1.Diagnostic) error {
	text := d.GetSummary()
	if detail := d.GetDetail(); detail != "" {
		text += " (" + detail + ")"
	}
	if d.GetCode() == "" {
		return &remote{text: text}
	}
	return apierror.New(apierror.Name(d.GetCode()), text)
}

// remote is an error whose text is not for callers. Without a cause it has no name: an internal error here as well.
type remote struct {
	text  string
	cause error
}

func (r *remote) Error() string { return r.text }
func (r *remote) Unwrap() error { return r.cause }
