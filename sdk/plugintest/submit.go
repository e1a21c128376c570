package plugintest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Submission is what became of a form that was sent.
type Submission struct {
	sdk.WidgetResult

	Err error
}

// SubmitWidget sends a form in the name of somebody, whom [As] says; without it nobody sends, which a host does not let
// happen. Args is written as JSON. Of the query, entity, language, time zone and idempotency key count; without a key the
// widget's id is one.
func (h *Harness) SubmitWidget(id string, q sdk.WidgetQuery, args any, opts ...RequestOption) *Submission {
	h.t.Helper()
	req := &pluginv1.SubmitWidgetRequest{Widget: id, Locale: q.Locale, TimeZone: q.TimeZone, IdempotencyKey: cmp.Or(q.IdempotencyKey, id)}
	var err error
	if req.ArgsJson, err = json.Marshal(args); err != nil {
		h.t.Fatalf("arguments: %v", err)
	}
	if q.Entity != nil {
		if req.EntityJson, err = json.Marshal(q.Entity); err != nil {
			h.t.Fatalf("entity: %v", err)
		}
	}
	sent := &http.Request{Header: http.Header{}}
	for _, opt := range opts {
		opt(sent)
	}
	req.Principal, req.UserToken = principalOf(sent.Header), sent.Header.Get("X-Callboard-User-Token")
	res, err := pluginv1.NewWidgetsServiceClient(h.conn).SubmitWidget(h.ctx, req)
	if err != nil {
		return &Submission{Err: rpcerror.Decode(err)}
	}
	return submission(res)
}

// principalOf is the caller that [As] wrote into a request.
func principalOf(h http.Header) *pluginv1.Principal {
	var c sdk.Caller
	text, err := base64.RawURLEncoding.DecodeString(h.Get("X-Callboard-Principal"))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return &pluginv1.Principal{Type: "none"}
	}
	return &pluginv1.Principal{Type: c.Type, Subject: c.Subject, Actor: c.Actor, OwnershipRefs: c.OwnershipRefs}
}

func submission(res *pluginv1.SubmitWidgetResponse) *Submission {
	s := &Submission{WidgetResult: sdk.WidgetResult{Message: res.GetMessage(), Secret: res.GetSecret()}}
	if next := res.GetNext(); next != nil {
		s.Next = &sdk.WidgetLink{Title: next.GetTitle(), URL: next.GetUrl()}
	}
	for _, e := range res.GetFieldErrors() {
		if s.FieldErrors == nil {
			s.FieldErrors = map[string]string{}
		}
		s.FieldErrors[e.GetField()] = e.GetMessage()
	}
	for _, text := range res.GetFramesJson() {
		f, err := frame.Decode(text)
		if err != nil {
			return &Submission{Err: err}
		}
		s.Frames = append(s.Frames, f)
	}
	return s
}
