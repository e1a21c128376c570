package main

import (
	"context"
	"log/slog"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// audit records what was written, or tried, by the caller of ctx or by the plugin itself. What was done is done: that it cannot be recorded is logged, and does not fail
// it.
func (c *plugin) audit(ctx context.Context, event string, failure error, about map[string]any) {
	if failure != nil {
		about["error"] = rpcerror.Message(failure)
	}
	caller := sdk.Principal(ctx)
	err := c.host.Audit.Write(context.WithoutCancel(ctx), sdk.AuditEvent{
		Event: event, Severity: "medium", Failed: failure != nil, Actor: caller.Subject, Meta: about,
	})
	if err != nil {
		slog.ErrorContext(ctx, "an audit event could not be recorded", "event", event, "actor", caller.Subject, "error", err)
	}
}
