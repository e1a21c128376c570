package main

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/develop"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// devLoop tells the author, on the terminal and on the console, how the plugin does.
type devLoop struct {
	p    *Program
	id   manifest.ID
	host *pluginhost.Host
	now  func() time.Time
}

// build is the first build, before the host runs.
func (d *devLoop) build(ctx context.Context, b develop.Builder) develop.Result {
	if len(b.Argv) == 0 {
		return develop.Result{}
	}
	d.building()
	r := b.Build(ctx)
	d.built(r)
	return r
}

func (d *devLoop) sayf(format string, args ...any) {
	fmt.Fprintf(d.p.Stdout, d.now().Format("15:04:05 ")+format+"\n", args...)
}

func (d *devLoop) building() {
	d.host.SetBuild(d.id, pluginhost.Build{At: d.now(), Running: true})
}

func (d *devLoop) built(r develop.Result) {
	d.host.SetBuild(d.id, pluginhost.Build{At: d.now(), Took: r.Took, Output: r.Output, Failed: r.Err != nil})
	switch {
	case r.Err != nil:
		d.sayf("the build failed after %s; what ran before goes on:\n%s", r.Took.Round(time.Millisecond), r.Output)
	case r.Took > 0:
		d.sayf("built in %s", r.Took.Round(time.Millisecond))
	}
}

func (d *devLoop) serve(ctx context.Context) error { return d.host.Restart(ctx, d.id) }

func (d *devLoop) served(took time.Duration, err error) {
	if err != nil {
		d.sayf("the new version does not serve: %v", err)
		return
	}
	d.sayf("the new version serves, %s after its build", took.Round(time.Millisecond))
}

// watch says when the plugin comes into another state that its author should know.
func (d *devLoop) watch(ctx context.Context) {
	var last supervise.State
	for e := range d.host.Events(ctx) {
		if e.Plugin != d.id || e.Kind != pluginhost.EventState || e.State == last || ctx.Err() != nil {
			continue
		}
		last = e.State
		switch {
		case e.Reason != "":
			d.sayf("%s: %s", e.State, e.Reason)
		case e.State.Serves():
			d.sayf("%s", e.State)
		}
	}
}
