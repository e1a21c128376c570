package cataloginfo

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

type validateCase struct {
	ID, Why  string
	Entity   entity.Entity
	Location string
	Errors   []struct {
		Name, Message string
		Cause         *struct{ Name, Message string }
	}
}

func validateCases(t testing.TB) []validateCase {
	t.Helper()
	data, err := os.ReadFile("testdata/validate.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []validateCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// later tells the cases whose outcome is decided by a stage after validation: reading targets, emitting relations.
func (c validateCase) later() bool {
	return len(c.Errors) > 0 && (strings.HasPrefix(c.Errors[0].Message, "Unable to read url") ||
		strings.Contains(c.Errors[0].Message, "while postprocessing"))
}

func TestCheck_AnswersAsTheReferenceWordForWord(t *testing.T) {
	registry, replayed := DefaultRegistry(), 0
	for _, c := range validateCases(t) {
		t.Run(c.ID, func(t *testing.T) {
			_, err := registry.Check(c.Entity)
			if _, locErr := validateLocation(c.Location); err == nil {
				err = locErr
			}
			replayed++
			if len(c.Errors) == 0 || c.later() {
				if err != nil {
					t.Errorf("%s: got %v, want it valid", c.Why, err)
				}
				return
			}
			want := c.Errors[0]
			got, ok := errors.AsType[*apierror.Error](err)
			if !ok {
				t.Fatalf("%s: got %v, want %s: %s", c.Why, err, want.Name, want.Message)
			}
			if string(got.Name) != want.Name || got.Message != want.Message {
				t.Errorf("%s:\n got %s: %s\nwant %s: %s", c.Why, got.Name, got.Message, want.Name, want.Message)
			}
			cause, _ := errors.AsType[*apierror.Error](got.Cause)
			if (cause != nil) != (want.Cause != nil) {
				t.Fatalf("%s: cause %v, want %v", c.Why, cause, want.Cause)
			}
			if cause != nil && (string(cause.Name) != want.Cause.Name || cause.Message != want.Cause.Message) {
				t.Errorf("%s: cause\n got %s: %s\nwant %s: %s", c.Why, cause.Name, cause.Message, want.Cause.Name, want.Cause.Message)
			}
		})
	}
	if replayed < 140 {
		t.Errorf("only %d recorded answers replayed", replayed)
	}
}

// validateLocation is what the endpoint demands of its location.
func validateLocation(s string) (entity.Location, error) {
	l, err := entity.ParseLocation(s)
	if err == nil && l.Type != "url" {
		err = apierror.TypeErrorf("Invalid location ref %s, only 'url:<target>' is supported, e.g. url:https://host/path", s)
	}
	return l, err
}

func TestPolicies_FillInTheNamespaceWithoutTouchingTheInput(t *testing.T) {
	in := component()
	out, err := Policies(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, has := in.Metadata()["namespace"]; has || out.Metadata()["namespace"] != "default" {
		t.Errorf("in %v, out %v", in.Metadata(), out.Metadata())
	}
}

func component() entity.Entity {
	return entity.Entity{
		"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
		"metadata": map[string]any{"name": "payments"},
		"spec":     map[string]any{"type": "service", "lifecycle": "production", "owner": "team-a"},
	}
}
