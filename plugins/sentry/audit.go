package main

import (
	"context"
	"log/slog"

	"github.com/callboard/callboard/sdk"
)

// audit records what was written to Sentry, or tried. What was done is done: that it cannot be recorded is logged, and
// does not fail it.
func (s *plugin) audit(ctx context.Context, event, user string, failure error, meta map[string]any) {
	if failure != nil {
		meta["error"] = messageOf(failure)
	}
	err := s.host.Audit.Write(context.WithoutCancel(ctx), sdk.AuditEvent{
		Event: event, Severity: "medium", Failed: failure != nil, Actor: user, Meta: meta,
	})
	if err != nil {
		slog.ErrorContext(ctx, "an audit event could not be recorded", "event", event, "actor", user, "error", err)
	}
}
