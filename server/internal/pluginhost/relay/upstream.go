package relay

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Target is the plugin, whichever process serves it now.
type Target interface {
	// Acquire leases the instance that serves now. It may wait a little while one is on its way; its error is answered to
	// the caller, so it is an [apierror.Error] that names the plugin and its state, or a [*Refusal] around one.
	Acquire(ctx context.Context) (Instance, error)
}

// Instance is one process of the plugin, leased for one request. Instances of the same process are equal (==), and those
// of different ones are not: each process has a pool of connections.
type Instance interface {
	// Dial connects to its http.sock.
	Dial(ctx context.Context) (net.Conn, error)
	// Release ends the lease. It is called once.
	Release()
}

// upstream is the connections to one process.
type upstream struct {
	of   Instance
	most int

	mu     sync.Mutex
	unused []*wire // the latest last
	closed bool    // what comes back is closed
	sweep  *time.Timer
}

// unusedFor is how long a connection is kept that nobody uses, once or twice.
const unusedFor = 30 * time.Second

// upstream finds the connections to i. Connections to the instance before are closed when their requests end: an upgrade
// changes instances for good, so only one is remembered. A late lease of the old one makes connections anew, which costs
// time and nothing else.
func (r *Relay) upstream(i Instance) *upstream {
	if u := r.current.Load(); u != nil && u.of == i {
		return u
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.current.Load()
	if old != nil && old.of == i {
		return old
	}
	u := &upstream{of: i, most: r.limits.InFlight}
	u.sweep = time.AfterFunc(unusedFor, u.closeOld)
	if r.closed {
		u.close() // a last request keeps nothing
	}
	r.current.Store(u)
	if old != nil {
		old.close()
	}
	return u
}

// connect gives a connection that was used before and still stands, else a new one.
func (u *upstream) connect(ctx context.Context, patience time.Duration) (*wire, error) {
	for {
		w := u.take()
		if w == nil {
			break
		}
		if stands(w.Conn) {
			return w, nil
		}
		_ = w.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := u.of.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return newWire(conn), nil
}

func (u *upstream) take() *wire {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.unused) == 0 {
		return nil
	}
	last := len(u.unused) - 1
	w := u.unused[last]
	u.unused[last] = nil
	u.unused = u.unused[:last]
	return w
}

// giveBack keeps a connection whose request and answer are complete.
func (u *upstream) giveBack(w *wire) {
	if err := w.SetDeadline(time.Time{}); err != nil {
		_ = w.Close()
		return
	}
	w.old = false
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || len(u.unused) >= u.most {
		_ = w.Close()
		return
	}
	u.unused = append(u.unused, w)
}

// closeOld closes what nobody has used since it ran last.
func (u *upstream) closeOld() {
	u.mu.Lock()
	defer u.mu.Unlock()
	kept := u.unused[:0]
	for _, w := range u.unused {
		if w.old || !stands(w.Conn) {
			_ = w.Close()
			continue
		}
		w.old = true
		kept = append(kept, w)
	}
	clear(u.unused[len(kept):])
	u.unused = kept
	if !u.closed {
		u.sweep.Reset(unusedFor)
	}
}

// close is final.
func (u *upstream) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	u.sweep.Stop()
	for _, w := range u.unused {
		_ = w.Close()
	}
	u.unused = nil
}

var errHeaderSize = errors.New("the header of the answer is larger than it may be")
