package page

import (
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// The form for trying an operation is in fragments, for the script that shows them; its contract:
//
//	form[data-cb-try]            where to POST to as JSON, with the viewer's token in the header: a path below the address of the
//	                             host, which the script knows with what comes before it
//	form[data-cb-verb]           the method of the operation
//	select[name=server]          addresses; option[data-cb-environment]
//	select[name=credential]      ids, "" = none; option[data-cb-server] is the server that it is for; absent when there are none
//	[data-cb-in][data-cb-name]   the value of a parameter: an input, or a select where the values are known; empty = not sent
//	select[name=contentType], textarea[name=body]   absent when the operation takes no body
//	button[data-cb-try-send]     disabled until the script takes over, since a form without it would send nothing useful
//	[data-cb-try-confirm]        where the script asks before something is changed; hidden
//	[data-cb-try-answer]         where the script shows the answer, as text; it is a live region
//
// What is posted and what comes back is POST …/try in openapi.yaml.

// Try is what a form is made of.
type Try struct {
	Action      string
	Servers     []TryServer
	Credentials []TryCredential
	// Headers are those that may be set, in their canonical form; others of the operation are not offered.
	Headers []string
}

// TryServer is a server that may be reached.
type TryServer struct{ URL, Environment string }

// TryCredential is one that the viewer may have added for a server.
type TryCredential struct{ ID, Title, Server string }

func (w *writer) try(op *spec.Operation) {
	t := w.o.Try
	if t == nil || !w.o.Fragment || len(t.Servers) == 0 {
		return
	}
	w.open("section", "class", "cb-docs-try")
	w.heading(1, "Try it")
	w.open("form", "data-cb-try", t.Action, "data-cb-verb", op.Verb, "autocomplete", "off")
	w.tryServers(t)
	for _, p := range op.Parameters {
		if p.In == "path" || p.In == "query" || p.In == "header" && slices.Contains(t.Headers, http.CanonicalHeaderKey(p.Name)) {
			w.tryParameter(p)
		}
	}
	w.tryBody(op.Body)
	w.WriteString(`<p><button type="submit" disabled data-cb-try-send="1">Send</button></p><div data-cb-try-confirm="1" hidden></div>` +
		`<div data-cb-try-answer="1" role="status" tabindex="-1"></div>`)
	w.close("form")
	w.close("section")
}

func (w *writer) tryServers(t *Try) {
	w.openLabel("Server")
	w.open("select", "name", "server")
	for _, s := range t.Servers {
		text := s.URL
		if s.Environment != "" {
			text += " (" + s.Environment + ")"
		}
		w.element("option", text, "value", s.URL, "data-cb-environment", s.Environment)
	}
	w.closeLabel("select")
	if len(t.Credentials) == 0 {
		return
	}
	w.openLabel("Credentials")
	w.open("select", "name", "credential")
	w.WriteString(`<option value="">None</option>`)
	for _, c := range t.Credentials {
		w.element("option", c.Title, "value", c.ID, "data-cb-server", c.Server)
	}
	w.closeLabel("select")
}

func (w *writer) openLabel(text string) {
	w.open("p")
	w.open("label")
	w.text(text + " ")
}

func (w *writer) closeLabel(field string) {
	if field != "" {
		w.close(field)
	}
	w.close("label")
	w.close("p")
}

func (w *writer) tryParameter(p spec.Parameter) {
	w.openLabel(p.Name + " (" + p.In + ")")
	if s := p.Schema; s != nil && len(s.Enum) > 0 && s.EnumLeft == 0 || p.Schema != nil && p.Schema.Type == "boolean" {
		values := p.Schema.Enum
		if len(values) == 0 {
			values = []string{"true", "false"}
		}
		w.trySelect(p, values)
		w.closeLabel("select")
		return
	}
	w.WriteString("<input")
	if p.Required {
		w.WriteString(" required")
	}
	w.attributes("type", "text", "data-cb-in", p.In, "data-cb-name", p.Name, "value", p.Example, "maxlength", "8192", "spellcheck", "false")
	w.WriteString(">")
	w.closeLabel("")
}

func (w *writer) trySelect(p spec.Parameter, values []string) {
	w.WriteString("<select")
	if p.Required {
		w.WriteString(" required")
	}
	w.attributes("data-cb-in", p.In, "data-cb-name", p.Name)
	w.WriteString(`><option value="">–</option>`)
	for _, v := range values {
		w.element("option", v, "value", v)
	}
}

func (w *writer) tryBody(b *spec.Body) {
	if b == nil {
		return
	}
	var types []string
	example := ""
	for _, m := range b.Content {
		if kind, _, _ := strings.Cut(m.Type, ";"); !strings.HasPrefix(kind, "multipart/") && !slices.Contains(types, m.Type) {
			types = append(types, m.Type)
			if example == "" && len(m.Examples) > 0 {
				example = m.Examples[0].Text
			}
		}
	}
	if len(types) == 0 {
		return
	}
	w.openLabel("Content type")
	w.open("select", "name", "contentType")
	for _, t := range types {
		w.element("option", t, "value", t)
	}
	w.closeLabel("select")
	w.openLabel("Body")
	w.open("textarea", "name", "body", "rows", "10", "spellcheck", "false")
	w.WriteByte('\n') // the parser drops one
	w.lines(example)
	w.closeLabel("textarea")
}
