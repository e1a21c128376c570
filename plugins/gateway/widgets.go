package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/plugins/gateway/usage"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// appArgs are the arguments of a widget about one application.
type appArgs struct {
	App string `json:"app,omitempty" desc:"Id of the application; the viewer's first one with access unless set"`
}

// widgets registers what is shown on entities' pages. The host asks only for entities that the viewer may read.
func (g *plugin) widgets(p *sdk.Plugin) {
	const annotated = "annotation:" + apiAnnotation
	p.Widget(sdk.Widget{
		ID: "gateway-requests", Title: "Requests and errors", View: sdk.ViewLine, For: annotated, Refresh: time.Minute, Data: g.requestsWidget,
		Description: "What callers ask of the API, and how much of it fails",
	})
	p.Widget(sdk.Widget{
		ID: "gateway-latency", Title: "Latency", View: sdk.ViewLine, For: annotated, Refresh: time.Minute, Data: g.latencyWidget,
		Description: "Within which time half, 95 % and 99 % of the requests are answered",
	})
	p.Widget(sdk.Widget{
		ID: "gateway-quota", Title: "Quota", View: sdk.ViewStat, For: annotated, Args: appArgs{}, Refresh: time.Minute, Data: g.quotaWidget,
		Description: "What an application of the viewer has used of its plan, beside what the plan allows",
	})
	p.Widget(sdk.Widget{
		ID: "keys", Title: "My keys", View: sdk.ViewTable, For: "", Refresh: time.Minute, Data: g.keysWidget,
		Description: "The keys of the viewer's applications",
	})
	p.Widget(sdk.Widget{
		ID: "api-keys", Title: "My keys for this API", View: sdk.ViewTable, For: annotated, Refresh: time.Minute, Data: g.keysWidget,
		Description: "The keys of the viewer's applications for the API",
	})
}

// viewed is the first API of a widget's entity; without an instance, the entity names none, and nothing is shown.
func (g *plugin) viewed(w sdk.WidgetQuery) (*instance, apiRef, error) {
	if w.Entity == nil {
		return nil, apiRef{}, fmt.Errorf("the widget is shown for an entity: %w", sdk.ErrInput)
	}
	h := g.hub.Load()
	if len(h.apisOf(w.Entity)) == 0 {
		return nil, apiRef{}, nil
	}
	refs, err := h.annotated(w.Entity)
	if err != nil {
		return nil, apiRef{}, err
	}
	i, err := h.gateway(refs[0].gateway)
	return i, refs[0], err
}

func between(w sdk.WidgetQuery, apis []string) usage.Query {
	q := usage.Query{APIs: apis, From: w.From, To: w.To}
	if !w.From.IsZero() && !w.To.IsZero() && w.MaxPoints > 0 {
		q.Step = max(w.To.Sub(w.From)/time.Duration(w.MaxPoints), time.Second).Round(time.Second)
	}
	return q
}

func (g *plugin) requestsWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	i, ref, err := g.viewed(w)
	if err != nil || i == nil {
		return nil, err
	}
	source, names, err := i.source(ctx, ref.api)
	if err != nil {
		return nil, err
	}
	requests, err := source.Requests(ctx, between(w, names))
	if err != nil {
		return nil, err
	}
	columns := []*frame.Column{frame.Times("time", requests.Times...), summed("requests", "Requests", requests)}
	failed, err := source.Errors(ctx, between(w, names))
	switch {
	case err == nil:
		columns = append(columns, summed("errors", "Errors", failed))
	case !isNotImplemented(err): // some metrics do not know statuses
		return nil, err
	}
	return frame.New("requests", columns...), nil
}

// summed is a column of the one series of a result; an API that nobody has called yet has none.
func summed(name, label string, r usage.Result) *frame.Column {
	return column(frame.Numbers[float64](name).Labeled(label).Round(0), r, 0)
}

func column(c *frame.Column, r usage.Result, n int) *frame.Column {
	for k := range r.Times {
		if n < len(r.Series) && r.Series[n].Values[k] != nil {
			c.Add(*r.Series[n].Values[k])
		} else {
			c.Add(nil)
		}
	}
	return c
}

func (g *plugin) latencyWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	i, ref, err := g.viewed(w)
	if err != nil || i == nil {
		return nil, err
	}
	source, names, err := i.source(ctx, ref.api)
	if err != nil {
		return nil, err
	}
	r, err := source.Latency(ctx, between(w, names), quantiles...)
	if err != nil {
		return nil, err
	}
	f := frame.New("latency", frame.Times("time", r.Times...))
	for n, s := range r.Series {
		label := fmt.Sprintf("%g %%", 100*s.Quantile)
		f.Columns = append(f.Columns, column(frame.Numbers[float64](fmt.Sprintf("p%g", 100*s.Quantile)).Labeled(label).In("s").Round(3), r, n))
	}
	return f, nil
}

