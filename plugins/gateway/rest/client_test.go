package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering is a client of a gateway that answers with h.
func answering(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &Client{HTTP: s.Client(), Base: s.URL + "/admin/", Name: "Kong eu"}
}

func raw(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestClient_TurnsEveryAnswerIntoTheErrorThatDriversPromise(t *testing.T) {
	const data, page = "application/json", "text/html; charset=utf-8"
	broken := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"data":[`)
	}
	redirect := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://login.example.com/%20?token=x")
		w.WriteHeader(http.StatusFound)
	}
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want error
		text string
	}{
		{"404", raw(404, data, `{"message":"Not found","name":"not found","code":3}`), sdk.ErrNotFound, "has nothing there: Not found (GET /services/x)"},
		{"410", raw(410, data, ``), sdk.ErrNotFound, "has nothing there"},
		{"a page for 404", raw(404, page, `<h1>nginx</h1>`), sdk.ErrServiceUnavailable, "no management API is there"},
		{"405", raw(405, data, `{"message":"cannot create or update 'services' entities when not using a database"}`), sdk.ErrNotImplemented, "not using a database"},
		{"401", raw(401, data, `{"message":"Unauthorized"}`), ErrCredentials, "wrong, revoked or expired: Unauthorized"},
		{"403", raw(403, data, `{"error":{"message":"no rbac"}}`), ErrCredentials, "lack the right to do that: no rbac"},
		{"403 is an outage", raw(403, data, ``), sdk.ErrServiceUnavailable, "lack the right"},
		{"409", raw(409, data, `{"message":"UNIQUE violation"}`), sdk.ErrConflict, "UNIQUE violation"},
		{"412", raw(412, data, `{"error":{"code":"PreconditionFailed"}}`), sdk.ErrConflict, "another state"},
		{"400", raw(400, data, `{"message":"schema violation","fields":{"name":"required","at":{"x":1},"bad":["too long"]}}`), sdk.ErrInput, "refuses with 400: schema violation; bad: too long; name: required"},
		{"422", raw(422, data, `{"errors":[{"detail":"wrong"}]}`), sdk.ErrInput, "refuses with 422: wrong"},
		{"429", raw(429, data, `{}`), sdk.ErrServiceUnavailable, "limits the rate of calls"},
		{"500", raw(500, data, `{"message":"An unexpected\nerror occurred"}`), sdk.ErrServiceUnavailable, "answers 500: An unexpected error occurred"},
		{"a page for 500", raw(500, page, `<html>`), sdk.ErrServiceUnavailable, "answers 500 (GET"},
		{"a redirect", redirect, sdk.ErrServiceUnavailable, "redirects to https://login.example.com; set"},
		{"a page for 200", raw(200, page, `<html>`), sdk.ErrServiceUnavailable, "answers a page instead of data"},
		{"a page without a type", raw(200, "", ` <html>`), sdk.ErrServiceUnavailable, "answers a page instead of data"},
		{"truncated", raw(200, data, `{"data":[{"id":"a`), sdk.ErrServiceUnavailable, "answers no readable JSON"},
		{"nothing", raw(200, data, ``), sdk.ErrServiceUnavailable, "answers no readable JSON"},
		{"another form", raw(200, data, `[]`), sdk.ErrServiceUnavailable, "answers no readable JSON"},
		{"broken off", broken, sdk.ErrServiceUnavailable, "broke its answer off"},
		{"too much", raw(200, data, strings.Repeat(" ", 2000)), sdk.ErrServiceUnavailable, "answers more than 1000 bytes"},
		{"an endless message", raw(400, data, `{"message":"`+strings.Repeat("é", 5000)+`"}`), sdk.ErrInput, "…"},
		{"a format", raw(400, data, `{"message":"100%d %s"}`), sdk.ErrInput, "400: 100%d %s ("},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := answering(t, c.h)
			k.Limit = 1000
			if c.name == "an endless message" {
				k.Limit = 0
			}
			var out struct{ Data []struct{ ID string } }
			err := k.Do(t.Context(), "GET", "/services/x", nil, nil, &out)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), "Kong eu") {
				t.Fatalf("%v, want %v %q", err, c.want, c.text)
			}
			if n := len([]rune(err.Error())); n > longestLine+50 {
				t.Errorf("the text has %d characters", n)
			}
		})
	}
}

