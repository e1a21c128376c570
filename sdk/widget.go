package sdk

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// View is how the host draws a widget.
type View string

// The views. What columns each of them expects is in the README.
const (
	ViewStat      View = "stat"
	ViewTable     View = "table"
	ViewLine      View = "line"
	ViewArea      View = "area"
	ViewBar       View = "bar"
	ViewStacked   View = "stacked"
	ViewDonut     View = "donut"
	ViewSparkline View = "sparkline"
	ViewHeat      View = "heat"
	ViewGauge     View = "gauge"
	ViewList      View = "list"
	ViewStatus    View = "status"
	ViewForm      View = "form"
	ViewDocs      View = "docs"
)

var views = []View{
	ViewStat, ViewTable, ViewLine, ViewArea, ViewBar, ViewStacked, ViewDonut, ViewSparkline, ViewHeat, ViewGauge, ViewList, ViewStatus, ViewForm, ViewDocs,
}

// Widget is data that the host draws. Set Data, or Stream for several frames. A form has Submit, and the others only for
// what it needs: [Choices], a frame "values" of one row with what is filled in at first, and frames to show above it.
type Widget struct {
	ID, Title, Description string
	View                   View
	// For says which entities it is for: "kind:component,api", "annotation:sentry.io/project-slug", "*" = any, "" = none,
	// which makes it a widget of its own.
	For string
	// Args is a zero value of the struct that the widget's arguments are decoded into, by [WidgetArgs]; nil = none.
	Args any
	// Refresh is how long an answer may be shown before it is asked for again; 0 = the host's default.
	Refresh time.Duration
	// Permission that viewers need, "" = that of reading the entity.
	Permission string
	// Data answers one frame. Nobody is waiting for the frame to be complete: nil means that there is nothing to show.
	Data func(context.Context, WidgetQuery) (*frame.Frame, error)
	// Stream answers several frames.
	Stream func(context.Context, WidgetQuery) iter.Seq2[*frame.Frame, error]
	// Submit takes what was filled into a form, whose fields are those of Args. [Principal] says who sends it: a user or a
	// service, never nobody. An error tells the sender what may not be done, as errors of handlers do. The host never
	// repeats a call; a person may, with the same IdempotencyKey.
	Submit func(context.Context, WidgetQuery) (WidgetResult, error)
}

// WidgetQuery is what a viewer looks at.
type WidgetQuery struct {
	// Entity that the widget is shown for; nil = none.
	Entity Entity
	// From and To are the time range; zero = the widget's own default.
	From, To time.Time
	// MaxPoints is how many points can be told apart on the viewer's screen; 0 = unknown.
	MaxPoints int
	// Args is a JSON object, already checked against the schema.
	Args []byte
	// Locale is a BCP 47 language, TimeZone an IANA name.
	Locale, TimeZone string
	// User is the ref of the viewer, "" = nobody in particular.
	User string
	// IdempotencyKey of a form that is sent: the same for each repetition. Two senders may have the same one.
	IdempotencyKey string
}

// WidgetArgs decodes the arguments of a query, with defaults filled in. T is the type of [Widget.Args].
func WidgetArgs[T any](q WidgetQuery) (T, error) {
	var v T
	if wrong := schemaOf("WidgetArgs", reflect.TypeFor[T]()).decode(q.Args, &v); len(wrong) > 0 {
		return v, fmt.Errorf("arguments: %s: %w", wrong[0].GetSummary(), ErrInput)
	}
	return v, nil
}

// Widget registers a widget.
func (p *Plugin) Widget(w Widget) {
	switch {
	case w.Data != nil && w.Stream != nil, w.Data == nil && w.Stream == nil && w.Submit == nil:
		misusef("Widget %q: set one of Data and Stream", w.ID)
	case !slices.Contains(views, w.View):
		misusef("Widget %q: view %q is none of %v", w.ID, w.View, views)
	case w.Title == "":
		misusef("Widget %q needs a title", w.ID)
	}
	added := widget{Widget: w}
	if w.Args != nil {
		added.args = schemaOf(fmt.Sprintf("Widget %q args", w.ID), reflect.TypeOf(w.Args))
	}
	if w.Submit != nil {
		checkForm(w, added.args)
	}
	if w.Stream == nil {
		added.Stream = one(w.Data)
	}
	p.widgets.add(p, "widget", w.ID, added)
}

