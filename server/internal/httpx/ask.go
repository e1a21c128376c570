package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
)

// Answer is what a handler answered within this process.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Ask has h answer r as if r had come over the network; nothing is dialled. An answer of more than limit bytes, one that
// the handler breaks off, as the edge does when a plugin does, and the end of r's context are errors.
func Ask(h http.Handler, r *http.Request, limit int) (_ Answer, err error) {
	r.RequestURI = r.URL.RequestURI()
	if r.RemoteAddr == "" {
		r.RemoteAddr = "127.0.0.1:0"
	}
	a := &keptAnswer{header: http.Header{}, limit: limit}
	if err := a.serve(h, r); err != nil {
		return Answer{}, err
	}
	return Answer{a.status, a.header, a.body.Bytes()}, nil
}

// keptAnswer is a [http.ResponseWriter] that keeps the answer.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
	limit  int
	full   bool
}

func (a *keptAnswer) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			if cut, ok := failure.(error); !ok || !errors.Is(cut, http.ErrAbortHandler) {
				panic(failure)
			}
			err = errors.New("the answer broke off")
		}
		switch {
		case err != nil:
		case r.Context().Err() != nil:
			err = r.Context().Err()
		case a.full:
			err = a.tooLong()
		}
	}()
	h.ServeHTTP(a, r)
	a.WriteHeader(http.StatusOK)
	return nil
}

func (a *keptAnswer) tooLong() error {
	return fmt.Errorf("the answer is longer than %d bytes", a.limit)
}

// Header implements [http.ResponseWriter].
func (a *keptAnswer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter]: the first final status counts.
func (a *keptAnswer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements [http.ResponseWriter].
func (a *keptAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body.Len()+len(p) > a.limit {
		a.full = true
		return 0, a.tooLong()
	}
	return a.body.Write(p)
}

// Flush implements [http.Flusher]: all is kept until the end.
func (a *keptAnswer) Flush() {}
