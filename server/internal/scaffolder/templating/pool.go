package templating

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
)

// pool lends virtual machines, each to one call at a time. It makes them when they are wanted and keeps them; one whose call
// hit a limit, was interrupted or panicked is thrown away.
type pool struct {
	options Options
	slots   chan struct{}

	mu      sync.Mutex
	idle    []*machine
	closing sync.Once
}

var errClosed = errors.New("the template language was closed")

func newPool(o Options) (*pool, error) {
	if o.VMs < 1 {
		return nil, fmt.Errorf("template language: %d virtual machines; one is the least", o.VMs)
	}
	p := &pool{options: o, slots: make(chan struct{}, o.VMs)}
	for range o.VMs {
		p.slots <- struct{}{}
	}
	return p, nil
}

// do runs work with a machine, within the limits. subject is what errors are about.
func (p *pool) do(ctx context.Context, subject string, work func(*machine) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case _, open := <-p.slots:
		if !open {
			return errClosed
		}
	}
	defer func() { p.slots <- struct{}{} }()
	m, err := p.take()
	if err != nil {
		return err
	}
	if err = p.run(ctx, m, work); !spoils(err) {
		p.give(m)
	} else {
		m.close()
	}
	return p.explain(subject, err)
}

func (p *pool) take() (*machine, error) {
	if m := p.lastIdle(); m != nil {
		return m, nil
	}
	return newMachine(p.options)
}

// lastIdle is the machine that was used last, which is the likeliest to have kept the variables of this call; nil = none.
func (p *pool) lastIdle() *machine {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	m := p.idle[last]
	p.idle = p.idle[:last]
	return m
}

func (p *pool) give(m *machine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, m)
}

// run calls work with the clock running.
func (p *pool) run(ctx context.Context, m *machine, work func(*machine) error) (err error) {
	m.watch = startWatch(ctx, m.vm, p.options.Timeout)
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p}
		}
		if cause := m.watch.stop(); cause != nil && err != nil {
			err = cause
		}
		if ctx.Err() != nil { // it may have ended too late to interrupt anything
			err = context.Cause(ctx)
		}
		m.filter = nil
	}()
	return work(m)
}

type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("the virtual machine panicked: %v", e.value) }

// spoils reports whether a machine whose work ended with err must not be used again.
func spoils(err error) bool {
	var thrown *thrownError
	return err != nil && (!errors.As(err, &thrown) || thrown.isLimit())
}

// explain is err as clients see it.
func (p *pool) explain(subject string, err error) error {
	var thrown *thrownError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTimeout):
		return apierror.Inputf("%s: more than %v of time", subject, p.options.Timeout)
	case !errors.As(err, &thrown):
		return fmt.Errorf("%s: %w", subject, err)
	case thrown.isMemory():
		return apierror.Inputf("%s: more than %s of memory", subject, bytesText(p.options.Memory))
	case thrown.isStack():
		return apierror.Inputf("%s: nested too deeply", subject)
	}
	return thrown.asAPIError()
}

func bytesText(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// close waits for what runs.
func (p *pool) close() { p.closing.Do(p.end) }

func (p *pool) end() {
	for range cap(p.slots) {
		<-p.slots
	}
	close(p.slots)
	for _, m := range p.idle {
		m.close()
	}
	p.idle = nil
}
