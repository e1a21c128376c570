package expressgateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

var endpointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$`)

const (
	// The gateway reads its configuration again two seconds after the last change.
	reread      = 250 * time.Millisecond
	rereadTries = 48
)

// Publish implements [driver.Driver]. It returns when the gateway tells that it has read what was written. What is as it
// should be is not written, and a pipeline that is there keeps its policies: somebody may have set limits in it.
func (d *Driver) Publish(ctx context.Context, p driver.Publication) (driver.API, error) {
	if err := d.checkPublication(p); err != nil {
		return driver.API{}, err
	}
	name := string(p.ID)
	if err := d.ensureScope(ctx, name); err != nil {
		return driver.API{}, err
	}
	missing, err := d.missing(ctx, p)
	if err != nil {
		return driver.API{}, err
	}
	for _, e := range missing {
		if err := d.call(ctx, rest.Request{Method: http.MethodPut, Path: rest.Path(e.in, e.name), Body: e.value}, nil); err != nil {
			return driver.API{}, err
		}
	}
	if len(missing) > 0 {
		if err := d.settle(ctx, p); err != nil {
			return driver.API{}, err
		}
	}
	return driver.API{
		ID: p.ID, Name: name, BaseURL: d.address(endpoint{Paths: oneOrMany{p.Paths[0]}}), Plans: []driver.PlanID{driver.PlanID(name)},
	}, nil
}

// settle waits until the gateway has read what was written.
func (d *Driver) settle(ctx context.Context, p driver.Publication) error {
	for range rereadTries {
		missing, err := d.missing(ctx, p)
		if err != nil || len(missing) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reread):
		}
	}
	return apierror.Newf(apierror.ServiceUnavailable, "%s took a new configuration and does not read it", d.admin.Name)
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

// entry is one of the gateway's configuration.
type entry struct {
	in, name string
	value    any
}

// missing are the entries of an API that the gateway does not have as they should be, in the order in which they refer to
// each other.
func (d *Driver) missing(ctx context.Context, p driver.Publication) ([]entry, error) {
	name := string(p.ID)
	var missing []entry
	for _, want := range []entry{
		{"service-endpoints", name, map[string]any{"url": p.Upstream}},
		{"api-endpoints", name, map[string]any{"host": "*", "paths": patterns(p.Paths), "scopes": []string{name}}},
	} {
		var all map[string]any
		if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/" + want.in}, &all); err != nil {
			return nil, err
		}
		if !sameJSON(all[name], want.value) {
			missing = append(missing, want)
		}
	}
	pipelines, err := d.pipelines(ctx)
	if err != nil {
		return nil, err
	}
	if pipelineOf(pipelines, name) != "" {
		return missing, nil
	}
	if _, taken := pipelines[name]; taken {
		return nil, apierror.Conflictf("%s has a pipeline %s, which is not for the API endpoint of that name", d.admin.Name, name)
	}
	return append(missing, entry{"policies", keyAuth, nil}, entry{"policies", "proxy", nil}, entry{"pipelines", name, newPipeline(name)}), nil
}

// patterns are the paths as the gateway matches them: each for itself, and what is below it.
func patterns(prefixes []string) []string {
	var paths []string
	for _, prefix := range prefixes {
		prefix = strings.TrimRight(prefix, "/")
		if prefix != "" {
			paths = append(paths, prefix)
		}
		paths = append(paths, prefix+"/*")
	}
	return paths
}

// newPipeline has requests checked for a key and passed on.
func newPipeline(name string) map[string]any {
	step := func(action map[string]any) []any { return []any{map[string]any{"action": action}} }
	return map[string]any{
		"apiEndpoints": []string{name},
		"policies": []any{
			map[string]any{keyAuth: step(map[string]any{})},
			map[string]any{"proxy": step(map[string]any{"serviceEndpoint": name, "changeOrigin": true})},
		},
	}
}

// sameJSON compares a value that was read with one that would be written.
func sameJSON(read, value any) bool {
	text, err := json.Marshal(value)
	if err != nil {
		return false
	}
	var plain any
	return json.Unmarshal(text, &plain) == nil && reflect.DeepEqual(read, plain)
}
