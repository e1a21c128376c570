package awsgateway

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// The control plane of an account takes few calls a second, and refuses others without having begun them: any call may be
// made again.
const (
	attempts     = 5
	firstPause   = 250 * time.Millisecond
	longestPause = 4 * time.Second
)

// call makes a call, and again where the control plane throttles it.
func (d *Driver) call(ctx context.Context, r rest.Request, out any) error {
	wait := firstPause
	for attempt := 1; ; attempt++ {
		err := d.client.Call(ctx, r, out)
		refusal, refused := rest.RefusalOf(err)
		if !refused || !throttled(refusal) || attempt == attempts {
			return err
		}
		if asked, e := strconv.Atoi(refusal.Header.Get("Retry-After")); e == nil {
			wait = time.Duration(max(asked, 0)) * time.Second
		}
		if wait > longestPause { // who waits for the answer does not wait that long
			return err
		}
		if e := d.pause(ctx, wait); e != nil {
			return errors.Join(err, e)
		}
		wait *= 2
	}
}

// throttled holds for too many calls, not for too many keys: both are 429.
func throttled(r *rest.Refusal) bool {
	kind := r.Header.Get("X-Amzn-Errortype")
	return r.Status == http.StatusTooManyRequests && !strings.HasPrefix(kind, "LimitExceededException")
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// list is one page of a collection.
type list[T any] struct {
	Items    []T    `json:"item"`
	Position string `json:"position"`
}

// all reads a collection to its end.
func all[T any](ctx context.Context, d *Driver, path string, query url.Values) iter.Seq2[T, error] {
	return rest.Pages(func(position string) ([]T, string, error) {
		q := limited(500)
		maps.Copy(q, query)
		if position != "" {
			q.Set("position", position)
		}
		var page list[T]
		err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: path, Query: q}, &page)
		return page.Items, page.Position, err
	})
}

func limited(n int) url.Values { return url.Values{"limit": {strconv.Itoa(n)}} }

// patch is a change of one member.
type patch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

// explain tells clocks that differ from credentials that are wrong, and limits of the account from those of its rate.
func explain(name string) func(int, []byte) error {
	return func(status int, body []byte) error {
		var answer struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(body, &answer) != nil {
			return nil //nolint:nilerr // its status says enough
		}
		said := rest.Line(answer.Message)
		switch {
		case status == http.StatusForbidden && (strings.Contains(said, "Signature expired") || strings.Contains(said, "Signature not yet current")):
			return apierror.Newf(apierror.ServiceUnavailable, "%s refuses the time of the plugin's signature: the clocks of this host and of AWS differ: %s", name, said)
		case status == http.StatusTooManyRequests && strings.Contains(strings.ToLower(said), "limit exceeded"):
			return apierror.Newf(apierror.ServiceUnavailable, "%s has as many as the account may have: %s", name, said)
		}
		return nil
	}
}

func missing(err error) bool { return errors.Is(err, sdk.ErrNotFound) }

// unless is err, or nil where it is what is asked for.
func unless(err error, harmless func(error) bool) error {
	if harmless(err) {
		return nil
	}
	return err
}

func conflicting(err error) bool { return errors.Is(err, sdk.ErrConflict) }