func TestClient_TakesNoPageForSuccessWhereNothingIsRead(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want error
	}{
		"a page":          {raw(200, "text/html", "<title>Sign in</title>"), sdk.ErrServiceUnavailable},
		"nothing":         {raw(200, "", ""), nil},
		"data":            {raw(200, "application/json", "{}"), nil},
		"empty by status": {raw(204, "", ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := answering(t, c.h).Do(t.Context(), "DELETE", "/keys/x", nil, nil, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestClient_SaysWhyAGatewayIsNotReached(t *testing.T) {
	t.Run("slow", func(t *testing.T) {
		k := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		k.Timeout = 30 * time.Millisecond
		err := k.Do(t.Context(), "GET", "/", nil, nil, nil)
		if !errors.Is(err, sdk.ErrServiceUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "does not answer in time") {
			t.Error(err)
		}
	})
	t.Run("the caller has gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := answering(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		if err := k.Do(ctx, "GET", "/", nil, nil, nil); !errors.Is(err, context.Canceled) || errors.Is(err, sdk.ErrServiceUnavailable) {
			t.Error(err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		k := answering(t, nil)
		k.Base = "http://127.0.0.1:1"
		if err := k.Do(t.Context(), "GET", "/", nil, nil, nil); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "cannot be reached") {
			t.Error(err)
		}
	})
	t.Run("not let out", func(t *testing.T) {
		k := answering(t, nil)
		k.HTTP = &http.Client{Transport: refusing{}}
		if err := k.Do(t.Context(), "GET", "/", nil, nil, nil); !errors.Is(err, sdk.ErrServiceUnavailable) || errors.Is(err, sdk.ErrNotAllowed) || !strings.Contains(err.Error(), "needs.egress") {
			t.Error(err)
		}
	})
	t.Run("a wrong address", func(t *testing.T) {
		k := &Client{Base: "http://[::1", Name: "Kong eu"}
		if err := k.Do(t.Context(), "GET", "/", nil, nil, nil); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "check its address") {
			t.Error(err)
		}
	})
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("egress: %w", sdk.ErrNotAllowed)
}

func TestClient_TakesNoPageForSuccessThoughNothingIsReadOfIt(t *testing.T) {
	k := answering(t, raw(200, "text/html", "<title>Sign in</title>"))
	if err := k.Do(t.Context(), "DELETE", "/keys/1", nil, nil, nil); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Error(err)
	}
}

func TestClient_SendsPathsQueriesAndBodiesAsTheyAre(t *testing.T) {
	var got string
	k := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Kong-Admin-Token"), body)
		w.WriteHeader(http.StatusNoContent)
	})
	k.Authorize = func(r *http.Request) error { r.Header.Set("Kong-Admin-Token", "t0ken"); return nil }
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Method: "PUT", Path: Path("consumers", "a/b c", ".."), Query: url.Values{"tags": {"a,b"}}, Body: map[string]int{"a": 1}},
			`PUT /admin/consumers/a%2Fb%20c/%2E%2E?tags=a%2Cb application/json t0ken {"a":1}`},
		{Request{Method: "POST", Path: "/t", Body: url.Values{"a": {"b"}}}, "POST /admin/t application/x-www-form-urlencoded t0ken a=b"},
		{Request{Method: "POST", Path: "/", Body: []byte("x"), Header: http.Header{"content-type": {"text/yaml"}}}, "POST /admin/ text/yaml t0ken x"},
		{Request{Method: "DELETE", Path: "/x"}, "DELETE /admin/x  t0ken "},
	} {
		var out map[string]any
		if err := k.Call(t.Context(), c.r, &out); err != nil || got != c.want {
			t.Errorf("%v\n%s, want\n%s", err, got, c.want)
		}
	}
}

