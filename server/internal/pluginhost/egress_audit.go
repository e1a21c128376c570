package pluginhost

import (
	"context"
	"log/slog"

	"github.com/callboard/callboard/server/internal/pluginhost/egress"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
)

// went notes an attempt to go out: what was refused is audited, the rest is for the log.
func (p *plugin) went(a egress.Attempt) {
	attrs := []slog.Attr{slog.String("method", a.Method), slog.String("host", a.Host), slog.Int("port", int(a.Port)),
		slog.Int64("sent", a.Sent), slog.Int64("received", a.Received), slog.Duration("took", a.Took)}
	switch {
	case a.Reason == "":
		p.log.LogAttrs(context.Background(), slog.LevelDebug, "egress", attrs...)
	case a.Allowed:
		p.log.LogAttrs(context.Background(), slog.LevelWarn, "egress failed", append(attrs, slog.String("reason", a.Reason))...)
	default:
		p.log.LogAttrs(context.Background(), slog.LevelWarn, "egress refused", append(attrs, slog.String("reason", a.Reason))...)
		p.record(hostsvc.AuditRecord{Event: "egress.refused", Severity: "medium", Failed: true, At: a.Started,
			Meta: map[string]any{"method": a.Method, "host": a.Host, "port": a.Port, "reason": p.redactor.redact(a.Reason)}})
	}
}
