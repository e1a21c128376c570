package sdk_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
)

func none(context.Context) iter.Seq2[sdk.Entity, error] { return func(func(sdk.Entity, error) bool) {} }

func nothing(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestRegistration_PanicsWithWhatToChange(t *testing.T) {
	data := func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) { return nil, nil }
	submit := func(context.Context, sdk.WidgetQuery) (sdk.WidgetResult, error) { return sdk.WidgetResult{}, nil }
	type nested struct {
		In struct{ A string } `json:"in"`
	}
	for want, mistake := range map[string]func(*sdk.Plugin){
		"a plugin id is a lower-case letter":   func(*sdk.Plugin) { sdk.New("Sentry_2") },
		"no semantic version":                  func(*sdk.Plugin) { sdk.New("x", sdk.About{Version: "v1"}) },
		"give sdk.About once":                  func(*sdk.Plugin) { sdk.New("x", sdk.About{}, sdk.About{}) },
		`provider "p" is registered twice`:     func(p *sdk.Plugin) { p.EntityProvider("p", 1, none); p.EntityProvider("p", 1, none) },
		"the interval must be more than 0":     func(p *sdk.Plugin) { p.EntityProvider("p", 0, none) },
		"a name is a letter":                   func(p *sdk.Plugin) { p.EntityProvider("p p", 1, none) },
		`Processor "p": the function is nil`:   func(p *sdk.Plugin) { p.Processor("p", nil) },
		"has no stage":                         func(p *sdk.Plugin) { p.StagedProcessor(sdk.Stages{Name: "p"}) },
		`HandleFunc "/x": the function is nil`: func(p *sdk.Plugin) { p.HandleFunc("/x", nil) },
		`Handle "GET x"`:                       func(p *sdk.Plugin) { p.HandleFunc("GET x", nothing) },
		"leave the host name out":              func(p *sdk.Plugin) { p.HandleFunc("GET example.com/x", nothing) },
		"conflicts with pattern":               func(p *sdk.Plugin) { p.HandleFunc("/x", nothing); p.HandleFunc("/x", nothing) },
		"Settings is called twice":             func(p *sdk.Plugin) { use[struct{}](p); use[struct{}](p) },
		"must be a struct":                     func(p *sdk.Plugin) { use[string](p) },
		"use sdk.Duration":                     func(p *sdk.Plugin) { use[struct{ Every time.Duration }](p) },
		"has no JSON Schema":                   func(p *sdk.Plugin) { use[struct{ C chan int }](p) },
		`min:"few" is no number`: func(p *sdk.Plugin) {
			use[struct {
				N int `min:"few"`
			}](p)
		},
		`default: "many" is no JSON value`: func(p *sdk.Plugin) {
			use[struct {
				N int `default:"many"`
			}](p)
		},
		"does not fit its type": func(p *sdk.Plugin) {
			use[struct {
				N int `default:"true"`
			}](p)
		},
		`secret:"true" is for texts`: func(p *sdk.Plugin) {
			use[struct {
				N int `secret:"true"`
			}](p)
		},
		"set one of Data and Stream": func(p *sdk.Plugin) { p.Widget(sdk.Widget{ID: "w", Title: "W", View: sdk.ViewStat}) },
		`view "pie" is none of`:      func(p *sdk.Plugin) { p.Widget(sdk.Widget{ID: "w", Title: "W", View: "pie", Data: data}) },
		`Submit is for the view "form"`: func(p *sdk.Plugin) {
			p.Widget(sdk.Widget{ID: "w", Title: "W", View: sdk.ViewStat, Data: data, Submit: submit})
		},
		"field in of Args must be a text": func(p *sdk.Plugin) {
			p.Widget(sdk.Widget{ID: "w", Title: "W", View: sdk.ViewForm, Args: nested{}, Submit: submit})
		},
		"needs a title":                        func(p *sdk.Plugin) { p.Widget(sdk.Widget{ID: "w", View: sdk.ViewStat, Data: data}) },
		`action "bake" is none of create`:      func(p *sdk.Plugin) { p.Permission(sdk.Permission{Name: "p", Action: "bake"}) },
		`label "plugin" is not allowed`:        func(p *sdk.Plugin) { p.Counter("c_total", "C", "plugin") },
		"metric c is registered twice":         func(p *sdk.Plugin) { p.Gauge("c", ""); p.Counter("c", "") },
		"was given 0 values":                   func(p *sdk.Plugin) { p.Counter("c", "C", "kind").Add(1) },
		"give bounds in rising order":          func(p *sdk.Plugin) { p.Histogram("h", "H", nil) },
		`route "/a/{x}/b" opens every path`:    func(p *sdk.Plugin) { openWithin(t, p, "/a/{x}/b", "GET /a/secret") },
		`route "/" opens every path below "/"`: func(p *sdk.Plugin) { openWithin(t, p, "/", "GET /secret") },
		"register before Serve":                func(p *sdk.Plugin) { p.Open(sdk.Runtime{}); p.EntityProvider("late", 1, none) },
	} {
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "callboard sdk: ") || !strings.Contains(got, want) {
					t.Errorf("want %q, got %s", want, got)
				}
			}()
			mistake(sdk.New("x"))
		}()
	}
}

func use[T any](p *sdk.Plugin) { sdk.Settings(p, func(context.Context, T) error { return nil }) }

func openWithin(t *testing.T, p *sdk.Plugin, open, closed string) {
	t.Helper()
	p.HandleFunc(open, nothing, sdk.Unauthenticated)
	p.HandleFunc(closed, nothing)
	p.Open(sdk.Runtime{})
}

func TestDescribe_NamesEverythingThatWasRegistered(t *testing.T) {
	p := sdk.New("all", sdk.About{Version: "1.0.0-rc.1", Title: "All", License: "MIT"})
	p.HandleFunc("GET /a/{id}", nothing, sdk.UserCookie)
	p.HandleFunc("POST /hook", nothing, sdk.Unauthenticated)
	p.HandleFunc("GET /hook/{id}", nothing, sdk.Unauthenticated)
	p.EntityProvider("prov", time.Minute, none)
	p.Processor("proc", func(_ context.Context, e sdk.Entity) (sdk.Entity, error) { return e, nil })
	sdk.Action(p, "all:act", func(sdk.ActionContext[struct{}]) (map[string]any, error) { return nil, nil })
	p.Collator("doc", func(context.Context) iter.Seq2[sdk.Document, error] { return nil })
	p.Widget(sdk.Widget{ID: "w", Title: "W", View: sdk.ViewStat, Data: func(context.Context, sdk.WidgetQuery) (*frame.Frame, error) { return nil, nil }})
	p.Task("task", time.Minute, func(context.Context) error { return nil })
	p.Permission(sdk.Permission{Name: "all.read", Action: "read"})
	sdk.Rule(p, "IS_MINE", "thing", func(context.Context, string, struct{}) (bool, error) { return true, nil })
	p.OnEvent("topic", func(context.Context, sdk.Event) error { return nil })
	d := plugintest.Start(t, p).Describe()
	plugintest.Golden(t, "testdata/describe.golden.json", d)
}
