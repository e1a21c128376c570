package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/console/shell"
)

// Plugin is one plugin of the host, whatever became of it. It holds no secret.
type Plugin struct {
	ID      string    `json:"id"`
	Title   string    `json:"title,omitempty"`
	Version string    `json:"version,omitempty"`
	State   string    `json:"state"` // "ready", "needs-config", …
	Since   time.Time `json:"since,omitzero"`
	Reason  string    `json:"reason,omitempty"` // why it is not simply ready
	// Remark tells of another version that is starting, did not become ready, or may not run, while this one goes on.
	Remark string `json:"remark,omitempty"`
	// Development plugins are trusted as they are.
	Development bool   `json:"development,omitempty"`
	Restarts    int    `json:"restarts"`
	InFlight    int    `json:"inFlight"`
	Memory      int64  `json:"memory,omitempty"`  // bytes
	Sandbox     string `json:"sandbox,omitempty"` // "full", "partial", "none"; "" = it does not run
	// SandboxNotes say what of the sandbox was not reached, and why.
	SandboxNotes []string `json:"sandboxNotes,omitempty"`
	// Needs are its privileges, Asks those that nobody has approved, a sentence each.
	Needs []string `json:"needs,omitempty"`
	Asks  []string `json:"asks,omitempty"`
	// Lines are the last of its standard error. Only operators see them.
	Lines []string `json:"lines,omitempty"`
	// BuildOutput is what the compiler says about a plugin under development that cannot be built.
	BuildOutput string `json:"buildOutput,omitempty"`
	Building    bool   `json:"building,omitempty"`
}

// LogLine is one line of a plugin's log.
type LogLine struct {
	At      time.Time      `json:"at"`
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// Operator does what the page's buttons ask for. Errors are sentences for the person who pressed one.
type Operator interface {
	// Restart starts the plugin anew and returns when it serves, or with the reason why it does not.
	Restart(ctx context.Context, plugin string) error
	// Logs passes on the last n lines and, with follow, those that come until ctx ends. [ErrUnknownPlugin] when there is
	// none of that id.
	Logs(ctx context.Context, plugin string, n int, follow bool, take func(LogLine) error) error
	// Changed passes on a value whenever something about plugins has changed, until ctx ends.
	Changed(ctx context.Context) <-chan struct{}
}

// ErrUnknownPlugin is an [Operator]'s answer about a plugin that is not there.
var ErrUnknownPlugin = errors.New("there is no such plugin")

// shownLines is how many lines a plugin's page begins with.
const shownLines = 200

// tone of a state is the colour of its dot.
func tone(state string) string {
	switch state {
	case "ready":
		return "good"
	case "starting", "draining", "discovered", "verified":
		return "busy"
	case "degraded", "backoff", "crashed", "needs-approval", "needs-config":
		return "warn"
	case "stopped":
		return "quiet"
	default:
		return "bad"
	}
}

// shownPlugin is a plugin in the words of the page.
type shownPlugin struct {
	Plugin
	Tone, Age, Used string
	Operator        bool
	// Approve is the command that approves what it asks for.
	Approve string
}

func showPlugins(all []Plugin, operator bool, now time.Time) []shownPlugin {
	var out []shownPlugin
	for _, p := range all {
		s := shownPlugin{Plugin: p, Tone: tone(p.State), Age: age(p.Since, now), Operator: operator}
		if p.Memory > 0 {
			s.Used = fmt.Sprintf("%d MiB", (p.Memory+(1<<20)-1)>>20)
		}
		if len(p.Asks) > 0 || p.State == "needs-approval" {
			s.Approve = "callboard plugin approve " + p.ID
		}
		out = append(out, s)
	}
	return out
}

// withoutLines is what who is no operator sees.
func withoutLines(all []Plugin) []Plugin {
	out := slices.Clone(all)
	for i := range out {
		out[i].Lines, out[i].BuildOutput = nil, ""
	}
	return out
}

// restart answers the button. What goes wrong is shown on the page of the plugin.
func (h *handler) restart(w http.ResponseWriter, r *http.Request) {
	if h.operate == nil {
		h.showMissing(w, r)
		return
	}
	id := r.PostFormValue("id")
	ctx, cancel := context.WithTimeout(r.Context(), restartTimeout)
	defer cancel()
	err := h.operate.Restart(ctx, id)
	switch {
	case errors.Is(err, ErrUnknownPlugin):
		h.showMissing(w, r)
	case err != nil:
		h.showPluginPage(w, r, http.StatusConflict, id, err.Error())
	default:
		http.Redirect(w, r, "/console/plugins", http.StatusSeeOther)
	}
}

// restartTimeout is longer than a plugin may take to start.
const restartTimeout = 40 * time.Second

// showPlugin is the page of one plugin with its log.
func (h *handler) showPlugin(w http.ResponseWriter, r *http.Request) {
	h.showPluginPage(w, r, http.StatusOK, r.URL.Query().Get("id"), "")
}

type pluginView struct {
	shownPlugin

	Problem  string
	LogLines []shownLine
}

type shownLine struct {
	LogLine
	Clock, Details string
}

func (h *handler) showPluginPage(w http.ResponseWriter, r *http.Request, status int, id, problem string) {
	overview, err := h.ask(r)
	i := slices.IndexFunc(overview.Plugins, func(p Plugin) bool { return p.ID == id })
	if err != nil || i < 0 || h.operate == nil {
		h.showMissing(w, r)
		return
	}
	v := pluginView{shownPlugin: showPlugins(overview.Plugins[i:i+1], true, h.now())[0], Problem: problem}
	err = h.operate.Logs(r.Context(), id, shownLines, false, func(l LogLine) error {
		v.LogLines = append(v.LogLines, showLine(l))
		return nil
	})
	if err != nil {
		v.Problem = "The log could not be read."
	}
	h.pages.Render(w, r, status, "plugin", shell.Page{Title: id, Active: "/console/plugins", Reload: refreshSeconds, Data: v})
}

func showLine(l LogLine) shownLine {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(l.Fields)) {
		if key != "plugin" {
			fmt.Fprintf(&b, "%s=%v ", key, l.Fields[key])
		}
	}
	return shownLine{l, l.At.UTC().Format("15:04:05.000"), strings.TrimSpace(b.String())}
}

// streamLogs is an event stream of the lines that come. A reader that comes back gets those that it missed again.
func (h *handler) streamLogs(w http.ResponseWriter, r *http.Request) {
	if h.operate == nil {
		h.showMissing(w, r)
		return
	}
	send := h.eventStream(w)
	_ = h.operate.Logs(r.Context(), r.URL.Query().Get("id"), 0, true, func(l LogLine) error {
		return send("line", showLine(l))
	})
}

// streamChanges tells pages when to look again.
func (h *handler) streamChanges(w http.ResponseWriter, r *http.Request) {
	if h.operate == nil {
		h.showMissing(w, r)
		return
	}
	send := h.eventStream(w)
	for range h.operate.Changed(r.Context()) {
		if send("changed", struct{}{}) != nil {
			return
		}
	}
}
