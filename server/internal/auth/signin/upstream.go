package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

const (
	upstreamTimeout = 10 * time.Second
	maxAnswer       = 1 << 20
	// maxConnections bounds what a provider that hangs can hold up.
	maxConnections = 64
	userAgent      = "callboard"
)

// newClient reaches identity providers, whose addresses are configured. It keeps no connections, as sign-ins are rare.
func newClient(transport http.RoundTripper, timeout time.Duration) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxConnsPerHost: maxConnections,
			TLSHandshakeTimeout: timeout, ForceAttemptHTTP2: true,
		}
	}
	return &http.Client{Transport: bounded{transport}, Timeout: timeout, CheckRedirect: sameHost}
}

var (
	errElsewhere = errors.New("the provider redirects to another host")
	errLarge     = errors.New("the provider's answer is larger than 1 MB")
)

// sameHost follows what stays with the provider: requests carry its secrets.
func sameHost(r *http.Request, before []*http.Request) error {
	if first := before[0].URL; r.URL.Scheme != first.Scheme || r.URL.Host != first.Host || len(before) > 3 {
		return errElsewhere
	}
	return nil
}

// bounded ends answers that are too large.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{res.Body, maxAnswer}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errLarge
	}
	return n, err
}

// refusalError is a provider's answer that is no success, or the reason why there is none.
type refusalError struct {
	status            int
	code, description string // of OAuth
	message           string // of APIs
	err               error
}

func (r *refusalError) Error() string {
	switch {
	case r.err != nil:
		return r.err.Error()
	case r.code != "":
		return fmt.Sprintf("status %d, %s: %s", r.status, r.code, r.description)
	}
	return fmt.Sprintf("status %d %s", r.status, r.message)
}

// ask sends a request and reads the answer; into, if not nil, takes its JSON.
func ask(client *http.Client, r *http.Request, into any) ([]byte, error) {
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Accept", "application/json")
	res, err := client.Do(r)
	if err != nil {
		return nil, &refusalError{err: withoutAddress(err)}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, &refusalError{err: withoutAddress(err)}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		said := refusalError{status: res.StatusCode}
		var e struct {
			Error       any    `json:"error"`
			Description string `json:"error_description"`
			Message     string `json:"message"`
		}
		if json.Unmarshal(body, &e) == nil {
			said.code, _ = e.Error.(string)
			said.description, said.message = e.Description, e.Message
		}
		return nil, &said
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			return nil, &refusalError{status: res.StatusCode, err: errors.New("the answer is no JSON of the expected form")}
		}
	}
	return body, nil
}

// withoutAddress is what went wrong with a request, without the address, whose query is nobody's business.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// fetch reads JSON with an access token, which travels in a header.
func fetch(ctx context.Context, client *http.Client, method, address, token string, into any) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask a provider: %w", err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return ask(client, r, into)
}

// tokens is what a token endpoint gives.
type tokens struct {
	access, scope, id, refresh string
	expires                    *float64 // in seconds from now; nil = not told
}

// credentials are those of the client at a token endpoint.
type credentials struct {
	id, secret string
	basic      bool // in a header; else in the form
	both       bool // in the form as well
}

// redeem asks a token endpoint. An answer without an access token is no error here.
func redeem(ctx context.Context, client *http.Client, endpoint string, c credentials, form url.Values) (*tokens, error) {
	if !c.basic || c.both {
		form.Set("client_id", c.id)
		if c.secret != "" {
			form.Set("client_secret", c.secret)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask a token endpoint: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch {
	case c.both:
		r.SetBasicAuth(c.id, c.secret)
	case c.basic:
		r.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret)) // RFC 6749, 2.3.1
	}
	body, err := ask(client, r, nil)
	if err != nil {
		return nil, err
	}
	return readTokens(body), nil
}

// readTokens reads JSON, or a form as older providers write it.
func readTokens(body []byte) *tokens {
	text := func(string) string { return "" }
	var object map[string]any
	if d := json.NewDecoder(bytes.NewReader(body)); d.Decode(&object) == nil {
		text = func(name string) string {
			switch v := object[name].(type) {
			case string:
				return v
			case float64:
				return strconv.FormatFloat(v, 'f', -1, 64)
			}
			return ""
		}
	} else if form, err := url.ParseQuery(string(body)); err == nil {
		text = form.Get
	}
	t := &tokens{access: text("access_token"), scope: text("scope"), id: text("id_token"), refresh: text("refresh_token")}
	if n, err := strconv.ParseFloat(text("expires_in"), 64); err == nil && n >= 0 && n < 1e10 {
		t.expires = &n
	}
	if strings.ContainsFunc(t.access, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.access = "" // it could not be sent anywhere
	}
	return t
}

// maxSaid bounds what is shown of a provider's words.
const maxSaid = 300

// cleaner takes secrets out of what a provider said, and what has no place in a line.
func cleaner(secrets ...string) func(string) string {
	var pairs []string
	for _, s := range secrets {
		if len(s) < 4 {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			pairs = append(pairs, form, "[secret]")
		}
	}
	replace := strings.NewReplacer(pairs...)
	return func(text string) string { return excerpt.Line(replace.Replace(text), maxSaid) }
}

// failed and rejected are the two ways in which the reference words what came of asking a provider.
func failed(text string) *apierror.Error {
	return apierror.New(apierror.Generic, "Authentication failed, "+text)
}
func rejected(text string) *apierror.Error {
	return apierror.New(apierror.Generic, "Authentication rejected, "+text)
}

func asRefusal(err error) (*refusalError, bool) {
	said, ok := errors.AsType[*refusalError](err)
	return said, ok
}
