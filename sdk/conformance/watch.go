package conformance

import (
	"fmt"
	"sync"
	"time"
)

// watcher samples what a plugin's process and its children use, and ends them when they go far beyond what they may: a
// plugin out of control must not take the machine along.
type watcher struct {
	process Process
	limits  *Manifest
	stop    chan struct{}
	done    chan struct{}

	mu        sync.Mutex
	memory    int64
	processes int
	seen      map[int]string // children by number, with when they began
	killed    string         // why the watcher ended the process
}

const sampleEvery = 25 * time.Millisecond

func watch(p Process, limits *Manifest) *watcher {
	w := &watcher{process: p, limits: limits, stop: make(chan struct{}), done: make(chan struct{}), seen: map[int]string{}}
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-w.process.Exited():
			return
		case <-tick.C:
			w.sample()
		}
	}
}

func (w *watcher) sample() {
	children := descendants(w.process.PID())
	memory := memoryOf(w.process.PID())
	for _, pid := range children {
		memory += memoryOf(pid)
	}
	w.mu.Lock()
	for _, pid := range children {
		if _, known := w.seen[pid]; !known {
			w.seen[pid] = startOf(pid)
		}
	}
	w.memory, w.processes = max(w.memory, memory), max(w.processes, 1+len(children))
	why := ""
	switch {
	case memory > w.limits.memory()*12/10:
		why = fmt.Sprintf("It used more than 1.2 times its memory limit of %s and was stopped", size(w.limits.memory()))
	case 1+len(children) > w.limits.processes():
		why = fmt.Sprintf("It ran more processes than its limit of %d and was stopped", w.limits.processes())
	}
	if why != "" && w.killed == "" {
		w.killed = why
	}
	w.mu.Unlock()
	if why != "" {
		w.process.Kill()
	}
}

// close ends the sampling; it does not touch the process.
func (w *watcher) close() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	<-w.done
}

// peak is the most that was seen at a time.
func (w *watcher) peak() (memory int64, processes int, killed string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.memory, w.processes, w.killed
}

// left are children that were seen and still run.
func (w *watcher) left() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []int
	for pid, began := range w.seen {
		if began != "" && startOf(pid) == began {
			left = append(left, pid)
		}
	}
	return left
}

func size(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
