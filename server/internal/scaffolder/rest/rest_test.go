package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script answers requests one after another, and writes down what was asked.
type script struct {
	answers []func(w http.ResponseWriter)
	asked   []string
	waits   []time.Duration
}

func status(code int, header map[string]string, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func (s *script) start(t *testing.T) *rest.API {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
		if len(s.answers) == 0 {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		s.answers[0](w)
		s.answers = s.answers[1:]
	}))
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	return &rest.API{
		Base: server.URL + "/api", Client: rest.NewHTTPClient(transport), Credential: "hush", Header: http.Header{"Authorization": {"token hush"}},
		Explain: func(body []byte) string { return string(body) },
		Wait: func(ctx context.Context, d time.Duration) error {
			s.waits = append(s.waits, d)
			return context.Cause(ctx)
		},
	}
}

func TestDo_SegmentsCannotLeadElsewhere(t *testing.T) {
	s := &script{answers: []func(http.ResponseWriter){status(204, nil, "")}}
	api := s.start(t)
	if err := api.Get(t.Context(), rest.Path{"repos", "a/../b", "c?d#e", "%2F"}, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET /api/repos/a%2F..%2Fb/c%3Fd%23e/%252F"}, s.asked); diff != "" {
		t.Error(diff)
	}
	for _, segment := range []string{"", ".", ".."} {
		if err := api.Get(t.Context(), rest.Path{"repos", segment}, nil); !apierror.Has(err, apierror.Input) {
			t.Errorf("%q: %v", segment, err)
		}
	}
}

