package httpx

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/principal"
)

// exchange is one request and its answer: the response writer that every handler gets, and what the edge knows about
// the request. It is pooled; nothing may keep it after the handler has returned, as with any response writer.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	server *Server
	mount  *mount  // nil outside /api
	router *Router // nil outside features
	route  *route  // nil until one is found
	began  time.Time

	path, rawPath string // of the request as it came, put back at the end
	mountLen      int    // length of "/api/<id>" in the path
	requestID     string // made when first asked for
	metrics       *routeMetrics

	principal *principal.Principal
	authErr   error
	accept    Allowance // what is good here besides tokens of users and services

	body     []byte
	bodyErr  error
	bodyRead bool

	taken [2]*window // what the rate limits, of all and of the feature, have counted

	status      int
	size        int64
	wroteHeader bool
	hijacked    bool
	broken      bool // the answer cannot be completed: cut the connection
	slow        bool // the connection has a write deadline

	mode        bodyMode
	knownLength bool // the whole body comes in one Write
	coding      string
	encoder     encoder
	held        *bytes.Buffer

	slots [3]string // backing of single-valued headers, so that setting one does not allocate
}

// The slots.
const (
	slotLength = iota
	slotTag
	slotType
)

// exchangeOf finds the exchange below gin's writer.
func exchangeOf(c *gin.Context) *exchange {
	var w http.ResponseWriter = c.Writer
	for {
		if x, ok := w.(*exchange); ok {
			return x
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			panic("httpx: the request did not come through a Server")
		}
		w = u.Unwrap()
	}
}

// routedPath is the escaped path below the mount.
func (x *exchange) routedPath() string {
	if x.r.URL.RawPath != "" {
		return x.r.URL.RawPath
	}
	return x.r.URL.Path
}

// enter strips the mount from the request's URL. It changes the request in place (a copy per request would be the
// dearest part of routing); leave puts the path back.
func (x *exchange) enter(mountLen int) {
	u := x.r.URL
	x.mountLen = mountLen
	u.Path = strip(u.Path, mountLen)
	if u.RawPath != "" {
		u.RawPath = strip(u.RawPath, mountLen)
	}
}

func (x *exchange) leave() { x.r.URL.Path, x.r.URL.RawPath = x.path, x.rawPath }

func strip(path string, n int) string {
	if len(path) == n {
		return "/"
	}
	return path[n:]
}

// url is the request target below the mount as it came, for the error envelope.
func (x *exchange) url() string {
	target := x.r.RequestURI
	if len(target) == 0 || target[0] != '/' || len(target) < x.mountLen { // absolute form, or made by a test
		return x.r.URL.RequestURI()
	}
	target = target[x.mountLen:]
	if target == "" || target[0] != '/' {
		return "/" + target
	}
	return target
}

// redispatch routes the request again under its canonical path.
func (x *exchange) redispatch(c *gin.Context, canonical string) {
	u := c.Request.URL
	if u.RawPath != "" {
		u.RawPath = canonical
	} else {
		u.Path = canonical
	}
	c.Writer.WriteHeader(http.StatusOK)
	x.router.engine.HandleContext(c)
}

// credentials asks the authenticator once per request.
func (x *exchange) credentials() (*principal.Principal, error) {
	if x.principal == nil {
		id := ""
		if x.router != nil {
			id = x.router.feature.ID
		}
		x.principal, x.authErr = x.server.auth.Authenticate(x.r, id, x.accept)
		if x.authErr != nil || x.principal == nil {
			x.principal = principal.Nobody
		}
	}
	return x.principal, x.authErr
}

// ClientAddress is where the request that c answers comes from, as far as trusted proxies tell.
func ClientAddress(c *gin.Context) string {
	x := exchangeOf(c)
	return x.server.proxies.clientAddress(x.r)
}

func (x *exchange) Header() http.Header { return x.w.Header() }

func (x *exchange) WriteHeader(status int) {
	if x.wroteHeader {
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		x.w.WriteHeader(status)
		return
	}
	x.wroteHeader, x.status = true, status
	if status != http.StatusSwitchingProtocols {
		x.planBody(status)
	}
	if x.mode != bodyWaiting {
		x.w.WriteHeader(status)
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	if !x.wroteHeader {
		x.WriteHeader(http.StatusOK)
	}
	if x.mode == bodyWaiting {
		if x.hold(p) {
			return len(p), nil
		}
		if err := x.release(true); err != nil {
			return 0, err
		}
	}
	return x.writeBody(p)
}

// A caller that reads a large answer has slowReader for each slowChunk of it; who takes nothing at all for that long
// is cut off, so that slow readers cannot collect the memory of large answers.
const (
	slowReader = time.Minute
	slowChunk  = 256 << 10
)

func (x *exchange) writeBody(p []byte) (written int, err error) {
	if x.size+int64(len(p)) <= slowChunk {
		return x.writeOnce(p)
	}
	x.slow = true
	control := http.NewResponseController(x.w)
	for len(p) > 0 && err == nil {
		chunk := p[:min(len(p), slowChunk)]
		_ = control.SetWriteDeadline(time.Now().Add(slowReader))
		var n int
		n, err = x.writeOnce(chunk)
		written += n
		p = p[n:]
	}
	return written, err
}

func (x *exchange) writeOnce(p []byte) (n int, err error) {
	if x.mode == bodyEncoded {
		n, err = x.encoder.Write(p)
	} else {
		n, err = x.w.Write(p)
	}
	x.size += int64(n)
	return n, err
}

// Flush implements [http.Flusher].
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is what [http.ResponseController] looks for.
func (x *exchange) FlushError() error {
	if !x.wroteHeader {
		x.WriteHeader(http.StatusOK)
	}
	if x.mode == bodyWaiting {
		if err := x.release(true); err != nil {
			return err
		}
	}
	if x.mode == bodyEncoded {
		if err := x.encoder.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(x.w).Flush()
}

// Hijack implements [http.Hijacker].
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(x.w).Hijack()
	if err == nil {
		if !x.wroteHeader {
			x.status = http.StatusSwitchingProtocols
		}
		x.hijacked, x.wroteHeader = true, true
	}
	return conn, rw, err
}

// SetWriteDeadline implements what [http.ResponseController] asks for: the next request of the connection starts without
// the deadline of this one.
func (x *exchange) SetWriteDeadline(at time.Time) error {
	x.slow = true
	return http.NewResponseController(x.w).SetWriteDeadline(at)
}

// Unwrap lets [http.ResponseController] reach the read deadline and full duplex.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

var (
	_ http.Flusher  = (*exchange)(nil)
	_ http.Hijacker = (*exchange)(nil)
)
