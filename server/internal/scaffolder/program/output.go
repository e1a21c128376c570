package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of what a program may say. A task's log is kept, so a program that prints without end must not fill it.
const (
	maxLine   = 4 << 10
	maxLines  = 10_000
	linePace  = 1_000 // lines a second
	lineBurst = 2_000
	maxStderr = 8 << 10
)

// output takes what a program prints. Its writers are called from one goroutine each.
type output struct {
	ctx   context.Context //nolint:containedctx // writers have no parameter for it
	stop  context.CancelCauseFunc
	line  func(Stream, string) error
	limit int
	pace  *rate.Limiter

	mu    sync.Mutex // keeps lines of the two streams from each other
	lines int
	kept  bytes.Buffer
	cut   bool
	tail  []byte
	part  [2]lineBuffer

	read, write [2]*os.File
	copies      sync.WaitGroup
}

func newOutput(ctx context.Context, c Command, stop context.CancelCauseFunc) *output {
	limit := c.MaxOutput
	if limit <= 0 {
		limit = DefaultMaxOutput
	}
	return &output{ctx: ctx, stop: stop, line: c.Line, limit: limit, pace: rate.NewLimiter(linePace, lineBurst)}
}

// open makes the two streams cmd's and begins to read them.
//
// The pipes are ours rather than exec's, which gives up on a reader that is slow as on one that waits for a process that
// got away: here what was printed in time is read to its end.
func (o *output) open(cmd *exec.Cmd) error {
	for s := range o.read {
		r, w, err := os.Pipe()
		if err != nil {
			o.closePipes()
			return err
		}
		o.read[s], o.write[s] = r, w
	}
	cmd.Stdout, cmd.Stderr = o.write[Stdout], o.write[Stderr]
	for s := range o.read {
		o.copies.Go(func() {
			if _, err := io.Copy(streamWriter{o, Stream(s)}, o.read[s]); err != nil {
				o.mu.Lock()
				o.cut = true // the deadline came before the stream's end
				o.mu.Unlock()
			}
		})
	}
	return nil
}

func (o *output) closePipes() {
	for s := range o.read {
		_ = errors.Join(o.read[s].Close(), o.write[s].Close()) // one that is closed, or was never opened, says so and nothing else
	}
}

type streamWriter struct {
	out    *output
	stream Stream
}

// Write implements [io.Writer]. It takes everything even when nobody wants to hear more, so that the program is not
// stopped by its own output; a Line that fails stops it.
func (w streamWriter) Write(p []byte) (int, error) {
	o := w.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if w.stream == Stdout {
		o.keep(p)
	} else {
		o.tail = append(o.tail, p...)
		o.tail = o.tail[max(0, len(o.tail)-maxStderr):]
	}
	if o.line != nil {
		o.part[w.stream].add(p, func(text string) { o.tell(w.stream, text) })
	}
	return len(p), nil
}

func (o *output) keep(p []byte) {
	room := o.limit - o.kept.Len()
	if len(p) > room {
		p, o.cut = p[:room], true
	}
	o.kept.Write(p)
}

// tell hands one line to the listener.
func (o *output) tell(s Stream, text string) {
	o.lines++
	if o.lines > maxLines || o.ctx.Err() != nil || o.pace.Wait(o.ctx) != nil {
		return
	}
	if err := o.line(s, text); err != nil {
		o.stop(err)
	}
}

// Limits of reading on after the program's end. While ctx lives what is left in the pipes is still told, at its pace.
const (
	drain        = 15 * time.Second
	drainStopped = 100 * time.Millisecond
)

// close reads what the program left, unless a process that got away holds the streams open, and tells what has no line
// end. Nothing is told afterwards.
func (o *output) close() {
	for _, w := range o.write {
		w.Close()
	}
	end := time.AfterFunc(drain, func() { o.deadline(0) })
	stopped := context.AfterFunc(o.ctx, func() { o.deadline(drainStopped) })
	o.copies.Wait()
	end.Stop()
	stopped()
	for s := range o.part {
		o.part[s].flush(func(text string) { o.tell(Stream(s), text) })
	}
	if more := o.lines - maxLines; more > 0 && o.ctx.Err() == nil {
		if err := o.line(Stderr, fmt.Sprintf("… %d more lines are left out", more)); err != nil {
			o.stop(err)
		}
	}
	o.closePipes()
}

func (o *output) deadline(d time.Duration) {
	for _, r := range o.read {
		_ = r.SetReadDeadline(time.Now().Add(d)) // of a pipe that is closed meanwhile there is nothing to read
	}
}

func (o *output) result(cmd *exec.Cmd) Result {
	r := Result{ExitCode: -1, Stdout: o.kept.Bytes(), Cut: o.cut, Stderr: o.stderr()}
	if cmd.ProcessState != nil {
		r.ExitCode = cmd.ProcessState.ExitCode()
	}
	return r
}

func (o *output) stderr() string { return strings.ToValidUTF8(string(o.tail), "\uFFFD") }

// lineBuffer makes lines of chunks. Of a line that is too long it keeps the beginning.
type lineBuffer struct {
	part []byte
	long bool
}

func (b *lineBuffer) add(p []byte, tell func(string)) {
	for {
		head, rest, found := bytes.Cut(p, []byte{'\n'})
		if room := maxLine - len(b.part); len(head) > room {
			head, b.long = head[:room], true
		}
		b.part = append(b.part, head...)
		if !found {
			return
		}
		b.emit(tell)
		p = rest
	}
}

func (b *lineBuffer) flush(tell func(string)) {
	if len(b.part) > 0 {
		b.emit(tell)
	}
}

func (b *lineBuffer) emit(tell func(string)) {
	text := strings.ToValidUTF8(strings.TrimSuffix(string(b.part), "\r"), "\uFFFD")
	if b.long {
		text += "…"
	}
	b.part, b.long = b.part[:0], false
	tell(text)
}
