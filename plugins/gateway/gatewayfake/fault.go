package gatewayfake

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is how requests are answered instead of rightly.
type Fault struct {
	Method string // "" = every one
	Path   string // that the request's begins with; "" = every one

	Status      int // 0 = 200
	ContentType string
	Body        string
	RetryAfter  string // a header of the answer
	Cut         bool   // the body ends before its Content-Length
	After       bool   // the request has its effect before
	Hang        bool   // there is no answer until the caller goes away
	Times       int    // requests that are answered so; 0 = all
}

// Faults are the faults of one handler. The zero value has none; it is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	list  []*Fault
	calls []string
}

// Set adds a fault until undo is called. Of several, the one that was set last is seen first.
func (f *Faults) Set(fault Fault) (undo func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := &fault
	f.list = append(f.list, set)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.list = slices.DeleteFunc(f.list, func(other *Fault) bool { return other == set })
	}
}

// Calls are the requests so far, as "GET /services?size=1000".
func (f *Faults) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Wrap is next with its faults.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, wrong := f.admit(r)
		if !wrong {
			next.ServeHTTP(w, r)
			return
		}
		if fault.After {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		fault.answer(w, r)
	})
}

// admit notes a request and finds what is to go wrong with it.
func (f *Faults) admit(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r.Method+" "+r.URL.RequestURI())
	for i, fault := range slices.Backward(f.list) {
		if fault.Method != "" && fault.Method != r.Method || !strings.HasPrefix(r.URL.Path, fault.Path) {
			continue
		}
		found := *fault
		if fault.Times == 1 {
			f.list = slices.Delete(f.list, i, i+1)
		} else if fault.Times > 1 {
			fault.Times--
		}
		return found, true
	}
	return Fault{}, false
}

func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	if f.Hang {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the caller goes away
		<-r.Context().Done()
		return
	}
	if f.ContentType != "" {
		w.Header().Set("Content-Type", f.ContentType)
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)+100))
	}
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	_, _ = io.WriteString(w, f.Body) // the caller may have gone
	if f.Cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
