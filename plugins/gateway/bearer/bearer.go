// Package bearer calls the management APIs of clouds with access tokens of OAuth 2.0, which it asks a login for and keeps
// until shortly before they end.
package bearer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// longestLife bounds what a login says of its tokens, shortestLife what it says by mistake.
	longestLife  = 24 * time.Hour
	shortestLife = time.Minute
	// margin is how long before its end a token is used no more: a call with its repetitions takes less.
	margin = time.Minute
	// rueful is how long a refusal of the credentials stands: logins lock accounts that try too often.
	rueful = 10 * time.Second
	// longestToken is far above what logins make: tokens are headers.
	longestToken = 32 << 10
)

// Options of a [Source].
type Options struct {
	HTTP *http.Client
	Name string // what errors call the login: "Azure API Management eu: login"
	URL  string // of the token endpoint
	// Form makes the request for a token.
	Form func(now time.Time) (url.Values, error)
	// Secrets of the form, which no error tells.
	Secrets []sdk.Secret
	Now     func() time.Time
}

// Source has one access token. It is safe for concurrent use.
type Source struct {
	options Options
	login   rest.Client
	path    string
	asking  chan struct{} // one request for a token at a time

	mu      sync.Mutex
	token   sdk.Secret
	until   time.Time // when token is not used any more
	refused error     // of the login
	again   time.Time // when it may be asked again
}

// New makes a source; nothing is asked before the first call.
func New(o Options) (*Source, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: the address of the token endpoint must be that of a web server", o.Name)
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Source{options: o, path: path, asking: make(chan struct{}, 1)}
	s.login = rest.Client{HTTP: o.HTTP, Base: u.Scheme + "://" + u.Host, Name: o.Name, Explain: s.explain, Secrets: o.Secrets, Limit: 256 << 10}
	return s, nil
}

// Call is [rest.Client.Call] with a token.
func (s *Source) Call(ctx context.Context, c *rest.Client, r rest.Request, out any) error {
	return s.with(ctx, r, func(r rest.Request) error { return c.Call(ctx, r, out) })
}

// Send is [rest.Client.Send] with a token.
func (s *Source) Send(ctx context.Context, c *rest.Client, r rest.Request) (answer rest.Answer, err error) {
	err = s.with(ctx, r, func(r rest.Request) error {
		answer, err = c.Send(ctx, r)
		return err
	})
	return answer, err
}

// with does a call, and once more with a new token when the one that was kept is not taken any more: a gateway that refuses
// a token has not begun to do what was asked.
func (s *Source) with(ctx context.Context, r rest.Request, call func(rest.Request) error) error {
	token, kept, err := s.get(ctx)
	if err != nil {
		return err
	}
	err = call(carrying(r, token))
	if !kept || rest.StatusOf(err) != http.StatusUnauthorized {
		return err
	}
	s.forget(token)
	if token, _, err = s.get(ctx); err != nil {
		return err
	}
	return call(carrying(r, token))
}

func carrying(r rest.Request, token sdk.Secret) rest.Request {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Authorization", "Bearer "+token.Reveal())
	r.Header, r.Hide = header, append(slices.Clip(r.Hide), token)
	return r
}

// get answers a token, and whether it was there before.
func (s *Source) get(ctx context.Context) (token sdk.Secret, kept bool, err error) {
	if token, err := s.known(); token != "" || err != nil {
		return token, true, err
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
	if token, err := s.known(); token != "" || err != nil { // somebody else has asked
		return token, true, err
	}
	token, err = s.ask(ctx)
	return token, false, err
}

func (s *Source) known() (sdk.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	if s.refused != nil && now.Before(s.again) {
		return "", s.refused
	}
	if s.token != "" && now.Before(s.until) {
		return s.token, nil
	}
	return "", nil
}

// ask asks the login for a token and keeps it, or its refusal.
func (s *Source) ask(ctx context.Context) (sdk.Secret, error) {
	form, err := s.options.Form(s.options.Now())
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.options.Name, err)
	}
	var answer struct {
		Token   string  `json:"access_token"`
		Expires seconds `json:"expires_in"`
	}
	r := rest.Request{Method: http.MethodPost, Path: s.path, Body: form}
	for _, values := range form {
		for _, v := range values {
			if len(v) > 100 { // an assertion lets in whoever has it
				r.Hide = append(r.Hide, sdk.Secret(v))
			}
		}
	}
	err = s.login.Call(ctx, r, &answer)
	if err == nil && !presentable(answer.Token) {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s answers without an access token; check its address", s.options.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	s.refused = nil
	if err != nil {
		if rest.StatusOf(err) != 0 && rest.StatusOf(err) < http.StatusInternalServerError {
			s.refused, s.again = err, now.Add(rueful)
		}
		return "", err
	}
	life := min(max(time.Duration(answer.Expires)*time.Second, shortestLife), longestLife)
	s.token, s.until = sdk.Secret(answer.Token), now.Add(life-min(margin, life/2))
	return s.token, nil
}

func (s *Source) forget(token sdk.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

// explain says of every refusal that the plugin's credentials are at fault: nobody else asks the login for anything.
func (s *Source) explain(status int, body []byte) error {
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError || status < http.StatusBadRequest {
		return nil
	}
	said := rest.Saying(body)
	if status == http.StatusNotFound || status == http.StatusGone || status == http.StatusMethodNotAllowed {
		return apierror.Newf(apierror.ServiceUnavailable, "%s is not at its address, which answers %d: %s", s.options.Name, status, said)
	}
	if said == "" {
		said = fmt.Sprintf("status %d", status)
	}
	return &apierror.Error{
		Name: apierror.ServiceUnavailable, Cause: rest.ErrCredentials,
		Message: rest.Line(fmt.Sprintf("%s refuses the plugin's credentials: %s", s.options.Name, said)),
	}
}

// presentable holds for what may stand in a header.
func presentable(token string) bool {
	return token != "" && len(token) <= longestToken && strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// seconds are a number, or a text as some logins have it; what is neither is 0.
type seconds int64

func (s *seconds) UnmarshalJSON(text []byte) error {
	if n, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64); err == nil && n > 0 {
		*s = seconds(min(n, longestLife.Seconds()))
	}
	return nil
}
