// Package rpcerror carries the errors of package apierror over gRPC and back. Both directions of the plugin protocol use
// it, so an error keeps its name from the function that made it to whoever looks at it with errors.Is.
//
// On the wire an error is a status whose details hold one pluginv1.Diagnostic: its code is the error's name, its summary
// the message. The status code is for peers that look no further, and for those that send no Diagnostic.
package rpcerror

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// TextLimit is how many bytes of each text cross: a status travels in trailers, which gRPC libraries hold to 8 KiB.
const TextLimit = 1024

// ToStatus is the status with which a handler answers err; nil for nil. An error without a name becomes INTERNAL and
// keeps its text: whoever answers a peer that must not see internals replaces those errors first. A status goes through
// as it is, and the ends of contexts keep their meaning.
func ToStatus(err error) *status.Status {
	if err == nil {
		return nil
	}
	if named, ok := errors.AsType[*apierror.Error](err); ok {
		return withDiagnostic(Code(named.Name), string(named.Name), named.Message)
	}
	if s, ok := status.FromError(err); ok {
		return s
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, cut(err.Error()))
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, cut(err.Error()))
	}
	return withDiagnostic(codes.Internal, "", err.Error())
}

// FromStatus is the error that a call's err stands for: an *[apierror.Error] in its chain when the peer gave it a name,
// context.Canceled or context.DeadlineExceeded in its chain when the call was given up, else an *[Internal]. The text of
// a Diagnostic is meant for callers; that of a bare UNAVAILABLE or RESOURCE_EXHAUSTED is the gRPC library's own and is
// kept out of the message that callers see.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	if d := Diagnostic(s); d != nil {
		if name := apierror.Name(d.GetCode()); known(name) {
			return apierror.New(name, cut(text(d)))
		}
		return &Internal{Code: s.Code(), Text: cut(text(d))}
	}
	return fromBare(s)
}

// Internal is an error that has no name: its text is for logs and operators, not for callers.
type Internal struct {
	Code codes.Code
	Text string
}

func (e *Internal) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Text) }

// Diagnostic is the first one in the details of s, nil = none.
func Diagnostic(s *status.Status) *pluginv1.Diagnostic {
	for _, detail := range s.Details() {
		if d, ok := detail.(*pluginv1.Diagnostic); ok {
			return d
		}
	}
	return nil
}

// Code is the status code for a name; INTERNAL for a name that has none.
func Code(name apierror.Name) codes.Code {
	switch name {
	case apierror.Input:
		return codes.InvalidArgument
	case apierror.Authentication:
		return codes.Unauthenticated
	case apierror.NotAllowed:
		return codes.PermissionDenied
	case apierror.NotFound:
		return codes.NotFound
	case apierror.Conflict:
		return codes.Aborted
	case apierror.NotImplemented:
		return codes.Unimplemented
	case apierror.ServiceUnavailable:
		return codes.Unavailable
	default:
		return codes.Internal
	}
}

func known(name apierror.Name) bool { return Code(name) != codes.Internal }

// fromBare reads a status without Diagnostic, as simple plugins and the gRPC libraries themselves send it.
func fromBare(s *status.Status) error {
	message := cut(s.Message())
	switch s.Code() {
	case codes.InvalidArgument, codes.OutOfRange:
		return apierror.New(apierror.Input, message)
	case codes.Unauthenticated:
		return apierror.New(apierror.Authentication, message)
	case codes.PermissionDenied:
		return apierror.New(apierror.NotAllowed, message)
	case codes.NotFound:
		return apierror.New(apierror.NotFound, message)
	case codes.Aborted, codes.AlreadyExists:
		return apierror.New(apierror.Conflict, message)
	case codes.Unimplemented:
		return apierror.New(apierror.NotImplemented, message)
	case codes.Unavailable, codes.ResourceExhausted:
		unavailable := apierror.New(apierror.ServiceUnavailable, "The service does not answer at present")
		return fmt.Errorf("%s: %s: %w", s.Code(), message, unavailable)
	case codes.Canceled:
		return fmt.Errorf("%s: %w", message, context.Canceled)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%s: %w", message, context.DeadlineExceeded)
	default:
		return &Internal{Code: s.Code(), Text: message}
	}
}

func withDiagnostic(code codes.Code, name, message string) *status.Status {
	message = cut(message)
	bare := status.New(code, message)
	s, err := bare.WithDetails(&pluginv1.Diagnostic{
		Severity: pluginv1.Diagnostic_SEVERITY_ERROR, Code: name, Summary: message,
	})
	if err != nil { // only for OK, or for a message that cannot be encoded: cut makes it valid UTF-8
		return bare
	}
	return s
}

// text joins what a Diagnostic says: "/token: is empty; set it in the settings".
func text(d *pluginv1.Diagnostic) string {
	out := d.GetSummary()
	if d.GetPath() != "" {
		out = d.GetPath() + ": " + out
	}
	if d.GetDetail() != "" {
		out += "; " + d.GetDetail()
	}
	return out
}

// cut makes a text valid UTF-8 of at most [TextLimit] bytes.
func cut(s string) string {
	const mark = "…"
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= TextLimit {
		return s
	}
	return strings.ToValidUTF8(s[:TextLimit-len(mark)], "") + mark
}
