package app

import (
	"context"
	"fmt"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/embed"
	"github.com/callboard/callboard/server/internal/embedpage"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/widget"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// wireWidgets mounts the widgets with what other portals need to show them, all below /api/widgets.
func (a *App) wireWidgets(ctx context.Context, o Options) error {
	f := &a.features
	f.widgets, f.entities = widget.NewRegistry(), newRemembering(readable{f.catalog, f.permission})
	engine := widget.NewEngine(widget.Options{Registry: f.widgets, Entities: f.entities, Authorizer: f.permission,
		Permission: f.permissionOf, Logger: o.Logger, RequestAccess: widget.AccessAt(o.Config.Root().String("callboard.widgets.requestAccess", ""))})
	if err := a.wirePages(o); err != nil {
		return err
	}
	var err error
	f.embed, err = embed.New(ctx, embed.Options{DB: a.db, Apps: f.apps, Signer: f.auth, Users: users{f.catalog}, Widgets: pictures{engine},
		Logger: o.Logger, BaseURL: o.Config.Root().String("backend.baseUrl", "")})
	if err != nil {
		return fmt.Errorf("embedding: %w", err)
	}
	a.run("embedding", endless(f.embed.Run))
	feature := widget.Feature()
	feature.Policies = append(append(feature.Policies, embedpage.Policy()), embed.Policies...)
	feature.SecretPaths, feature.Origins = embed.SecretPaths, f.apps.AllowsOrigin
	router := a.server.Feature(feature)
	widget.Routes(router, engine)
	embedpage.Routes(router, f.pages)
	embed.Routes(router, f.embed)
	return nil
}

// embedTokens answers auth, which is made before the feature whose tokens it signs.
type embedTokens struct{ features *features }

func (e embedTokens) Holds(token *principal.Embed) error { return e.features.embed.Holds(token) }

// pictures draws what capabilities show.
type pictures struct{ engine *widget.Engine }

func requestOf(w embed.Shown) widget.Request {
	return widget.Request{ID: widget.ID(w.Widget), Entity: w.Entity, Args: w.Args}
}

func (d pictures) Check(ctx context.Context, p *principal.Principal, w embed.Shown) error {
	if err := d.engine.Check(ctx, p, requestOf(w)); err != nil {
		return err
	}
	described, err := d.engine.Describe(widget.ID(w.Widget))
	if err == nil && !described.View.Picture() {
		return apierror.Inputf("widget: %s is a %s, of which there is no picture", w.Widget, described.View)
	}
	return err
}

// Draw makes a badge of one value, and else the picture.
func (d pictures) Draw(ctx context.Context, p *principal.Principal, w embed.Shown, format string) (embed.Drawing, error) {
	described, err := d.engine.Describe(widget.ID(w.Widget))
	if err != nil {
		return embed.Drawing{}, err
	}
	var shown widget.Shown
	contentType := "image/svg+xml"
	switch {
	case format == "png":
		contentType = "image/png"
		shown = d.engine.Show(ctx, p, requestOf(w), widget.PNG, draw.Options{})
	case format == "json":
		contentType = "application/json; charset=utf-8"
		shown = d.engine.Badge(ctx, p, requestOf(w), true, draw.Options{})
	case format != "svg":
		return embed.Drawing{}, apierror.NotFoundf("There is no picture of that form")
	case described.View != widget.Stat:
		shown = d.engine.Show(ctx, p, requestOf(w), widget.SVG, draw.Options{})
	default:
		shown = d.engine.Badge(ctx, p, requestOf(w), false, draw.Options{})
	}
	return embed.Drawing{ContentType: contentType, Body: shown.Body, Fresh: shown.MaxAge}, shown.Err
}

var _ embed.Widgets = pictures{}
