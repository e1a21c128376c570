package caps

import (
	"context"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/widget"
)

// Widgets brings plugins' widgets into a registry. A widget's id there is "<plugin>/<widget>".
func Widgets(registry *widget.Registry, o WidgetOptions) *Importer {
	i := newImporter("widgets", o.ImporterOptions)
	i.announced = func(p manifest.Provides) []string { return p.Widgets }
	i.meet = func(ctx context.Context, c *Client, s Source, promised []string) error {
		list, err := listWidgets(ctx, c, s, promised, remoteForm{options: o, onBehalfOf: i.onBehalfOf(c.plugin)})
		if err != nil {
			return err
		}
		return registry.Set(sourceOf(c.plugin), list)
	}
	i.remove = func(id manifest.ID) { registry.Remove(sourceOf(id)) }
	return i
}

// listWidgets lists what an instance has. Those that take input are made after form.
func listWidgets(ctx context.Context, c *Client, s Source, promised []string, form remoteForm) ([]widget.Widget, error) {
	const call = "ListWidgets"
	answer, err := unary(ctx, c, call, c.limits.Quick, pluginv1.NewWidgetsServiceClient(c.conn).ListWidgets, &pluginv1.ListWidgetsRequest{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(answer.GetWidgets()))
	list := make([]widget.Widget, len(answer.GetWidgets()))
	for i, w := range answer.GetWidgets() {
		d := widget.Description{
			ID: widget.ID(local(c.plugin, w.GetId())), Title: excerpt.Of(w.GetTitle(), 200), Description: excerpt.Of(w.GetDescription(), 4000),
			View: widget.View(w.GetView()), Refresh: time.Duration(max(0, min(w.GetRefreshSeconds(), 86400))) * time.Second,
			Permission: excerpt.Of(w.GetPermission(), 200), Submits: w.GetSubmits(),
		}
		if !d.View.Known() {
			return nil, c.wrong(call, "%s: the view %q, which the host does not know", excerpt.Short(w.GetId()), excerpt.Short(w.GetView()))
		}
		if d.Submits && d.View != widget.Form {
			return nil, c.wrong(call, "%s: it takes input, and is no form but a %s", excerpt.Short(w.GetId()), d.View)
		}
		if d.AppliesTo, err = widget.ParseAppliesTo(w.GetAppliesTo()); err != nil {
			return nil, c.wrong(call, "%s: applies_to: %s", excerpt.Short(w.GetId()), err)
		}
		if d.ArgsSchema, err = readObject("an args schema", []byte(w.GetArgsSchemaJson()), maxSchema); err != nil {
			return nil, c.wrong(call, "%s: %s", excerpt.Short(w.GetId()), err)
		}
		shown := remoteWidget{source: s, name: w.GetId(), description: d}
		ids[i], list[i] = w.GetId(), &shown
		if d.Submits {
			list[i] = &remoteForm{remoteWidget: shown, options: form.options, onBehalfOf: form.onBehalfOf}
		}
	}
	return list, c.listed(call, ids, promised)
}

// remoteWidget is a widget of a plugin.
type remoteWidget struct {
	source      Source
	name        string
	description widget.Description
}

// Description implements [widget.Widget].
func (w *remoteWidget) Description() widget.Description { return w.description }

// Query implements [widget.Widget].
func (w *remoteWidget) Query(ctx context.Context, q widget.Query) ([]*frame.Frame, error) {
	c, err := w.source.Client(ctx)
	if err != nil {
		return nil, err
	}
	request := &pluginv1.QueryWidgetRequest{
		Widget: w.name, FromMs: millis(q.From), ToMs: millis(q.To), MaxPoints: int32(min(max(q.MaxPoints, 0), 1_000_000)),
		ArgsJson: q.Args, Locale: q.Locale, TimeZone: q.TimeZone, UserRef: q.User,
	}
	if q.Entity != nil {
		if request.EntityJson, err = writeEntity(q.Entity); err != nil {
			return nil, err
		}
	}
	a := assembly{client: c, call: "QueryWidget " + w.name, byName: map[string]*frame.Frame{}}
	b := c.budget()
	b.place = c.calls                                                                 // short, and many at a time
	b.idle, b.total, b.bytes = c.limits.Query, c.limits.Query, 2*c.limits.WidgetBytes // what counts is below
	err = stream(ctx, c, a.call, b, pluginv1.NewWidgetsServiceClient(c.conn).QueryWidget, request, a.take)
	if err != nil {
		return nil, err
	}
	return a.frames, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// assembly joins the parts of frames.
type assembly struct {
	client *Client
	call   string
	bytes  int
	frames []*frame.Frame
	byName map[string]*frame.Frame
}

// maxFrames is how many frames one answer may have: a view knows a handful.
const maxFrames = 100

func (a *assembly) take(m *pluginv1.QueryWidgetResponse) error {
	if a.bytes += len(m.GetFrameJson()); a.bytes > a.client.limits.WidgetBytes {
		return a.client.tooMuch(a.call, "frames of more than %d bytes", a.client.limits.WidgetBytes)
	}
	f, err := frame.Decode(m.GetFrameJson())
	if err != nil {
		return a.client.wrong(a.call, "%s", excerpt.Short(err.Error()))
	}
	if first := a.byName[f.Name]; first != nil {
		if err := first.Join(f); err != nil {
			return a.client.wrong(a.call, "%s", excerpt.Short(err.Error()))
		}
		return nil
	}
	if len(a.frames) == maxFrames {
		return a.client.tooMuch(a.call, "more than %d frames", maxFrames)
	}
	a.byName[f.Name] = f
	a.frames = append(a.frames, f)
	return nil
}

var _ widget.Widget = (*remoteWidget)(nil)