func TestClient_NeverAsksForAllWhereOneWasMeant(t *testing.T) {
	k := answering(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	for _, path := range []string{Path("consumers", "", "key-auth"), Path("key-auths", ""), "services"} {
		if err := k.Do(t.Context(), "DELETE", path, nil, nil, nil); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestClient_ToldSecretsByTheGatewayTellsThemNobody(t *testing.T) {
	const key, token = "k/eyk-eykeykey", "tokentokentoken"
	k := answering(t, raw(409, "application/json", `{"message":"UNIQUE violation detected on '{key=\"`+key+`\"}' by `+token+`"}`))
	k.Secrets = []sdk.Secret{token, ""}
	request := Request{Method: "POST", Path: Path("keys", key), Hide: []sdk.Secret{key}}
	_, err := k.Send(t.Context(), request)
	if err == nil || strings.Contains(fmt.Sprintf("%+v", err), "eyk") || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "[secret]") {
		t.Error(err)
	}
	k.Explain = func(int, []byte) error { return apierror.Conflictf("key %s is taken", key) }
	if _, err := k.Send(t.Context(), request); err == nil || err.Error() != "ConflictError: key [secret] is taken" {
		t.Error(err)
	}
}

func TestClient_LetsADriverExplainWhatAnAnswerMeans(t *testing.T) {
	k := answering(t, raw(400, "application/json", `{"code":5}`))
	for _, c := range []struct {
		explain error
		want    error
		text    string
	}{
		{apierror.Conflictf("taken"), sdk.ErrConflict, "ConflictError: taken"},
		{errors.New("no idea"), sdk.ErrServiceUnavailable, "no idea"},
		{nil, sdk.ErrInput, "refuses with 400"},
		{apierror.Wrap(apierror.ServiceUnavailable, "token", ErrCredentials), ErrCredentials, "token"},
	} {
		k.Explain = func(status int, body []byte) error {
			if status != 400 || string(body) != `{"code":5}` {
				t.Errorf("%d %s", status, body)
			}
			return c.explain
		}
		err := k.Do(t.Context(), "GET", "/", nil, nil, nil)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || StatusOf(err) != 400 {
			t.Errorf("%v, want %v %s", err, c.want, c.text)
		}
	}
	if StatusOf(errors.New("other")) != 0 {
		t.Error("an error without an answer has a status")
	}
}

func TestPages_EndWhateverTheGatewayNamesAsNext(t *testing.T) {
	calls := 0
	list := func(next func(string) string) ([]int, error) {
		calls = 0
		var all []int
		for n, err := range Pages(func(cursor string) ([]int, string, error) {
			calls++
			return []int{calls}, next(cursor), nil
		}) {
			if err != nil {
				return all, err
			}
			all = append(all, n)
		}
		return all, nil
	}
	if all, err := list(func(c string) string { return map[string]string{"": "b", "b": "c"}[c] }); err != nil || fmt.Sprint(all) != "[1 2 3]" {
		t.Errorf("%v %v", all, err)
	}
	if all, err := list(func(string) string { return "same" }); !errors.Is(err, sdk.ErrServiceUnavailable) || len(all) != 2 {
		t.Errorf("%v %v", all, err)
	}
	if _, err := list(func(string) string { return fmt.Sprint(calls) }); !errors.Is(err, sdk.ErrServiceUnavailable) || calls != maxPages {
		t.Errorf("%d calls: %v", calls, err)
	}
	for _, err := range Pages(func(string) ([]int, string, error) { return nil, "", sdk.ErrNotFound }) {
		if !errors.Is(err, sdk.ErrNotFound) {
			t.Error(err)
		}
	}
}

func FuzzSaying(f *testing.F) {
	for _, body := range []string{`{"message":"a","fields":{"x":"y"}}`, `{"errors":[{"detail":"x"}]}`, `[[[["x"]]]]`, `{"message":{"message":null}}`, "\xff", `"\u0000"`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text := Saying(body)
		if strings.ContainsAny(text, "\n\r\x00") || len([]rune(text)) > longestLine+1 {
			t.Errorf("%q", text)
		}
	})
}
