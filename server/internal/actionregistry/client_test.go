package actionregistry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// anyone issues no tokens.
type anyone struct{}

func (anyone) PluginToken(context.Context, string, string, *principal.Principal) (string, error) {
	return "", nil
}

func (anyone) Ownership(context.Context, *principal.Principal) ([]string, error) { return nil, nil }

func ask(t *testing.T, h http.HandlerFunc) (string, error) {
	t.Helper()
	c := client{edge: h, identity: anyone{}, from: "scaffolder"}
	data, err := c.call(t.Context(), principal.Nobody, request{target: "catalog", method: "POST", path: "/x", body: map[string]int{"a": 1}})
	return string(data), err
}

func TestCall_AnAnswerThatIsNoneOfSuccessIsAResponseErrorWithItsCause(t *testing.T) {
	for _, c := range []struct {
		body, cause string
		status      int
	}{
		{`{"error":{"name":"NotFoundError","message":"no x","cause":{"name":"TypeError","message":"y"},"more":1},"response":{"statusCode":404}}`, "NotFoundError: no x", 404},
		{`{"errors":[]}`, `Error: Request failed with status 400 Bad Request, {"errors":[]}`, 400},
		{`<html>`, `Error: Request failed with status 502 Bad Gateway, <html>`, 502},
		{`{"error":5,"response":{}}`, "", 500},
	} {
		_, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		})
		e, ok := errors.AsType[*apierror.Error](err)
		if !ok || e.Name != responseError || e.HTTPStatus() != c.status {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if c.cause != "" && (e.Cause == nil || e.Cause.Error() != c.cause) {
			t.Errorf("%s is caused by %v", c.body, e.Cause)
		}
	}
}

func TestCall_AnAnswerThatBreaksOffIsAnError(t *testing.T) {
	data, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"half":`))
		panic(http.ErrAbortHandler)
	})
	if data != "" || err == nil || !strings.Contains(err.Error(), "POST /x of catalog: the answer broke off") {
		t.Errorf("%q, %v", data, err)
	}
}

func TestCall_AnAnswerThatIsTooLongIsAnError(t *testing.T) {
	chunk := make([]byte, 1<<20)
	_, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		for range maxAnswer/len(chunk) + 2 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		t.Error("the writer took everything")
	})
	if err == nil || !strings.Contains(err.Error(), "the answer is longer than") {
		t.Errorf("got %v", err)
	}
}

func TestCall_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := client{identity: anyone{}, edge: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})}
	if _, err := c.call(ctx, principal.Nobody, request{target: "catalog", method: "GET", path: "/x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	r := New(Options{Identity: anyone{}, Edge: http.NotFoundHandler()})
	for _, need := range rights {
		f.Add(need.input)
	}
	f.Add(`{"query":{"$all":[{"$not":{"a":{"$in":["b",1,true]}}}]},"limit":"0x10","cursor":"eyJxdWVyeSI6MX0="}`)
	f.Fuzz(func(t *testing.T, input string) {
		for id := range rights {
			a := r.action(id)
			checked, err := a.check([]byte(input))
			if err != nil {
				continue
			}
			if again, err := a.check(checked); err != nil || string(again) != string(checked) {
				t.Errorf("%s: what was checked is not what passes: %s became %s, %v", id, checked, again, err)
			}
		}
	})
}
