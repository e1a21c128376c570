package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/cost/estimate"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/intake"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/opencost"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/rpcerror"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "estimate" {
		os.Exit(estimate.Main(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	newPlugin().Serve()
}

// plugin is what outlives a change of the settings.
type plugin struct {
	p      *sdk.Plugin
	host   *sdk.Host
	now    func() time.Time
	ledger *ledger.Ledger // opened with the first settings, for as long as the process lives
	intake *intake.Intake // likewise
	days   *opencost.Days // likewise
	engine atomic.Pointer[engine]

	estimator *estimate.Estimator
	metrics   metrics
}

// engine is what the settings make.
type engine struct {
	settings settings
	catalog  *catalog
	costs    *insight.Costs
	feeds    *feeds
}

func newPlugin() *sdk.Plugin {
	p, _ := newPluginAt(time.Now)
	return p
}

// newPluginAt makes the plugin with a clock.
func newPluginAt(now func() time.Time) (*sdk.Plugin, *plugin) {
	p := sdk.New("cost", sdk.About{
		Version: "0.1.0", Title: "Cost", License: "Apache-2.0",
		Description: "What the cloud costs: FOCUS bills and OpenCost by entity, with budgets, anomalies, forecasts and estimates.",
	})
	c := &plugin{p: p, host: p.Host(), now: now, estimator: estimate.New(estimate.Options{Host: p.Host(), Now: now}), metrics: newMetrics(p)}
	sdk.Settings(p, c.use)
	for _, permission := range []sdk.Permission{readAll, importCharges, writeBudgets} {
		p.Permission(permission)
	}
	c.routes(p)
	c.importRoutes(p)
	c.facades(p)
	c.widgets(p)
	c.estimator.Register(p)
	p.Collator(documentType, c.documents, sdk.CollatorOptions{Every: collectEvery})
	p.Health(c.health)
	p.Task(budgetsTask, time.Hour, c.watchBudgets, sdk.TaskOptions{InitialDelay: time.Minute})
	p.OnDrain(c.finish)
	return p, c
}

// costs answers questions by the settings of the moment.
func (c *plugin) costs() *insight.Costs { return c.engine.Load().costs }

// use takes settings into use. The host never calls it twice at once.
func (c *plugin) use(ctx context.Context, s settings) error {
	assignments, err := s.assignments()
	if err != nil {
		return err
	}
	counted, err := s.counted()
	if err != nil {
		return err
	}
	if err := c.estimator.Configure(c.p.DataDir(), s.Estimates); err != nil {
		return fmt.Errorf("estimates: %s", rpcerror.Message(err))
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	list, err := c.feedsOf(s)
	if err != nil {
		return err
	}
	next := &engine{
		settings: s, catalog: newCatalog(c.host, c.now, s.CatalogRefresh.Std(), assignments),
		costs: &insight.Costs{Ledger: insight.Only(c.ledger, counted), Now: c.now},
	}
	if former := c.engine.Load(); former != nil {
		former.feeds.end() // two that look at one place would import everything twice
	}
	next.feeds = startFeeds(list)
	c.engine.Store(next)
	return nil
}

// finish ends what the plugin does by itself.
func (c *plugin) finish(context.Context) error {
	if e := c.engine.Load(); e != nil {
		e.feeds.end()
	}
	return nil
}

// open opens the files of the plugin, once.
func (c *plugin) open(ctx context.Context) error {
	if c.ledger == nil {
		l, err := ledger.OpenAt(ctx, c.p.DataDir(), c.now)
		if err != nil {
			return fmt.Errorf("open the ledger: %w", err)
		}
		c.ledger = l
	}
	if c.intake == nil {
		i, err := intake.Open(ctx, intake.Options{Dir: c.p.DataDir(), Ledger: c.ledger, Now: c.now, Imported: c.ended})
		if err != nil {
			return fmt.Errorf("open the imports: %w", err)
		}
		c.intake = i
	}
	if c.days == nil {
		d, err := opencost.OpenDays(ctx, c.p.DataDir())
		if err != nil {
			return fmt.Errorf("open the days of OpenCost: %w", err)
		}
		c.days = d
	}
	return nil
}

// close closes the files, when nothing uses them any more.
func (c *plugin) close() error {
	var failures []error
	if c.days != nil {
		failures = append(failures, c.days.Close())
	}
	if c.intake != nil {
		failures = append(failures, c.intake.Close())
	}
	if c.ledger != nil {
		failures = append(failures, c.ledger.Close())
	}
	return errors.Join(failures...)
}
