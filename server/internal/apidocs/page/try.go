package page

import (
	"net/http"
	"slices"

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
//	select[name=contentType]     absent when the operation takes no body
//	[data-cb-raw]                around textarea[name=body], for the types that are no forms
//	fieldset[data-cb-form]       the fields of the form of that type; those of types that are not chosen are hidden and disabled
//	[data-cb-part]               a field of a form, by its name: an input, a select or a textarea; empty and not required = not sent
//	[data-cb-part][data-cb-file] … that is for a file: the script makes a control for files of it
//	[data-cb-part][data-cb-each] … of which each line is a value
//	[data-cb-part][data-cb-type] … that is sent with this type
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
	// Headers are those that may be set, in their canonical form, and Cookies by their names; others of the operation are
	// not offered.
	Headers, Cookies []string
	// Refused says why nothing can be sent, where there are no servers; "" = the page says nothing of trying.
	Refused string
}

// TryServer is a server that may be reached.
type TryServer struct{ URL, Environment string }

// TryCredential is one that the viewer may have added for a server.
type TryCredential struct{ ID, Title, Server string }

func (w *writer) try(op *spec.Operation) {
	t := w.o.Try
	if t == nil || !w.o.Fragment || len(t.Servers) == 0 && t.Refused == "" {
		return
	}
	w.open("section", "class", "cb-docs-try")
	w.heading(1, "Try it")
	if len(t.Servers) == 0 {
		w.element("p", t.Refused, "class", "cb-docs-none")
		w.close("section")
		return
	}
	w.open("form", "data-cb-try", t.Action, "data-cb-verb", op.Verb, "autocomplete", "off")
	w.tryServers(t)
	for _, p := range op.Parameters {
		if p.In == "path" || p.In == "query" || p.In == "header" && slices.Contains(t.Headers, http.CanonicalHeaderKey(p.Name)) ||
			p.In == "cookie" && slices.Contains(t.Cookies, p.Name) {
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
	w.tryControl(p.Schema, p.Required, p.Example, "data-cb-in", p.In, "data-cb-name", p.Name)
}

// tryControl is a control for one value, and closes its label.
func (w *writer) tryControl(s *spec.Schema, required bool, value string, attributes ...string) {
	if values := valuesOf(s); values != nil {
		w.trySelect(values, required, attributes...)
		w.closeLabel("select")
		return
	}
	w.WriteString("<input")
	if required {
		w.WriteString(" required")
	}
	w.attributes(append([]string{"type", "text"}, attributes...)...)
	w.attributes("value", value, "maxlength", "8192", "spellcheck", "false")
	w.WriteString(">")
	w.closeLabel("")
}

// valuesOf are all values that a schema knows, nil = there are others.
func valuesOf(s *spec.Schema) []string {
	switch {
	case s == nil:
		return nil
	case len(s.Enum) > 0 && s.EnumLeft == 0:
		return s.Enum
	case s.Type == "boolean":
		return []string{"true", "false"}
	}
	return nil
}

func (w *writer) trySelect(values []string, required bool, attributes ...string) {
	w.WriteString("<select")
	if required {
		w.WriteString(" required")
	}
	w.attributes(attributes...)
	w.WriteString(`><option value="">–</option>`)
	for _, v := range values {
		w.element("option", v, "value", v)
	}
}
