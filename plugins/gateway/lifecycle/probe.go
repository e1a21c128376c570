package lifecycle

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// How often a gateway is asked: after a tenth of a second, then twice as late each time, at most every two seconds.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
	probeTime    = 5 * time.Second // of one request
)

// baseline is what the gateway answers to the key before it is told anything. An API that refuses everybody proves nothing.
func (e *Engine) baseline(ctx context.Context, d driver.Driver, c Credential, secret sdk.Secret) int {
	if secret == "" || c.Intent.Kind == Resume {
		return 0
	}
	status, err := e.probe(ctx, d, c.API, secret)
	if err != nil {
		return 0
	}
	return status
}

// proveRefusal asks until a key is refused, or the time for it is over.
func (e *Engine) proveRefusal(ctx context.Context, d driver.Driver, c Credential, secret sdk.Secret, before int, began time.Time) Proof {
	p := Proof{Of: c.Intent.outcome(), By: "management"}
	ask := func() (Outcome, string) { return askManagement(ctx, d, c) }
	switch {
	case secret != "" && refusal(before):
		p.Detail = fmt.Sprintf("the gateway has answered %d before already, so that requests prove nothing; ", before)
	case secret != "":
		p.By = "request"
		ask = func() (Outcome, string) { return e.askGateway(ctx, d, c, secret) }
	}
	end := began.Add(e.o.Rules.Probe)
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		p.Attempts++
		var detail string
		p.Result, detail = ask()
		p.At = e.now()
		p.Took = p.At.Sub(began)
		if p.Result == Refused || !p.At.Add(wait).Before(end) || e.o.Pause(ctx, wait) != nil {
			p.Detail += detail
			return p
		}
	}
}

// askGateway presents the key to the gateway.
func (e *Engine) askGateway(ctx context.Context, d driver.Driver, c Credential, secret sdk.Secret) (Outcome, string) {
	status, err := e.probe(ctx, d, c.API, secret)
	switch {
	case err != nil:
		return Unknown, "the gateway cannot be asked: " + strings.ReplaceAll(message(err), secret.Reveal(), "[secret]")
	case refusal(status):
		return Refused, fmt.Sprintf("the gateway answers %d", status)
	case status >= http.StatusInternalServerError:
		return Unknown, fmt.Sprintf("the gateway answers %d", status)
	}
	return Accepted, fmt.Sprintf("the gateway answers %d", status)
}

func refusal(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// probe makes one request with the key.
func (e *Engine) probe(ctx context.Context, d driver.Driver, api driver.APIID, secret sdk.Secret) (int, error) {
	p, err := d.Credential(ctx, api)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r, err := Present(ctx, p, secret)
	if err != nil {
		return 0, err
	}
	if e.o.HTTP == nil {
		return 0, fmt.Errorf("probe %s: there is no way out: %w", api, sdk.ErrServiceUnavailable)
	}
	res, err := e.o.HTTP.Do(r)
	if err != nil {
		return 0, fmt.Errorf("probe %s: %w", api, withoutAddress(err))
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
	return res.StatusCode, nil
}

// withoutAddress leaves the address out of an error of net/http: the key may be part of it.
func withoutAddress(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // it is what Do returns
		return u.Err
	}
	return err
}

// Present makes a request to an API that carries a key as the gateway wants it.
func Present(ctx context.Context, p driver.Presentation, secret sdk.Secret) (*http.Request, error) {
	if p.URL == "" || p.Header == "" && p.Query == "" {
		return nil, fmt.Errorf("it is not known where the gateway listens, or how keys travel: %w", sdk.ErrNotImplemented)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("the address of the API is none: %w", sdk.ErrServiceUnavailable)
	}
	if p.Header != "" {
		r.Header.Set(p.Header, strings.TrimSpace(p.Scheme+" "+secret.Reveal()))
		return r, nil
	}
	q := r.URL.Query()
	q.Set(p.Query, secret.Reveal())
	r.URL.RawQuery = q.Encode()
	return r, nil
}

// askManagement reads the state of a key where the gateway keeps it.
func askManagement(ctx context.Context, d driver.Driver, c Credential) (Outcome, string) {
	if c.Slot != "" {
		return Unknown, "the gateway does not tell what is in a slot"
	}
	for k, err := range d.Keys(ctx, c.App) {
		if err != nil {
			return Unknown, "the gateway's keys cannot be listed: " + message(err)
		}
		if k.ID != c.Key {
			continue
		}
		if c.Intent.Kind == Suspend && k.Suspended {
			return Refused, "the gateway lists it as suspended"
		}
		return Accepted, "the gateway still lists it"
	}
	return Refused, "the gateway lists it no more"
}

// text is the proof in a sentence, for the trail.
func (p Proof) text() string {
	if p.By == "" {
		return ""
	}
	return fmt.Sprintf("%s after %s, by %s: %s", p.Result, p.Took.Round(time.Millisecond), p.By, p.Detail)
}
