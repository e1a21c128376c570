package app

import (
	"io/fs"
	"net/http"
	"slices"
	"strings"

	bridge "github.com/callboard/callboard/frontend-bridge"
	"github.com/callboard/callboard/server/internal/appfrontend"
	"github.com/callboard/callboard/server/internal/console"
	"github.com/callboard/callboard/server/internal/embedpage"
)

// outside answers everything outside /api. A path belongs to who its first segments name, as they came: an escaped slash
// separates nothing, and no path is tidied or redirected on the way.
type outside struct {
	pages   http.Handler // of widgets: embedpage.Prefixes
	console http.Handler // nil = disabled
	rest    http.Handler // the built frontend, else the console; with neither, what the disabled console answers
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	switch {
	case ofPages(path):
		o.pages.ServeHTTP(w, r)
	case o.console != nil && ofConsole(path):
		o.console.ServeHTTP(w, r)
	default:
		o.rest.ServeHTTP(w, r)
	}
}

func ofPages(path string) bool {
	return slices.ContainsFunc(embedpage.Prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

func ofConsole(path string) bool {
	return path == "/console" || path == "/console.json" || strings.HasPrefix(path, "/console/")
}

// wireIndex chooses what answers outside /api. The console is below /console beside a built frontend too, and on the
// operations listener in any case.
func (a *App) wireIndex(o Options) error {
	settings := console.ReadSettings(o.Config)
	a.console = console.New(console.Options{Settings: settings, Source: a, Auth: a.features.auth, API: a.server, Log: o.Logger,
		Operator: pluginOperator{a.features.plugins}, Organization: o.Config.Section("organization").String("name", ""),
		BaseURL: o.Config.Section("backend").String("baseUrl", ""), SignIn: a.waysToSignIn(o), Drawings: drawings{}})
	i := &outside{pages: a.features.pages, rest: a.console}
	if settings.Enabled {
		i.console = a.console
	}
	a.server.Index(i)
	dist := o.Config.Root().String(appfrontend.ConfigKey, "")
	if dist == "" {
		a.follow(o)
		return nil
	}
	frontend, err := appfrontend.New(appfrontend.Options{Dir: dist, Config: o.Config, Log: o.Logger, FeatureLoader: featureLoader()})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, frontend.Close)
	i.rest = frontend
	a.run("frontend", endless(frontend.Warm))
	a.follow(o, frontend.Reload)
	return nil
}

// waysToSignIn are those that the configuration has set up, for the console to offer.
func (a *App) waysToSignIn(o Options) console.SignIn {
	identity := a.features.auth
	ways := console.SignIn{AuthURL: identity.Discovery().External("auth"), Environment: identity.SignInEnvironment(), Forget: identity.ForgetSignIn}
	for _, p := range identity.SignInProviders() {
		ways.Providers = append(ways.Providers, console.Provider{ID: p.ID, Title: p.Title, Guest: p.Guest})
	}
	return ways
}

// featureLoader is the script with which a built frontend takes the host's remote; nil in a program that was built without
// the browser files.
func featureLoader() []byte {
	script, err := fs.ReadFile(bridge.Files(), "backstage/feature-loader.js")
	if err != nil {
		return nil
	}
	return script
}
