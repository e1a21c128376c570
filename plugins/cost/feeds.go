package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/cost/intake"
	"github.com/callboard/callboard/plugins/cost/opencost"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// feed is where charges come from by themselves: a folder, a bucket, an OpenCost. The ledger is this process's own, so that
// every process looks for itself.
type feed struct {
	every  time.Duration
	look   func(context.Context) error
	status func() intake.Status
}

// feeds are looked at, each on a goroutine of its own, until they are stopped.
type feeds struct {
	list    []feed
	stop    context.CancelFunc
	looking sync.WaitGroup
}

func startFeeds(list []feed) *feeds {
	ctx, stop := context.WithCancel(context.Background())
	f := &feeds{list: list, stop: stop}
	for _, one := range list {
		f.looking.Go(func() { one.run(ctx) })
	}
	return f
}

// end stops the feeds and waits for what they are doing: an import that was not finished has changed nothing, and is begun
// again by whoever looks next.
func (f *feeds) end() {
	if f != nil {
		f.stop()
		f.looking.Wait()
	}
}

func (f feed) run(ctx context.Context) {
	for {
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "charges could not be looked for", "error", rpcerror.Message(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.every):
		}
	}
}

// inbox is the folder that is always looked at, in the plugin's data folder.
const inbox = "inbox"

// feedsOf makes the feeds of the settings.
func (c *plugin) feedsOf(s settings) ([]feed, error) {
	if err := os.MkdirAll(filepath.Join(c.p.DataDir(), inbox), 0o750); err != nil {
		return nil, fmt.Errorf("make the folder %s: %w", inbox, err)
	}
	var list []feed
	for _, f := range append([]folderSettings{{Path: inbox, Every: sdk.Duration(time.Minute)}}, s.Folders...) {
		path := f.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.p.DataDir(), path)
		}
		w := c.intake.Watcher(&intake.Folder{Path: path}, f.Source)
		list = append(list, feed{f.Every.Std(), w.Look, w.Status})
	}
	for _, b := range s.Buckets {
		w := c.intake.Watcher(b.place(c.host.HTTP, c.now), b.Source)
		list = append(list, feed{b.Every.Std(), w.Look, w.Status})
	}
	for _, o := range s.OpenCost {
		list = append(list, c.collected(o))
	}
	return list, nil
}

// collected is the feed of an OpenCost.
func (c *plugin) collected(o opencostSettings) feed {
	collector := opencost.Collector{
		Client: &opencost.Client{HTTP: c.host.HTTP, URL: o.URL, Token: o.Token}, Source: o.Source, Currency: o.Currency,
		Days: c.days, Intake: c.intake, Now: c.now,
	}
	var last atomic.Pointer[intake.Status]
	last.Store(&intake.Status{Place: o.URL})
	look := func(ctx context.Context) error {
		err := collector.Collect(ctx)
		s := intake.Status{Place: o.URL, Looked: c.now().UTC()}
		if err != nil {
			s.Problem = rpcerror.Message(err)
		}
		last.Store(&s)
		return err
	}
	return feed{o.Every.Std(), look, func() intake.Status { return *last.Load() }}
}

func (b bucketSettings) place(client *http.Client, now func() time.Time) *intake.S3 {
	return &intake.S3{
		HTTP: client, Endpoint: strings.TrimSuffix(b.Endpoint, "/"), Bucket: b.Bucket, Prefix: b.Prefix, Region: b.Region,
		AccessKey: b.AccessKey, SecretKey: b.SecretKey, SessionToken: b.SessionToken, Now: now,
	}
}

// listFeeds answers where charges come from by themselves, and what was found there lately.
func (c *plugin) listFeeds(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := parametersOf(r); err != nil {
		return nil, err
	}
	if err := c.mayFollow(r.Context()); err != nil {
		return nil, err
	}
	out := []intake.Status{}
	for _, f := range c.engine.Load().feeds.list {
		out = append(out, c.seen(f))
	}
	return map[string]any{"feeds": out}, nil
}

// seen is the status of a feed. Folders in the plugin's own are called as in its settings, whose path is nobody's business.
func (c *plugin) seen(f feed) intake.Status {
	s := f.status()
	s.Place = strings.TrimPrefix(s.Place, c.p.DataDir()+string(filepath.Separator))
	return s
}

// aboutFeeds is what an operator should know about feeds.
func (c *plugin) aboutFeeds() []error {
	var found []error
	for _, f := range c.engine.Load().feeds.list {
		s := c.seen(f)
		if s.Problem != "" {
			found = append(found, fmt.Errorf("%s cannot be looked at: %s", s.Place, s.Problem))
		}
		if len(s.Refused) > 0 {
			found = append(found, fmt.Errorf("%s has %d files that cannot be imported: %s", s.Place, len(s.Refused), s.Refused[0]))
		}
	}
	return found
}
