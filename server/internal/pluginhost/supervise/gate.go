package supervise

import (
	"sync"
	"sync/atomic"
)

// gate counts what is inside, and tells when it is closed and empty. Entering is one atomic addition, as every request
// to a plugin does it.
type gate struct {
	n     atomic.Int64
	idle  chan struct{}
	empty sync.Once
}

// shut is added to the count by close; it is out of reach of real counts.
const shut = 1 << 62

func newGate() *gate { return &gate{idle: make(chan struct{})} }

// enter reports whether the gate was open; who is in must leave.
func (g *gate) enter() bool {
	if g.n.Add(1) < shut {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.n.Add(-1) == shut {
		g.empty.Do(func() { close(g.idle) })
	}
}

// close lets nobody in any more. It is called once.
func (g *gate) close() {
	if g.n.Add(shut) == shut {
		g.empty.Do(func() { close(g.idle) })
	}
}

func (g *gate) inside() int { return int(g.n.Load() &^ shut) }
