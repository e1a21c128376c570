package pluginhost

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// logLines is how many lines of a plugin are kept for people who ask later.
const logLines = 1000

// LogLine is one line that a plugin wrote, or that the host wrote about it.
type LogLine struct {
	Seq     uint64         `json:"seq"`
	At      time.Time      `json:"at"`
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// logbook keeps the last lines of one plugin and passes them on to the host's log. It is a [slog.Handler].
type logbook struct {
	*logbookLines
	next   slog.Handler
	attrs  []slog.Attr
	groups []string
}

type logbookLines struct {
	redact func(string) string

	mu    sync.Mutex
	lines []LogLine // a ring: the oldest is at next % logLines
	next  uint64    // number of the next line, from 1
	grew  chan struct{}
}

// newLogbook passes on to next what next lets through. redact takes secrets out of texts.
func newLogbook(next slog.Handler, redact func(string) string) *logbook {
	return &logbook{logbookLines: &logbookLines{redact: redact, next: 1, grew: make(chan struct{})}, next: next}
}

// Enabled implements [slog.Handler]: debug lines are kept even if the host's log leaves them out.
func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (l *logbook) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, l.redact(r.Message), r.PC)
	fields := map[string]any{}
	add := func(a slog.Attr) {
		a = l.clean(a)
		clean.AddAttrs(a)
		addField(fields, a)
	}
	for _, a := range l.attrs {
		add(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		add(nested(l.groups, a))
		return true
	})
	l.add(LogLine{At: r.Time, Level: strings.ToLower(r.Level.String()), Message: clean.Message, Fields: fields})
	if !l.next.Enabled(ctx, r.Level) {
		return nil
	}
	return l.next.Handle(ctx, clean)
}

// WithAttrs implements [slog.Handler]. Attributes are passed on with each record, since what is a secret may be known
// later than they are.
func (l *logbook) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *l
	with.attrs = slices.Clip(l.attrs)
	for _, a := range attrs {
		with.attrs = append(with.attrs, nested(l.groups, a))
	}
	return &with
}

// WithGroup implements [slog.Handler].
func (l *logbook) WithGroup(name string) slog.Handler {
	if name == "" {
		return l
	}
	with := *l
	with.groups = append(slices.Clip(l.groups), name)
	return &with
}

func nested(groups []string, a slog.Attr) slog.Attr {
	for _, group := range slices.Backward(groups) {
		a = slog.Attr{Key: group, Value: slog.GroupValue(a)}
	}
	return a
}

// clean takes secrets out of an attribute, however deep. What is no plain value is taken as its text.
func (l *logbookLines) clean(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(l.redact(v.String()))
	case slog.KindGroup:
		members := slices.Clone(v.Group())
		for i, member := range members {
			members[i] = l.clean(member)
		}
		v = slog.GroupValue(members...)
	case slog.KindAny:
		v = slog.StringValue(l.redact(v.String()))
	}
	return slog.Attr{Key: l.redact(a.Key), Value: v}
}

func addField(fields map[string]any, a slog.Attr) {
	if a.Value.Kind() != slog.KindGroup {
		switch v := a.Value.Any().(type) {
		case time.Duration:
			fields[a.Key] = v.String()
		default:
			fields[a.Key] = v
		}
		return
	}
	inner, ok := fields[a.Key].(map[string]any)
	if !ok {
		inner = map[string]any{}
	}
	for _, member := range a.Value.Group() {
		addField(inner, member)
	}
	if a.Key == "" {
		maps.Copy(fields, inner)
		return
	}
	fields[a.Key] = inner
}

func (l *logbookLines) add(line LogLine) {
	l.mu.Lock()
	line.Seq = l.next
	l.next++
	if len(l.lines) < logLines {
		l.lines = append(l.lines, line)
	} else {
		l.lines[(line.Seq-1)%logLines] = line
	}
	grew := l.grew
	l.grew = make(chan struct{})
	l.mu.Unlock()
	close(grew)
}

// since answers the kept lines after seq, oldest first, and a channel that is closed when there are more.
func (l *logbookLines) since(seq uint64) ([]LogLine, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.next - uint64(len(l.lines))
	if seq >= first {
		first = seq + 1
	}
	var out []LogLine
	for n := first; n < l.next; n++ {
		out = append(out, l.lines[(n-1)%logLines])
	}
	return out, l.grew
}

// tail answers the newest n lines, the number of the newest line, and a channel that is closed when there are more.
func (l *logbookLines) tail(n int) (lines []LogLine, last uint64, more <-chan struct{}) {
	l.mu.Lock()
	last = l.next - 1
	l.mu.Unlock()
	lines, more = l.since(last - min(last, uint64(max(n, 0))))
	if len(lines) > 0 {
		last = lines[len(lines)-1].Seq
	}
	return lines, last, more
}
