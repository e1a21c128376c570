package app

import (
	"context"
	"net/url"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs"
	"github.com/callboard/callboard/server/internal/apidocs/tryit"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/techdocs"
)

// apiDocsKeys are the keys that the viewers of documentation read.
var apiDocsKeys = []string{"callboard.apiDocs"}

func (a *App) wireAPIDocs(ctx context.Context, o Options, sites *techdocs.Sites) error {
	f := &a.features
	try, err := tryit.New(ctx, tryit.Options{Settings: tryit.ReadSettings(o.Config), DB: a.db, Authorizer: f.permission, Ownership: f.auth.Ownership, Logger: o.Logger})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, try.Close)
	feature := apidocs.Feature()
	feature.Origins = f.apps.AllowsOrigin
	router := a.server.Feature(feature)
	entities := readable{f.catalog, f.permission}
	engine, backend := apidocs.NewEngine(f.entities), backendURL(o.Config)
	apidocs.Routes(router, apidocs.Options{Engine: engine, Try: try, Entities: entities, Sites: sites, Texts: newReadmes(f.urls), Backend: backend})
	f.permission.Mount(router, permission.Integration{Permissions: []permission.Permission{tryit.Permission}})
	list, err := coreWidgets{engine, sites, entities, backend, portalURL(o.Config)}.list()
	if err != nil {
		return err
	}
	return f.widgets.Set(coreSource, list)
}

// portalURL is where people read about entities, "" = unknown.
func portalURL(c *config.Config) string {
	u, err := url.Parse(c.Root().String("app.baseUrl", ""))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	return strings.TrimRight(u.String(), "/")
}

// backendURL is where browsers reach this host; empty = unknown.
func backendURL(c *config.Config) *url.URL {
	u, err := url.Parse(c.Root().String("backend.baseUrl", ""))
	if err != nil || u.Host == "" {
		return &url.URL{}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
}
