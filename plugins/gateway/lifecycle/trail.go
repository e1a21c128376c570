package lifecycle

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// Event is one thing that was done, or tried. It holds no secret.
type Event struct {
	ID         string       `json:"id"`
	At         time.Time    `json:"at"`
	App        driver.AppID `json:"app,omitempty"`
	Who        string       `json:"who"` // ref of the user or service; "" = the plugin itself
	What       string       `json:"what"`
	Failed     bool         `json:"failed,omitempty"`
	Gateway    string       `json:"gateway,omitempty"`
	API        driver.APIID `json:"api,omitempty"`
	Credential string       `json:"credential,omitempty"`
	Request    string       `json:"request,omitempty"`
	Detail     string       `json:"detail,omitempty"`
}

// record keeps an event in the trail of its application, and passes it on. What was done is done: that it cannot be kept is
// logged.
func (e *Engine) record(ctx context.Context, v Event) {
	ctx = context.WithoutCancel(ctx)
	v.At = e.now()
	v.ID = newID(v.At)
	data, err := json.Marshal(v)
	if err == nil {
		_, err = e.o.KV.Put(ctx, trailPrefix+string(v.App)+"/"+v.ID, data, sdk.PutOptions{TTL: e.o.Rules.Keep})
	}
	if err != nil {
		slog.ErrorContext(ctx, "an event could not be kept", "what", v.What, "app", v.App, "error", err)
	}
	if e.o.Record != nil {
		e.o.Record(ctx, v)
	}
}

// recordCredential records something about a credential; err is why it failed.
func (e *Engine) recordCredential(ctx context.Context, who, what string, c Credential, detail string, err error) {
	v := Event{App: c.App, Who: who, What: what, Gateway: c.Gateway, API: c.API, Credential: c.ID, Detail: detail}
	if err != nil {
		v.Failed = true
		v.Detail = strings.TrimPrefix(detail+": "+message(err), ": ")
	}
	e.record(ctx, v)
}

// Trail answers what happened to an application, the newest first, at most limit events.
func (e *Engine) Trail(ctx context.Context, app driver.AppID, limit int) ([]Event, error) {
	var ids []string
	for id, err := range e.suffixes(ctx, trailPrefix+string(app)+"/") {
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	events := []Event{}
	t := table[Event]{kv: e.o.KV, prefix: trailPrefix + string(app) + "/", noun: "event"}
	for _, id := range ids[:min(len(ids), limit)] {
		v, _, err := t.get(ctx, id)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		events = append(events, v)
	}
	return events, nil
}
