package estimate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/cost/estimate/pricebook"
	"github.com/callboard/callboard/plugins/cost/estimate/rules"
	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Options are what an [Estimator] works with.
type Options struct {
	// Host keeps estimates of entities, and says who may read which. The command line has none.
	Host *sdk.Host
	// Now is the time, [time.Now] unless set.
	Now func() time.Time
}

// Settings are what an operator writes.
type Settings struct {
	PriceBook string            `json:"priceBook,omitempty" default:"" desc:"Price book as CSV, such as prices.csv, in the plugin's data folder unless absolute; without it the sample that comes with the plugin"`
	Regions   map[string]string `json:"regions,omitempty" desc:"Region by provider, for resources of plans that do not tell theirs: aws, azurerm, google"`
}

// Estimator makes estimates. It is used by many goroutines at once.
type Estimator struct {
	host    *sdk.Host
	now     func() time.Time
	current atomic.Pointer[state]
	// room is for so many documents at once: a long plan takes some 300 MiB while it is read.
	room chan struct{}
}

const mostAtOnce = 2

// state is what comes of the settings.
type state struct {
	book    *pricebook.Book
	regions map[string]string
}

// New makes an estimator with the sample's prices.
func New(o Options) *Estimator {
	e := &Estimator{host: o.Host, now: o.Now, room: make(chan struct{}, mostAtOnce)}
	if e.now == nil {
		e.now = time.Now
	}
	e.current.Store(&state{book: pricebook.Sample()})
	return e
}

// Configure takes settings into use; the former ones stay when it fails. Names of files are relative to dir.
func (e *Estimator) Configure(dir string, s Settings) error {
	next := &state{regions: s.Regions}
	var err error
	if next.book, err = openBook(dir, s.PriceBook); err != nil {
		return err
	}
	e.current.Store(next)
	return nil
}

func openBook(dir, name string) (*pricebook.Book, error) {
	if name == "" {
		return pricebook.Sample(), nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, apierror.Inputf("price book: %v", err)
	}
	defer f.Close()
	return pricebook.Read(f)
}

// PriceBook is the version and the currency of the prices in use.
func (e *Estimator) PriceBook() (version, currency string) {
	book := e.current.Load().book
	return book.Version, book.Currency
}

// Price estimates a plan. Regions of the request go before those of the settings.
func (e *Estimator) Price(q Request) (*Document, error) {
	s := e.current.Load()
	merged := map[string]string{}
	maps.Copy(merged, s.regions)
	maps.Copy(merged, q.Regions)
	q.Regions = merged
	d, err := price(s.book, rules.Default(), q)
	if err != nil {
		return nil, err
	}
	d.TimeGenerated = e.now().UTC().Truncate(time.Second)
	return d, nil
}

// envelope is a plan with what belongs to it.
type envelope struct {
	Plan    json.RawMessage   `json:"plan"`
	Usage   json.RawMessage   `json:"usage"`
	Regions map[string]string `json:"regions"`
	Name    string            `json:"name"`
}

// Read estimates what somebody sent: a plan as `terraform show -json` writes it, a plan with usage and regions
// ({"plan": …, "usage": …, "regions": …, "name": …}), or an estimate of Infracost. What the sender says goes before defaults.
//
// It waits while others are read, until ctx ends.
func (e *Estimator) Read(ctx context.Context, data []byte, defaults Request) (*Document, error) {
	select {
	case e.room <- struct{}{}:
		defer func() { <-e.room }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := tfplan.Check("estimate", data); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := tfplan.Decode("estimate", data, &members); err != nil {
		return nil, err
	}
	if members["projects"] != nil {
		d, err := ReadInfracost(data)
		if err == nil {
			d.TimeGenerated = e.now().UTC().Truncate(time.Second)
		}
		return d, err
	}
	if err := defaults.plan(data, members["plan"] != nil); err != nil {
		return nil, err
	}
	return e.Price(defaults)
}

// plan reads a plan, alone or with what belongs to it.
func (q *Request) plan(data []byte, within bool) (err error) {
	if within {
		var sent envelope
		if err := tfplan.Decode("estimate", data, &sent); err != nil {
			return err
		}
		if err := q.take(sent); err != nil {
			return err
		}
		data = sent.Plan
	}
	q.Plan, err = tfplan.Read(data)
	return err
}

func (q *Request) take(sent envelope) (err error) {
	if sent.Name != "" {
		q.Name = excerpt.Of(sent.Name, maxTitle)
	}
	if len(sent.Usage) > 0 {
		if q.Usage, err = ReadUsage(sent.Usage); err != nil {
			return err
		}
	}
	if sent.Regions != nil {
		q.Regions = sent.Regions
	}
	return checkRegions(q.Regions)
}

var (
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
	regionForm   = regexp.MustCompile(`^[a-z0-9-]{2,40}$`)
)

func checkRegions(regions map[string]string) error {
	for provider, region := range regions {
		if !regionForm.MatchString(region) {
			return apierror.Inputf("regions: %s: %q is no region", excerpt.Of(provider, 40), excerpt.Of(region, 40))
		}
	}
	return nil
}

// regionsOf reads "aws=eu-west-1".
func regionsOf(pairs []string) (map[string]string, error) {
	regions := map[string]string{}
	for _, p := range pairs {
		provider, region, ok := strings.Cut(p, "=")
		if !ok || provider == "" {
			return nil, apierror.Inputf("region: %q is not of the form provider=region", excerpt.Of(p, 80))
		}
		regions[provider] = region
	}
	return regions, checkRegions(regions)
}

// String is what an estimate says in a line.
func (d *Document) String() string {
	return fmt.Sprintf("%s %s a month, %s before", rounded(*d.TotalMonthlyCost), d.Currency, rounded(*d.PastTotalMonthlyCost))
}
