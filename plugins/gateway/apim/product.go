package apim

import (
	"context"
	"encoding/xml"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

// noAccess is the product of keys whose application has no access.
const noAccess = "callboard-no-access"

type product struct {
	Name       string `json:"name"`
	Properties struct {
		DisplayName          string `json:"displayName"`
		Description          string `json:"description"`
		SubscriptionRequired *bool  `json:"subscriptionRequired"`
		ApprovalRequired     bool   `json:"approvalRequired"`
	} `json:"properties"`
}

// planned holds for products that keys are for.
func (p product) planned() bool {
	return p.Name != noAccess && (p.Properties.SubscriptionRequired == nil || *p.Properties.SubscriptionRequired)
}

type apiResource struct {
	Name       string `json:"name"`
	Properties struct {
		DisplayName string `json:"displayName"`
		Path        string `json:"path"`
		IsCurrent   *bool  `json:"isCurrent"`
		KeyNames    *struct {
			Header string `json:"header"`
			Query  string `json:"query"`
		} `json:"subscriptionKeyParameterNames"`
	} `json:"properties"`
}

// APIs implements [driver.Driver]. Revisions that are not current are no APIs of their own.
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	plans, err := d.plansByAPI(ctx)
	if err != nil {
		return rest.Failed[driver.API](err)
	}
	gateway, err := d.gatewayURL(ctx)
	if err != nil {
		return rest.Failed[driver.API](err)
	}
	return rest.Mapped(all[apiResource](ctx, d, []string{"apis"}, ""), func(a apiResource) (driver.API, bool) {
		current := a.Properties.IsCurrent == nil || *a.Properties.IsCurrent
		id := driver.APIID(a.Name)
		return driver.API{ID: id, Name: orElse(a.Properties.DisplayName, a.Name), BaseURL: join(gateway, a.Properties.Path), Plans: plans[id]}, current && a.Name != ""
	})
}

func (d *Driver) plansByAPI(ctx context.Context) (map[driver.APIID][]driver.PlanID, error) {
	plans := map[driver.APIID][]driver.PlanID{}
	for p, err := range all[product](ctx, d, []string{"products"}, "") {
		if err != nil {
			return nil, err
		}
		if !p.planned() {
			continue
		}
		for a, err := range all[apiResource](ctx, d, []string{"products", p.Name, "apis"}, "") {
			if err != nil {
				return nil, err
			}
			plans[driver.APIID(a.Name)] = append(plans[driver.APIID(a.Name)], driver.PlanID(p.Name))
		}
	}
	return plans, nil
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	return func(yield func(driver.Plan, error) bool) {
		for p, err := range all[product](ctx, d, []string{"products"}, "") {
			if err != nil {
				yield(driver.Plan{}, err)
				return
			}
			if !p.planned() {
				continue
			}
			plan, err := d.plan(ctx, p)
			if !yield(plan, err) || err != nil {
				return
			}
		}
	}
}

func (d *Driver) plan(ctx context.Context, p product) (driver.Plan, error) {
	plan := driver.Plan{
		ID: driver.PlanID(p.Name), Name: orElse(p.Properties.DisplayName, p.Name), Description: p.Properties.Description, Approval: p.Properties.ApprovalRequired,
	}
	var policy struct {
		Properties struct {
			Value string `json:"value"`
		} `json:"properties"`
	}
	r := d.request(http.MethodGet, []string{"products", p.Name, "policies", "policy"}, nil)
	r.Query.Set("format", "rawxml")
	if err := d.tokens.Call(ctx, &d.client, r, &policy); err != nil && !missing(err) {
		return driver.Plan{}, err
	}
	plan.Limits = limits(policy.Properties.Value)
	return plan, nil
}

// limits are what the policies rate-limit and quota say, for callers and for keys, as far as the text can be read: a policy
// may hold expressions, and need not be XML after all.
func limits(policy string) []driver.Limit {
	var found []driver.Limit
	dec := xml.NewDecoder(strings.NewReader(policy))
	dec.Strict = false
	for {
		token, err := dec.Token()
		if err != nil {
			return found
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch element.Name.Local {
		case "rate-limit", "rate-limit-by-key", "quota", "quota-by-key":
			if l, ok := limit(element.Attr); ok {
				found = append(found, l)
			}
		}
	}
}

func limit(attributes []xml.Attr) (driver.Limit, bool) {
	var calls, period int64
	for _, a := range attributes {
		n, err := strconv.ParseInt(strings.TrimSpace(a.Value), 10, 64)
		switch {
		case err != nil:
		case a.Name.Local == "calls":
			calls = n
		case a.Name.Local == "renewal-period":
			period = n
		}
	}
	if calls <= 0 || period <= 0 || period > int64(100*365*24*time.Hour/time.Second) {
		return driver.Limit{}, false
	}
	return driver.Limit{Requests: calls, Window: time.Duration(period) * time.Second}, true
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	var a apiResource
	if err := d.get(ctx, []string{"apis", string(api)}, &a); err != nil {
		return driver.Presentation{}, err
	}
	gateway, err := d.gatewayURL(ctx)
	if err != nil {
		return driver.Presentation{}, err
	}
	p := driver.Presentation{URL: join(gateway, a.Properties.Path), Header: "Ocp-Apim-Subscription-Key", Query: "subscription-key"}
	if names := a.Properties.KeyNames; names != nil {
		p.Header, p.Query = orElse(names.Header, p.Header), orElse(names.Query, p.Query)
	}
	return p, nil
}

// gatewayURL is where callers reach the service; "" = it does not tell.
func (d *Driver) gatewayURL(ctx context.Context) (string, error) {
	if d.options.GatewayURL != "" {
		return d.options.GatewayURL, nil
	}
	var service serviceResource
	err := d.get(ctx, nil, &service)
	return service.Properties.GatewayURL, err
}

func join(gateway, path string) string {
	if gateway == "" {
		return ""
	}
	return strings.TrimRight(gateway, "/") + "/" + strings.TrimLeft(path, "/")
}

// product reads a plan's; there is none of that name, or it is not for keys: not found.
func (d *Driver) product(ctx context.Context, plan driver.PlanID) (product, error) {
	var p product
	if err := d.get(ctx, []string{"products", string(plan)}, &p); err != nil {
		return p, err
	}
	if !p.planned() {
		return p, apierror.NotFoundf("%s: product %s takes no subscriptions", d.options.Name, plan)
	}
	return p, nil
}

// has checks that a product has an API, which says so where a key would be refused without a reason.
func (d *Driver) has(ctx context.Context, plan driver.PlanID, api driver.APIID) error {
	for a, err := range all[apiResource](ctx, d, []string{"products", string(plan), "apis"}, fmt.Sprintf("name eq '%s'", strings.ReplaceAll(string(api), "'", "''"))) {
		if err != nil || a.Name == string(api) {
			return err
		}
	}
	return apierror.Inputf("%s: product %s does not have API %s", d.options.Name, plan, api)
}
