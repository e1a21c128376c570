package tool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/netguard"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// Limits of http:request.
const (
	maxBody        = 1 << 20 // of the request and of the answer
	maxRedirects   = 5
	defaultTimeout = 30 * time.Second
	maxTimeout     = 5 * time.Minute
)

// requester performs http:request.
type requester struct {
	allow []allowRule
	http  *http.Client
}

func readHTTP(s *config.Section) []allowRule {
	known(s, "allow")
	rules := readAllow(s)
	if len(rules) == 0 {
		s.Problem("allow", "must list the hosts that templates may ask, such as [{host: api.example.com}]")
	}
	return rules
}

func httpActions(s *config.Section, _ string, _ Deps) ([]action.Action, error) {
	r := &requester{allow: readHTTP(s)}
	r.http = &http.Client{Transport: r.transport(), CheckRedirect: r.checkRedirect}
	a, err := define("http:request", "http-request", false, r.execute)
	return []action.Action{a}, err
}

// transport reaches public addresses, and those that a rule names in full. It uses no proxy, which would dial on our
// behalf.
func (r *requester) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	guarded := &net.Dialer{Timeout: 10 * time.Second, Control: netguard.Control}
	return &http.Transport{
		DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _ := splitPort(strings.ToLower(address))
			if slices.ContainsFunc(r.allow, func(a allowRule) bool { return a.host == host }) {
				return dialer.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
	}
}

// checkAllowed also keeps credentials out of addresses, where they would be logged by everybody on the way.
func (r *requester) checkAllowed(method string, u *url.URL) error {
	switch {
	case (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return apierror.Inputf("url: %s is not an http or https address", place(u))
	case u.User != nil:
		return apierror.Inputf("url: put credentials for %s into a header, not into the address", place(u))
	}
	if !slices.ContainsFunc(r.allow, func(a allowRule) bool { return a.matches(method, u) }) {
		return apierror.NotAllowedf("%s %s is not allowed: no entry of callboard.scaffolder.http.allow has this host, path and method", method, place(u))
	}
	return nil
}

// place is an address without its query, which may hold secrets.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// checkRedirect judges each hop like the first address. Headers that the template set, among them credentials, and bodies
// stay with the host that they were meant for.
func (r *requester) checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return apierror.Inputf("there are more than %d redirects", maxRedirects)
	}
	if err := r.checkAllowed(next.Method, next.URL); err != nil {
		return fmt.Errorf("follow the redirect of %s: %w", place(via[len(via)-1].URL), err)
	}
	first := via[0].URL
	if first.Scheme == next.URL.Scheme && first.Host == next.URL.Host {
		return nil
	}
	if next.Body != nil && next.Body != http.NoBody {
		return apierror.NotAllowedf("%s redirects to %s, which is not given the body of the request", place(first), place(next.URL))
	}
	for name := range next.Header {
		if !slices.Contains([]string{"Accept", "User-Agent"}, name) {
			next.Header.Del(name)
		}
	}
	return nil
}

type requestInput struct {
	Method         string            `json:"method"`
	URL            string            `json:"url"`
	Headers        map[string]string `json:"headers"`
	Params         map[string]string `json:"params"`
	Body           json.RawMessage   `json:"body"`
	Timeout        float64           `json:"timeout"` // milliseconds
	ExpectedStatus []int             `json:"expectedStatus"`
	Continue       bool              `json:"continueOnBadResponse"`
	LogPath        *bool             `json:"logRequestPath"`
}

func (r *requester) execute(t *step, in requestInput) error {
	timeout := defaultTimeout
	if in.Timeout > 0 {
		timeout = min(time.Duration(in.Timeout)*time.Millisecond, maxTimeout)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	req, err := r.request(ctx, in)
	if err != nil {
		return err
	}
	where := place(req.URL)
	if in.LogPath != nil && !*in.LogPath {
		where = req.URL.Scheme + "://" + req.URL.Host + "/…"
	}
	t.Infof("%s %s", req.Method, where)
	answer, err := r.ask(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, where, err)
	}
	t.Infof("answered %s with %d bytes", answer.Status, len(answer.Body))
	t.Output("code", answer.Code)
	t.Output("headers", answerHeaders(answer.Header))
	t.Output("body", answerBody(answer.Header, answer.Body))
	if !in.expects(answer.Code) {
		return fmt.Errorf("%s %s answered %s, which is not expected", req.Method, where, answer.Status)
	}
	return nil
}

func (in requestInput) expects(status int) bool {
	if len(in.ExpectedStatus) > 0 {
		return slices.Contains(in.ExpectedStatus, status)
	}
	return in.Continue || (status >= 200 && status < 300)
}

func (r *requester) request(ctx context.Context, in requestInput) (*http.Request, error) {
	u, err := url.Parse(in.URL)
	if err != nil {
		return nil, apierror.Inputf("url: it is not an address") // what url.Parse says repeats the text
	}
	method := strings.ToUpper(in.Method)
	if err := r.checkAllowed(method, u); err != nil {
		return nil, err
	}
	query := u.Query()
	for name, value := range in.Params {
		query.Set(name, value)
	}
	u.RawQuery, u.Fragment = query.Encode(), ""
	body, contentType, err := requestBody(in.Body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, apierror.Inputf("method: %q cannot be sent", in.Method)
	}
	req.Header.Set("User-Agent", "callboard-scaffolder")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, setHeaders(req.Header, in.Headers)
}

// connectionHeaders decide where a message goes and where it ends, so they are the client's business.
var connectionHeaders = []string{"Host", "Connection", "Content-Length", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Expect"}

func setHeaders(h http.Header, given map[string]string) error {
	for name, value := range given {
		key := textproto.CanonicalMIMEHeaderKey(name)
		if slices.Contains(connectionHeaders, key) {
			return apierror.Inputf("headers: %s cannot be set", key)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return apierror.Inputf("headers: the value of %s must be one line", key)
		}
		h.Set(key, value)
	}
	return nil
}

// requestBody sends a string as it is and everything else as JSON.
func requestBody(in json.RawMessage) (body io.Reader, contentType string, err error) {
	if len(in) == 0 || string(in) == "null" {
		return nil, "", nil
	}
	data, contentType := []byte(in), "application/json"
	var text string
	if json.Unmarshal(in, &text) == nil {
		data, contentType = []byte(text), "text/plain; charset=utf-8"
	}
	if len(data) > maxBody {
		return nil, "", apierror.Inputf("body: it has %d bytes, the limit is %d", len(data), maxBody)
	}
	return bytes.NewReader(data), contentType, nil
}

func (r *requester) ask(req *http.Request) (rest.Answer, error) {
	answer, err := rest.Exchange(r.http, req, maxBody)
	if err == nil {
		return answer, nil
	}
	if cause := context.Cause(req.Context()); cause != nil {
		err = cause
	}
	if errors.Is(err, netguard.ErrNotPublic) {
		err = apierror.NotAllowedf("its address is not public; name the host itself in callboard.scaffolder.http.allow if it may be asked")
	}
	return rest.Answer{}, err
}

// answerHeaders leaves out what would let later steps speak in the session of this one.
func answerHeaders(h http.Header) map[string]string {
	all := map[string]string{}
	for name, values := range h {
		if name != "Set-Cookie" {
			all[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return all
}

// answerBody is the value of a JSON answer, else its text.
func answerBody(h http.Header, body []byte) any {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type")) // "" when it is none
	if media == "application/json" || strings.HasSuffix(media, "+json") {
		if json.Valid(body) {
			return json.RawMessage(body)
		}
	}
	return strings.ToValidUTF8(string(body), "\uFFFD")
}
