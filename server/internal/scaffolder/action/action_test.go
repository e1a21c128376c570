package action

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
)

type fixed struct{ d Description }

func (f fixed) Description() Description                          { return f.d }
func (fixed) Execute(context.Context, Invocation, Listener) error { return nil }

func TestRegistry_ATakenIDIsRefusedAndNothingChanges(t *testing.T) {
	a := NewRegistry()
	if err := a.Set("one", []Action{fixed{Description{ID: "x"}}}); err != nil {
		t.Fatal(err)
	}
	for source, list := range map[string][]Action{"two": {fixed{Description{ID: "x"}}}, "one": {fixed{Description{ID: "y"}}, fixed{Description{ID: "y"}}}} {
		if err := a.Set(source, list); !apierror.Has(err, apierror.Conflict) {
			t.Errorf("%s: got %v", source, err)
		}
	}
	if len(a.List()) != 1 {
		t.Error("a refused list was taken")
	}
}

func TestInput_IsNotPrinted(t *testing.T) {
	run := Invocation{Input: Input(`{"token":"hush"}`)}
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(run), fmt.Sprintf("%+v %#v %s", run, run, run.Input), string(data)} {
		if strings.Contains(text, "hush") || strings.Contains(text, "104 117") {
			t.Errorf("a secret is printed: %s", text)
		}
	}
}