// one makes a stream of a function that answers once.
func one(data func(context.Context, WidgetQuery) (*frame.Frame, error)) func(context.Context, WidgetQuery) iter.Seq2[*frame.Frame, error] {
	return func(ctx context.Context, q WidgetQuery) iter.Seq2[*frame.Frame, error] {
		return func(yield func(*frame.Frame, error) bool) {
			if data == nil {
				return
			}
			f, err := data(ctx, q)
			if f != nil || err != nil {
				yield(f, err)
			}
		}
	}
}

type widget struct {
	Widget

	args *schema
}

type widgetServer struct {
	pluginv1.UnimplementedWidgetsServiceServer

	p *Plugin
}

func (s widgetServer) ListWidgets(context.Context, *pluginv1.ListWidgetsRequest) (*pluginv1.ListWidgetsResponse, error) {
	out := &pluginv1.ListWidgetsResponse{}
	for _, id := range s.p.widgets.names {
		w := s.p.widgets.byName[id]
		listed := &pluginv1.Widget{
			Id: id, Title: w.Title, Description: w.Description, View: string(w.View), AppliesTo: w.For,
			RefreshSeconds: seconds(w.Refresh), Permission: w.Permission, Submits: w.Submit != nil,
		}
		if w.args != nil {
			listed.ArgsSchemaJson = w.args.text
		}
		out.Widgets = append(out.Widgets, listed)
	}
	return out, nil
}

func (s widgetServer) QueryWidget(req *pluginv1.QueryWidgetRequest, stream grpc.ServerStreamingServer[pluginv1.QueryWidgetResponse]) error {
	w, err := s.p.widgets.get("widget", req.GetWidget())
	if err != nil {
		return err
	}
	q, err := w.query(req)
	if err != nil {
		return fmt.Errorf("widget %s: %w", w.ID, err)
	}
	for f, err := range w.Stream(stream.Context(), q) {
		if err != nil {
			return fmt.Errorf("widget %s: %w", w.ID, err)
		}
		for part, err := range f.Parts(maxMessage) {
			if err != nil {
				return fmt.Errorf("widget %s: %w", w.ID, err)
			}
			if err := stream.Send(&pluginv1.QueryWidgetResponse{FrameJson: part}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w widget) query(req *pluginv1.QueryWidgetRequest) (WidgetQuery, error) {
	q := WidgetQuery{
		MaxPoints: int(req.GetMaxPoints()), Args: req.GetArgsJson(), Locale: req.GetLocale(), TimeZone: req.GetTimeZone(), User: req.GetUserRef(),
	}
	if ms := req.GetFromMs(); ms != 0 {
		q.From = time.UnixMilli(ms).UTC()
	}
	if ms := req.GetToMs(); ms != 0 {
		q.To = time.UnixMilli(ms).UTC()
	}
	var err error
	if q.Entity, err = optionalEntity(req.GetEntityJson()); err != nil {
		return q, err
	}
	if w.args != nil && w.Submit == nil { // those of a form are not complete before it is sent
		into := reflect.New(reflect.TypeOf(w.Args)).Interface()
		if wrong := w.args.decode(q.Args, into); len(wrong) > 0 {
			return q, fmt.Errorf("arguments: %s: %w", wrong[0].GetSummary(), ErrInput)
		}
	}
	return q, nil
}

func optionalEntity(text []byte) (Entity, error) {
	if len(text) == 0 {
		return nil, nil
	}
	return decodeEntity(text)
}

var _ pluginv1.WidgetsServiceServer = widgetServer{}
