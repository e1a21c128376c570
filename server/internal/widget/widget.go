package widget

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/frame"
)

// Widget answers the data of one widget.
//
// Laws: Description does not block and is the same until the widget is replaced. Query is called from many goroutines; it
// honours ctx, and its frames are valid, named apart, at most 8 MiB together as JSON, and not used by the widget
// afterwards. The caller has checked that the viewer may read the entity and holds the widget's permission; the widget
// decides about its own data. Errors are apierror's; the text of others is not shown.
type Widget interface {
	Description() Description
	Query(ctx context.Context, q Query) ([]*frame.Frame, error)
}

// View is how frames are drawn.
type View string

// The views.
const (
	Stat      View = "stat"
	Table     View = "table"
	Line      View = "line"
	Area      View = "area"
	Bar       View = "bar"
	Stacked   View = "stacked"
	Donut     View = "donut"
	Sparkline View = "sparkline"
	Heat      View = "heat"
	Gauge     View = "gauge"
	List      View = "list"
	Status    View = "status"
	Form      View = "form"
	Docs      View = "docs"
)

// Known reports whether the host can draw the view.
func (v View) Known() bool {
	switch v {
	case Stat, Table, Line, Area, Bar, Stacked, Donut, Sparkline, Heat, Gauge, List, Status, Form, Docs:
		return true
	default:
		return false
	}
}

// ID names a widget in the host: "<plugin>/<widget>", "sentry/open-issues".
type ID string

// Split answers the plugin and its name for the widget.
func (id ID) Split() (plugin, name string) {
	plugin, name, _ = strings.Cut(string(id), "/")
	return plugin, name
}

// Description is what a widget says about itself.
type Description struct {
	ID                 ID
	Title, Description string
	View               View
	AppliesTo          AppliesTo
	ArgsSchema         json.RawMessage // JSON Schema of args, nil = there are none
	// Refresh is how long an answer may be shown; 0 = the host decides.
	Refresh time.Duration
	// Permission is what viewers need, "" = that of reading the entity.
	Permission string
	// Submits: it is a [Form] that takes what is filled in, as a [Submitter].
	Submits bool
}

// Query is one question for data. Entity is the caller's and must not be changed; nil = none.
type Query struct {
	Entity    entity.Entity
	From, To  time.Time // zero = the widget's own default
	MaxPoints int
	Args      json.RawMessage // a JSON object that fits ArgsSchema, nil = none
	Locale    string          // BCP 47
	TimeZone  string          // IANA
	User      string          // entity ref of the viewer, "" = nobody in particular
}
