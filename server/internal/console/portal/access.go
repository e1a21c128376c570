package portal

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

const accessPath = "/console/access"

// accessView is what the viewer has access with, asked for, and may decide.
type accessView struct {
	Notices   []string
	Problem   string
	Done      string
	Managed   bool
	Decisions []gatewayRequest
	Apps      []accessApp
	Owners    []choice
	// APIs are those that a request can be for; Form is one that was sent and refused.
	APIs []gatewayEntry
	Form requestForm
	// About tells that only what is about one entity is shown.
	About bool
	// Here is the page that forms lead back to.
	Here string
	// Forms are those of plugins for an entity.
	Forms []shownWidget
	// Once makes a form that is sent twice one request.
	Once string
}

// accessApp is an application of the viewer's.
type accessApp struct {
	gatewayApp

	Requests []gatewayRequest
	Keys     []gatewayKey
}

// doneTexts are what pages say after a form, by the word that its address ends with.
var doneTexts = map[string]string{
	"app": "The application is there. Ask for access to an API next.", "request": "The request is made.", "approve": "The request is approved.",
	"reject": "The request is rejected.", "cancel": "The request is taken back.", "suspend": "The key is refused until it is resumed.",
	"resume": "The key is accepted again.", "revoke": "The key is revoked.",
}

// access is the page of everything that the viewer has to do with access to APIs.
func (p *Portal) access(v *visit) {
	p.showAccess(v, http.StatusOK, accessView{Done: doneTexts[v.URL.Query().Get("done")]})
}

func (p *Portal) showAccess(v *visit, status int, view accessView) {
	view.Here, view.Once = accessPath, rand.Text()
	if err := v.fillAccess(&view); err != nil && !isMissing(err) {
		v.fail(err)
		return
	}
	view.Notices = v.noticed()
	v.render(status, "access", shell.Page{Title: "Access", Active: accessPath, Data: view})
}

// fillAccess asks for all of it. Its error is that of the applications: without them there is no page.
func (v *visit) fillAccess(view *accessView) error {
	var apps []gatewayApp
	var failed error
	together(
		func() { apps, failed = v.apps() },
		func() {
			var err error
			view.Decisions, err = v.decisions()
			v.missed("What waits for your decision", err)
		},
		func() {
			refs, err := v.ownership()
			v.missed("Your groups", err)
			for _, ref := range refs {
				view.Owners = append(view.Owners, choice{Value: ref, Text: linkTo(ref).Text})
			}
		},
		func() {
			var err error
			view.APIs, err = list[gatewayEntry](v, "/apis", nil)
			v.missed("APIs that can be asked for", err)
		},
	)
	if failed != nil {
		return failed
	}
	view.Managed = true
	requested := v.requestedBy(apps)
	keys := make([][]gatewayKey, min(len(apps), maxApps))
	var parts []func()
	for i := range keys {
		parts = append(parts, func() {
			var err error
			keys[i], err = list[gatewayKey](v, "/apps"+escaped(apps[i].ID)+"/credentials", nil)
			v.missed("Keys of "+apps[i].Name, err)
		})
	}
	together(parts...)
	for i, a := range apps {
		one := accessApp{gatewayApp: a, Requests: slices.DeleteFunc(requested[a.ID], func(r gatewayRequest) bool { return r.Status == "granted" })}
		if i < len(keys) {
			one.Keys = keys[i]
		}
		view.Apps = append(view.Apps, one)
	}
	return nil
}

// entityAccess is how the viewer stands to the API that an entity is about, and the form to ask for access.
func (p *Portal) entityAccess(v *visit) {
	p.showEntityAccess(v, http.StatusOK, accessView{Done: doneTexts[v.URL.Query().Get("done")]})
}

func (p *Portal) showEntityAccess(v *visit, status int, view accessView) {
	e, err := v.entity()
	if err != nil {
		v.fail(err)
		return
	}
	shown := v.viewOf(e, "Access")
	view.Here, view.Once = shown.Path+"/access", rand.Text()
	together(
		func() { v.missed("Access", v.fillAccess(&view)) },
		func() {
			widgets, err := v.widgetsOf(refOf(v.Request))
			v.missed("Forms of plugins", err)
			view.Forms = v.formsOf(widgets, shown.Entity.Ref)
		},
	)
	view.narrow(shown.Entity.Ref)
	shown.Body = &view
	shown.Notices = v.noticed()
	v.render(status, "entity-access", shell.Page{Title: "Access · " + shown.Entity.Title, Active: catalogPath, Styles: []string{widgetStyle}, Data: shown})
}

// narrow leaves what is about one entity. Applications that have nothing to do with it can still be chosen for a request.
func (view *accessView) narrow(ref string) {
	view.About = true
	view.APIs = slices.DeleteFunc(view.APIs, func(e gatewayEntry) bool { return e.Entity != ref })
	ours := func(gateway, api string) bool {
		return slices.ContainsFunc(view.APIs, func(e gatewayEntry) bool { return e.Gateway == gateway && e.API == api })
	}
	view.Decisions = slices.DeleteFunc(view.Decisions, func(r gatewayRequest) bool { return !ours(r.Gateway, r.API) })
	for i := range view.Apps {
		a := &view.Apps[i]
		a.Requests = slices.DeleteFunc(a.Requests, func(r gatewayRequest) bool { return !ours(r.Gateway, r.API) })
		a.Keys = slices.DeleteFunc(a.Keys, func(k gatewayKey) bool { return !ours(k.Gateway, k.API) })
		kept := a.Grants[:0:0]
		for _, g := range a.Grants {
			if ours(g.Gateway, g.API) {
				kept = append(kept, g)
			}
		}
		a.Grants = kept
	}
}

// Shown are the applications that are listed.
func (view accessView) Shown() []accessApp {
	if !view.About {
		return view.Apps
	}
	return slices.DeleteFunc(slices.Clone(view.Apps), func(a accessApp) bool { return len(a.Grants)+len(a.Requests)+len(a.Keys) == 0 })
}

// Plans are those of all APIs of the form, each once.
func (view accessView) Plans() []gatewayPlan {
	var all []gatewayPlan
	for _, e := range view.APIs {
		for _, p := range e.Plans {
			if !slices.ContainsFunc(all, func(q gatewayPlan) bool { return q.ID == p.ID }) {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(x, y gatewayPlan) int { return strings.Compare(x.ID, y.ID) })
	return all
}

// App is the name of an application by its id.
func (view accessView) App(id string) string {
	i := slices.IndexFunc(view.Apps, func(a accessApp) bool { return a.ID == id })
	if i < 0 {
		return id
	}
	return cmp.Or(view.Apps[i].Name, id)
}
