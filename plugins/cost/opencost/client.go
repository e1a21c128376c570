package opencost

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Client asks one OpenCost.
type Client struct {
	HTTP  *http.Client
	URL   string     // such as http://opencost.opencost:9003, or http://kubecost:9090/model
	Token sdk.Secret // sent as Bearer where a proxy wants one
}

// Allocation is what a workload cost in a day, as far as it is used. Numbers stay as they are written.
type Allocation struct {
	Name       string     `json:"name"`
	Properties properties `json:"properties"`
	Start      time.Time  `json:"start"`
	End        time.Time  `json:"end"`

	CPUCost                    json.Number `json:"cpuCost"`
	CPUCostAdjustment          json.Number `json:"cpuCostAdjustment"`
	RAMCost                    json.Number `json:"ramCost"`
	RAMCostAdjustment          json.Number `json:"ramCostAdjustment"`
	GPUCost                    json.Number `json:"gpuCost"`
	GPUCostAdjustment          json.Number `json:"gpuCostAdjustment"`
	PVCost                     json.Number `json:"pvCost"`
	PVCostAdjustment           json.Number `json:"pvCostAdjustment"`
	NetworkCost                json.Number `json:"networkCost"`
	NetworkCostAdjustment      json.Number `json:"networkCostAdjustment"`
	LoadBalancerCost           json.Number `json:"loadBalancerCost"`
	LoadBalancerCostAdjustment json.Number `json:"loadBalancerCostAdjustment"`
	SharedCost                 json.Number `json:"sharedCost"`
	ExternalCost               json.Number `json:"externalCost"`
	TotalCost                  json.Number `json:"totalCost"`
}

type properties struct {
	Cluster        string            `json:"cluster"`
	Namespace      string            `json:"namespace"`
	ControllerKind string            `json:"controllerKind"`
	Controller     string            `json:"controller"`
	Labels         map[string]string `json:"labels"`
}

// aggregate is by what allocations are told apart.
const aggregate = "cluster,namespace,controllerKind,controller"

// maxBody bounds an answer.
const maxBody = 256 << 20

// Day asks for the allocations of a day. The window is told in full rather than as "yesterday": that depends on the zone of
// whoever answers.
func (c *Client) Day(ctx context.Context, day ledger.Day) ([]Allocation, error) {
	window := day.Time().Format(time.RFC3339) + "," + (day + 1).Time().Format(time.RFC3339)
	q := url.Values{"window": {window}, "aggregate": {aggregate}, "step": {"1d"}, "accumulate": {"false"}, "includeIdle": {"true"}}
	list, err := c.allocations(ctx, q, day)
	if err != nil {
		return nil, fmt.Errorf("ask OpenCost about %s: %w", day, err)
	}
	return list, nil
}

func (c *Client) allocations(ctx context.Context, q url.Values, day ledger.Day) ([]Allocation, error) {
	text, err := c.get(ctx, q)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Code    int                     `json:"code"`
		Message string                  `json:"message"`
		Data    []map[string]Allocation `json:"data"`
	}
	if err := json.Unmarshal(withoutNaN(text), &answer); err != nil {
		return nil, unavailable("the answer is no allocations in JSON (%v): %s", err, line(string(text)))
	}
	if answer.Code != http.StatusOK {
		return nil, unavailable("code %d: %s", answer.Code, line(answer.Message))
	}
	var list []Allocation
	for _, step := range answer.Data {
		for name, a := range step {
			if a.Name == "" {
				a.Name = name
			}
			if ledger.DayOf(a.Start) != day {
				return nil, unavailable("it answers about %s where %s was asked; is its clock right?", a.Start.UTC().Format(time.RFC3339), day)
			}
			list = append(list, a)
		}
	}
	return list, nil
}

func (c *Client) get(ctx context.Context, q url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+"/allocation/compute?"+q.Encode(), nil)
	if err != nil {
		return nil, apierror.Inputf("OpenCost's URL: %v", err)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil || apierror.Has(err, apierror.NotAllowed) {
			return nil, err
		}
		return nil, unavailable("it is not reached: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, unavailable("the answer breaks off: %v", err)
	}
	if len(text) > maxBody {
		return nil, unavailable("the answer has more than %d bytes", maxBody)
	}
	return text, refused(res, text)
}

// refused says in words why there is no answer.
func refused(res *http.Response, text []byte) error {
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return apierror.Newf(apierror.NotAllowed, "what is in front of OpenCost refuses the token (%s): %s", res.Status, line(string(text)))
	case res.StatusCode == http.StatusNotFound:
		return apierror.NotFoundf("there is no /allocation/compute below the URL; Kubecost has it below /model")
	case res.StatusCode >= http.StatusBadRequest:
		var e struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(text, &e) != nil || e.Message == "" {
			e.Message = string(text)
		}
		return unavailable("%s: %s", res.Status, line(e.Message))
	case res.StatusCode != http.StatusOK:
		return unavailable("%s", res.Status)
	}
	return nil
}

func unavailable(format string, args ...any) error {
	return apierror.Newf(apierror.ServiceUnavailable, format, args...)
}

func line(s string) string {
	return excerpt.Line(s, 120)
}
