package hostsvc

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// door lets processes in that may connect, as many as there is room for, and knows who is inside.
//
// A connection need not speak: plugins hold silent ones to see that the host lives. gRPC's Stop would wait for those until
// they time out, so the door closes them itself.
type door struct {
	net.Listener
	peer func(pid int, uid uint32) bool // nil = everybody
	gate *gate

	mu     sync.Mutex
	inside map[*guest]bool // nil = shut
}

func newDoor(l net.Listener, peer func(pid int, uid uint32) bool, g *gate) *door {
	return &door{Listener: l, peer: peer, gate: g, inside: map[*guest]bool{}}
}

// Accept returns the next connection of a process that may have one, and closes those of others: nothing was sent on them,
// so nothing is lost.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		refused := d.judge(conn)
		if refused == nil {
			if g := d.enter(conn); g != nil {
				return g, nil
			}
			refused = &denial{reason: fmt.Sprintf("the plugin has %d connections already", maxConnections), severity: "medium"}
		}
		refused.method = "connect"
		d.gate.deny(context.Background(), *refused)
		_ = conn.Close()
	}
}

func (d *door) judge(conn net.Conn) *denial {
	if d.peer == nil {
		return nil
	}
	pid, uid, err := credentials(conn)
	if err != nil {
		return &denial{reason: "the kernel does not tell who connects: " + err.Error(), severity: "high"}
	}
	if d.peer(pid, uid) {
		return nil
	}
	return &denial{reason: "the process is not one of the plugin's", severity: "high", meta: map[string]any{"pid": pid, "uid": uid}}
}

// enter is nil when there is no room, or the door is shut.
func (d *door) enter(conn net.Conn) *guest {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inside == nil || len(d.inside) >= maxConnections {
		return nil
	}
	g := &guest{Conn: conn, door: d}
	d.inside[g] = true
	return g
}

// shut closes every connection and lets nobody in any more.
func (d *door) shut() {
	d.mu.Lock()
	inside := d.inside
	d.inside = nil
	d.mu.Unlock()
	for g := range inside {
		_ = g.Conn.Close()
	}
}

// guest is a connection that was let in.
type guest struct {
	net.Conn
	door *door
}

// Close makes room. It may be called more than once.
func (g *guest) Close() error {
	g.door.mu.Lock()
	delete(g.door.inside, g)
	g.door.mu.Unlock()
	return g.Conn.Close()
}
