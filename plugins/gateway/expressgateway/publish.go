package expressgateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

var endpointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$`)

// Publish implements [driver.Driver]. The gateway reads its configuration again a few seconds after it changed; what is as it
// should be is left alone. A pipeline that is there already keeps its policies: somebody may have set limits in it.
func (d *Driver) Publish(ctx context.Context, p driver.Publication) (driver.API, error) {
	name := string(p.ID)
	if err := d.checkPublication(p); err != nil {
		return driver.API{}, err
	}
	paths := []string{}
	for _, prefix := range p.Paths {
		prefix = strings.TrimRight(prefix, "/")
		paths = append(paths, prefix+"/*")
		if prefix != "" {
			paths = append(paths, prefix)
		}
	}
	if err := d.ensureScope(ctx, name); err != nil {
		return driver.API{}, err
	}
	for _, part := range []struct {
		in    string
		value any
	}{
		{"service-endpoints", map[string]any{"url": p.Upstream}},
		{"api-endpoints", map[string]any{"host": "*", "paths": paths, "scopes": []string{name}}},
	} {
		if err := d.configure(ctx, part.in, name, part.value); err != nil {
			return driver.API{}, err
		}
	}
	if err := d.ensurePipeline(ctx, name); err != nil {
		return driver.API{}, err
	}
	return driver.API{
		ID: p.ID, Name: name, BaseURL: d.address(endpoint{Paths: oneOrMany{p.Paths[0]}}), Plans: []driver.PlanID{driver.PlanID(name)},
	}, nil
}

func (d *Driver) checkPublication(p driver.Publication) error {
	if !endpointName.MatchString(string(p.ID)) {
		return apierror.Inputf("%s: API id %q: letters, digits, _ and -, at most 80", d.admin.Name, p.ID)
	}
	u, err := url.Parse(p.Upstream)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return apierror.Inputf("%s: upstream %q: http or https, and a host", d.admin.Name, p.Upstream)
	}
	if len(p.Paths) == 0 {
		return apierror.Inputf("%s: API %s needs a path", d.admin.Name, p.ID)
	}
	for _, path := range p.Paths {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "*:()?+ ") {
			return apierror.Inputf("%s: path %q: it begins with / and has none of the characters * : ( ) ? +", d.admin.Name, path)
		}
	}
	return nil
}

// configure writes one entry of the configuration unless it is there as it should be.
func (d *Driver) configure(ctx context.Context, in, name string, value any) error {
	var all map[string]any
	if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/" + in}, &all); err != nil {
		return err
	}
	var plain any
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil || reflect.DeepEqual(all[name], plain) {
		return err
	}
	return d.call(ctx, rest.Request{Method: http.MethodPut, Path: rest.Path(in, name), Body: value}, nil)
}

// ensurePipeline has requests to an endpoint checked for a key and passed on, unless a pipeline does that already.
func (d *Driver) ensurePipeline(ctx context.Context, name string) error {
	pipelines, err := d.pipelines(ctx)
	if err != nil || pipelineOf(pipelines, name) != "" {
		return err
	}
	if _, taken := pipelines[name]; taken {
		return apierror.Conflictf("%s has a pipeline %s, which is not for the API endpoint of that name", d.admin.Name, name)
	}
	for _, policy := range []string{keyAuth, "proxy"} {
		if err := d.call(ctx, rest.Request{Method: http.MethodPut, Path: rest.Path("policies", policy)}, nil); err != nil {
			return err
		}
	}
	step := func(action map[string]any) []any { return []any{map[string]any{"action": action}} }
	return d.configure(ctx, "pipelines", name, map[string]any{
		"apiEndpoints": []string{name},
		"policies": []any{
			map[string]any{keyAuth: step(map[string]any{})},
			map[string]any{"proxy": step(map[string]any{"serviceEndpoint": name, "changeOrigin": true})},
		},
	})
}
