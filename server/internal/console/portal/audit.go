package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/callboard/callboard/server/internal/console/shell"
)

type auditView struct {
	Notices []string
	Managed bool
	Apps    []choice
	Events  []auditEvent
	App     string
}

type auditEvent struct {
	gatewayEvent

	AppName string
}

// eventsOfApp and maxEvents bound what is asked for of each application, and shown of all.
const (
	eventsOfApp = "100"
	maxEvents   = 200
)

// audit is what happened to the viewer's applications, the newest first.
func (p *Portal) audit(v *visit) {
	view := auditView{App: v.URL.Query().Get("app")}
	apps, err := v.apps()
	view.Managed = !isMissing(err)
	v.missed("Your applications", err)
	chosen := apps
	if view.App != "" {
		chosen = slices.DeleteFunc(slices.Clone(apps), func(a gatewayApp) bool { return a.ID != view.App })
	}
	chosen = chosen[:min(len(chosen), maxApps)]
	trails := make([][]gatewayEvent, len(chosen))
	var parts []func()
	for i, a := range chosen {
		parts = append(parts, func() {
			var err error
			trails[i], err = list[gatewayEvent](v, "/apps"+escaped(a.ID)+"/trail", url.Values{"limit": {eventsOfApp}})
			v.missed("The trail of "+a.Name, err)
		})
	}
	together(parts...)
	for i, a := range chosen {
		for _, e := range trails[i] {
			view.Events = append(view.Events, auditEvent{e, a.Name})
		}
	}
	slices.SortStableFunc(view.Events, func(x, y auditEvent) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(y.ID, x.ID)) })
	view.Events = view.Events[:min(len(view.Events), maxEvents)]
	for _, a := range apps {
		view.Apps = append(view.Apps, choice{Value: a.ID, Text: a.Name, Chosen: a.ID == view.App})
	}
	view.Notices = v.noticed()
	v.render(http.StatusOK, "audit", shell.Page{Title: "Audit", Active: "/console/audit", Data: view})
}
