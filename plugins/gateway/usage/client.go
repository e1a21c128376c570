package usage

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

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// client asks the HTTP API of a Prometheus, or of what speaks it (Thanos, Mimir, VictoriaMetrics).
type client struct {
	name     string // of the gateway whose numbers they are
	base     string
	http     *http.Client
	timeout  time.Duration
	token    sdk.Secret
	username string
	password sdk.Secret
}

const (
	maxAnswer = 8 << 20 // 50 series of 2000 points take less than 4 MiB
	// longestAddress is up to where a query goes by GET, which the host's client may repeat.
	longestAddress = 2 << 10
)

func address(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", apierror.Inputf("usage: the address of Prometheus is http or https, a host and perhaps a path, without credentials")
	}
	return strings.TrimRight(text, "/"), nil
}

// withoutRedirects keeps credentials from following one; the API has none.
func withoutRedirects(c *http.Client) *http.Client {
	direct := *c
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &direct
}

// query evaluates an expression at one moment.
func (c *client) query(ctx context.Context, expression string, at time.Time) (answer, error) {
	return c.call(ctx, "query", url.Values{"query": {expression}, "time": {stamp(at)}}, "vector")
}

// queryRange evaluates it at from, from+step, … up to to.
func (c *client) queryRange(ctx context.Context, expression string, from, to time.Time, step time.Duration) (answer, error) {
	return c.call(ctx, "query_range", url.Values{
		"query": {expression}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {decimal(step.Seconds())},
	}, "matrix")
}

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

func (c *client) call(ctx context.Context, path string, form url.Values, want string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	// Prometheus gives up a query itself, rather than going on for nobody.
	form.Set("timeout", span(c.timeout))
	req, err := c.request(ctx, path, form)
	if err != nil {
		return answer{}, c.unavailable("cannot be asked: %v", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.unreachable(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if res.StatusCode != http.StatusOK {
		return answer{}, c.refused(res, body)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return answer{}, c.unreachable(err)
	case err != nil:
		return answer{}, c.unavailable("broke its answer off: %v", err)
	case len(body) > maxAnswer:
		return answer{}, c.unavailable("answers more than %d bytes", maxAnswer)
	}
	a, err := parse(body, want)
	if err != nil {
		return answer{}, c.unreadable(res, body, err)
	}
	return a, nil
}

func (c *client) request(ctx context.Context, path string, form url.Values) (*http.Request, error) {
	to, encoded := c.base+"/api/v1/"+path, form.Encode()
	method, body := http.MethodGet, io.Reader(nil)
	if len(to)+len(encoded) < longestAddress {
		to += "?" + encoded
	} else {
		method, body = http.MethodPost, strings.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	} else if c.username != "" {
		req.SetBasicAuth(c.username, c.password.Reveal())
	}
	return req, nil
}

func (c *client) unavailable(format string, args ...any) error {
	return apierror.Newf(apierror.ServiceUnavailable, "usage of %s: Prometheus %s", c.name, fmt.Sprintf(format, args...))
}

// refused says what a status other than 200 means. None of them is an error of whoever looks at a chart.
func (c *client) refused(res *http.Response, body []byte) error {
	said := ""
	var failure failure
	if json.Unmarshal(body, &failure) == nil && failure.Error != "" {
		said = ": " + excerpt.Line(failure.Error, longestWarning)
	}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return c.unavailable("refuses the credentials: the token or the password is wrong or expired")
	case res.StatusCode == http.StatusForbidden:
		return c.unavailable("does not let these credentials query%s", said)
	case res.StatusCode == http.StatusNotFound && said == "":
		return c.unavailable("is not at this address: it has no /api/v1; check the path of the url")
	case failure.ErrorType == "timeout" || res.StatusCode == http.StatusServiceUnavailable && failure.ErrorType == "canceled":
		return c.unavailable("gave the query up; ask for a shorter time, or for fewer applications")
	}
	if to, err := res.Location(); err == nil {
		return c.unavailable("redirects to %s; set the url to where its API is", to.Host)
	}
	return c.unavailable("answers %d%s", res.StatusCode, said)
}

func (c *client) unreachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the address is known, and holds the query
	}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("usage of %s: %w", c.name, err)
	case errors.Is(err, context.DeadlineExceeded):
		return c.unavailable("does not answer within %s", c.timeout)
	case errors.Is(err, sdk.ErrNotAllowed):
		return c.unavailable("may not be called: needs.egress of the plugin does not name its address, or it was not approved")
	}
	return c.unavailable("cannot be reached: %v", err)
}

func (c *client) unreadable(res *http.Response, body []byte, err error) error {
	if strings.Contains(res.Header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return c.unavailable("answers a page instead of data; check the url, and whether a login stands before it")
	}
	return c.unavailable("gives no readable answer: %v", err)
}
