package pluginhost

import (
	"context"
	"sync"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// Event is something that happened to a plugin, for pages and programs that watch.
type Event struct {
	Plugin  manifest.ID     `json:"plugin"`
	Kind    string          `json:"kind"`
	State   supervise.State `json:"state,omitempty"`
	Version string          `json:"version,omitempty"`
	Reason  string          `json:"reason,omitempty"`
}

// The kinds of events.
const (
	EventState   = "state"   // it came into another state, or something about it changed
	EventRemoved = "removed" // the configuration does not have it any more
	EventReload  = "reload"  // under development: a new build serves
	EventBuild   = "build"   // under development: a build began or ended
)

// feed passes events on to whoever watches. A watcher that does not keep up loses the oldest ones.
type feed struct {
	mu       sync.Mutex
	watchers map[chan Event]bool
}

func newFeed() *feed { return &feed{watchers: map[chan Event]bool{}} }

// feedRoom is how far a watcher may fall behind.
const feedRoom = 64

// watch passes events on until ctx ends; then the channel is closed.
func (f *feed) watch(ctx context.Context) <-chan Event {
	events := make(chan Event, feedRoom)
	f.mu.Lock()
	f.watchers[events] = true
	f.mu.Unlock()
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, events)
		close(events)
	})
	return events
}

func (f *feed) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for events := range f.watchers {
		for sent := false; !sent; {
			select {
			case events <- e:
				sent = true
			default:
				select {
				case <-events: // the oldest makes room
				default:
				}
			}
		}
	}
}
