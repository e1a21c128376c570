package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	streams  = 200
	settling = 500 * time.Millisecond
)

// manyStreams is many who follow one running task, and as many tasks with one follower each.
func manyStreams(ctx context.Context, o options, s *workshop, w io.Writer) error {
	h, err := s.scaffolding(ctx, o, "streams", streams+stockConcurrency, nil, nil)
	if err != nil {
		return err
	}
	defer h.end()
	for _, tasks := range []int{1, streams} {
		if err := h.follow(ctx, tasks, w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	return nil
}

func (s *scaffolding) held() (f footprint, err error) {
	time.Sleep(settling)
	ctx := context.Background()
	if f.heap, err = s.metric(ctx, "go_memstats_heap_inuse_bytes"); err != nil {
		return f, err
	}
	if f.goroutines, err = s.metric(ctx, "go_goroutines"); err != nil {
		return f, err
	}
	f.private = privateOf(s.pid())
	return f, nil
}

// follow opens the streams on tasks that run, and then lets the tasks end.
func (s *scaffolding) follow(ctx context.Context, tasks int, w io.Writer) error {
	ids, err := s.begin(ctx, tasks)
	if err != nil {
		return err
	}
	before, err := s.held()
	if err != nil {
		return err
	}
	var open, readers sync.WaitGroup
	var events atomic.Int64
	failures := make(chan error, streams)
	open.Add(streams)
	for i := range streams {
		readers.Go(func() {
			begun := sync.OnceFunc(open.Done)
			defer begun()
			if err := s.read(ctx, ids[i%tasks], begun, func(taskEvent) { events.Add(1) }); err != nil {
				failures <- err
			}
		})
	}
	open.Wait()
	after, err := s.held()
	if err != nil {
		return err
	}
	began, spent := time.Now(), s.cpu()
	s.ledger.release()
	readers.Wait()
	took, used := time.Since(began), s.cpu()-spent
	close(failures)
	for err := range failures {
		return err
	}
	fmt.Fprintf(w, "%d streams of %d running tasks: a stream holds %d KB (heap in use %d KB), %.1f goroutines; all have the completion %s after the last step may end (%s of CPU); %d events, none lost\n",
		streams, tasks, (after.private-before.private)/streams>>10, (after.heap-before.heap)/streams>>10,
		float64(after.goroutines-before.goroutines)/streams, took.Round(time.Millisecond), used, events.Load())
	return nil
}

// begin makes tasks and waits until all are in the middle of their step.
func (s *scaffolding) begin(ctx context.Context, tasks int) ([]string, error) {
	ids := make([]string, tasks)
	err := each(connections, tasks, func(i int) (err error) {
		ids[i], err = s.make(ctx, "held", map[string]any{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return ids, s.ledger.await(ctx, tasks)
}
