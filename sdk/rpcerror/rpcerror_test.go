package rpcerror_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

func TestNamedErrors_KeepNameAndMessage(t *testing.T) {
	for name, code := range map[apierror.Name]codes.Code{
		apierror.Input: codes.InvalidArgument, apierror.Authentication: codes.Unauthenticated,
		apierror.NotAllowed: codes.PermissionDenied, apierror.NotFound: codes.NotFound,
		apierror.Conflict: codes.Aborted, apierror.NotImplemented: codes.Unimplemented,
		apierror.ServiceUnavailable: codes.Unavailable,
	} {
		s := rpcerror.ToStatus(fmt.Errorf("read: %w", apierror.New(name, "no such thing")))
		if s.Code() != code {
			t.Errorf("%s: status code %s, want %s", name, s.Code(), code)
		}
		back, ok := errors.AsType[*apierror.Error](rpcerror.FromStatus(s.Err()))
		if !ok || back.Name != name || back.Message != "no such thing" {
			t.Errorf("%s came back as %v", name, back)
		}
	}
}

func TestNoError_StaysNone(t *testing.T) {
	if err := rpcerror.ToStatus(nil).Err(); err != nil {
		t.Error(err)
	}
	if err := rpcerror.FromStatus(nil); err != nil {
		t.Error(err)
	}
}

func TestUnnamedErrors_StayInternal(t *testing.T) {
	s := rpcerror.ToStatus(errors.New("dial tcp: refused"))
	err := rpcerror.FromStatus(s.Err())
	internal, ok := errors.AsType[*rpcerror.Internal](err)
	if !ok || internal.Text != "dial tcp: refused" || internal.Code != codes.Internal {
		t.Fatalf("got %#v", err)
	}
	if _, named := errors.AsType[*apierror.Error](err); named {
		t.Error("an unnamed error was given a name")
	}
}

func TestEndsOfContexts_KeepTheirMeaning(t *testing.T) {
	for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
		got := rpcerror.FromStatus(rpcerror.ToStatus(fmt.Errorf("wait: %w", want)).Err())
		if !errors.Is(got, want) {
			t.Errorf("%v came back as %v", want, got)
		}
	}
}

func TestBareStatuses_AreReadByCode(t *testing.T) {
	for code, want := range map[codes.Code]apierror.Name{
		codes.InvalidArgument: apierror.Input, codes.OutOfRange: apierror.Input, codes.NotFound: apierror.NotFound,
		codes.AlreadyExists: apierror.Conflict, codes.Unimplemented: apierror.NotImplemented,
		codes.Unavailable: apierror.ServiceUnavailable, codes.ResourceExhausted: apierror.ServiceUnavailable,
		codes.PermissionDenied: apierror.NotAllowed, codes.Unauthenticated: apierror.Authentication,
	} {
		if got := apierror.NameOf(rpcerror.FromStatus(status.Error(code, "x"))); got != want {
			t.Errorf("%s is read as %s, want %s", code, got, want)
		}
	}
}

func TestTextOfTheLibrary_IsNotForCallers(t *testing.T) {
	err := rpcerror.FromStatus(status.Error(codes.Unavailable, "dial unix /run/secret/rpc.sock: refused"))
	named, _ := errors.AsType[*apierror.Error](err)
	if strings.Contains(named.Message, "rpc.sock") || !strings.Contains(err.Error(), "rpc.sock") {
		t.Errorf("message %q, error %q", named.Message, err)
	}
}

func TestDiagnosticsOfPlugins_AreJoinedAndUnknownNamesAreInternal(t *testing.T) {
	with := func(d *pluginv1.Diagnostic) error {
		s, err := status.New(codes.Internal, "").WithDetails(d)
		if err != nil {
			t.Fatal(err)
		}
		return rpcerror.FromStatus(s.Err())
	}
	err := with(&pluginv1.Diagnostic{Code: "InputError", Path: "/token", Summary: "is empty", Detail: "set it in the settings"})
	if want := "InputError: /token: is empty; set it in the settings"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if _, ok := errors.AsType[*rpcerror.Internal](with(&pluginv1.Diagnostic{Code: "MyError", Summary: "x"})); !ok {
		t.Error("an unknown name did not become an internal error")
	}
}

func TestLongAndBrokenTexts_AreCut(t *testing.T) {
	s := rpcerror.ToStatus(apierror.New(apierror.Input, "\xff"+strings.Repeat("ä", 4000)))
	if n := len(s.Message()); n > rpcerror.TextLimit || !utf8.ValidString(s.Message()) {
		t.Errorf("message of %d bytes, valid UTF-8: %v", n, utf8.ValidString(s.Message()))
	}
	if rpcerror.Diagnostic(s) == nil {
		t.Error("the Diagnostic is lost")
	}
}
