package console

import (
	"net/http"

	"github.com/callboard/callboard/server/internal/console/portal"
	"github.com/callboard/callboard/server/internal/console/shell"
)

// showHost is the state of the host: whether it is well, what it serves, its configuration.
func (h *handler) showHost(w http.ResponseWriter, r *http.Request) {
	h.showFacts(w, r, "host", "Status", "/console/host")
}

func (h *handler) showPlugins(w http.ResponseWriter, r *http.Request) {
	h.showFacts(w, r, "plugins", "Plugins", "/console/plugins")
}

// showProblems lists what could not be ingested.
func (h *handler) showProblems(w http.ResponseWriter, r *http.Request) {
	h.showFacts(w, r, "problems", "Problems", "/console/problems")
}

// refreshSeconds is how often pages about the host load again where scripts are off.
const refreshSeconds = 10

func (h *handler) showFacts(w http.ResponseWriter, r *http.Request, name, title, address string) {
	overview, err := h.ask(r)
	status, v := http.StatusOK, view{Failed: true, Now: h.now().UTC()}
	if err != nil {
		status = http.StatusServiceUnavailable
	} else {
		v = newView(overview, h.now())
		v.Shown = showPlugins(overview.Plugins, h.operate != nil && shell.ViewerOf(r.Context()).Operate, h.now())
	}
	h.pages.Render(w, r, status, name, shell.Page{Title: title, Active: address, Reload: refreshSeconds, Data: v})
}

// health is the line about the host on the first page.
func (h *handler) health(r *http.Request) portal.Health {
	overview, err := h.ask(r)
	switch {
	case err != nil:
		return portal.Health{Tone: "bad", Text: "The host answers, but its catalog or database does not."}
	case len(overview.Problems)+len(overview.ConfigNotes) > 0 || overview.ill() > 0:
		return portal.Health{Tone: "warn", Text: summary(overview)}
	case !overview.Ready:
		return portal.Health{Tone: "busy", Text: summary(overview)}
	}
	return portal.Health{Tone: "good", Text: summary(overview)}
}
