package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/cost/estimate"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
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
	engine atomic.Pointer[engine]

	estimator *estimate.Estimator
}

// engine is what the settings make.
type engine struct {
	settings settings
	catalog  *catalog
	costs    *insight.Costs
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
	c := &plugin{p: p, host: p.Host(), now: now, estimator: estimate.New(estimate.Options{Host: p.Host(), Now: now})}
	sdk.Settings(p, c.use)
	for _, permission := range []sdk.Permission{readAll, importCharges, writeBudgets} {
		p.Permission(permission)
	}
	c.routes(p)
	c.facades(p)
	c.widgets(p)
	c.estimator.Register(p)
	p.Health(c.health)
	p.Task("budgets", time.Hour, c.watchBudgets, sdk.TaskOptions{InitialDelay: time.Minute})
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
	if c.ledger == nil {
		if c.ledger, err = ledger.OpenAt(ctx, c.p.DataDir(), c.now); err != nil {
			return fmt.Errorf("open the ledger: %w", err)
		}
	}
	c.engine.Store(&engine{
		settings: s, catalog: newCatalog(c.host, c.now, s.CatalogRefresh.Std(), assignments),
		costs: &insight.Costs{Ledger: insight.Only(c.ledger, counted), Now: c.now},
	})
	return nil
}