// quotaWidget answers what was used of the plan of an application, and what the plan allows.
func (g *plugin) quotaWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	i, ref, err := g.viewed(w)
	if err != nil || i == nil {
		return nil, err
	}
	args, err := sdk.WidgetArgs[appArgs](w)
	if err != nil {
		return nil, err
	}
	a, err := g.grantee(ctx, w.User, args.App, ref)
	if err != nil || a.ID == "" {
		return nil, err
	}
	q, err := i.driver.Quota(ctx, a.ID, ref.api)
	if err != nil {
		return nil, err
	}
	limit := fmt.Sprintf("%d requests per %s", q.Limit.Requests, windowName(q.Limit.Window))
	// A number beside the first would be taken for what it was before.
	return frame.New("quota", frame.Numbers("used", q.Used).Labeled(a.Name+", of "+limit).Round(0), frame.Strings("limit", limit).Labeled("Limit")), nil
}

func windowName(d time.Duration) string {
	for name, window := range windows {
		if window == d {
			return name
		}
	}
	return d.String()
}

// grantee is an application of the viewer that has access to an API: the named one, or the first; without an id, none.
func (g *plugin) grantee(ctx context.Context, user, id string, ref apiRef) (lifecycle.App, error) {
	a, err := g.user(ctx, user)
	if err != nil {
		return lifecycle.App{}, err
	}
	if id != "" {
		return g.app(ctx, a, id, false)
	}
	apps, err := g.hub.Load().engine.Apps(ctx, a.owns...)
	n := slices.IndexFunc(apps, func(a lifecycle.App) bool {
		_, ok := a.Grant(ref.gateway, ref.api)
		return ok
	})
	if err != nil || n < 0 {
		return lifecycle.App{}, err
	}
	return apps[n], nil
}

// states are those of a credential, for colours.
var states = []string{
	string(lifecycle.Active), string(lifecycle.Retiring), string(lifecycle.Suspended), string(lifecycle.Issuing),
	string(lifecycle.Revoked), string(lifecycle.Expired), string(lifecycle.Failed),
}

// maxKeys bounds a table that people read.
const maxKeys = 200

// keysWidget lists the keys of the viewer's applications, for the entity's API or for all, and those that have ended within
// the last month.
func (g *plugin) keysWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	var only apiRef
	if w.Entity != nil {
		i, ref, err := g.viewed(w)
		if err != nil || i == nil {
			return nil, err
		}
		only = ref
	}
	keys, err := g.held(ctx, w.User)
	if err != nil {
		return nil, err
	}
	f := frame.New("keys", frame.Strings("app").Labeled("Application"), frame.Strings("api").Labeled("API"), frame.Strings("key").Labeled("Key"),
		frame.Strings("label").Labeled("Label"), frame.Enums("state", states).Labeled("State"), frame.Times("created").Labeled("Since"),
		frame.Times("expires").Labeled("Ends"), frame.Strings("refused").Labeled("Refused after"))
	for _, k := range keys {
		ref := apiRef{k.Gateway, k.API}
		recent := k.State.Alive() || g.now().Sub(k.Ended) < 30*24*time.Hour
		if f.Rows() < maxKeys && recent && (w.Entity == nil || ref == only) {
			f.Append(k.app.Name, ref.String(), k.Prefix+"…", k.Label, string(k.State), k.Created, ends(k.Credential), refused(k.Credential))
		}
	}
	return f, nil
}

func ends(c lifecycle.Credential) any {
	at := c.Expires
	if !c.Retires.IsZero() {
		at = c.Retires
	}
	if !c.Ended.IsZero() {
		at = c.Ended
	}
	if at.IsZero() {
		return nil
	}
	return at
}

// refused is how long the gateway took to refuse an ended key.
func refused(c lifecycle.Credential) any {
	if len(c.Proofs) == 0 {
		return nil
	}
	p := c.Proofs[len(c.Proofs)-1]
	if p.Result != lifecycle.Refused {
		return string(p.Result)
	}
	return p.Took.Round(time.Millisecond).String() + " (" + p.By + ")"
}

var severities = []string{"critical", "warning", "advisory", "approval"}

// findingsFrame is what rules of the policy have to say.
func findingsFrame(v lifecycle.Verdict) *frame.Frame {
	f := frame.New("Policy", frame.Enums("severity", severities).Labeled("Severity"), frame.Strings("message").Labeled("The policy says"))
	for n, findings := range [][]lifecycle.Finding{v.Critical, v.Warning, v.Advisory} {
		for _, one := range findings {
			f.Append(severities[n], one.Message+" ("+one.Rule+")")
		}
	}
	return f
}

// verdictFrame is that before the request is made, and whether somebody must approve it.
func verdictFrame(v lifecycle.Verdict) *frame.Frame {
	f := findingsFrame(v)
	if v.Approval == lifecycle.ApprovalRequired {
		f.Append("approval", "an owner of the API must approve it")
	} else {
		f.Append("approval", "nobody needs to approve it")
	}
	return f
}
