package awsgateway

import (
	"context"
	"iter"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

// stage is a stage of a REST API.
type stage struct{ api, name string }

func (s stage) id() driver.APIID { return driver.APIID(s.api + "/" + s.name) }

func (d *Driver) stage(id driver.APIID) (stage, error) {
	api, name, ok := strings.Cut(string(id), "/")
	if !ok || api == "" || name == "" || strings.ContainsAny(string(id), "~") {
		return stage{}, apierror.NotFoundf("%s: no API %s: one is called by its id and stage, a1b2c3d4e5/prod", d.options.Name, rest.Line(string(id)))
	}
	return stage{api, name}, nil
}

type restAPI struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	KeySource string `json:"apiKeySource"`
}

type stageResource struct {
	Name string `json:"stageName"`
}

type usagePlan struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Stages      []struct {
		API   string `json:"apiId"`
		Stage string `json:"stage"`
	} `json:"apiStages"`
	Throttle *struct {
		Rate float64 `json:"rateLimit"`
	} `json:"throttle"`
	Quota *quotaSetting `json:"quota"`
}

type quotaSetting struct {
	Limit  int64  `json:"limit"`
	Offset int    `json:"offset"`
	Period string `json:"period"`
}

func (p usagePlan) has(s stage) bool {
	for _, one := range p.Stages {
		if one.API == s.api && one.Stage == s.name {
			return true
		}
	}
	return false
}

// APIs implements [driver.Driver]: one for each stage of each REST API.
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	return func(yield func(driver.API, error) bool) {
		var plans []usagePlan
		for p, err := range all[usagePlan](ctx, d, "/usageplans", nil) {
			if err != nil {
				yield(driver.API{}, err)
				return
			}
			plans = append(plans, p)
		}
		for a, err := range all[restAPI](ctx, d, "/restapis", nil) {
			if err != nil {
				yield(driver.API{}, err)
				return
			}
			if !d.stages(ctx, a, plans, yield) {
				return
			}
		}
	}
}

// stages yields the stages of one REST API; false = nobody wants more.
func (d *Driver) stages(ctx context.Context, a restAPI, plans []usagePlan, yield func(driver.API, error) bool) bool {
	if a.ID == "" {
		return true
	}
	var found list[stageResource]
	if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("restapis", a.ID, "stages")}, &found); err != nil {
		if missing(err) { // deleted meanwhile
			return true
		}
		yield(driver.API{}, err)
		return false
	}
	for _, one := range found.Items {
		s := stage{a.ID, one.Name}
		if one.Name == "" {
			continue
		}
		api := driver.API{ID: s.id(), Name: orElse(a.Name, a.ID) + " (" + s.name + ")", BaseURL: d.stageURL(s)}
		for _, p := range plans {
			if p.has(s) {
				api.Plans = append(api.Plans, driver.PlanID(p.ID))
			}
		}
		if !yield(api, nil) {
			return false
		}
	}
	return true
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	return rest.Mapped(all[usagePlan](ctx, d, "/usageplans", nil), func(p usagePlan) (driver.Plan, bool) {
		return driver.Plan{ID: driver.PlanID(p.ID), Name: orElse(p.Name, p.ID), Description: p.Description, Limits: p.limits()}, p.ID != ""
	})
}

func (p usagePlan) limits() []driver.Limit {
	var limits []driver.Limit
	if p.Throttle != nil && p.Throttle.Rate > 0 && p.Throttle.Rate < 1e9 {
		if whole := math.Trunc(p.Throttle.Rate); whole == p.Throttle.Rate {
			limits = append(limits, driver.Limit{Requests: int64(whole), Window: time.Second})
		} else {
			limits = append(limits, driver.Limit{Requests: int64(math.Round(p.Throttle.Rate * 60)), Window: time.Minute})
		}
	}
	if l, ok := p.Quota.limit(); ok {
		limits = append(limits, l)
	}
	return slices.Clip(limits)
}

func (d *Driver) usagePlan(ctx context.Context, plan driver.PlanID) (usagePlan, error) {
	var p usagePlan
	err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("usageplans", string(plan))}, &p)
	if err == nil && p.ID != string(plan) {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s answers another usage plan than it is asked for", d.options.Name)
	}
	return p, err
}

// checkPlan fails unless a usage plan is there and has a stage.
func (d *Driver) checkPlan(ctx context.Context, plan driver.PlanID, s stage) error {
	p, err := d.usagePlan(ctx, plan)
	if err == nil && !p.has(s) {
		err = apierror.Inputf("%s: usage plan %s does not have stage %s", d.options.Name, plan, s.id())
	}
	return err
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	s, err := d.stage(api)
	if err != nil {
		return driver.Presentation{}, err
	}
	var a restAPI
	if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("restapis", s.api)}, &a); err != nil {
		return driver.Presentation{}, err
	}
	var found stageResource
	if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("restapis", s.api, "stages", s.name)}, &found); err != nil {
		return driver.Presentation{}, err
	}
	p := driver.Presentation{URL: d.stageURL(s), Header: "x-api-key"}
	if a.KeySource == "AUTHORIZER" { // a function of the API's own makes the key out of the request
		p.Header = ""
	}
	return p, nil
}

func orElse(value, standard string) string {
	if value == "" {
		return standard
	}
	return value
}
