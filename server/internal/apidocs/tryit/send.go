package tryit

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/principal"
)

// send sends a request and reads its answer. When too many are under way it says so at once.
func (e *Engine) send(ctx context.Context, c *call) (*Answer, error) {
	select {
	case e.turns <- struct{}{}:
		defer func() { <-e.turns }()
	default:
		return nil, apierror.New(apierror.ServiceUnavailable, "Too many requests are being tried; try again in a moment")
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	r, err := c.request(ctx)
	if err != nil {
		return nil, err
	}
	through := e.outside
	if c.server.Internal {
		through = e.within
	}
	began := e.Now()
	res, err := through.Do(r)
	if err != nil {
		return nil, apierror.Newf(apierror.ServiceUnavailable, "Nothing came from %s: %s", c.server.URL, reason(err))
	}
	defer res.Body.Close()
	secret := newRedactor(c.credential)
	a := &Answer{Status: res.StatusCode, Headers: headersOf(res.Header, c.server, secret), Method: c.method, URL: secret.clean(c.url.String())}
	if err := a.readBody(res, secret); err != nil {
		return nil, apierror.Newf(apierror.ServiceUnavailable, "The answer of %s broke off: %s", c.server.URL, reason(err))
	}
	a.TookMs = e.Now().Sub(began).Milliseconds()
	return a, nil
}

func (c *call) request(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), strings.NewReader(c.body))
	if err != nil {
		return nil, apierror.Inputf("params: they make no request that can be sent")
	}
	if c.body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("User-Agent", "Callboard")
	for _, h := range c.headers {
		r.Header.Set(h[0], h[1])
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	if c.credential != nil {
		r.Header.Set(c.credential.Header, c.credential.value)
	}
	if cookies := c.cookieHeader(); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	return r, nil
}

// audit writes who did what. Neither the address nor an error of the network is in it: both may hold what people entered.
func (e *Engine) audit(ctx context.Context, p *principal.Principal, ref string, op *spec.Operation, c *call, a *Answer, err error) {
	line := []any{"who", p.Subject, "entity", ref, "operation", op.ID, "method", c.method, "server", c.server.URL.String(), "sentBytes", len(c.body)}
	if p.Actor != "" {
		line = append(line, "actor", p.Actor)
	}
	if p.Embed != nil {
		line = append(line, "app", p.Embed.App)
	}
	if c.credential != nil {
		line = append(line, "credential", c.credential.ID)
	}
	if err != nil {
		e.Logger.Log(ctx, slog.LevelWarn, "an operation was tried and failed", append(line, "reason", apierror.NameOf(err))...)
		return
	}
	e.Logger.Log(ctx, slog.LevelInfo, "an operation was tried", append(line, "status", a.Status, "bytes", a.Bytes, "tookMs", a.TookMs)...)
}
