package apisix

import (
	"context"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

// APIs implements [driver.Driver]. Routes without a service are none.
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	routes, err := d.routes(ctx)
	if err != nil {
		return rest.Failed[driver.API](err)
	}
	return rest.Mapped(list[service](ctx, d, "services"), func(s service) (driver.API, bool) {
		return d.api(s, routes[s.ID]), s.ID != ""
	})
}

// routes are those of each service.
func (d *Driver) routes(ctx context.Context) (map[string][]route, error) {
	all := map[string][]route{}
	for r, err := range list[route](ctx, d, "routes") {
		if err != nil {
			return nil, err
		}
		all[r.Service] = append(all[r.Service], r)
	}
	return all, nil
}

func (d *Driver) api(s service, routes []route) driver.API {
	a := driver.API{ID: driver.APIID(s.ID), Name: s.Name, BaseURL: d.address(routes)}
	if a.Name == "" {
		a.Name = s.ID
	}
	for name, value := range s.Labels {
		switch {
		case strings.HasPrefix(name, ours):
		case value == "true":
			a.Tags = append(a.Tags, name)
		default:
			a.Tags = append(a.Tags, name+"="+value)
		}
	}
	slices.Sort(a.Tags)
	for _, p := range d.options.Plans {
		a.Plans = append(a.Plans, p.ID)
	}
	return a
}

// address is where callers reach a service, by its first route.
func (d *Driver) address(routes []route) string {
	for _, r := range routes {
		uri := r.URI
		if len(r.URIs) > 0 {
			uri = r.URIs[0]
		}
		uri = strings.TrimRight(strings.TrimSuffix(uri, "*"), "/")
		host := r.Host
		if len(r.Hosts) > 0 {
			host = r.Hosts[0]
		}
		switch {
		case d.options.Proxy != "":
			return strings.TrimRight(d.options.Proxy, "/") + uri
		case host != "" && !strings.Contains(host, "*"):
			return "https://" + host + uri
		}
	}
	return ""
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	s, err := one[service](ctx, d, "services", string(api))
	if err != nil {
		return driver.Presentation{}, err
	}
	config, on := s.Plugins["key-auth"]
	if !on {
		return driver.Presentation{}, d.problem(apierror.Conflict, "service %s asks for no key: plugin key-auth is not on at it", api)
	}
	routes, err := d.routes(ctx)
	if err != nil {
		return driver.Presentation{}, err
	}
	p := driver.Presentation{URL: d.address(routes[s.ID]), Header: "apikey", Query: "apikey"}
	if name, _ := config["header"].(string); name != "" {
		p.Header = name
	}
	if name, _ := config["query"].(string); name != "" {
		p.Query = name
	}
	return p, nil
}

// Publish implements [driver.Driver]. A service of that id which the portal did not make is a conflict. The service stands
// before its route, so that nobody gets in who should not.
func (d *Driver) Publish(ctx context.Context, p driver.Publication) (driver.API, error) {
	u, err := p.Check()
	if err != nil {
		return driver.API{}, err
	}
	id := string(p.ID)
	s, err := one[service](ctx, d, "services", id)
	switch {
	case err == nil && s.Labels[ours] == "":
		return driver.API{}, d.problem(apierror.Conflict, "has a service %s that the portal did not make", id)
	case err != nil && !missing(err):
		return driver.API{}, err
	}
	labels := map[string]string{ours: "true"}
	for _, tag := range p.Tags {
		if tag = strings.Join(strings.Fields(tag), "-"); tag != "" && !strings.HasPrefix(tag, ours) {
			labels[tag] = "true"
		}
	}
	upstream := map[string]any{"type": "roundrobin", "scheme": u.Scheme, "pass_host": "node", "nodes": map[string]int{u.Host: 1}}
	made := map[string]any{"name": name(p), "labels": labels, "upstream": upstream, "plugins": d.protection(p.ID, s)}
	if err := d.merge(ctx, made, "services", id); err != nil {
		return driver.API{}, err
	}
	way := map[string]any{"name": id, "service_id": id, "labels": labels, "uris": uris(p.Paths), "plugins": rewriting(p.Paths, u.Path)}
	if err := d.merge(ctx, way, "routes", id); err != nil {
		return driver.API{}, err
	}
	return d.api(service{ID: id, Name: name(p), Labels: labels}, []route{{URIs: uris(p.Paths)}}), nil
}

func name(p driver.Publication) string {
	if line := rest.Line(p.Name); line != "" {
		return line
	}
	return string(p.ID)
}

// protection are the plugins before a service; those that it has already stay as they are.
func (d *Driver) protection(api driver.APIID, s service) map[string]any {
	plugins := map[string]any{
		"key-auth":             map[string]any{"hide_credentials": true},
		"consumer-restriction": map[string]any{"type": "consumer_group_id", "whitelist": append([]string{string(api) + "."}, d.groups(api)...)}, // the first one is nobody's: a list needs one
	}
	for name, config := range s.Plugins {
		plugins[name] = config
	}
	return plugins
}

// uris match a path and all below it.
func uris(paths []string) []string {
	var list []string
	for _, path := range paths {
		path = strings.TrimRight(path, "/")
		if path != "" {
			list = append(list, path)
		}
		list = append(list, path+"/*")
	}
	return list
}

// rewriting takes the path at the gateway away, and puts that of the upstream in its place.
func rewriting(paths []string, upstream string) map[string]any {
	var pairs []string
	for _, path := range paths {
		pairs = append(pairs, "^"+regexp.QuoteMeta(strings.TrimRight(path, "/"))+"/?(.*)$", strings.TrimRight(upstream, "/")+"/$1")
	}
	return map[string]any{"proxy-rewrite": map[string]any{"regex_uri": pairs}}
}
