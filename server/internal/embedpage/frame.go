package embedpage

import (
	"bytes"
	"cmp"
	"crypto/rand"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

//go:embed frame.html
var frameHTML string

var pages = template.Must(template.New("frame").Parse(frameHTML))

// link is a built file as a page refers to it.
type link struct{ URL, Integrity string }

// shell is what the page of a frame is made of. There is nothing in it that its address does not say, but the widget's
// title and the addresses of files.
type shell struct {
	question
	Title, Language, Direction, ColorScheme string
	Lang                                    string // as asked for, "" = the script decides
	Base, Assets, Style, OEmbed, Portal     string
	StyleText                               template.CSS // Style again: package html/template takes data-style for CSS
	Script                                  link
	Styles                                  []link
	Nonce                                   string
}

// serveFrame answers with the shell of a widget. Who may frame it is said by the app that the address names, so the
// answer without one cannot be framed at all.
func (p *Pages) serveFrame(w http.ResponseWriter, r *http.Request, widget string) {
	query := r.URL.Query()
	if !widgetForm.MatchString(widget) {
		p.message(w, http.StatusNotFound, nil, "The address of a frame is /embed/v1/frame/<plugin>/<widget>?app=<app>.")
		return
	}
	_, origins, ok := p.apps.Find(query.Get("app"))
	if !ok {
		p.message(w, http.StatusNotFound, nil, "No embedding app of that name is registered here; its id goes into the parameter app.")
		return
	}
	q, err := readQuestion(widget, query)
	if named, bad := errors.AsType[*apierror.Error](err); bad {
		p.message(w, http.StatusBadRequest, origins, named.Message)
		return
	}
	s, err := p.shellOf(q)
	if err != nil {
		p.message(w, http.StatusServiceUnavailable, origins, notBuilt)
		return
	}
	title, installed := p.title(widget)
	s.Title = cmp.Or(title, widget)
	status := http.StatusOK
	if !installed { // the script asks for it all the same, and tells the page around it in the viewer's language
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Security-Policy", framePolicy(s.Nonce, origins))
	p.page(w, status, "shell", s)
}

var errNotBuilt = errors.New("embedpage: there is no " + shellCode)

func (p *Pages) shellOf(q question) (shell, error) {
	s := shell{
		question: q, Lang: q.Language, Language: cmp.Or(q.Language, "en"), Direction: direction(q.Language),
		Base: p.prefix(), Assets: p.assets.address(""), Style: p.prefix() + widgetsAPI + "/style.css", Nonce: rand.Text(),
		ColorScheme: "light dark", OEmbed: p.OEmbedAddress(p.frameAddress(q)), Portal: p.portalPage(q.Entity),
	}
	s.StyleText = template.CSS(s.Style) //nolint:gosec // a path of the configuration, and an attribute that no style is read from
	if q.Theme == "light" || q.Theme == "dark" {
		s.ColorScheme = q.Theme
	}
	var err error
	if s.Script, err = p.assets.link(shellCode); err != nil {
		return s, err
	}
	if theme, err := p.assets.link("theme.css"); err == nil {
		s.Styles = append(s.Styles, theme)
	}
	return s, nil
}

func (a *assets) link(name string) (link, error) {
	f := a.files[name]
	if f == nil {
		return link{}, errNotBuilt
	}
	c, err := f.content()
	if err != nil {
		return link{}, err
	}
	return link{a.address(name), c.integrity}, nil
}

// portalPage is where an entity is shown to people, "" when it is unknown where the portal is.
func (p *Pages) portalPage(ref string) string {
	if p.settings.Portal.Host == "" {
		return ""
	}
	base := p.settings.Portal.String()
	r, err := entity.ParseRef(ref, entity.Defaults{Namespace: "default"})
	if err != nil {
		return base
	}
	return base + "/catalog/" + url.PathEscape(strings.ToLower(r.Namespace)) + "/" + url.PathEscape(strings.ToLower(r.Kind)) + "/" + url.PathEscape(r.Name)
}

// message answers with a page for whoever builds the page around the frame.
func (p *Pages) message(w http.ResponseWriter, status int, origins []string, message string) {
	w.Header().Set("Content-Security-Policy", messagePolicy(origins))
	p.page(w, status, "message", struct{ Title, Message string }{"Widget", message})
}

// page answers with a page that may be in a frame: older headers about that would contradict the policy.
func (p *Pages) page(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Del("X-Frame-Options")
	h.Set("Permissions-Policy", permissionsPolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		p.log.Error("the page of a frame could not be made", "page", name, "error", err)
		text(w, http.StatusInternalServerError, "The page could not be made\n")
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller is gone; nobody to tell
}
