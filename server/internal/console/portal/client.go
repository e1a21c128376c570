package portal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/console/shell"
	"github.com/callboard/callboard/server/internal/httpx"
)

// maxAnswer bounds what is kept of one answer of the API.
const maxAnswer = 16 << 20

// client asks the API in the name of the viewer. It is made for one request of a browser, and safe for its goroutines.
type client struct {
	edge  http.Handler
	token string
	// from is the browser's request: who is limited or logged is the browser, not this process.
	from *http.Request
}

// failure is an answer of the API that is none of success. Message is for people.
type failure struct {
	Status  int
	Name    apierror.Name
	Message string
}

func (f *failure) Error() string { return f.Message }

// statusOf is the status of a failed answer; 503 for everything that is no answer.
func statusOf(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.Status
	}
	return http.StatusServiceUnavailable
}

func isMissing(err error) bool { return err != nil && statusOf(err) == http.StatusNotFound }

// Told is what an error says to people, and otherwise for errors that are not for them.
func Told(err error, otherwise string) string {
	if f, ok := errors.AsType[*failure](err); ok && f.Status < http.StatusInternalServerError && f.Message != "" {
		return f.Message
	}
	return otherwise
}

// request is a question to the API.
type request struct {
	method, path string // escaped, below /api
	query        url.Values
	body         any        // sent as JSON; nil = none
	form         url.Values // sent as a browser does, to be answered with HTML; nil = none
	once         string     // Idempotency-Key, "" = none
}

// send answers the body of a successful answer.
func (c *client) send(ctx context.Context, q request) ([]byte, error) {
	answer, err := c.ask(ctx, q)
	if err == nil && (answer.Status < 200 || answer.Status > 299) {
		err = refusal(answer)
	}
	return answer.Body, err
}

// ask answers whatever the API answers.
func (c *client) ask(ctx context.Context, q request) (httpx.Answer, error) {
	r, err := c.prepare(ctx, q)
	if err != nil {
		return httpx.Answer{}, err
	}
	answer, err := httpx.Ask(c.edge, r, maxAnswer)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return answer, &failure{Status: http.StatusServiceUnavailable, Name: apierror.ServiceUnavailable, Message: "It did not answer in time."}
	case err != nil:
		return answer, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	return answer, nil
}

func (c *client) prepare(ctx context.Context, q request) (*http.Request, error) {
	for segment := range strings.SplitSeq(q.path, "/") {
		if segment == "." || segment == ".." {
			return nil, &failure{Status: http.StatusNotFound, Name: apierror.NotFound, Message: "There is no such thing."}
		}
	}
	address := "/api" + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	var body bytes.Buffer
	body.WriteString(q.form.Encode())
	if q.body != nil {
		if err := json.NewEncoder(&body).Encode(q.body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, q.method, address, &body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	switch {
	case q.form != nil:
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "text/html")
	case q.body != nil:
		r.Header.Set("Content-Type", "application/json")
	}
	if q.once != "" {
		r.Header.Set("Idempotency-Key", q.once)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	r.Host, r.RemoteAddr = c.from.Host, c.from.RemoteAddr
	for _, name := range []string{"X-Forwarded-For", "User-Agent"} {
		if values := c.from.Header[name]; len(values) > 0 {
			r.Header[name] = values
		}
	}
	return r, nil
}

// maxMessage bounds what is shown of a message.
const maxMessage = 1000

func refusal(answer httpx.Answer) error {
	var envelope struct {
		Error struct{ Name, Message string }
	}
	_ = json.Unmarshal(answer.Body, &envelope) // what is no envelope has no message
	return &failure{
		Status: answer.Status, Name: apierror.Name(envelope.Error.Name), Message: excerpt.Of(envelope.Error.Message, maxMessage),
	}
}

// get reads an answer in JSON.
func (c *client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.decode(ctx, request{method: http.MethodGet, path: path, query: query}, into)
}

// decode reads the answer to q in JSON; nil = it is not looked at.
func (c *client) decode(ctx context.Context, q request, into any) error {
	body, err := c.send(ctx, q)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	return nil
}

func newClient(edge http.Handler, r *http.Request) *client {
	return &client{edge: edge, token: shell.ViewerOf(r.Context()).Token, from: r}
}

// GuestToken is the token of a new session of the guest, as the frontend's guest button gets one.
func GuestToken(ctx context.Context, edge http.Handler, r *http.Request) (string, error) {
	c := &client{edge: edge, from: r}
	var session struct {
		Identity struct{ Token string } `json:"backstageIdentity"`
	}
	err := c.decode(ctx, request{method: http.MethodPost, path: "/auth/guest/refresh"}, &session)
	return session.Identity.Token, err
}

// escaped joins segments of a path, each of which may hold anything.
func escaped(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}
