package permission

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
)

func TestCheck_AnswersPlainly(t *testing.T) {
	e := engine(Options{Policy: policy(onlyRed)})
	e.add("harbour", new(boats()))
	other := sail
	other.Name = "boat.sink"
	const red, blue = "boat:a", "boat:b"
	questions := []Question{{sail, red}, {sail, blue}, {sail, "no such boat"}, {sail, ""}, {other, red}}
	got, err := e.Check(t.Context(), guest, questions)
	if want := []Result{Allow, Deny, Deny, Deny, Deny}; err != nil || !slices.Equal(got, want) {
		t.Errorf("a user: %v, %v, want %v", got, err, want)
	}
	if got, err := e.Check(t.Context(), service, questions); err != nil || slices.Contains(got, Deny) {
		t.Errorf("a service: %v, %v", got, err)
	}
}

func TestCheck_OfATypeThatNobodyOwnsSaysSo(t *testing.T) {
	e := New(Options{Enabled: true, Policy: policy(onlyRed), Logger: slog.New(slog.DiscardHandler)})
	if _, err := e.Check(t.Context(), guest, []Question{{sail, "boat"}}); !apierror.Has(err, apierror.NotImplemented) {
		t.Errorf("got %v", err)
	}
}
