package task

import "sync"

// hub wakes those who wait for events of a task that this host writes. Safe for concurrent use.
type hub struct {
	mu     sync.Mutex
	topics map[string]*topic
}

type topic struct {
	wake    chan struct{} // closed at the next event
	waiting int
}

// join begins to wait for events of a task.
func (h *hub) join(id string) *topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[id]
	if t == nil {
		if h.topics == nil {
			h.topics = map[string]*topic{}
		}
		t = &topic{wake: make(chan struct{})}
		h.topics[id] = t
	}
	t.waiting++
	return t
}

// next is closed when there may be events that were not there when it was called.
func (h *hub) next(t *topic) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return t.wake
}

// leave ends waiting.
func (h *hub) leave(id string, t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.waiting--; t.waiting == 0 {
		delete(h.topics, id)
	}
}

// wake tells everybody who waits for the task.
func (h *hub) wake(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[id]; t != nil {
		close(t.wake)
		t.wake = make(chan struct{})
	}
}
