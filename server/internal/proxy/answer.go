package proxy

import (
	"bufio"
	"maps"
	"net"
	"net/http"
)

// answer is the caller's response writer as a target gets it: only the headers that pass reach the caller, and no
// intermediate answers, which have headers too.
type answer struct {
	http.ResponseWriter
	passage *passage
	header  http.Header
	began   bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.began || status < http.StatusOK {
		return
	}
	a.began = true
	to := a.ResponseWriter.Header()
	maps.Copy(to, a.passage.endpoint.returning(a.header))
	if _, typed := to["Content-Type"]; !typed {
		to["Content-Type"] = nil // else net/http guesses, and a guess may be a page
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.ResponseWriter.Write(b)
}

// Flush implements [http.Flusher].
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError is what [http.ResponseController] looks for.
func (a *answer) FlushError() error {
	a.WriteHeader(http.StatusOK)
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker], for web sockets.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.began = true
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap lets [http.ResponseController] reach the deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
