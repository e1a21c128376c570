package apigee

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

type product struct {
	Name         string          `json:"name"`
	DisplayName  string          `json:"displayName"`
	Description  string          `json:"description"`
	ApprovalType string          `json:"approvalType"`
	Environments []string        `json:"environments"`
	Proxies      []string        `json:"proxies"`
	Operations   *operationGroup `json:"operationGroup"`
	GraphQL      *operationGroup `json:"graphqlOperationGroup"`
	Quota        number          `json:"quota"`
	Interval     number          `json:"quotaInterval"`
	Unit         string          `json:"quotaTimeUnit"`
}

type operationGroup struct {
	Configs []struct {
		Source string `json:"apiSource"`
	} `json:"operationConfigs"`
}

func (g *operationGroup) sources() (names []string) {
	if g != nil {
		for _, c := range g.Configs {
			names = append(names, c.Source)
		}
	}
	return names
}

// has holds for proxies that a product opens. One that names none opens all.
func (p product) has(api driver.APIID) bool {
	names := slices.Concat(p.Operations.sources(), p.GraphQL.sources())
	if len(names) == 0 {
		names = p.Proxies
	}
	return len(names) == 0 || slices.Contains(names, string(api))
}

// offered holds for products of the environment that counts.
func (d *Driver) offered(p product) bool {
	return p.Name != "" && (d.options.Environment == "" || len(p.Environments) == 0 || slices.Contains(p.Environments, d.options.Environment))
}

func (p product) limits() []driver.Limit {
	units := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour}
	unit := units[strings.ToLower(p.Unit)]
	if p.Quota <= 0 || p.Interval <= 0 || unit == 0 || int64(p.Interval) > int64(100*365*24*time.Hour/unit) {
		return nil
	}
	return []driver.Limit{{Requests: int64(p.Quota), Window: time.Duration(p.Interval) * unit}}
}

func (d *Driver) products(ctx context.Context) iter.Seq2[product, error] {
	return all(ctx, d, list[product]{"/apiproducts", url.Values{"count": {"100"}}, "apiProduct", func(p product) string { return p.Name }})
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	return rest.Mapped(d.products(ctx), func(p product) (driver.Plan, bool) {
		return driver.Plan{
			ID: driver.PlanID(p.Name), Name: orElse(p.DisplayName, p.Name), Description: p.Description, Limits: p.limits(), Approval: p.ApprovalType == "manual",
		}, d.offered(p)
	})
}

// APIs implements [driver.Driver]. Where they are reached is asked for one at a time, with [Driver.Credential].
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	return func(yield func(driver.API, error) bool) {
		var offered []product
		for p, err := range d.products(ctx) {
			if err != nil {
				yield(driver.API{}, err)
				return
			}
			if d.offered(p) {
				offered = append(offered, p)
			}
		}
		var found struct {
			Proxies []struct {
				Name string `json:"name"`
			} `json:"proxies"`
		}
		if err := d.get(ctx, &found, "apis"); err != nil {
			yield(driver.API{}, err)
			return
		}
		for _, one := range found.Proxies {
			api := driver.API{ID: driver.APIID(one.Name), Name: one.Name}
			for _, p := range offered {
				if p.has(api.ID) {
					api.Plans = append(api.Plans, driver.PlanID(p.Name))
				}
			}
			if one.Name != "" && !yield(api, nil) {
				return
			}
		}
	}
}

// checkPlan fails unless a product is there and opens a proxy; "" = any.
func (d *Driver) checkPlan(ctx context.Context, plan driver.PlanID, api driver.APIID) error {
	var p product
	err := d.get(ctx, &p, "apiproducts", string(plan))
	switch {
	case err != nil:
		return err
	case p.Name != string(plan):
		return apierror.Newf(apierror.ServiceUnavailable, "%s answers another product than it is asked for", d.options.Name)
	case api != "" && !p.has(api):
		return apierror.Inputf("%s: product %s does not have proxy %s", d.options.Name, plan, api)
	}
	return nil
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	p := driver.Presentation{Header: d.options.KeyHeader, Query: d.options.KeyQuery}
	if err := d.get(ctx, &struct{}{}, "apis", string(api)); err != nil || d.options.GatewayURL == "" {
		return p, err
	}
	path, err := d.basePath(ctx, api)
	if path != "" {
		p.URL = strings.TrimRight(d.options.GatewayURL, "/") + "/" + strings.Trim(path, "/")
	}
	return p, err
}

// basePath is where the deployed revision of a proxy is; "" = none is deployed.
func (d *Driver) basePath(ctx context.Context, api driver.APIID) (string, error) {
	var found struct {
		Deployments []struct {
			Environment string `json:"environment"`
			Revision    string `json:"revision"`
		} `json:"deployments"`
	}
	if err := d.get(ctx, &found, "apis", string(api), "deployments"); err != nil {
		return "", err
	}
	for _, one := range found.Deployments {
		if d.options.Environment != "" && one.Environment != d.options.Environment {
			continue
		}
		var revision struct {
			Paths []string `json:"basepaths"`
		}
		err := d.get(ctx, &revision, "apis", string(api), "revisions", one.Revision)
		if err != nil || len(revision.Paths) == 0 {
			return "", err
		}
		return revision.Paths[0], nil
	}
	return "", nil
}
