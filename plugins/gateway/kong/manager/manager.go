package manager

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/callboard/callboard/plugins/gateway/kong"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Config is what an operator says.
type Config struct {
	// Instances are Kongs by their Options.Name, which annotations and addresses use.
	Instances []kong.Options
	// Operators are refs of groups and users who may change every service.
	Operators []string
	// ByPolicy has the portal's permission policy alone say who may change a service.
	ByPolicy bool
}

// Manager is the facade. It is an [http.Handler] of paths such as /eu/services/orders, below wherever it is mounted.
type Manager struct {
	host   *sdk.Host
	config atomic.Pointer[config]
}

type config struct {
	Config

	instances map[string]*instance
}

// instance is one Kong.
type instance struct {
	name   string
	client *rest.Client
	prefix string // of its workspace
}

// New makes a facade without instances.
func New(host *sdk.Host) *Manager {
	m := &Manager{host: host}
	m.Configure(Config{})
	return m
}

// Configure replaces what the operator says; requests under way go on with the former.
func (m *Manager) Configure(c Config) {
	next := &config{Config: c, instances: map[string]*instance{}}
	for _, o := range c.Instances {
		i := &instance{name: o.Name, client: kong.Client(o)}
		if o.Workspace != "" {
			i.prefix = rest.Path(o.Workspace)
		}
		next.instances[o.Name] = i
	}
	m.config.Store(next)
}

// Health answers GET /health, which is for everybody.
func Health(w http.ResponseWriter, _ *http.Request) {
	sdk.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ServeHTTP implements [http.Handler].
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments, ok := split(r.URL.EscapedPath())
	if !ok {
		writeError(w, r, apierror.Inputf("path %s cannot be read", rest.Line(r.URL.Path)))
		return
	}
	found, values, allow := find(r.Method, segments)
	switch {
	case found == nil && len(allow) > 0:
		w.Header().Set("Allow", strings.Join(allow, ", "))
		writeError(w, r, &apierror.Error{Name: apierror.Input, Message: "method " + r.Method + " is not for this path", Status: http.StatusMethodNotAllowed})
	case found == nil:
		writeError(w, r, apierror.NotFoundf("there is no route %s", rest.Line(r.URL.Path)))
	default:
		c := &call{Manager: m, config: m.config.Load(), r: r, caller: sdk.Principal(r.Context()), values: values}
		c.run(w, *found)
	}
}

// split takes a path apart, each segment decoded.
func split(path string) ([]string, bool) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}

// call is one request to the facade.
type call struct {
	*Manager

	config *config
	r      *http.Request
	caller sdk.Caller
	values map[string]string // of the path
	to     *instance
}

func (c *call) run(w http.ResponseWriter, found route) {
	status, answer, err := c.answer(found)
	if c.r.Context().Err() != nil {
		return // the caller has gone: nobody is left to be told
	}
	if found.writes != "" {
		c.audit(found, err)
	}
	switch {
	case err != nil:
		writeError(w, c.r, err)
	case answer == nil:
		w.WriteHeader(status)
	default:
		sdk.WriteJSON(w, status, answer)
	}
}

func (c *call) answer(found route) (int, any, error) {
	if found.permission.Name != "" {
		if err := c.permitted(found.permission); err != nil {
			return 0, nil, err
		}
	}
	if name, named := c.values["instance"]; named {
		if c.to = c.config.instances[name]; c.to == nil {
			return 0, nil, apierror.NotFoundf("There is no Kong instance %q; the settings of the plugin name the instances that there are", rest.Line(name))
		}
	}
	answer, err := found.answer(c)
	return found.status, answer, err
}

// longestBody is far above the configuration of a plugin.
const longestBody = 1 << 20

// config reads {"config": {…}}, which older frontends call configs.
func (c *call) body() (map[string]any, error) {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, longestBody+1))
	if err != nil {
		return nil, apierror.Inputf("the body cannot be read: %v", err)
	}
	if len(data) > longestBody {
		return nil, apierror.Inputf("the body is longer than %d bytes", longestBody)
	}
	var body struct{ Config, Configs map[string]any }
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, apierror.Inputf(`the body must be {"config": {…}}: %v`, err)
	}
	if body.Config == nil {
		body.Config = body.Configs
	}
	if body.Config == nil {
		return nil, apierror.Inputf("config: is missing in the body")
	}
	return body.Config, nil
}

// ask calls Kong.
func (c *call) ask(method string, body, out any, segments ...string) error {
	return c.to.client.Do(c.r.Context(), method, c.to.prefix+rest.Path(segments...), nil, body, out)
}

// list reads a collection whole.
func (c *call) list(segments ...string) ([]map[string]any, error) {
	all := []map[string]any{}
	for one, err := range rest.Pages(func(offset string) ([]map[string]any, string, error) {
		query := url.Values{"size": {"1000"}}
		if offset != "" {
			query.Set("offset", offset)
		}
		var page struct {
			Data   []map[string]any `json:"data"`
			Offset string           `json:"offset"`
		}
		err := c.to.client.Do(c.r.Context(), http.MethodGet, c.to.prefix+rest.Path(segments...), query, nil, &page)
		return page.Data, page.Offset, err
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// audit records what was changed in Kong, or tried. What was done is done: that it cannot be recorded does not fail it.
func (c *call) audit(found route, failure error) {
	meta := map[string]any{}
	for name, value := range c.values {
		meta[name] = rest.Line(value)
	}
	if failure != nil {
		meta["error"] = rest.Line(failure.Error())
	}
	actor := ""
	if c.caller.IsUser() {
		actor = c.caller.Subject
	}
	e := sdk.AuditEvent{Event: found.writes, Severity: "medium", Failed: failure != nil, Actor: actor, Meta: meta}
	if err := c.host.Audit.Write(c.r.Context(), e); err != nil {
		slog.ErrorContext(c.r.Context(), "an audit event could not be recorded", "event", found.writes, "actor", actor, "error", err)
	}
}

// writeError answers an error as Backstage does. When Kong said something, that is the error's cause.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e, named := errors.AsType[*apierror.Error](err)
	refusal, refused := rest.RefusalOf(err)
	var said map[string]any
	told := refused && json.Unmarshal(refusal.Body, &said) == nil
	if !named || !told && e.Status == 0 {
		sdk.WriteError(w, r, err)
		return
	}
	problem := map[string]any{"name": e.Name, "message": e.Message}
	if said != nil {
		problem["cause"] = said
	}
	sdk.WriteJSON(w, e.HTTPStatus(), map[string]any{
		"error": problem, "request": map[string]any{"method": r.Method, "url": r.URL.RequestURI()}, "response": map[string]any{"statusCode": e.HTTPStatus()},
	})
}
