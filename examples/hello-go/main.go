// Hello from Go: one of everything that a plugin can add to Callboard.
package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

func main() { newPlugin().Serve() }

// settings are what an operator writes under callboard.plugins.hello-go.settings. The tags make the JSON Schema.
type settings struct {
	Greeting string     `json:"greeting" default:"Hello" desc:"Word to greet with" min:"1" max:"40"`
	Token    sdk.Secret `json:"token,omitempty" desc:"API token of the greeting service"`
}

// Validate says more than a schema can.
func (s settings) Validate(context.Context) error {
	if strings.TrimSpace(s.Greeting) == "" {
		return errors.New("the greeting is blank; set a word, or leave it out for Hello")
	}
	return nil
}

// greeter is the plugin's own state. Settings change while it serves, so they stand behind an atomic pointer.
type greeter struct{ settings atomic.Pointer[settings] }

func (g *greeter) greet(name string) string {
	return fmt.Sprintf("%s, %s!", g.settings.Load().Greeting, name)
}

func newPlugin() *sdk.Plugin {
	p := sdk.New("hello-go", sdk.About{
		Version: "0.1.0", Title: "Hello from Go", License: "Apache-2.0",
		Description: "The smallest plugin that shows one of everything, in Go.",
	})
	g := &greeter{}
	sdk.Settings(p, func(_ context.Context, s settings) error {
		g.settings.Store(&s)
		return nil
	})
	p.HandleFunc("GET /greeting/{name}", g.greeting)
	p.HandleFunc("GET /health", health, sdk.Unauthenticated)
	p.HandleFunc("GET /ticks", func(w http.ResponseWriter, r *http.Request) { ticks(w, r, p.Draining()) })
	p.EntityProvider("greetings", 10*time.Minute, greetings)
	p.StagedProcessor(sdk.Stages{Name: "greeted", Kinds: []string{"component"}, PreProcess: g.greeted})
	sdk.Action(p, "hello-go:greet", g.action, sdk.ActionOptions{Description: "Greets somebody", DryRun: true, Repeatable: true})
	sdk.Filter(p, "goShout", shout, sdk.FilterOptions{Description: "Says it loudly", Arguments: []any{""}})
	p.Widget(sdk.Widget{ID: "hello", Title: "Hello", View: sdk.ViewStat, For: "*", Data: g.widget})
	return p
}

func (g *greeter) greeting(w http.ResponseWriter, r *http.Request) {
	sdk.WriteJSON(w, http.StatusOK, map[string]string{
		"greeting": g.greet(r.PathValue("name")), "principal": sdk.Principal(r.Context()).Subject,
	})
}

func health(w http.ResponseWriter, _ *http.Request) {
	sdk.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ticks is a stream of server-sent events: a count, once a second, for a minute at most.
func ticks(w http.ResponseWriter, r *http.Request, draining <-chan struct{}) {
	count, err := strconv.Atoi(r.FormValue("count"))
	if err != nil || count > 60 {
		count = 60
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for tick := range count {
		if tick > 0 {
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				return
			case <-draining: // this instance is about to go: the browser reconnects to the next one
				return
			}
		}
		_, _ = fmt.Fprintf(w, "data: {\"tick\":%d}\n\n", tick)
		_ = http.NewResponseController(w).Flush()
	}
}

func greetings(context.Context) iter.Seq2[sdk.Entity, error] {
	return func(yield func(sdk.Entity, error) bool) {
		for _, name := range []string{"hello", "world"} {
			e := sdk.Entity{
				"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
				"metadata": map[string]any{
					"name": "go-" + name, "description": "Provided by the plugin hello-go",
					"annotations": map[string]any{"hello.callboard.dev/greet": name},
				},
				"spec": map[string]any{"type": "service", "lifecycle": "experimental", "owner": "group:default/greeters"},
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (g *greeter) greeted(_ context.Context, _ *sdk.Processing, e sdk.Entity) (sdk.Entity, error) {
	annotations, _ := e.Metadata()["annotations"].(map[string]any)
	if name := e.Annotation("hello.callboard.dev/greet"); name != "" {
		annotations["hello.callboard.dev/greeted"] = g.greet(name)
	}
	return e, nil
}

type greetInput struct {
	Name string `json:"name" desc:"Who to greet" min:"1"`
}

type greetOutput struct {
	Greeting string `json:"greeting"`
}

func (g *greeter) action(a sdk.ActionContext[greetInput]) (greetOutput, error) {
	a.Log.Info("greeting " + a.Input.Name)
	if a.DryRun {
		a.Log.Info("dry run: nobody hears it")
	}
	return greetOutput{g.greet(a.Input.Name)}, nil
}

// shout is a filter of templates: ${{ parameters.name | goShout("?") }}.
func shout(f sdk.FilterContext, text string) (string, error) {
	mark := "!"
	if err := f.Argument(0, &mark); err != nil {
		return "", err
	}
	return strings.ToUpper(text) + mark, nil
}

func (g *greeter) widget(_ context.Context, q sdk.WidgetQuery) (*frame.Frame, error) {
	name := "world"
	if q.Entity != nil {
		name = q.Entity.Name()
	}
	return frame.New("hello", frame.Strings("greeting", g.greet(name))), nil
}
