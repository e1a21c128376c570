package httpx

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// streamedBody is a request body that is handed on while it arrives. Whoever sends it on may read it on another goroutine
// than the request's, and even after the handler has returned; everything that touches the connection therefore happens
// under the lock, and not after end.
type streamedBody struct {
	io.ReadCloser
	control *http.ResponseController

	left int64 // of the reader alone

	mu      sync.Mutex
	reading bool
	over    bool // the handler has returned
	large   bool // the limit was passed
}

// limitBody puts the feature's limit around the request's body; nil = there is none. A body that says it is too long is
// refused before it is read.
func (x *exchange) limitBody() (*streamedBody, error) {
	limit := x.router.feature.BodyLimit
	if x.r.ContentLength > limit {
		return nil, tooLarge(map[string]any{"expected": x.r.ContentLength, "length": x.r.ContentLength, "limit": limit})
	}
	if x.r.ContentLength == 0 {
		return nil, nil
	}
	b := &streamedBody{ReadCloser: x.r.Body, control: http.NewResponseController(x.w), left: limit}
	x.r.Body = b
	return b, nil
}

func (b *streamedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errBodyLimit
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one byte more, to see whether there is more
	}
	if !b.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	if b.left < 0 {
		b.large = true
		return 0, errBodyLimit
	}
	if errors.Is(err, io.EOF) && !b.over {
		_ = b.control.SetReadDeadline(time.Time{}) // or a long answer would end as a lost connection
	}
	return n, err
}

func (b *streamedBody) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = !b.over
	return b.reading
}

// end is called when the handler has returned; it reports whether the body was too large. Who still waits for more of the
// body is woken: net/http would wait for that reader before it ends the request.
func (b *streamedBody) end() (large bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.reading {
		_ = b.control.SetReadDeadline(time.Unix(1, 0))
	}
	return b.large
}

// StreamBody puts the feature's BodyLimit around the body of the request that c answers, for handlers that hand it on while
// it arrives; the feature leaves bodies to its handlers. A handler calls done before it returns, with its error, and returns
// the one that it gets: the body was too large, if that is the reason.
func StreamBody(c *gin.Context) (done func(error) error, err error) {
	x := exchangeOf(c)
	body, err := x.limitBody()
	if err != nil {
		return nil, err
	}
	return func(err error) error {
		if body != nil && body.end() && err != nil {
			return tooLarge(map[string]any{"limit": x.router.feature.BodyLimit})
		}
		return err
	}, nil
}
