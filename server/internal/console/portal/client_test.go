package portal

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func clientOf(t *testing.T, answer http.HandlerFunc) *client {
	t.Helper()
	from := httptest.NewRequest(http.MethodGet, "http://portal.example.com/console/", nil)
	from.RemoteAddr = "203.0.113.9:4000"
	from.Header.Set("X-Forwarded-For", "198.51.100.7")
	from.Header.Set("Cookie", "callboard-console=other")
	return &client{edge: answer, token: "t", from: from}
}

func TestClient_AsksInTheViewersNameFromTheViewersAddress(t *testing.T) {
	var seen *http.Request
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		_, _ = w.Write([]byte(`{"Items":[1]}`))
	})
	var got items[int]
	if err := c.get(t.Context(), "/catalog/entities"+escaped("a/b", "c?d"), url.Values{"q": {"x y"}}, &got); err != nil || len(got.Items) != 1 {
		t.Fatal(err, got)
	}
	if seen.URL.String() != "/api/catalog/entities/a%2Fb/c%3Fd?q=x+y" || seen.Header.Get("Authorization") != "Bearer t" || seen.RemoteAddr != "203.0.113.9:4000" ||
		seen.Header.Get("X-Forwarded-For") != "198.51.100.7" || seen.Host != "portal.example.com" || seen.Header.Get("Cookie") != "" {
		t.Errorf("%v %v", seen.URL, seen.Header)
	}
	for _, step := range []string{"..", "."} {
		seen = nil
		if err := c.get(t.Context(), "/catalog/entities"+escaped(step), nil, nil); !isMissing(err) || seen != nil {
			t.Errorf("%s: %v, asked %v", step, err, seen != nil)
		}
	}
}

func TestClient_TellsPeopleWhatIsForThem(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		status int
		told   string
	}{
		"named": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			_, _ = w.Write([]byte(`{"error":{"name":"InputError","message":"days: too many"}}`))
		}, 400, "days: too many"},
		"internal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = w.Write([]byte(`{"error":{"message":"canary"}}`))
		}, 500, "otherwise"},
		"no envelope": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, 404, "otherwise"},
		"long message": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(409)
			_, _ = w.Write([]byte(`{"error":{"message":"` + strings.Repeat("é", 2000) + `"}}`))
		}, 409, strings.Repeat("é", (maxMessage-len("…"))/2) + "…"},
		"not JSON":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) }, 503, "otherwise"},
		"too long":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) }, 503, "otherwise"},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 503, "otherwise"},
	} {
		err := clientOf(t, tc.answer).get(t.Context(), "/x", nil, &struct{}{})
		if err == nil || statusOf(err) != tc.status || Told(err, "otherwise") != tc.told {
			t.Errorf("%s: %d %q", name, statusOf(err), Told(err, "otherwise"))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	err := clientOf(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).get(ctx, "/x", nil, nil)
	if _, ok := errors.AsType[*failure](err); !ok || statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("late: %v", err)
	}
}
