package app

import (
	"fmt"
	"net/http"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/proxy"
)

func (a *App) wireProxy(o Options) error {
	p, err := proxy.New(proxy.Options{Config: o.Config, Logger: o.Logger, Metrics: a.registry,
		Plugins: pluginTargets{a.server, a.features.auth}, Ending: a.server.EndingContext()})
	if err != nil {
		return err
	}
	a.features.proxy = p
	a.closers = append(a.closers, p.Close)
	proxy.Routes(a.server.Feature(p.Feature()), p)
	return nil
}

// pluginTargets are plugins as targets of the proxy. A request takes the same way as one from outside to /api/<plugin>, so
// the same rules hold; features of the host are no targets.
type pluginTargets struct {
	edge *httpx.Server
	auth *auth.Service
}

// Relay implements [proxy.Plugins]. Callers without credentials reach what the plugin opens to everybody.
func (t pluginTargets) Relay(w http.ResponseWriter, r *http.Request, plugin string, who *principal.Principal) error {
	if !t.edge.Attached(plugin) {
		return apierror.NotFoundf("The proxy's target is the plugin '%s', which this host does not have", plugin)
	}
	if who.Kind != principal.None {
		token, err := t.auth.PluginToken(r.Context(), "proxy", plugin, who)
		if err != nil {
			return fmt.Errorf("call plugin %s for %s: %w", plugin, who.Subject, err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	t.edge.ServeHTTP(w, r)
	return nil
}
