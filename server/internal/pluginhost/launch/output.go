package launch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
	"golang.org/x/time/rate"
)

// Limits of what a plugin writes.
const (
	maxLine        = 64 << 10 // the rest of a longer line is dropped
	beyondLine     = 8 << 10  // is read on, so that a secret at the border is still known for one
	maxHandshake   = 4 << 10
	maxLastLine    = 2 << 10 // of the lines that are kept
	keptLines      = 20
	linesPerSecond = 1000
	// bytesPerSecond of both streams together are read, after a burst: a plugin that writes more waits in its writes. Lines
	// that are not logged are looked at all the same, and this bounds what that costs the host.
	bytesPerSecond, burstBytes = 4 << 20, 4 << 20
	drainTime                  = time.Second // for what is left in the pipes when the process has ended
)

// output reads stdout and stderr of one process on a goroutine each, from its start until both have ended. The plugin waits
// when the log's handler is slow; the host never does.
type output struct {
	logger  *slog.Logger
	redact  func(string) string
	limiter limiter
	pace    *rate.Limiter

	stdout, stderr           *os.File
	stdoutChild, stderrChild *os.File
	closing                  func()

	// handshake is go-plugin's view of stdout: the first line.
	handshake *io.PipeReader
	toClient  *io.PipeWriter

	readers sync.WaitGroup
	done    chan struct{} // both have ended

	mu        sync.Mutex
	first     string // first line of stdout
	oversized bool
	lines     []string
	panicked  string
}

func newOutput(s Spec) (*output, error) {
	stdout, stdoutChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, stderrChild, err := os.Pipe()
	if err != nil {
		stdout.Close()
		stdoutChild.Close()
		return nil, err
	}
	o := &output{
		logger: discard(s.Logger).With("plugin", string(s.ID)), redact: s.Redact, limiter: limiter{now: time.Now, most: linesPerSecond},
		pace:   rate.NewLimiter(bytesPerSecond, burstBytes),
		stdout: stdout, stderr: stderr, stdoutChild: stdoutChild, stderrChild: stderrChild, done: make(chan struct{}),
	}
	if o.redact == nil {
		o.redact = func(text string) string { return text }
	}
	o.handshake, o.toClient = io.Pipe()
	o.readers.Go(o.readStdout)
	o.readers.Go(o.readStderr)
	return o, nil
}

// handOver closes the child's ends, which the child has by now, so that the pipes end when it does.
func (o *output) handOver() {
	o.stdoutChild.Close()
	o.stderrChild.Close()
	o.closing()
}

// finish waits for what is left. Something that the process started may hold the pipes open where namespaces could not end
// it, so the wait has an end.
func (o *output) finish() {
	deadline := time.Now().Add(drainTime)
	_ = o.stdout.SetReadDeadline(deadline)
	_ = o.stderr.SetReadDeadline(deadline)
	o.readers.Wait()
	o.stdout.Close()
	o.stderr.Close()
	if n := o.limiter.left(); n > 0 {
		o.reportDropped(n)
	}
	close(o.done)
}

// readStdout passes the first line to go-plugin and logs the others: stdout belongs to the protocol, but a stray print must
// not stop the plugin.
func (o *output) readStdout() {
	defer o.toClient.Close()
	r := bufio.NewReaderSize(paced{o.stdout, o.pace}, maxLine+beyondLine)
	line, cut, err := readLine(r)
	if err != nil {
		return
	}
	o.mu.Lock()
	o.oversized = cut || len(line) > maxHandshake
	o.first = o.clean(string(line))
	o.first = o.first[:min(len(o.first), maxHandshake)]
	o.mu.Unlock()
	if o.oversized {
		line = []byte("oversized")
	}
	_, _ = o.toClient.Write(append(line, '\n')) // a client that has given up does not read
	o.toClient.Close()
	for {
		line, cut, err := readLine(r)
		if err != nil {
			return
		}
		if o.allow() {
			o.logger.LogAttrs(context.Background(), slog.LevelInfo, head(o.clean(string(line)), cut), slog.String("stream", "stdout"), slog.Bool("cut", cut))
		}
	}
}

func (o *output) readStderr() {
	r := bufio.NewReaderSize(paced{o.stderr, o.pace}, maxLine+beyondLine)
	p := lineParser{clean: o.clean}
	for {
		line, cut, err := readLine(r)
		if err != nil {
			return
		}
		entry := p.parse(line)
		entry.message = head(entry.message, cut)
		o.keep(entry)
		if o.allow() {
			if cut {
				entry.attrs = append(entry.attrs, slog.Bool("cut", true))
			}
			o.logger.LogAttrs(context.Background(), entry.level, entry.message, entry.attrs...)
		}
	}
}

// paced reads no faster than its pace. Each wait is as long as one buffer takes, so an end is noticed soon.
type paced struct {
	from io.Reader
	pace *rate.Limiter
}

func (p paced) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if n > 0 {
		_ = p.pace.WaitN(context.Background(), n) // a buffer is smaller than the burst
	}
	return n, err
}

// readLine is one line without its end, at most as long as the reader's buffer; cut = there was more of it.
func readLine(r *bufio.Reader) (line []byte, cut bool, err error) {
	line, err = r.ReadSlice('\n')
	switch {
	case err == nil:
	case errors.Is(err, bufio.ErrBufferFull):
		line, cut = bytes.Clone(line), true
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.ReadSlice('\n')
		}
	case len(line) == 0:
		return nil, false, err
	}
	return bytes.TrimRight(line, "\r\n"), cut, nil
}

// head is a cleaned text without its end, if that was cut and may be part of a secret.
func head(text string, cut bool) string {
	if !cut {
		return text
	}
	return strings.ToValidUTF8(text[:max(0, len(text)-beyondLine)], "")
}

// clean takes out secrets, and control characters that would let a plugin write into terminals and logs as somebody else.
func (o *output) clean(text string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\t' && r != '\n') || (r >= 0x7f && r < 0xa0) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(o.redact(text), "\uFFFD"))
}

func (o *output) keep(e entry) {
	text := excerpt.Of(e.message, maxLastLine)
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.panicked && o.panicked == "" {
		o.panicked = text
	}
	if len(o.lines) == keptLines {
		o.lines = append(o.lines[:0], o.lines[1:]...)
	}
	o.lines = append(o.lines, text)
}

func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.lines...)
}

// fault is the line with which a runtime announced the end, if it did.
func (o *output) fault() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.panicked
}

func (o *output) allow() bool {
	ok, dropped := o.limiter.allow()
	if dropped > 0 {
		o.reportDropped(dropped)
	}
	return ok
}

func (o *output) reportDropped(n int) {
	o.logger.Warn("the plugin logs too much; lines were dropped", "lines", n, "perSecond", linesPerSecond)
}

// limiter lets most lines of a second through and counts the others. Safe for both readers.
type limiter struct {
	now  func() time.Time
	most int

	mu            sync.Mutex
	second        int64
	used, dropped int
}

// allow answers whether a line may pass, and, with the first of a new second, how many were dropped before.
func (l *limiter) allow() (ok bool, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := l.now().Unix(); second != l.second {
		dropped = l.dropped
		l.second, l.used, l.dropped = second, 0, 0
	}
	if l.used++; l.used <= l.most {
		return true, dropped
	}
	l.dropped++
	return false, dropped
}

func (l *limiter) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.dropped
	l.dropped = 0
	return n
}

// firstLine is what stood where the handshake should; oversized = it was too long to be one.
func (o *output) firstLine() (line string, oversized bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first, o.oversized
}
