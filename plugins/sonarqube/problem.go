package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// The frontend has words of its own for 401, 403 and 404, so these three pass through with their status; everything else is
// SonarQube not being there.

func (i *instance) unavailable(format string, args ...any) error {
	return apierror.Newf(apierror.ServiceUnavailable, "SonarQube instance %s %s", i.name, fmt.Sprintf(format, args...))
}

// refused says what an answer other than 200 means.
func (i *instance) refused(res *http.Response, body []byte) error {
	said := saying(body)
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return i.badToken()
	case http.StatusForbidden:
		return apierror.Newf(apierror.NotAllowed, "SonarQube instance %s: the token lacks the permission Browse on the project%s", i.name, said)
	case http.StatusNotFound:
		if isPage(res, body) {
			return i.unavailable("has no Web API at its address; check baseUrl")
		}
		return apierror.Newf(apierror.NotFound,
			"SonarQube instance %s has no such project, or the token lacks the permission Browse on it%s", i.name, said)
	case http.StatusTooManyRequests:
		i.wait(res.Header.Get("Retry-After"))
		return i.unavailable("limits the rate of calls%s", said)
	}
	if to, err := res.Location(); err == nil {
		return i.unavailable("redirects to %s; set baseUrl to where its Web API is", to.Host)
	}
	return i.unavailable("answers %d%s", res.StatusCode, said)
}

// badToken explains a 401 as far as the token's form allows.
func (i *instance) badToken() error {
	hint := "it is wrong, revoked or expired"
	token := i.token.Reveal()
	switch {
	case strings.HasPrefix(token, "sqp_"), strings.HasPrefix(token, "sqa_"):
		hint = "it is a token for analyses, which reads nothing; make a user token (squ_…)"
	case i.bearer && !isCloud(i.base):
		hint += `, or the server is older than Bearer tokens: try authType "Basic"`
	case !i.bearer && isCloud(i.base):
		hint += `, or SonarQube Cloud wants authType "Bearer"`
	}
	return apierror.Newf(apierror.Authentication, "SonarQube instance %s refuses the token: %s", i.name, hint)
}

// unreachable is for requests without an answer. The host's refusal to let one out is an operator's business: it must not
// look like SonarQube's 403.
func (i *instance) unreachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the address is known, and long
	}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("SonarQube instance %s: %w", i.name, err)
	case errors.Is(err, context.DeadlineExceeded):
		return i.unavailable("does not answer in time")
	case errors.Is(err, sdk.ErrNotAllowed):
		return i.unavailable("may not be called: the host does not let the plugin reach %s", i.base)
	}
	return i.unavailable("cannot be reached: %v", err)
}

func (i *instance) unreadable(path string, res *http.Response, body []byte, err error) error {
	if isPage(res, body) {
		return i.unavailable("answers a page instead of data to %s; check baseUrl, and whether a login stands before it", path)
	}
	return i.unavailable("answers no readable JSON to %s: %v", path, err)
}

func isPage(res *http.Response, body []byte) bool {
	return strings.Contains(res.Header.Get("Content-Type"), "html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// longestSaying bounds how much of a foreign text is passed on.
const longestSaying = 200

// saying is the message of SonarQube's errors as ": …"; "" when there is none.
func saying(body []byte) string {
	var said struct {
		Errors []struct {
			Msg string `json:"msg"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil || len(said.Errors) == 0 {
		return ""
	}
	text := excerpt.Line(said.Errors[0].Msg, longestSaying)
	if text == "" {
		return ""
	}
	return ": " + text
}
