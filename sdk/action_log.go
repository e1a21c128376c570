package sdk

import (
	"bytes"
	"context"
	"log/slog"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// logger writes to the log of the step that runs.
func (c *actionCall) logger() *slog.Logger { return slog.New(&stepHandler{call: c}) }

// stepHandler makes lines for people: the message, then its attributes as key=value.
type stepHandler struct {
	call *actionCall
	with func(slog.Handler) slog.Handler // the attributes and groups so far
}

func (h *stepHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelDebug }

func (h *stepHandler) Handle(ctx context.Context, r slog.Record) error {
	var line bytes.Buffer
	var attributes slog.Handler = slog.NewTextHandler(&line, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
	if h.with != nil {
		attributes = h.with(attributes)
	}
	if err := attributes.Handle(ctx, r); err != nil {
		return err
	}
	text := h.call.clean(strings.TrimSpace(r.Message + " " + strings.TrimSpace(line.String())))
	return h.call.send(&pluginv1.ExecuteActionResponse{Event: &pluginv1.ExecuteActionResponse_Log{
		Log: &pluginv1.ActionLog{Level: levelName(r.Level), Message: excerpt.Of(text, maxLogText)},
	}})
}

func (h *stepHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.extend(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

func (h *stepHandler) WithGroup(name string) slog.Handler {
	return h.extend(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h *stepHandler) extend(more func(slog.Handler) slog.Handler) slog.Handler {
	so := h.with
	return &stepHandler{call: h.call, with: func(next slog.Handler) slog.Handler {
		if so != nil {
			next = so(next)
		}
		return more(next)
	}}
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}

var _ slog.Handler = (*stepHandler)(nil)
