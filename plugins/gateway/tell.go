package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
)

// record passes an event on to the host's audit trail, and tells people. What was done is done: that it cannot be passed on
// is logged, and does not fail it.
func (g *plugin) record(ctx context.Context, v lifecycle.Event) {
	meta := map[string]any{"app": string(v.App)}
	for name, value := range map[string]string{"gateway": v.Gateway, "api": string(v.API), "credential": v.Credential, "request": v.Request, "detail": v.Detail} {
		if value != "" {
			meta[name] = value
		}
	}
	who := v.Who
	if !strings.HasPrefix(who, "user:") {
		meta["by"], who = who, ""
	}
	severity := "medium"
	if strings.HasPrefix(v.What, "access.request") || v.What == "app.change" {
		severity = "low"
	}
	err := g.host.Audit.Write(ctx, sdk.AuditEvent{Event: v.What, Severity: severity, Failed: v.Failed, Actor: who, Meta: meta})
	if err != nil {
		slog.ErrorContext(ctx, "an audit event could not be recorded", "event", v.What, "app", v.App, "error", err)
	}
	if notifies[v.What] {
		g.do(func() { g.notify(ctx, v) })
	}
}

// notifies are the events that somebody is told of.
var notifies = map[string]bool{
	"access.request": true, "access.reject": true, "access.grant": true, "key.issue": true, "key.rotate": true, "key.expire": true,
}

// notifyTime bounds what is done beside a call.
const notifyTime = 20 * time.Second

func (g *plugin) notify(ctx context.Context, v lifecycle.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTime)
	defer cancel()
	m, err := g.notification(ctx, v)
	m.To = slices.DeleteFunc(m.To, func(ref string) bool {
		return !strings.Contains(ref, ":") || strings.HasPrefix(ref, "external:") || strings.HasPrefix(ref, "plugin:")
	})
	if err == nil && len(m.To) > 0 {
		m.Topic = "gateway"
		err = g.host.Notifications.Send(ctx, m)
	}
	if err != nil {
		slog.WarnContext(ctx, "nobody could be told", "event", v.What, "app", v.App, "error", err)
	}
}

// notification is what is told of an event, and to whom; to nobody where it does not matter.
func (g *plugin) notification(ctx context.Context, v lifecycle.Event) (sdk.Notification, error) {
	h := g.hub.Load()
	a, err := h.engine.App(ctx, v.App)
	if err != nil {
		return sdk.Notification{}, err
	}
	m := sdk.Notification{Scope: "gateway:" + v.Request + v.Credential}
	api := v.Gateway + "/" + string(v.API)
	if v.Request != "" {
		r, err := h.engine.Request(ctx, v.Request)
		if err != nil {
			return m, err
		}
		return aboutRequest(m, h, a, r, v), nil
	}
	switch {
	case v.What == "key.expire" && !v.Failed:
		m.To, m.Title = []string{a.Owner}, "A key of "+a.Name+" for "+api+" has expired"
	case strings.HasPrefix(v.What, "key.") && v.Failed && v.Credential != "" && v.What != "key.expire":
		m.To, m.Title, m.Description, m.Severity = []string{a.Owner}, "No key for "+a.Name+" at "+api, v.Detail, "high"
	}
	return m, nil
}

func aboutRequest(m sdk.Notification, h *hub, a lifecycle.App, r lifecycle.Request, v lifecycle.Event) sdk.Notification {
	api := r.Gateway + "/" + string(r.API)
	switch {
	case v.What == "access.request" && !v.Failed && r.Status == lifecycle.Pending:
		m.To = append(append([]string{}, r.Approvers...), h.settings.Approvers...)
		m.Title, m.Description = a.Name+" asks for access to "+api, r.Reason
	case v.What == "access.reject":
		m.To, m.Title, m.Description = []string{r.By}, "No access for "+a.Name+" to "+api, r.Comment
	case v.What == "access.grant" && !v.Failed && r.DecidedBy != lifecycle.PolicyApproval:
		m.To, m.Title, m.Description = []string{r.By}, a.Name+" has access to "+api, r.Comment
	case v.What == "access.grant" && v.Failed && r.Status == lifecycle.Ungranted:
		m.To, m.Title, m.Description, m.Severity = []string{r.By, r.DecidedBy}, "The gateway refuses access for "+a.Name+" to "+api, r.Trouble, "high"
	}
	return m
}

// reminders are how many days before its end the owner of a key is told. The task runs once a day, so that each is sent once.
var reminders = []int{14, 7, 1}

// remind tells owners of keys that end soon.
func (g *plugin) remind(ctx context.Context) error {
	const day = 24 * time.Hour
	engine, now := g.hub.Load().engine, g.now()
	ending, err := engine.Expiring(ctx, now.Add(time.Duration(reminders[0])*day))
	if err != nil {
		return err
	}
	var troubles []error
	for _, c := range ending {
		left := int((c.Expires.Sub(now) + day - 1) / day)
		if !slices.Contains(reminders, left) {
			continue
		}
		a, err := engine.App(ctx, c.App)
		if err == nil {
			err = g.host.Notifications.Send(ctx, sdk.Notification{
				To: []string{a.Owner}, Topic: "gateway", Scope: "gateway:" + c.ID, Severity: "normal",
				Title:       "A key of " + a.Name + " for " + c.Gateway + "/" + string(c.API) + " ends on " + c.Expires.Format(time.DateOnly),
				Description: "Rotate the key " + c.Prefix + "… before then: the old one and the new one work beside each other for a while",
			})
		}
		troubles = append(troubles, err)
	}
	return errors.Join(troubles...)
}
