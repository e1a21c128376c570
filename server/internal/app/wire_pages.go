package app

import (
	bridge "github.com/callboard/callboard/frontend-bridge"
	"github.com/callboard/callboard/server/internal/embed"
	"github.com/callboard/callboard/server/internal/embedpage"
	"github.com/callboard/callboard/server/internal/widget"
)

// wirePages makes what browsers load for widgets from outside /api; wireIndex puts it there.
func (a *App) wirePages(o Options) error {
	f := &a.features
	f.apps = embed.NewApps(o.Config, o.Logger)
	pages, err := embedpage.New(embedpage.Options{Files: bridge.Files(), Settings: embedpage.ReadSettings(o.Config), Log: o.Logger,
		Apps: embedApps{f.apps}, Title: titles{f.widgets}.of, Height: titles{f.widgets}.height})
	if err != nil {
		return err
	}
	f.pages = pages
	a.closers = append(a.closers, pages.Close)
	return nil
}

// titles are those of what can be in a frame: widgets, and the documentation of APIs, which is a feature of its own.
type titles struct{ widgets *widget.Registry }

func (t titles) of(id string) (string, bool) {
	if id == "api-docs/reference" {
		return "API reference", true
	}
	w, err := t.widgets.Find(widget.ID(id))
	if err != nil {
		return "", false
	}
	return w.Description().Title, true
}

// height is that of pictures.
func (t titles) height(id string) int {
	w, err := t.widgets.Find(widget.ID(id))
	if err != nil {
		return 0
	}
	return w.Description().View.UsualHeight()
}

// embedApps are the configured portals as frames need them.
type embedApps struct{ apps *embed.Apps }

func (e embedApps) Find(id string) (title string, origins []string, ok bool) {
	app, ok := e.apps.Find(id)
	return app.Title, app.Origins, ok
}
