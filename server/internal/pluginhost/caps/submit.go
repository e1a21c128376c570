package caps

import (
	"context"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget"
)

// WidgetOptions are those of [Widgets].
type WidgetOptions struct {
	ImporterOptions
	// Ownership lists the refs that a user owns things through; nil = plugins are not told.
	Ownership func(ctx context.Context, p *principal.Principal) ([]string, error)
	// UserToken is a token with which a plugin that needs onBehalfOf acts for a user; nil = there is none.
	UserToken func(p *principal.Principal) (string, error)
}

// remoteForm is a widget of a plugin that takes input.
type remoteForm struct {
	remoteWidget

	options    WidgetOptions
	onBehalfOf bool
}

// Submit implements [widget.Submitter]. The plugin is called once: whether a call that failed has done something, only it
// knows.
func (w *remoteForm) Submit(ctx context.Context, s widget.Submission) (widget.Result, error) {
	c, err := w.source.Client(ctx)
	if err != nil {
		return widget.Result{}, err
	}
	request := &pluginv1.SubmitWidgetRequest{Widget: w.name, ArgsJson: s.Args, Locale: s.Locale, TimeZone: s.TimeZone, IdempotencyKey: s.Key}
	if s.Entity != nil {
		if request.EntityJson, err = writeEntity(s.Entity); err != nil {
			return widget.Result{}, err
		}
	}
	if err := w.identify(ctx, request, s.By); err != nil {
		return widget.Result{}, err
	}
	call := "SubmitWidget " + w.name
	answer, err := unary(ctx, c, call, c.limits.Submit, pluginv1.NewWidgetsServiceClient(c.conn).SubmitWidget, request)
	if err != nil {
		return widget.Result{}, err
	}
	return c.result(call, answer)
}

// identify says who sends the form, as requests to the plugin's routes do.
func (w *remoteForm) identify(ctx context.Context, r *pluginv1.SubmitWidgetRequest, by *principal.Principal) (err error) {
	r.Principal = &pluginv1.Principal{Type: by.Kind.String(), Subject: by.Subject, Actor: by.Actor}
	if by.Kind != principal.User {
		return nil
	}
	if w.options.Ownership != nil {
		if r.Principal.OwnershipRefs, err = w.options.Ownership(ctx, by); err != nil {
			return err
		}
	}
	// A page of another portal acts for its viewer here, and nowhere else: its token cannot be exchanged.
	if w.onBehalfOf && w.options.UserToken != nil && by.Embed == nil {
		r.UserToken, err = w.options.UserToken(by)
	}
	return err
}

// What one result may have.
const (
	maxMessageText = 4000
	maxFieldText   = 1000
	maxFieldErrors = 100
	maxLink        = 2000
)

// result holds an answer to the rules.
func (c *Client) result(call string, m *pluginv1.SubmitWidgetResponse) (r widget.Result, err error) {
	if n := len(m.GetFieldErrors()); n > maxFieldErrors {
		return r, c.tooMuch(call, "%d field errors, at most %d are allowed", n, maxFieldErrors)
	}
	for _, e := range m.GetFieldErrors() {
		if r.FieldErrors == nil {
			r.FieldErrors = map[string]string{}
		}
		r.FieldErrors[excerpt.Of(e.GetField(), 200)] = excerpt.Of(e.GetMessage(), maxFieldText)
	}
	if r.FieldErrors != nil {
		return r, nil // nothing was done, so there is nothing else to show
	}
	if m.GetMessage() == "" {
		return r, c.wrong(call, "a result without a message")
	}
	r.Message, r.Secret = excerpt.Of(m.GetMessage(), maxMessageText), m.GetSecret()
	if r.Next, err = c.next(call, m.GetNext()); err != nil {
		return r, err
	}
	a := assembly{client: c, call: call, byName: map[string]*frame.Frame{}}
	for _, text := range m.GetFramesJson() {
		if err := a.take(&pluginv1.QueryWidgetResponse{FrameJson: text}); err != nil {
			return r, err
		}
	}
	r.Frames = a.frames
	return r, nil
}

func (c *Client) next(call string, l *pluginv1.WidgetLink) (*widget.Link, error) {
	if l == nil {
		return nil, nil
	}
	if len(l.GetUrl()) > maxLink || l.GetTitle() == "" || !leads(l.GetUrl()) {
		return nil, c.wrong(call, "a link that has no title, or is none of http, https and a path of the portal: %q", excerpt.Short(l.GetUrl()))
	}
	return &widget.Link{Title: excerpt.Of(l.GetTitle(), 200), URL: l.GetUrl()}, nil
}

// leads reports whether an address may be followed. Browsers take "//host" and "/\host" for another host.
func leads(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Scheme == "" {
		return u.Host == "" && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.Contains(address, `\`)
	}
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

var _ widget.Submitter = (*remoteForm)(nil)
