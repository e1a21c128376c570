package templating

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

const endless = `"{% for a in range(1000000000) %}{% endfor %}"`

func TestLimits_TellWhichOneItWas(t *testing.T) {
	for want, c := range map[string]struct {
		o                   Options
		template, variables string
	}{
		"InputError: template: more than 50ms of time":         {Options{Timeout: 50 * time.Millisecond}, endless, ""},
		"InputError: template: more than 4 MiB of memory":      {Options{Memory: 4 << 20}, `"${{ a | list | length }}"`, `{"a":"` + strings.Repeat("x", 60000) + `"}`},
		"InputError: template: more than 1000 bytes of output": {Options{Output: 1000}, `"` + strings.Repeat(`${{ a }}`, 11) + `"`, `{"a":"` + strings.Repeat("x", 100) + `"}`},
		"InputError: template: nested too deeply":              {Options{}, nested("[", 5000, `"${{ 1 }}"`, "]"), ""},
		"TypeError: Template record key __proto__ is reserved": {Options{}, `"${{ 1 }}"`, `{"a":{"__proto__":1}}`},
	} {
		c.o.VMs = 1
		e := newEngine(t, c.o)
		_, err := e.Value(context.Background(), raw(c.template), Scope{Variables: raw(c.variables)})
		var wire *apierror.Error
		if err == nil || err.Error() != want || !errors.As(err, &wire) || wire.HTTPStatus() != 400 {
			t.Errorf("got %v, want %s", err, want)
		}
		e.pool.options.Timeout = patience
		checkUsable(t, e)
	}
}

func TestLimits_AnEndedContextEndsTheRenderingAndTheWaitForIt(t *testing.T) {
	e := newEngine(t, Options{VMs: 1})
	gone := errors.New("the user went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	for range 2 { // one renders, the other waits for the machine
		go func() {
			_, err := e.Value(ctx, raw(endless), Scope{})
			ended <- err
		}()
	}
	time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
	for range 2 {
		if err := <-ended; !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	}
	checkUsable(t, e)
}

func TestLimits_AClosedEngineRefuses(t *testing.T) {
	e := newEngine(t, Options{VMs: 2})
	checkUsable(t, e)
	f, err := e.Files(context.Background(), nil, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e.Close()
	if _, err := f.Render(context.Background(), "${{ 1 }}"); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
	e.Close()
}

func TestLimits_AMachineThatPanicsIsNotUsedAgain(t *testing.T) {
	e := newEngine(t, Options{VMs: 1, Filters: func() []Filter {
		return []Filter{{ID: "bang", Call: nil}}
	}})
	if _, err := e.Value(context.Background(), raw(`"${{ 1 | bang }}"`), Scope{}); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("got %v", err)
	}
	checkUsable(t, e)
}
