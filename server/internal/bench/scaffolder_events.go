package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	freshTasks = 60
	logging    = 8 // tasks that log at once
)

// eventLatency is how soon somebody who follows a task sees what happens.
func eventLatency(ctx context.Context, o options, s *workshop, w io.Writer) error {
	if err := s.buildAnswers(ctx, answersPlugin); err != nil {
		return err
	}
	h, err := s.scaffolding(ctx, o, "events", stockConcurrency, nil, map[string]string{answersPlugin: s.path(answersPlugin)})
	if err != nil {
		return err
	}
	defer h.end()
	if err := freshEvents(ctx, h, w); err != nil {
		return err
	}
	for _, pace := range []struct{ count, milliseconds int }{{20, 200}, {200, 10}} {
		if err := lineLatency(ctx, h, pace.count, pace.milliseconds, w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	return nil
}

// freshEvents is one task after the other, each followed as soon as it is made.
func freshEvents(ctx context.Context, h *scaffolding, w io.Writer) error {
	var first, last []time.Duration
	for i := range freshTasks {
		began := time.Now()
		id, err := h.make(ctx, "one", map[string]any{"name": strconv.Itoa(i)})
		if err != nil {
			return err
		}
		var latest time.Time
		err = h.read(ctx, id, func() {}, func(e taskEvent) {
			if e.ID == 1 {
				first = append(first, e.at.Sub(began))
			}
			latest = e.at
		})
		if err != nil {
			return err
		}
		last = append(last, latest.Sub(began))
	}
	firstP50, firstP99 := quantiles(first)
	lastP50, lastP99 := quantiles(last)
	fmt.Fprintf(w, "fresh task, alone: from the request that makes it to its first event p50 %s, p99 %s; to its completion p50 %s, p99 %s\n",
		micros(firstP50), micros(firstP99), micros(lastP50), micros(lastP99))
	return nil
}

// lineLatency is from the moment a plugin's action logs a line to the moment a client has it: the way from the plugin to
// the host, the transaction, and the stream.
func lineLatency(ctx context.Context, h *scaffolding, count, milliseconds int, w io.Writer) error {
	var mu sync.Mutex
	var times []time.Duration
	err := each(logging, logging, func(int) error {
		id, err := h.make(ctx, "lines", map[string]any{"count": count, "milliseconds": milliseconds})
		if err != nil {
			return err
		}
		return h.read(ctx, id, func() {}, func(e taskEvent) {
			if at, ok := loggedAt(e.Body.Message); ok {
				mu.Lock()
				defer mu.Unlock()
				times = append(times, e.at.Sub(at))
			}
		})
	})
	if err != nil {
		return err
	}
	if len(times) != logging*count {
		return fmt.Errorf("%d of %d lines came", len(times), logging*count)
	}
	p50, p99 := quantiles(times)
	fmt.Fprintf(w, "%d tasks with a line every %d ms: from the plugin's log to the client p50 %s, p99 %s (%d lines)\n",
		logging, milliseconds, micros(p50), micros(p99), len(times))
	return nil
}

// loggedAt reads a line of the action answers:lines, which is coloured.
func loggedAt(message string) (time.Time, bool) {
	_, text, _ := strings.Cut(message, ": ")
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return time.Unix(0, n), err == nil && n > 1e18
}
