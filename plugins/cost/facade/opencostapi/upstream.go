package opencostapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// patience is how long an OpenCost may take: it computes allocations of months when it is asked for them.
const patience = 50 * time.Second

// At is the OpenCost at an address, asked by a client such as the plugin's way out. Redirects are not followed: OpenCost has
// none, and what stands before it has them for logins.
func At(client *http.Client, base string) Upstream {
	still := *client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &server{&still, strings.TrimRight(base, "/")}
}

type server struct {
	client *http.Client
	base   string
}

func unavailable(format string, args ...any) error {
	return apierror.Newf(apierror.ServiceUnavailable, "OpenCost "+format, args...)
}

// Get implements [Upstream].
func (s *server) Get(ctx context.Context, path string, query url.Values, maxBody int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, unavailable("has no usable address: %v", err)
	}
	req.Header.Set("Accept", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, unavailable("breaks off its answer: %v", err)
	case int64(len(body)) > maxBody:
		return nil, apierror.Inputf("window: OpenCost answers more than %d MiB; ask for less time, or for a coarser aggregate", maxBody>>20)
	case res.StatusCode == http.StatusOK:
		return body, nil
	case res.StatusCode == http.StatusBadRequest:
		return nil, apierror.Inputf("OpenCost refuses the request%s", saying(body))
	}
	return nil, unavailable("answers %d%s", res.StatusCode, saying(body))
}

func unreachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the address is known, and long
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable("does not answer in time")
	case errors.Is(err, sdk.ErrNotAllowed):
		return unavailable("may not be called: needs.egress of the plugin does not name its address, or it was not approved")
	}
	return unavailable("cannot be reached: %v", err)
}

// saying is the message of OpenCost's errors as ": …"; "" when there is none.
func saying(body []byte) string {
	var said struct{ Message string }
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		return ""
	}
	return ": " + excerpt.Line(said.Message, 120)
}
