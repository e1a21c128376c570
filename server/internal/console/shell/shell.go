package shell

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
)

// Policy is the content security policy of the console's pages: they run no code but files of this host, hold no style of
// their own, and may not be framed.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// SetHeaders sets what every answer of the console has. Answers are made for one viewer and are not kept.
func SetHeaders(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// Options say what frames every page.
type Options struct {
	Log *slog.Logger // required
	// Organization is whose host this is, "" = not told.
	Organization string
	// DocsURL is where the foot leads for documentation; "" = no link.
	DocsURL string
}

// Shell frames pages.
type Shell struct {
	o      Options
	layout *template.Template
}

// New makes a shell.
func New(o Options) *Shell {
	return &Shell{o: o, layout: template.Must(template.New("layout.html").ParseFS(assets, "assets/layout.html", "assets/parts.html"))}
}

// Pages are the pages of one package: files that define "content".
type Pages struct {
	shell *Shell
	pages map[string]*template.Template
}

// partsFile holds what the pages of a folder share.
const partsFile = "parts.html"

// Pages reads every page of a folder of files, and the parts that they share.
func (s *Shell) Pages(files fs.FS, dir string, funcs template.FuncMap) *Pages {
	p := &Pages{shell: s, pages: map[string]*template.Template{}}
	base := template.Must(template.Must(s.layout.Clone()).Funcs(funcs).ParseFS(files, dir+"/"+partsFile))
	names, _ := fs.Glob(files, dir+"/*.html") // the pattern is well formed
	for _, name := range names {
		if short := strings.TrimPrefix(name, dir+"/"); short != partsFile {
			p.pages[strings.TrimSuffix(short, ".html")] = template.Must(template.Must(base.Clone()).ParseFS(files, name))
		}
	}
	return p
}

// Page is one page as the frame needs it.
type Page struct {
	Title string
	// Active is the address of the entry of the navigation that the page belongs to.
	Active string
	// Query is what the search field in the head holds; NoSearch leaves the field to the page.
	Query    string
	NoSearch bool
	// Styles are addresses of further style sheets.
	Styles []string
	// OEmbed is where a description of the page's main widget is for sites that embed it.
	OEmbed string
	// Reload says after how many seconds the page loads again where scripts are off; 0 = it does not.
	Reload int
	// Data is what the page's own template shows.
	Data any
}

// framed is what templates see. The viewer's token is not in it.
type framed struct {
	Page

	Organization, Docs string
	Navigation         []Section
	SignedIn, Person   bool
	Name               string
}

// Section is a part of the navigation.
type Section struct {
	Title   string
	Entries []Entry
}

// Entry is one link of the navigation.
type Entry struct {
	Title, Address string
	Current        bool
}

func navigation(v Viewer, active string) []Section {
	portal := Section{"", []Entry{
		{Title: "Home", Address: Home}, {Title: "Catalog", Address: "/console/catalog"}, {Title: "APIs", Address: "/console/apis"},
		{Title: "Access", Address: "/console/access"}, {Title: "Audit", Address: "/console/audit"}, {Title: "Widgets", Address: "/console/gallery"},
	}}
	host := Section{"Host", []Entry{
		{Title: "Status", Address: "/console/host"}, {Title: "Plugins", Address: "/console/plugins"}, {Title: "Problems", Address: "/console/problems"},
	}}
	sections := []Section{portal}
	if v.Facts {
		sections = append(sections, host)
	}
	for _, s := range sections {
		for i := range s.Entries {
			s.Entries[i].Current = s.Entries[i].Address == active
		}
	}
	return sections
}

// Render answers with a page. What cannot be rendered is logged, and answered without a body.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, status int, name string, page Page) {
	viewer := ViewerOf(r.Context())
	data := framed{Page: page, Organization: p.shell.o.Organization, Docs: p.shell.o.DocsURL, Navigation: navigation(viewer, page.Active),
		SignedIn: viewer.SignedIn(), Person: viewer.Person, Name: shortName(viewer)}
	var out bytes.Buffer
	err := fmt.Errorf("there is no page %q", name)
	if t := p.pages[name]; t != nil {
		err = t.ExecuteTemplate(&out, "layout.html", data)
	}
	if err != nil {
		p.shell.o.Log.ErrorContext(r.Context(), "a page of the console could not be rendered", "page", name, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the caller is gone; nobody to tell
}

// shortName is "ann" for user:default/ann.
func shortName(v Viewer) string {
	if i := strings.LastIndexByte(v.Subject, '/'); v.Person && i >= 0 {
		return v.Subject[i+1:]
	}
	return v.Subject
}
