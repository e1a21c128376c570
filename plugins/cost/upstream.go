package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/plugins/cost/facade/opencostapi"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// upstream is the OpenCost that answers OpenCost's frontend; nil when none is configured.
func (c *plugin) upstream() opencostapi.Upstream {
	servers := c.engine.Load().settings.OpenCost
	if len(servers) == 0 {
		return nil
	}
	return server{servers[0], c.host.HTTP}
}

type server struct {
	settings opencostSettings
	http     *http.Client
}

// Get asks OpenCost in the name of the plugin.
func (s server) Get(ctx context.Context, path string, query url.Values, maxBody int64) ([]byte, error) {
	address := strings.TrimSuffix(s.settings.URL, "/") + "/" + strings.TrimPrefix(path, "/") + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if s.settings.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.settings.Token.Reveal())
	}
	res, err := s.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unavailable("it is not reached: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, unavailable("its answer breaks off: %v", err)
	case int64(len(body)) > maxBody:
		return nil, unavailable("its answer has more than %d bytes", maxBody)
	case res.StatusCode != http.StatusOK:
		return nil, unavailable("it answers %d: %s", res.StatusCode, excerpt.Short(strings.ToValidUTF8(string(body), "?")))
	}
	return body, nil
}

func unavailable(format string, args ...any) error {
	return apierror.Newf(apierror.ServiceUnavailable, "OpenCost: "+format, args...)
}
