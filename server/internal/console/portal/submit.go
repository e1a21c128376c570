package portal

import (
	"bytes"
	"html/template"
	"net/http"
	"slices"

	"github.com/callboard/callboard/server/internal/console/shell"
)

// submitted is what became of a form of a plugin, or the form again with what is wrong.
type submitted struct {
	Title string
	HTML  template.HTML
	Back  link
}

// submit sends a form widget in the viewer's name. The page that answers may hold a secret that is shown once: it is not
// kept, and sent for again the host knows the form by its key.
func (p *Portal) submit(v *visit) {
	if err := v.ParseForm(); err != nil {
		v.fail(&failure{Status: http.StatusBadRequest, Message: "The form could not be read."})
		return
	}
	answer, err := v.api.ask(v.Context(), request{method: http.MethodPost, path: "/widgets/v1/forms" + escaped(v.PathValue("plugin"), v.PathValue("id")), form: v.PostForm})
	if err == nil && !bytes.HasPrefix(answer.Body, []byte("<figure")) {
		err = refusal(answer)
	}
	if err == nil && answer.Status == http.StatusUnauthorized {
		err = &failure{Status: answer.Status}
	}
	if err != nil {
		v.fail(err)
		return
	}
	title := "Sent"
	if answer.Status != http.StatusOK {
		title = "Not sent"
	}
	view := submitted{Title: title, HTML: fragment(answer.Body, consoleLinks), Back: linkTo(v.PostFormValue("entityRef"))}
	if view.Back.Address == "" {
		view.Back = link{Address: galleryPath + escaped(v.PathValue("plugin"), v.PathValue("id")), Text: "the widget"}
	}
	v.render(answer.Status, "submitted", shell.Page{Title: title, Active: catalogPath, Styles: []string{widgetStyle}, Data: view})
}

// live answers a fragment to the custom elements of the gallery, which have no token of their own.
func (p *Portal) live(v *visit) {
	answer, err := v.api.ask(v.Context(), request{method: http.MethodGet, path: "/widgets/v1/render" + escaped(v.PathValue("plugin"), v.PathValue("file")), query: v.URL.Query()})
	if err != nil || !bytes.HasPrefix(answer.Body, []byte("<figure")) {
		v.w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	header := v.w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(answer.Status)
	_, _ = v.w.Write(answer.Body) // the caller is gone; nobody to tell
}

// formsOf are the forms of plugins for an entity, drawn.
func (v *visit) formsOf(list []widget, ref string) []shownWidget {
	list = slices.DeleteFunc(slices.Clone(list), func(w widget) bool { return w.View != viewForm })
	return v.draw(list, ref, drawing{})
}

const viewForm = "form"