func TestDo_WaitsAsLongAsTheHostAsksWithinItsPatience(t *testing.T) {
	soon := fmt.Sprint(time.Now().Add(30 * time.Second).Unix())
	for name, test := range map[string]struct {
		method  string
		answers []func(http.ResponseWriter)
		waits   int
		least   time.Duration
		says    string
	}{
		"a second limit":                   {"POST", []func(http.ResponseWriter){status(429, map[string]string{"Retry-After": "7"}, ""), status(200, nil, "{}")}, 1, 7 * time.Second, ""},
		"a limit with a date":              {"POST", []func(http.ResponseWriter){status(403, map[string]string{"Retry-After": time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)}, ""), status(200, nil, "{}")}, 1, 15 * time.Second, ""},
		"a limit of the hour, nearly over": {"GET", []func(http.ResponseWriter){status(403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": soon}, ""), status(200, nil, "{}")}, 1, 25 * time.Second, ""},
		"a limit without a time":           {"POST", []func(http.ResponseWriter){status(403, nil, `{"message":"You have exceeded a secondary rate limit."}`), status(200, nil, "{}")}, 1, time.Minute, ""},
		"a limit of the hour":              {"GET", []func(http.ResponseWriter){status(403, map[string]string{"Retry-After": "3600"}, "slow down")}, 0, 0, "slow down (the host asks to wait for 1h0m0s, which is longer than a step waits)"},
		"a refusal is no limit":            {"GET", []func(http.ResponseWriter){status(403, map[string]string{"X-RateLimit-Remaining": "10"}, "no")}, 0, 0, "no"},
		"a failure of reading":             {"GET", []func(http.ResponseWriter){status(502, nil, ""), status(503, nil, ""), status(200, nil, "{}")}, 2, 3 * time.Second, ""},
		"a failure of setting":             {"PUT", []func(http.ResponseWriter){status(500, nil, ""), status(200, nil, "{}")}, 1, time.Second, ""},
		"a failure of making":              {"POST", []func(http.ResponseWriter){status(502, nil, "")}, 0, 0, "POST /x was answered with 502 Bad Gateway"},
		"a failure that stays":             {"GET", []func(http.ResponseWriter){status(500, nil, "down"), status(500, nil, "down"), status(500, nil, "down"), status(500, nil, "down")}, 3, 7 * time.Second, "down"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: test.answers}
			_, err := s.start(t).Do(t.Context(), rest.Request{Method: test.method, Path: rest.Path{"x"}}, nil)
			var total time.Duration
			for _, w := range s.waits {
				total += w
			}
			if len(s.waits) != test.waits || total < test.least || len(s.answers) > 0 {
				t.Errorf("waited %v, not asked for %d", s.waits, len(s.answers))
			}
			if (err == nil) != (test.says == "") || err != nil && err.Error() != test.says {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDo_ErrorsHaveTheHostsWordsTheirNameAndNoCredential(t *testing.T) {
	for code, name := range map[int]apierror.Name{
		401: apierror.Authentication, 403: apierror.NotAllowed, 404: apierror.NotFound, 409: apierror.Conflict, 422: apierror.Input, 400: apierror.Input, 418: apierror.Generic,
	} {
		s := &script{answers: []func(http.ResponseWriter){status(code, nil, "the token hush is bad")}}
		err := s.start(t).Get(t.Context(), rest.Path{"x"}, nil)
		var e *rest.Error
		if !errors.As(err, &e) || e.Status != code || !apierror.Has(err, name) || err.Error() != "the token *** is bad" {
			t.Errorf("%d: %s %v", code, apierror.NameOf(err), err)
		}
	}
	gone := &rest.API{Base: "http://127.0.0.1:1", Client: rest.NewHTTPClient(nil), Wait: func(context.Context, time.Duration) error { return nil }}
	if err := gone.Post(t.Context(), rest.Path{"x"}, nil, nil); err == nil || !strings.HasPrefix(err.Error(), "POST /x: dial tcp") {
		t.Errorf("got %v", err)
	}
}

func TestDo_ARedirectIsFollowedForReadingWithinTheHostAlone(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	for name, test := range map[string]struct {
		method, to string
		ok         bool
	}{
		"reading within":    {"GET", "/api/moved", true},
		"reading elsewhere": {"GET", other.URL, false},
		"making within":     {"POST", "/api/moved", false},
	} {
		s := &script{answers: []func(http.ResponseWriter){status(307, map[string]string{"Location": test.to}, ""), status(200, nil, "{}")}}
		_, err := s.start(t).Do(t.Context(), rest.Request{Method: test.method, Path: rest.Path{"x"}}, nil)
		if (err == nil) != test.ok || err != nil && !strings.Contains(err.Error(), "was redirected") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if elsewhere > 0 {
		t.Error("a redirect to another host was followed")
	}
}

func TestDo_EndsWithItsContext(t *testing.T) {
	s := &script{}
	api := s.start(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	s.answers = []func(http.ResponseWriter){func(w http.ResponseWriter) { cancel(errors.New("the task was cancelled")); w.WriteHeader(500) }}
	if err := api.Get(ctx, rest.Path{"x"}, nil); err == nil || err.Error() != "the task was cancelled" {
		t.Errorf("got %v", err)
	}
}

func TestList_FollowsPagesAtTheSameHost(t *testing.T) {
	s := &script{}
	api := s.start(t)
	link := func(target string) map[string]string {
		return map[string]string{"Link": "<" + target + `>; rel="next", <x>; rel="last"`}
	}
	s.answers = []func(http.ResponseWriter){status(200, link(api.Base+"/x?page=2&per_page=100"), "[1,2]"), status(200, nil, "[3]")}
	list, err := rest.List[int](t.Context(), api, rest.Path{"x"}, url.Values{"q": {"a b"}})
	if diff := cmp.Diff([]int{1, 2, 3}, list); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"GET /api/x?per_page=100&q=a+b", "GET /api/x?page=2&per_page=100"}, s.asked); diff != "" {
		t.Error(diff)
	}
	s.answers = []func(http.ResponseWriter){status(200, link("http://127.0.0.1:1/x"), "[1]")}
	if _, err := rest.List[int](t.Context(), api, rest.Path{"x"}, nil); err == nil || !strings.Contains(err.Error(), "at another host than the API") {
		t.Errorf("got %v", err)
	}
	for range 101 {
		s.answers = append(s.answers, status(200, link(api.Base+"/x?page=2"), "[1]"))
	}
	if _, err := rest.List[int](t.Context(), api, rest.Path{"x"}, nil); err == nil || !strings.Contains(err.Error(), "more than 100 pages") {
		t.Errorf("got %v", err)
	}
	s.answers = []func(http.ResponseWriter){status(200, nil, `{"not":"a list"}`)}
	var bad *json.UnmarshalTypeError
	if _, err := rest.List[int](t.Context(), api, rest.Path{"x"}, nil); !errors.As(err, &bad) {
		t.Errorf("got %v", err)
	}
}
