package sdk

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
)

// maxLogText keeps one line from filling the host's buffers.
const maxLogText = 16 << 10

// newLogger writes the JSON lines that the host reads from standard error: one record a line, whatever is in it, without
// secret settings.
func newLogger(w io.Writer, p *Plugin) *slog.Logger {
	lines := slog.NewJSONHandler(&cleanWriter{w, &p.secrets}, &slog.HandlerOptions{Level: p.logLevel, ReplaceAttr: protocolNames(&p.secrets)})
	return slog.New(logHandler{Handler: lines}).With("@module", p.id)
}

// protocolNames renames slog's own members, and cuts what is long. Members of authors cannot be met here: logHandler
// renamed those.
func protocolNames(secrets *redactor) func(groups []string, a slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 {
			switch a.Key {
			case slog.TimeKey:
				return slog.String("@timestamp", a.Value.Time().UTC().Format(time.RFC3339Nano))
			case slog.LevelKey:
				if l, ok := a.Value.Any().(slog.Level); ok {
					return slog.String("@level", levelName(l))
				}
			case slog.MessageKey:
				a.Key = "@message"
			}
		}
		if a.Value.Kind() == slog.KindString && len(a.Value.String()) > maxLogText {
			text := secrets.clean(a.Value.String()) // half a secret would not be known any more
			a.Value = slog.StringValue(excerpt.Of(text, maxLogText))
		}
		return a
	}
}

// logHandler adds the trace, and gives way where an author's attribute has a name that the protocol or slog uses.
type logHandler struct {
	slog.Handler

	grouped bool
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.rename(a))
		return true
	})
	if id := traceID(ctx); id != "" && !h.grouped {
		out.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, out)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	renamed := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		renamed[i] = h.rename(a)
	}
	return logHandler{h.Handler.WithAttrs(renamed), h.grouped}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name), h.grouped || name != ""}
}

func (h logHandler) rename(a slog.Attr) slog.Attr {
	if !h.grouped {
		switch a.Key {
		case slog.TimeKey, slog.LevelKey, slog.MessageKey, "@timestamp", "@level", "@message":
			a.Key = strings.TrimPrefix(a.Key, "@") + "_"
		}
	}
	return a
}

// cleanWriter removes secrets. slog calls it with one whole line at a time.
type cleanWriter struct {
	w       io.Writer
	secrets *redactor
}

func (c *cleanWriter) Write(line []byte) (int, error) {
	if _, err := io.WriteString(c.w, c.secrets.clean(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

var _ slog.Handler = logHandler{}
