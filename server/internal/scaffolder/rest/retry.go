package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// DefaultPatience bounds all waits of one request. A longer one is reported instead: the step's user decides.
const DefaultPatience = 2 * time.Minute

const (
	maxAttempts = 4
	firstPause  = time.Second
)

// Error is what a host answered instead of success. Its cause is an [apierror.Error] of the name that fits, with the
// host's message.
type Error struct {
	Method, Path string
	Status       int
	// Message is the host's own, "" = it gave none.
	Message string
}

// Error implements error with the host's message, which is what its users look for.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("%s %s was answered with %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	}
	return e.Message
}

// Unwrap names the error for API edges.
func (e *Error) Unwrap() error {
	name := apierror.Generic
	switch e.Status {
	case http.StatusUnauthorized:
		name = apierror.Authentication
	case http.StatusForbidden:
		name = apierror.NotAllowed
	case http.StatusNotFound, http.StatusGone:
		name = apierror.NotFound
	case http.StatusConflict:
		name = apierror.Conflict
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		name = apierror.Input
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		name = apierror.ServiceUnavailable
	}
	return apierror.New(name, e.Error())
}

// send tries until there is an answer that counts. A limit of the rate means that nothing was done, so any request waits
// for its end; failures of the host or of the connection are tried again where doing a thing twice is doing it once.
func (a *API) send(ctx context.Context, r Request, target string, out any) (http.Header, error) {
	left := a.Patience
	if left == 0 {
		left = DefaultPatience
	}
	pause := firstPause
	for attempt := 1; ; attempt++ {
		answer, err := a.attempt(ctx, r, target)
		if err == nil && answer.Code < 300 {
			return answer.Header, decode(r, answer.Body, out)
		}
		wait, again := pause, repeatable(r.Method)
		if err == nil {
			wait, again = pace(answer, again, pause)
			err = a.failure(r, answer.Code, answer.Body)
			if again && wait > left {
				return nil, fmt.Errorf("%w (the host asks to wait for %s, which is longer than a step waits)", err, wait.Round(time.Second))
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !again || attempt == maxAttempts || wait > left {
			return nil, a.describe(r, err)
		}
		if err := a.wait(ctx, wait); err != nil {
			return nil, err
		}
		left -= wait
		pause *= 2
	}
}

func repeatable(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// secondaryPause is how long GitHub wants to be left alone after a secondary limit for which it names no time.
const secondaryPause = time.Minute

// pace reads how long the host wants to be left alone.
func pace(answer Answer, again bool, pause time.Duration) (time.Duration, bool) {
	h := answer.Header
	forbidden := answer.Code == http.StatusForbidden
	limited := answer.Code == http.StatusTooManyRequests || forbidden && (h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0")
	switch {
	case !limited && forbidden && bytes.Contains(answer.Body, []byte("secondary rate limit")):
		return secondaryPause, true
	case limited:
		return max(retryAfter(h, time.Now()), pause), true
	case answer.Code == http.StatusServiceUnavailable && h.Get("Retry-After") != "":
		return max(retryAfter(h, time.Now()), pause), again
	case answer.Code >= 500 && answer.Code != http.StatusNotImplemented:
		return pause, again
	}
	return 0, false
}

// retryAfter is the time that Retry-After or the reset of the limit name; 0 = neither does.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 1<<31 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if at, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil {
			return time.Unix(at, 0).Sub(now)
		}
	}
	return 0
}

func (a *API) wait(ctx context.Context, d time.Duration) error {
	if a.Wait != nil {
		return a.Wait(ctx, d)
	}
	return action.Sleep(ctx, d)
}

func (a *API) failure(r Request, status int, body []byte) error {
	e := &Error{Method: r.Method, Path: "/" + strings.Join(r.Path, "/"), Status: status}
	if a.Explain != nil {
		e.Message = a.hide(a.Explain(body))
	}
	if status >= 300 && status < 400 {
		e.Message = fmt.Sprintf("%s %s was redirected, which is followed for reading within one host alone", e.Method, e.Path)
	}
	return e
}

// describe names the operation of an error that is not the host's.
func (a *API) describe(r Request, err error) error {
	if _, ok := err.(*Error); ok { //nolint:errorlint // failure made it a moment ago
		return err
	}
	if text := err.Error(); a.hide(text) != text {
		err = errors.New(a.hide(text))
	}
	return fmt.Errorf("%s /%s: %w", r.Method, strings.Join(r.Path, "/"), err)
}

func (a *API) hide(text string) string {
	if a.Credential == "" {
		return text
	}
	return strings.ReplaceAll(text, a.Credential, "***")
}

func decode(r Request, body []byte, out any) error {
	if out == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s /%s: read the answer: %w", r.Method, strings.Join(r.Path, "/"), err)
	}
	return nil
}
