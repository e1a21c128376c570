package tyk

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

// definition is one of an API, as far as the driver reads it.
type definition struct {
	ID      string   `json:"api_id"`
	Name    string   `json:"name"`
	Keyless bool     `json:"use_keyless"`
	Tags    []string `json:"tags"`
	Domain  string   `json:"domain"`
	Auth    struct {
		Header   string `json:"auth_header_name"`
		UseParam bool   `json:"use_param"`
		Param    string `json:"param_name"`
	} `json:"auth"`
	Proxy struct {
		Path string `json:"listen_path"`
	} `json:"proxy"`
	Data struct {
		Portal bool     `json:"portal"`
		Tags   []string `json:"portal_tags"`
	} `json:"config_data"`
}

func (d *Driver) definition(ctx context.Context, api driver.APIID) (definition, error) {
	var def definition
	err := d.get(ctx, rest.Path("tyk", "apis", string(api)), &def)
	if err == nil && def.ID != string(api) {
		err = d.unavailable("answers something that is not API %s", api)
	}
	return def, err
}

// APIs implements [driver.Driver].
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	var all *[]definition
	err := d.get(ctx, "/tyk/apis", &all)
	if err == nil && all == nil {
		err = d.unavailable("answers no list of APIs")
	}
	found, foundErr := d.foundPolicies(ctx)
	if err == nil {
		err = foundErr
	}
	if err != nil {
		return rest.Failed[driver.API](err)
	}
	return func(yield func(driver.API, error) bool) {
		for _, def := range *all {
			if def.ID != "" && !yield(d.api(def, found), nil) {
				return
			}
		}
	}
}

func (d *Driver) api(def definition, found []policy) driver.API {
	a := driver.API{ID: driver.APIID(def.ID), Name: def.Name, BaseURL: d.address(def), Tags: slices.Concat(def.Tags, def.Data.Tags)}
	if a.Name == "" {
		a.Name = def.ID
	}
	for _, p := range d.options.Plans {
		a.Plans = append(a.Plans, p.ID)
	}
	for _, p := range found {
		if p.api() == a.ID {
			a.Plans = append(a.Plans, driver.PlanID(p.ID))
		}
	}
	return a
}

func (d *Driver) address(def definition) string {
	path := strings.TrimRight(def.Proxy.Path, "/")
	if def.Domain != "" {
		return "https://" + def.Domain + path
	}
	return strings.TrimRight(d.options.Proxy, "/") + path
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	def, err := d.definition(ctx, api)
	if err != nil {
		return driver.Presentation{}, err
	}
	if def.Keyless {
		return driver.Presentation{}, d.problem(apierror.Conflict, "API %s asks for no key: it is keyless", api)
	}
	p := driver.Presentation{URL: d.address(def), Header: def.Auth.Header}
	if p.Header == "" {
		p.Header = "Authorization"
	}
	if def.Auth.UseParam {
		if p.Query = def.Auth.Param; p.Query == "" {
			p.Query = p.Header
		}
	}
	return p, nil
}

// Publish implements [driver.Driver]. An API of that id which the portal did not make is a conflict.
func (d *Driver) Publish(ctx context.Context, p driver.Publication) (driver.API, error) {
	u, err := p.Check()
	if err != nil {
		return driver.API{}, err
	}
	if len(p.Paths) != 1 {
		return driver.API{}, d.problem(apierror.Input, "an API has one path, not %d", len(p.Paths))
	}
	r := rest.Request{Method: http.MethodPut, Path: rest.Path("tyk", "apis", string(p.ID))}
	whole := map[string]any{} // what is not sent would be gone
	switch def, err := d.definition(ctx, p.ID); {
	case missing(err):
		r = rest.Request{Method: http.MethodPost, Path: "/tyk/apis"}
	case err != nil:
		return driver.API{}, err
	case !def.Data.Portal:
		return driver.API{}, d.problem(apierror.Conflict, "has an API %s that the portal did not make", p.ID)
	default:
		if err := d.get(ctx, r.Path, &whole); err != nil {
			return driver.API{}, err
		}
	}
	made := definition{ID: string(p.ID), Name: rest.Line(p.Name), Tags: p.Tags}
	if made.Name == "" {
		made.Name = made.ID
	}
	made.Proxy.Path = strings.TrimRight(p.Paths[0], "/") + "/"
	d.define(whole, made, u.String())
	r.Body = whole
	if _, err := d.write(ctx, r); err != nil {
		return driver.API{}, err
	}
	return d.api(made, nil), d.reload(ctx)
}

// define sets the members of a definition that are the portal's, and leaves the others as they are.
func (d *Driver) define(whole map[string]any, made definition, upstream string) {
	defaults := map[string]any{
		"auth":         map[string]any{"auth_header_name": "Authorization"},
		"auth_configs": map[string]any{"authToken": map[string]any{"auth_header_name": "Authorization"}},
		"version_data": map[string]any{"not_versioned": true, "versions": map[string]any{"Default": map[string]any{"name": "Default", "use_extended_paths": true}}},
		"proxy":        map[string]any{"strip_listen_path": true},
		"config_data":  map[string]any{},
	}
	for name, value := range defaults {
		if _, is := whole[name].(map[string]any); !is {
			whole[name] = value
		}
	}
	maps.Copy(whole, map[string]any{
		"api_id": made.ID, "name": made.Name, "slug": made.ID, "org_id": d.options.Org, "active": true, "use_keyless": false, "use_standard_auth": true,
	})
	proxy, _ := whole["proxy"].(map[string]any)
	proxy["listen_path"], proxy["target_url"] = made.Proxy.Path, upstream
	data, _ := whole["config_data"].(map[string]any)
	data["portal"], data["portal_tags"] = true, made.Tags // tags of Tyk's own say which gateways serve an API
}
