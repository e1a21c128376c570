// Command chores is a plugin with tasks, subscriptions, storage, a lock and a form. Tests ask it how things are over its routes.
package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk"
)

// version is set by the linker, so that tests have several.
var version = "1.0.0"

func main() {
	p := sdk.New("chores", sdk.About{Version: version, Title: "Chores", License: "Apache-2.0"})
	c := &chores{host: p.Host()}
	p.Task("count", time.Second, c.count)
	p.CronTask("nightly", "0 3 * * *", c.nightly)
	p.Task("grumble", time.Hour, func(context.Context) error { return errors.New("nobody helps") })
	p.OnEvent("chores.counted", c.received)
	p.OnEvent("experimental.catalog.errors", c.received)
	c.form(p)
	p.HandleFunc("GET /state", c.state)
	p.HandleFunc("POST /tasks/{id}", c.trigger)
	p.HandleFunc("POST /lock", c.lock)
	p.HandleFunc("POST /publish/{topic}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, nil, c.host.Events.Publish(r.Context(), r.PathValue("topic"), "a word"))
	})
	p.Serve()
}

type chores struct {
	host *sdk.Host

	mu     sync.Mutex
	events map[string]sdk.Event // the last one of each topic
}

// count adds one to a number that outlives this process, under a lock.
func (c *chores) count(ctx context.Context) error {
	lease, err := c.host.Locks.Acquire(ctx, "counting", 10*time.Second)
	if err != nil {
		return err
	}
	n, err := c.add(ctx, "count")
	if err := errors.Join(err, lease.Release(ctx)); err != nil {
		return err
	}
	return c.host.Events.Publish(ctx, "chores.counted", n)
}

func (c *chores) nightly(ctx context.Context) error {
	_, err := c.add(ctx, "nights")
	return err
}

func (c *chores) add(ctx context.Context, key string) (int, error) {
	var n int
	version, err := c.host.KV.GetJSON(ctx, key, &n)
	if err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return 0, err
	}
	n++
	_, err = c.host.KV.PutJSON(ctx, key, n, sdk.PutOptions{IfVersion: &version})
	return n, err
}

func (c *chores) received(_ context.Context, e sdk.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.events == nil {
		c.events = map[string]sdk.Event{}
	}
	c.events[e.Topic] = e
	return nil
}

func (c *chores) state(w http.ResponseWriter, r *http.Request) {
	tasks, err := c.host.Scheduler.Tasks(r.Context())
	numbers := map[string]int{}
	for key, listed := range c.host.KV.Keys(r.Context(), "") {
		var n int
		_, read := c.host.KV.GetJSON(r.Context(), key, &n)
		numbers[key], err = n, errors.Join(err, listed, read)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer(w, r, map[string]any{"tasks": tasks, "numbers": numbers, "events": c.events}, err)
}

func (c *chores) trigger(w http.ResponseWriter, r *http.Request) {
	answer(w, r, nil, c.host.Scheduler.Trigger(r.Context(), r.PathValue("id")))
}

// lock holds a lock while it asks for it once more.
func (c *chores) lock(w http.ResponseWriter, r *http.Request) {
	lease, err := c.host.Locks.Acquire(r.Context(), "mine", time.Minute)
	if err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	_, twice := c.host.Locks.Acquire(r.Context(), "mine", time.Minute)
	err = lease.Release(r.Context())
	answer(w, r, map[string]any{"refused": errors.Is(twice, sdk.ErrConflict)}, err)
}

func answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	if err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	sdk.WriteJSON(w, http.StatusOK, v)
}
