package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync/atomic"
)

// wire is one connection to a plugin's HTTP server, and HTTP/1.1 as the relay speaks it. net/http reads the answers; the
// requests are written here, because its client rewrites some paths, and because handing each request to its goroutines
// and back costs more than the rest of the relay.
type wire struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer

	left  int64       // what may still be read of a header, < 0 = anything
	heard bool        // a byte of the answer has come
	sent  atomic.Bool // a byte of the request has gone
	old   bool        // see upstream.closeOld
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, left: -1}
	w.in, w.out = bufio.NewReader(w), bufio.NewWriter(w)
	return w
}

// Read counts, for [wire.readHeader].
func (w *wire) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, errHeaderSize
	}
	if w.left > 0 && int64(len(p)) > w.left {
		p = p[:w.left]
	}
	n, err := w.Conn.Read(p)
	if w.left > 0 {
		w.left -= int64(n)
	}
	w.heard = w.heard || n > 0
	return n, err
}

// Write notes that something was sent, for deciding whether a request may be repeated.
func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	if n > 0 {
		w.sent.Store(true)
	}
	return n, err
}

// writeHeader sends everything of a request but its body. length < 0 = a body in chunks.
func (w *wire) writeHeader(method, target string, header http.Header, length int64) error {
	w.heard = false
	w.sent.Store(false)
	out := w.out
	_, _ = out.WriteString(method)
	_ = out.WriteByte(' ')
	_, _ = out.WriteString(target)
	_, _ = out.WriteString(" HTTP/1.1\r\nHost: localhost\r\n")
	for name, values := range header {
		for _, value := range values {
			_, _ = out.WriteString(name)
			_, _ = out.WriteString(": ")
			_, _ = out.WriteString(value)
			_, _ = out.WriteString("\r\n")
		}
	}
	switch {
	case length < 0:
		_, _ = out.WriteString("Transfer-Encoding: chunked\r\n")
	case length > 0 || method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch:
		_, _ = out.WriteString("Content-Length: " + strconv.FormatInt(length, 10) + "\r\n")
	}
	_, _ = out.WriteString("\r\n") // a failed write is told by all that follow
	return out.Flush()
}

// writeBody sends a body while it arrives. With a known length, one that is longer or shorter is an error.
func (w *wire) writeBody(body io.Reader, length int64, buffer []byte) error {
	if length >= 0 {
		n, err := io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(body, length), buffer)
		if err == nil && n != length {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	chunks := httputil.NewChunkedWriter(w.out)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if _, err := chunks.Write(buffer[:n]); err != nil {
				return err
			}
			if err := w.out.Flush(); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			if err := chunks.Close(); err != nil {
				return err
			}
			_, _ = w.out.WriteString("\r\n") // no trailers: they could carry what headers may not
			return w.out.Flush()
		default:
			return err
		}
	}
}

// readHeader reads the header of an answer of at most limit bytes. A caller's HEAD is needed to know that no body follows.
func (w *wire) readHeader(of *http.Request, limit int64) (*http.Response, error) {
	w.left = limit + int64(w.in.Size()) // a part of the body may come with it
	defer func() { w.left = -1 }()
	res, err := http.ReadResponse(w.in, of)
	if err != nil && w.left == 0 {
		err = errHeaderSize
	}
	return res, err
}

// reusable reports whether another request may be sent after res was read to its end.
func (w *wire) reusable(res *http.Response) bool {
	return !res.Close && w.in.Buffered() == 0 && res.ProtoAtLeast(1, 1)
}

// checkRequest is the last look at what is written into the header: whatever could end a line or a request must not be there.
// The edge lets none of it in over HTTP/1; HTTP/2 has no lines.
func checkRequest(method, target string, header http.Header) error {
	for _, part := range []string{method, target} {
		for i := range len(part) {
			if part[i] <= ' ' || part[i] == 0x7f {
				return fmt.Errorf("%q in a request line", part[i])
			}
		}
	}
	for name, values := range header {
		for i := range len(name) {
			if name[i] <= ' ' || name[i] == ':' || name[i] >= 0x7f {
				return fmt.Errorf("%q in a header name", name[i])
			}
		}
		for _, value := range values {
			for i := range len(value) {
				if c := value[i]; c == '\r' || c == '\n' || c == 0 {
					return fmt.Errorf("%q in header %s", c, name)
				}
			}
		}
	}
	return nil
}
