package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// ControlSocket is the name of the socket in the data folder by which operators reach the running host. Its mode is 0600:
// who can open it may do everything.
const ControlSocket = "control.sock"

// maxSocketPath is what a unix socket's address holds on every system.
const maxSocketPath = 103

// control is the open control socket.
type control struct {
	server *http.Server
	done   chan struct{}
}

// openControl listens. A socket that cannot be opened costs operators their commands and the host nothing.
func (h *Host) openControl(ctx context.Context, dataDir string) *control {
	path := filepath.Join(dataDir, ControlSocket)
	c := &control{done: make(chan struct{})}
	listener, err := listenControl(ctx, path)
	if err != nil {
		h.log.Warn("there is no control socket: `callboard plugin list` and its like will not find this host", "error", err)
		close(c.done)
		return c
	}
	c.server = &http.Server{Handler: h.Control(), ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		defer close(c.done)
		if err := c.server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("the control socket ended", "error", err)
		}
	}()
	return c
}

// close ends the socket and what is asked over it, whose contexts have ended.
func (c *control) close() {
	if c.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_ = c.server.Shutdown(ctx)
		cancel()
		_ = c.server.Close()
	}
	<-c.done
}

func listenControl(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path %s is longer than %d bytes; choose a shorter callboard.pluginHost.dataDir", path, maxSocketPath)
	}
	var d net.Dialer
	if conn, err := d.DialContext(ctx, "unix", path); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("another host listens on %s; give each host a callboard.pluginHost.dataDir of its own", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Control answers operators. Whoever serves it must let nobody else in.
func (h *Host) Control() http.Handler {
	mux := http.NewServeMux()
	one := func(do func(w http.ResponseWriter, r *http.Request, id manifest.ID) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := do(w, r, manifest.ID(r.PathValue("id"))); err != nil {
				answerError(w, err)
			}
		}
	}
	mux.HandleFunc("GET /v1/plugins", func(w http.ResponseWriter, _ *http.Request) { answer(w, h.Plugins()) })
	mux.HandleFunc("GET /v1/events", h.serveEvents)
	mux.HandleFunc("GET /v1/plugins/{id}", one(h.serveOne))
	mux.HandleFunc("GET /v1/plugins/{id}/inspect", one(h.serveInspect))
	mux.HandleFunc("GET /v1/plugins/{id}/logs", one(h.serveLogs))
	mux.HandleFunc("POST /v1/plugins/{id}/restart", one(h.serveRestart))
	mux.HandleFunc("POST /v1/plugins/{id}/stop", one(h.serveStop))
	mux.HandleFunc("POST /v1/plugins/{id}/approve", one(h.serveApprove))
	mux.HandleFunc("POST /v1/plugins/{id}/upgrade", one(h.serveUpgrade))
	mux.HandleFunc("POST /v1/plugins/{id}/providers/{name}/run", one(h.serveRunProvider))
	mux.HandleFunc("/v1/plugins/{id}/call", one(h.serveCall))
	return mux
}

func (h *Host) serveOne(w http.ResponseWriter, _ *http.Request, id manifest.ID) error {
	p, err := h.plugin(id)
	if err != nil {
		return err
	}
	answer(w, p.view())
	return nil
}

func (h *Host) serveInspect(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	all, err := h.Inspect(r.Context(), id)
	if err != nil {
		return err
	}
	answer(w, all)
	return nil
}

// serveLogs answers JSON, one line of the log on each line.
func (h *Host) serveLogs(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	if _, err := h.plugin(id); err != nil {
		return err
	}
	n, err := strconv.Atoi(r.URL.Query().Get("lines"))
	if err != nil || n < 0 {
		n = logLines
	}
	write := lineWriter(w)
	_ = h.Logs(r.Context(), id, n, r.URL.Query().Has("follow"), func(l LogLine) error { return write(l) })
	return nil
}

func (h *Host) serveRestart(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	if err := h.Restart(r.Context(), id); err != nil {
		return err
	}
	return h.serveOne(w, r, id)
}

func (h *Host) serveStop(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	if err := h.Stop(r.Context(), id); err != nil {
		return err
	}
	return h.serveOne(w, r, id)
}

func (h *Host) serveApprove(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	var body struct {
		Asks []string `json:"asks"`
	}
	if err := decodeBody(r.Body, &body); err != nil {
		return err
	}
	if err := h.Approve(r.Context(), id, body.Asks); err != nil {
		return err
	}
	return h.serveOne(w, r, id)
}

func (h *Host) serveUpgrade(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	var body struct {
		Source string `json:"source"`
	}
	if err := decodeBody(r.Body, &body); err != nil {
		return err
	}
	if body.Source == "" {
		return apierror.Inputf("source must name a folder or a package")
	}
	if err := h.Upgrade(r.Context(), id, body.Source); err != nil {
		return err
	}
	return h.serveOne(w, r, id)
}

func (h *Host) serveRunProvider(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	if err := h.RunProvider(r.Context(), id, r.PathValue("name")); err != nil {
		return err
	}
	return h.serveOne(w, r, id)
}

// serveCall passes the request on as it is: the query's target is where, its as is who.
func (h *Host) serveCall(w http.ResponseWriter, r *http.Request, id manifest.ID) error {
	target := r.URL.Query().Get("target")
	if target == "" || target[0] != '/' {
		return apierror.Inputf("target must be a path that begins with /")
	}
	return h.Call(w, r, id, target, r.URL.Query().Get("as"))
}

// serveEvents answers JSON, one event on each line, until the caller leaves.
func (h *Host) serveEvents(w http.ResponseWriter, r *http.Request) {
	write := lineWriter(w)
	for e := range h.Events(r.Context()) {
		if write(e) != nil {
			return
		}
	}
}

// Events passes on what happens to plugins until ctx ends. Who does not keep up loses the oldest ones.
func (h *Host) Events(ctx context.Context) <-chan Event { return h.feed.watch(ctx) }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the caller is gone; nobody to tell
}

// lineWriter writes values as lines of JSON, each at once.
func lineWriter(w http.ResponseWriter) func(any) error {
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	_ = flush.Flush()
	return func(v any) error { return errors.Join(out.Encode(v), flush.Flush()) }
}

// controlError is an error over the control socket.
type controlError struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func answerError(w http.ResponseWriter, err error) {
	status, e := http.StatusConflict, controlError{Name: string(apierror.Conflict), Message: err.Error()}
	if _, unknown := errors.AsType[*UnknownError](err); unknown {
		status, e.Name = http.StatusNotFound, string(apierror.NotFound)
	} else if named, ok := errors.AsType[*apierror.Error](err); ok {
		status, e.Name, e.Message = named.HTTPStatus(), string(named.Name), named.Message
	} else if errors.Is(err, errNoBody) {
		status, e.Name = http.StatusBadRequest, string(apierror.Input)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": e}) // the caller is gone; nobody to tell
}
