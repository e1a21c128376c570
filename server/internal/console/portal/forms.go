package portal

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/console/shell"
)

// requestForm is a request for access as the form has it.
type requestForm struct {
	App, API, Plan, Days, Reason, Override string
}

// back leads to the page that a form was on, or to the page of access; done says what to tell there.
func (v *visit) back(done string) {
	http.Redirect(v.w, v.Request, v.cameFrom()+"?done="+done, http.StatusSeeOther)
}

// cameFrom is the page that a form was on: that of access, or the tab of an entity.
func (v *visit) cameFrom() string {
	here := shell.Return(v.PostFormValue("here"))
	if rest, ok := strings.CutPrefix(here, catalogPath+"/"); ok && strings.Count(rest, "/") == 3 && strings.HasSuffix(rest, "/access") && !strings.ContainsAny(rest, "?#") {
		return here
	}
	return accessPath
}

// refused shows the page that a form was on again, with why it was refused.
func (p *Portal) refused(v *visit, err error, form requestForm) {
	status := statusOf(err)
	if status == http.StatusUnauthorized {
		p.o.SignIn(v.w, v.Request)
		return
	}
	v.log(err)
	view := accessView{Problem: Told(err, "This could not be done at the moment. Nothing is known to have changed; look before you try again."), Form: form}
	if status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		status = http.StatusServiceUnavailable
	}
	if from, ok := strings.CutPrefix(v.cameFrom(), catalogPath+"/"); ok {
		segments := strings.Split(from, "/")
		v.SetPathValue("namespace", segments[0])
		v.SetPathValue("kind", segments[1])
		v.SetPathValue("name", segments[2])
		p.showEntityAccess(v, status, view)
		return
	}
	p.showAccess(v, status, view)
}

// createApp makes an application for the viewer, or for a group of theirs.
func (p *Portal) createApp(v *visit) {
	body := map[string]string{"name": v.PostFormValue("name"), "description": v.PostFormValue("description")}
	if owner := v.PostFormValue("owner"); owner != "" {
		body["owner"] = owner
	}
	if err := v.change("/apps", body, v.PostFormValue("once"), nil); err != nil {
		p.refused(v, err, requestForm{})
		return
	}
	v.back("app")
}

// requestAccess asks for access of an application to an API.
func (p *Portal) requestAccess(v *visit) {
	f := requestForm{App: v.PostFormValue("app"), API: v.PostFormValue("api"), Plan: v.PostFormValue("plan"), Days: v.PostFormValue("ttlDays"),
		Reason: v.PostFormValue("reason"), Override: v.PostFormValue("overrideReason")}
	body := map[string]any{"app": f.App, "api": f.API, "plan": f.Plan, "reason": f.Reason, "overrideReason": f.Override}
	if f.Days != "" {
		days, err := strconv.Atoi(f.Days)
		if err != nil {
			p.refused(v, &failure{Status: http.StatusBadRequest, Message: "Days: must be a whole number."}, f)
			return
		}
		body["ttlDays"] = days
	}
	if err := v.change("/requests", body, v.PostFormValue("once"), nil); err != nil {
		p.refused(v, err, f)
		return
	}
	v.back("request")
}

// decide approves, rejects or takes back a request.
func (p *Portal) decide(v *visit) {
	action := v.PathValue("action")
	var body any
	switch action {
	case "approve", "reject":
		body = map[string]string{"comment": v.PostFormValue("comment")}
	case "cancel":
	default:
		p.o.Missing(v.w, v.Request)
		return
	}
	if err := v.change("/requests"+escaped(v.PathValue("id"), action), body, "", nil); err != nil {
		p.refused(v, err, requestForm{})
		return
	}
	v.back(action)
}

// issued is a key with its secret, which is told this once.
type issued struct {
	Credential gatewayKey
	Secret     string
	Replayed   bool
	Present    struct{ URL, Header, Scheme, Query string }
	Here       string
}

// issueKey makes a key. Its secret is on the page that answers the form, and nowhere else: not in an address, not kept
// until another request. The page may be sent for again, because the key of the request makes it the same key.
func (p *Portal) issueKey(v *visit) {
	body := map[string]string{"api": v.PostFormValue("api"), "label": v.PostFormValue("label")}
	p.showKey(v, "/apps"+escaped(v.PathValue("app"))+"/credentials", body)
}

func (p *Portal) showKey(v *visit, path string, body any) {
	once := v.PostFormValue("once")
	if once == "" {
		p.refused(v, &failure{Status: http.StatusBadRequest, Message: "The form was incomplete. Load the page again."}, requestForm{})
		return
	}
	var key issued
	if err := v.change(path, body, once, &key); err != nil {
		p.refused(v, err, requestForm{})
		return
	}
	key.Here = v.cameFrom()
	v.render(http.StatusOK, "key", shell.Page{Title: "New key", Active: accessPath, Data: key})
}

// changeKey rotates, suspends, resumes or revokes a key.
func (p *Portal) changeKey(v *visit) {
	action := v.PathValue("action")
	path := "/credentials" + escaped(v.PathValue("id"), action)
	switch action {
	case "rotate":
		p.showKey(v, path, map[string]string{"grace": cmp.Or(v.PostFormValue("grace"), "24h")})
	case "suspend", "resume", "revoke":
		if err := v.change(path, map[string]string{"reason": v.PostFormValue("reason")}, "", nil); err != nil {
			p.refused(v, err, requestForm{})
			return
		}
		v.back(action)
	default:
		p.o.Missing(v.w, v.Request)
	}
}

// entityRefOf reads a ref of an address; "" = none.
func entityRefOf(text string) string {
	r, err := entity.ParseRef(text, entity.Defaults{Namespace: entity.DefaultNamespace})
	if err != nil {
		return ""
	}
	return string(r.Canonical())
}
