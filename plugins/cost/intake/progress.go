package intake

import (
	"context"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/callboard/callboard/plugins/cost/focus"
)

// progress is a running job. Readers see it change while the import's goroutine works.
type progress struct {
	mu      sync.Mutex
	job     Job
	rejects []focus.Reject
	changed chan struct{} // closed, and replaced, at a change
}

func (p *progress) now() Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.job
}

// update changes the job, and tells those who watch it.
func (p *progress) update(f func(*Job)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.job)
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) reject(r focus.Reject) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.job.Rejects++
	if len(p.rejects) < keptRejects {
		p.rejects = append(p.rejects, r)
	}
}

// Watch yields a job as it is, then each time it has changed, and for the last time when it has ended. A slow reader misses
// states in between, never the last one.
func (i *Intake) Watch(ctx context.Context, id string) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		for p := i.running(id); p != nil; {
			p.mu.Lock()
			j, changed := p.job, p.changed
			p.mu.Unlock()
			if !yield(j, nil) || j.State != Running {
				return
			}
			select {
			case <-ctx.Done():
				yield(Job{}, ctx.Err())
				return
			case <-changed:
			}
		}
		yield(i.Job(ctx, id))
	}
}

// counted counts the bytes that are read of a stream.
type counted struct {
	io.Reader

	n atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// file is what can be read at any place, as Parquet is, so that it need not be copied first.
type file interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// countedFile counts the bytes that are read of a file. Some may be read twice.
type countedFile struct {
	file

	read *counted
}

func (c countedFile) Read(b []byte) (int, error) { return c.read.Read(b) }

func (c countedFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.file.ReadAt(b, at)
	c.read.n.Add(int64(n))
	return n, err
}

// counting is a body with its counter.
func counting(body io.Reader) (io.Reader, *counted) {
	c := &counted{Reader: body}
	if f, ok := body.(file); ok {
		return countedFile{f, c}, c
	}
	return c, c
}
