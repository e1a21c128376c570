package opencostapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
)

func TestAt_AsksTheAddress(t *testing.T) {
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.RequestURI()
		_, _ = w.Write([]byte(`{"code":200,"data":[]}`))
	}))
	defer s.Close()
	defer s.Client().CloseIdleConnections()
	body, err := At(s.Client(), s.URL+"/model/").Get(t.Context(), "/allocation/compute", url.Values{"window": {"6d"}}, 100)
	if err != nil || string(body) != `{"code":200,"data":[]}` || asked != "GET /model/allocation/compute?window=6d" {
		t.Errorf("%s %v, asked %s", body, err, asked)
	}
}

func TestAt_SaysWhyThereIsNoAnswer(t *testing.T) {
	for want, handler := range map[string]http.HandlerFunc{
		"answers 302": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"answers 500: no prometheus": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"code":500,"message":"no\n prometheus"}`))
		},
		"answers 502": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html>bad gateway</html>"))
		},
		"breaks off its answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50")
			_, _ = w.Write([]byte(`{"code"`))
		},
		"cannot be reached": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		s := httptest.NewServer(handler)
		_, err := At(s.Client(), s.URL).Get(t.Context(), "/x", nil, 100)
		if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "OpenCost "+want) {
			t.Errorf("%v, want %s", err, want)
		}
		s.Client().CloseIdleConnections()
		s.Close()
	}
}

func TestAt_BoundsAnswersAndPassesRefusalsOn(t *testing.T) {
	long := strings.Repeat("x", 200)
	for want, status := range map[string]int{"answers more than": http.StatusOK, `OpenCost refuses the request: bad window`: http.StatusBadRequest} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			if status == http.StatusOK {
				_, _ = w.Write([]byte(long))
				return
			}
			_, _ = w.Write([]byte(`{"code":400,"message":"bad window"}`))
		}))
		_, err := At(s.Client(), s.URL).Get(t.Context(), "/x", nil, 100)
		if !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		s.Client().CloseIdleConnections()
		s.Close()
	}
}

func TestAt_EndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := At(http.DefaultClient, "http://127.0.0.1:1").Get(ctx, "/x", nil, 100); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
