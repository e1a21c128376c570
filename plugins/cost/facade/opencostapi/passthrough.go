package opencostapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

const (
	// fresh is how long an answer is given again without asking: OpenCost computes it for each request anew, which is slow.
	fresh = 5 * time.Minute
	// stale is how long it is given when OpenCost cannot be asked.
	stale = 6 * time.Hour
	// maxBody bounds an answer; mostKept how much of them is kept.
	maxBody  = 32 << 20
	mostKept = 64 << 20
)

// passed are the parameters that go on to OpenCost; nothing else does.
var passed = []string{"window", "aggregate", "step", "accumulate", "resolution", "includeIdle", "shareIdle", "filter", "idle", "shareNamespaces", "shareLabels"}

// passThrough answers what OpenCost does. An answer that is older than fresh says so, by a warning in the form of OpenCost's own.
func (a *api) passThrough(ctx context.Context, up Upstream, q question) (any, error) {
	query := url.Values{}
	for _, name := range passed {
		if q.raw.Has(name) {
			query.Set(name, q.raw.Get(name))
		}
	}
	key := query.Encode()
	former, at, found := a.kept.get(key)
	age := a.Now().Sub(at)
	if found && age < fresh {
		return former, nil
	}
	body, err := up.Get(ctx, "/allocation/compute", query, maxBody)
	if err == nil {
		err = check(body)
	}
	if err == nil {
		a.kept.put(key, body)
		return json.RawMessage(body), nil
	}
	if found && age < stale && apierror.Has(err, apierror.ServiceUnavailable) {
		return aged(former, at), nil
	}
	return nil, err
}

// check refuses what the frontend cannot read.
func check(body []byte) error {
	var answer struct {
		Code    int              `json:"code"`
		Message string           `json:"message"`
		Data    []map[string]any `json:"data"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")):
		return apierror.New(apierror.ServiceUnavailable, "OpenCost answers a page instead of data; check its address, and whether a login stands before it")
	case err != nil:
		return apierror.Newf(apierror.ServiceUnavailable, "OpenCost answers no readable JSON: %v", err)
	case answer.Code != http.StatusOK:
		return apierror.Newf(apierror.ServiceUnavailable, "OpenCost answers code %d: %s", answer.Code, excerpt.Short(answer.Message))
	}
	return nil
}

// aged adds to an answer how old it is.
func aged(body json.RawMessage, at time.Time) any {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil {
		return body
	}
	warning, _ := json.Marshal("OpenCost cannot be asked; as of " + at.UTC().Format("2006-01-02 15:04 UTC"))
	answer["warning"] = warning
	return answer
}

// cache keeps answers. When there is no room, the oldest go.
type cache struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]answered
	size int
}

type answered struct {
	body []byte
	at   time.Time
}

func newCache(now func() time.Time) *cache { return &cache{now: now, kept: map[string]answered{}} }

func (c *cache) get(key string) (json.RawMessage, time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.kept[key]
	return a.body, a.at, ok
}

func (c *cache) put(key string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += len(body) - len(c.kept[key].body)
	c.kept[key] = answered{body, c.now()}
	for c.size > mostKept && len(c.kept) > 1 {
		oldest := ""
		for k, a := range c.kept {
			if k != key && (oldest == "" || a.at.Before(c.kept[oldest].at)) {
				oldest = k
			}
		}
		c.size -= len(c.kept[oldest].body)
		delete(c.kept, oldest)
	}
}
