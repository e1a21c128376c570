package kong

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

// apiID is how the portal calls a service.
func apiID(s service) driver.APIID {
	if s.Name != "" {
		return driver.APIID(s.Name)
	}
	return driver.APIID(s.ID)
}

// served is what Kong serves, read at once.
type served struct {
	services []service
	routes   map[string][]route  // by service
	allowed  map[string][]string // groups, by service
}

func (d *Driver) served(ctx context.Context) (served, error) {
	all := served{routes: map[string][]route{}, allowed: map[string][]string{}}
	for s, err := range list[service](ctx, d, "/services") {
		if err != nil {
			return all, err
		}
		all.services = append(all.services, s)
	}
	for r, err := range list[route](ctx, d, "/routes") {
		if err != nil {
			return all, err
		}
		all.routes[r.Service.ID] = append(all.routes[r.Service.ID], r)
	}
	for p, err := range list[plugin](ctx, d, "/plugins") {
		if err != nil {
			return all, err
		}
		if p.Name == "acl" && p.Enabled && p.Service.ID != "" && p.Route.ID == "" && p.Consumer.ID == "" {
			all.allowed[p.Service.ID] = texts(p.Config["allow"])
		}
	}
	return all, nil
}

// exclusive reports whether exactly one service allows a group.
func (all served) exclusive(group string) bool {
	n := 0
	for _, groups := range all.allowed {
		if slices.Contains(groups, group) {
			n++
		}
	}
	return n == 1
}

// APIs implements [driver.Driver].
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	all, err := d.served(ctx)
	if err != nil {
		return rest.Failed[driver.API](err)
	}
	return func(yield func(driver.API, error) bool) {
		for _, s := range all.services {
			if !yield(d.api(s, all), nil) {
				return
			}
		}
	}
}

func (d *Driver) api(s service, all served) driver.API {
	a := driver.API{ID: apiID(s), Name: string(apiID(s)), BaseURL: d.address(all.routes[s.ID])}
	for _, tag := range s.Tags {
		if !strings.HasPrefix(tag, ours) {
			a.Tags = append(a.Tags, tag)
		}
	}
	for _, p := range d.options.Plans {
		a.Plans = append(a.Plans, p.ID)
	}
	for _, name := range all.allowed[s.ID] {
		if all.exclusive(name) && !slices.Contains(d.groups(a.ID), name) {
			a.Plans = append(a.Plans, driver.PlanID(name))
		}
	}
	return a
}

// address is where callers reach a service: by its first route whose path is no regular expression.
func (d *Driver) address(list []route) string {
	for _, r := range list {
		path := ""
		if len(r.Paths) > 0 {
			path = r.Paths[0]
		}
		if strings.HasPrefix(path, "~") {
			continue
		}
		if len(r.Hosts) > 0 && !strings.Contains(r.Hosts[0], "*") {
			scheme := "http"
			if slices.Contains(r.Protocols, "https") {
				scheme = "https"
			}
			return scheme + "://" + r.Hosts[0] + path
		}
		if d.options.Proxy != "" {
			return strings.TrimRight(d.options.Proxy, "/") + path
		}
	}
	return ""
}

// service reads the service of an API.
func (d *Driver) service(ctx context.Context, api driver.APIID) (service, error) {
	var s service
	err := d.get(ctx, &s, services.path, string(api))
	if err == nil && s.ID == "" {
		err = d.unavailable("answers something that is no service")
	}
	return s, err
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	s, err := d.service(ctx, api)
	if err != nil {
		return driver.Presentation{}, err
	}
	var there []route
	for r, err := range list[route](ctx, d, rest.Path(services.path, s.ID, routes.path)) {
		if err != nil {
			return driver.Presentation{}, err
		}
		there = append(there, r)
	}
	g, err := d.guard(ctx, s)
	if err != nil {
		return driver.Presentation{}, err
	}
	p := driver.Presentation{URL: d.address(there)}
	if g.keyAuth == nil {
		return p, d.problem(apierror.Conflict, "service %s asks for no key: plugin key-auth is not on at it", api)
	}
	names := append(texts(g.keyAuth.Config["key_names"]), "apikey")
	if g.keyAuth.Config["key_in_header"] != false {
		p.Header = names[0]
	}
	if g.keyAuth.Config["key_in_query"] != false {
		p.Query = names[0]
	}
	return p, nil
}

// Publish implements [driver.Driver]. A service of that name which the portal did not make is a conflict.
func (d *Driver) Publish(ctx context.Context, p driver.Publication) (driver.API, error) {
	n, err := d.writable(ctx)
	if err != nil {
		return driver.API{}, err
	}
	u, err := p.Check()
	if err != nil {
		return driver.API{}, err
	}
	port, _ := strconv.Atoi(u.Port()) // it was checked
	upstream := map[string]any{"name": string(p.ID), "protocol": u.Scheme, "host": u.Hostname(), "port": port, "path": nil, "tags": tagsOf(p)}
	if u.Path != "" {
		upstream["path"] = u.Path
	}
	id := stableID("service", string(p.ID))
	guarded, err := d.protect(ctx, n, p.ID, id)
	if err != nil {
		return driver.API{}, err
	}
	changes := append([]change{{verb: merge, kind: services, id: id, body: upstream}}, guarded...)
	changes = append(changes, change{verb: merge, kind: routes, id: stableID("route", string(p.ID)), body: map[string]any{
		"name": string(p.ID), "service": ref{id}, "paths": anys(p.Paths), "tags": tagsOf(p),
	}})
	if err := d.apply(ctx, n, changes...); err != nil {
		return driver.API{}, err
	}
	s := service{ID: id, Name: string(p.ID), Tags: p.Tags}
	return d.api(s, served{routes: map[string][]route{id: {{Paths: p.Paths}}}}), nil
}

// protect puts the plugins before a service that are not there: nobody gets in until a plan is given. On nodes that have no
// database in common they are put wherever they are not.
func (d *Driver) protect(ctx context.Context, n *Node, api driver.APIID, id string) ([]change, error) {
	g, err := d.guard(ctx, service{ID: id})
	if err != nil && !missing(err) {
		return nil, err
	}
	var changes []change
	if own := stableID("key-auth", id); g.keyAuth == nil || n.Declarative && g.keyAuth.ID == own {
		changes = append(changes, change{verb: put, kind: plugins, id: own, body: map[string]any{
			"name": "key-auth", "service": ref{id}, "tags": []any{ours}, "config": map[string]any{"hide_credentials": true},
		}})
	}
	if own := stableID("acl", id); g.acl == nil || n.Declarative && g.acl.ID == own {
		allow := []string{string(api) + ":"} // nobody's, since plugin acl needs one
		for _, name := range append(d.groups(api), g.allowed...) {
			if !slices.Contains(allow, name) {
				allow = append(allow, name)
			}
		}
		changes = append(changes, change{verb: put, kind: plugins, id: own, body: map[string]any{
			"name": "acl", "service": ref{id}, "tags": []any{ours}, "config": map[string]any{"allow": anys(allow), "hide_groups_header": true},
		}})
	}
	return changes, nil
}

func tagsOf(p driver.Publication) []any {
	tags := []any{ours}
	for _, tag := range p.Tags {
		if tag = asTag(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}
