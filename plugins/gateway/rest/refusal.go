package rest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// ErrCredentials marks errors of a gateway that refuses the plugin's own credentials. They are of the name
// ServiceUnavailableError: who asked the plugin is signed in, and may do what was asked.
var ErrCredentials = errors.New("the gateway refuses the credentials of the plugin")

// Refusal is an answer without success; [RefusalOf] finds it in an error. Unless [Client.Explain] says otherwise:
//
//	401, 403        ServiceUnavailableError, [ErrCredentials]
//	404, 410        NotFoundError, unless it is a page: then nothing of the API is there
//	405, 501        NotImplementedError
//	409, 412        ConflictError
//	other 4xx       InputError
//	429, 3xx, 5xx   ServiceUnavailableError
type Refusal struct { //nolint:errname // an answer first, which errors carry
	Status int
	Header http.Header
	Body   []byte // at most 64 KiB, as the gateway sent it: it may hold what must not be told
}

// Error implements error.
func (r *Refusal) Error() string { return "HTTP status " + strconv.Itoa(r.Status) }

// RefusalOf is the answer that an error tells of.
func RefusalOf(err error) (*Refusal, bool) { return errors.AsType[*Refusal](err) }

// StatusOf is the status of the answer that an error tells of, 0 = of none.
func StatusOf(err error) int {
	if r, ok := RefusalOf(err); ok {
		return r.Status
	}
	return 0
}

func (c *Client) refused(r Request, a Answer) error {
	refusal := &Refusal{a.Status, a.Header, a.Body[:min(len(a.Body), keptBody)]}
	if c.Explain != nil && !isPage(a.Header, a.Body) {
		if err := c.Explain(a.Status, refusal.Body); err != nil {
			return c.explained(r, err, refusal)
		}
	}
	said := ""
	if text := Saying(a.Body); text != "" {
		said = ": " + text
	}
	name, format := c.meaning(a)
	return c.problem(r, name, cause(a.Status, refusal), format+"%s", said)
}

func cause(status int, refusal *Refusal) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fmt.Errorf("%w: %w", ErrCredentials, refusal)
	}
	return refusal
}

// meaning is the name of the error, and what the gateway did.
func (c *Client) meaning(a Answer) (apierror.Name, string) {
	switch status := a.Status; {
	case status == http.StatusUnauthorized:
		return apierror.ServiceUnavailable, "refuses the plugin's credentials: they are wrong, revoked or expired"
	case status == http.StatusForbidden:
		return apierror.ServiceUnavailable, "refuses: the plugin's credentials lack the right to do that"
	case status == http.StatusTooManyRequests:
		return apierror.ServiceUnavailable, "limits the rate of calls"
	case status == http.StatusNotFound && isPage(a.Header, a.Body):
		return apierror.ServiceUnavailable, "answers a page for 404: no management API is there; check its address"
	case status == http.StatusNotFound, status == http.StatusGone:
		return apierror.NotFound, "has nothing there"
	case status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return apierror.NotImplemented, "cannot do that"
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return apierror.Conflict, "is in another state than expected"
	case status >= 400 && status < 500:
		return apierror.Input, fmt.Sprintf("refuses with %d", status)
	case status >= 300 && status < 400:
		return apierror.ServiceUnavailable, escapePercent("redirects to " + target(a.Header) + "; set its address to where the management API is")
	}
	return apierror.ServiceUnavailable, fmt.Sprintf("answers %d", a.Status)
}

// explained is what [Client.Explain] said, with the refusal in its chain and without secrets.
func (c *Client) explained(r Request, err error, refusal *Refusal) error {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return c.problem(r, apierror.ServiceUnavailable, errors.Join(err, refusal), "%v", err)
	}
	kept := *e
	kept.Message = c.hide(r, e.Message)
	kept.Cause = refusal
	if e.Cause != nil {
		kept.Cause = errors.Join(e.Cause, refusal)
	}
	return &kept
}

// problem is an error of this gateway about one call.
func (c *Client) problem(r Request, name apierror.Name, cause error, format string, args ...any) error {
	did := fmt.Sprintf(format, args...)
	return &apierror.Error{Name: name, Message: Line(c.hide(r, fmt.Sprintf("%s %s (%s %s)", c.Name, did, r.Method, r.Path))), Cause: cause}
}

// hide replaces the secrets of a call, as they are and as a path or query has them.
func (c *Client) hide(r Request, text string) string {
	for _, list := range [][]sdk.Secret{c.Secrets, r.Hide} {
		for _, s := range list {
			if plain := s.Reveal(); plain != "" {
				text = strings.NewReplacer(plain, "[secret]", url.PathEscape(plain), "[secret]", url.QueryEscape(plain), "[secret]").Replace(text)
			}
		}
	}
	return text
}

func isPage(h http.Header, body []byte) bool {
	return strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// target is where a redirect leads, without what it may carry in its query.
func target(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" {
		return "another place"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

func escapePercent(text string) string { return strings.ReplaceAll(text, "%", "%%") }
