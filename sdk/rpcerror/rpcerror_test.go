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
	"github.com/callboard/callboard/sdk/rpcerror"
)

func TestError_KeepsNameAndMessageOverTheWire(t *testing.T) {
	for _, name := range []apierror.Name{
		apierror.Input, apierror.Authentication, apierror.NotAllowed, apierror.NotFound, apierror.Conflict,
		apierror.NotImplemented, apierror.ServiceUnavailable, "OddError",
	} {
		got := rpcerror.Decode(rpcerror.Encode(fmt.Errorf("read issue 7: %w", apierror.New(name, "gone"))))
		if !errors.Is(got, apierror.New(name, "")) {
			t.Errorf("%s arrived as %v", name, got)
		}
		if e, ok := errors.AsType[*apierror.Error](got); !ok || e.Message != "read issue 7: gone" {
			t.Errorf("%s: message %q", name, got)
		}
	}
}

func TestError_WithoutANameStaysInternal(t *testing.T) {
	enc := rpcerror.Encode(errors.New("connection to 10.0.0.1 failed"))
	if status.Code(enc) != codes.Internal {
		t.Fatalf("code %v", status.Code(enc))
	}
	got := rpcerror.Decode(enc)
	if apierror.NameOf(got) != apierror.Generic || got.Error() != "connection to 10.0.0.1 failed" {
		t.Fatalf("arrived as %v", got)
	}
}

func TestError_OfAContextIsRecognisedOnTheOtherSide(t *testing.T) {
	for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
		if got := rpcerror.Decode(rpcerror.Encode(fmt.Errorf("fetch: %w", want))); !errors.Is(got, want) {
			t.Errorf("%v arrived as %v", want, got)
		}
	}
}

func TestError_OfAPeerWithoutDiagnosticsIsNamedByItsCode(t *testing.T) {
	got := rpcerror.Decode(status.Error(codes.NotFound, "no such thing"))
	if !errors.Is(got, apierror.New(apierror.NotFound, "")) {
		t.Fatalf("arrived as %v", got)
	}
}

func TestError_WithInvalidUTF8StillArrives(t *testing.T) {
	got := rpcerror.Decode(rpcerror.Encode(apierror.New(apierror.Conflict, "bad \xff byte")))
	if !errors.Is(got, apierror.New(apierror.Conflict, "")) {
		t.Fatalf("arrived as %v", got)
	}
}

func TestMessage_OfABareSentinelIsItsName(t *testing.T) {
	sentinel := apierror.New(apierror.NotFound, "")
	if got := rpcerror.Message(sentinel); got != "NotFoundError" {
		t.Errorf("bare: %q", got)
	}
	if got := rpcerror.Message(fmt.Errorf("issue 7: %w", sentinel)); got != "issue 7" {
		t.Errorf("wrapped: %q", got)
	}
}

func TestError_OfTheLibraryKeepsItsTextFromCallers(t *testing.T) {
	err := rpcerror.Decode(status.Error(codes.Unavailable, "dial unix /run/x/rpc.sock: refused"))
	named, ok := errors.AsType[*apierror.Error](err)
	if !ok || named.Name != apierror.ServiceUnavailable || strings.Contains(named.Message, "rpc.sock") {
		t.Errorf("callers see %v", named)
	}
	if !strings.Contains(err.Error(), "rpc.sock") {
		t.Errorf("logs do not see the reason: %v", err)
	}
}

func TestError_OfAnyLengthArrivesCut(t *testing.T) {
	enc := rpcerror.Encode(apierror.New(apierror.Input, "\xff"+strings.Repeat("ä", 4000)))
	if s, _ := status.FromError(enc); len(s.Message()) > rpcerror.TextLimit || !utf8.ValidString(s.Message()) {
		t.Errorf("a message of %d bytes", len(s.Message()))
	}
	if got := rpcerror.Decode(enc); !errors.Is(got, apierror.New(apierror.Input, "")) {
		t.Errorf("arrived as %v", got)
	}
}
