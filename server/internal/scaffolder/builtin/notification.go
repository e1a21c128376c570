package builtin

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

type notificationInput struct {
	Recipients                         string
	EntityRefs                         []string
	Title                              string
	Info, Link, Severity, Scope, Topic *string
	Optional                           bool
}

// notificationSend is not repeatable: whether an interrupted run had sent cannot be known, and people would be told twice.
// What was sent for certain is not sent again when a user retries the task.
func notificationSend(to Notifier) action.Action {
	return define(describe("notification:send"), func(ctx context.Context, in notificationInput, r *run) error {
		if err := r.info("Sending notification to %s", in.Recipients); err != nil {
			return err
		}
		if in.Recipients == "entity" && in.EntityRefs == nil {
			if in.Optional {
				return nil
			}
			return errors.New("Entity references must be provided")
		}
		key := "send.notification." + in.Title
		if _, sent := r.Checkpoints[key]; sent {
			return nil
		}
		n := Notification{Broadcast: in.Recipients == "broadcast", Title: in.Title, Description: in.Info, Link: in.Link, Topic: in.Topic, Scope: in.Scope, Severity: in.Severity}
		if !n.Broadcast {
			n.EntityRefs = in.EntityRefs
		}
		if err := to.Send(ctx, n); err != nil {
			if told := r.to.Log("error", "Failed to send notification: "+apierror.Describe(err)); told != nil || in.Optional {
				return told
			}
			return err
		}
		return r.to.Checkpoint(key, json.RawMessage("true"))
	})
}
