package app

import (
	"net/url"

	"github.com/callboard/callboard/server/internal/apidocs"
	"github.com/callboard/callboard/server/internal/apidocs/tryit"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/techdocs"
)

// apiDocsKeys are the keys that the viewers of documentation read.
var apiDocsKeys = []string{"callboard.apiDocs"}

func (a *App) wireAPIDocs(o Options, sites *techdocs.Sites) {
	f := &a.features
	try := tryit.New(tryit.Options{Settings: tryit.ReadSettings(o.Config), Authorizer: f.permission, Ownership: f.auth.Ownership, Logger: o.Logger})
	a.closers = append(a.closers, try.Close)
	feature := apidocs.Feature()
	feature.Origins = f.apps.AllowsOrigin
	router := a.server.Feature(feature)
	entities := readable{f.catalog, f.permission}
	apidocs.Routes(router, apidocs.Options{
		Engine: apidocs.NewEngine(newRemembering(entities)), Try: try, Entities: entities, Sites: sites, Texts: newReadmes(f.urls), Backend: backendURL(o.Config),
	})
	f.permission.Mount(router, permission.Integration{Permissions: []permission.Permission{tryit.Permission}})
}

// backendURL is where browsers reach this host; empty = unknown.
func backendURL(c *config.Config) *url.URL {
	u, err := url.Parse(c.Root().String("backend.baseUrl", ""))
	if err != nil || u.Host == "" {
		return &url.URL{}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
}
