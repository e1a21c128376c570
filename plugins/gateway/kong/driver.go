package kong

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options say which Kong it is.
type Options struct {
	Name string       // of the instance, in errors
	HTTP *http.Client // the host's way out
	URL  string       // of the Admin API
	// Nodes are the Admin APIs of further nodes where there is no database that they share.
	Nodes []string
	// Declarative allows to change the configuration of nodes without a database as a whole.
	Declarative bool
	// Token is sent as Kong-Admin-Token; "" = none.
	Token sdk.Secret
	// Header and Value are sent where the Admin API stands behind Kong itself or another gate; "" = none.
	Header string
	Value  sdk.Secret
	// Workspace of Kong Enterprise, "" = the default one.
	Workspace string
	// Proxy is the address under which callers reach the data plane, "" = not known.
	Proxy string
	// Plans are those that the driver makes. The window of a limit is a second, minute, hour, day, 30 days for a calendar
	// month, or 365 days for a year.
	Plans []driver.Plan
	// Policy is where rate-limiting counts: "local" on each node, the default, or "cluster" in the database.
	Policy string
	Now    func() time.Time // nil = time.Now
}

// Edition is what differs where Kong's entities are managed by something else than its own Admin API.
type Edition struct {
	Authorize func(*http.Request) error
	// Explain says what an answer without success means, see [rest.Client].
	Explain func(status int, body []byte) error
	// Node tells how Kong runs. It is asked again a minute later.
	Node func(context.Context, *rest.Client) (*Node, error)
	// NoPatch holds where entities can be replaced only, and members of them not merged.
	NoPatch bool
	// Check says what keeps one node from being managed well; it may be nil.
	Check func(context.Context, *rest.Client) error
}

// Driver is one Kong.
type Driver struct {
	options Options
	edition Edition
	plans   map[driver.PlanID]driver.Plan
	nodes   []*rest.Client // the first one is read
	known   atomic.Pointer[Node]
	loading sync.Mutex // one change of a declarative configuration at a time
}

// New checks the options; nothing is called yet.
func New(o Options) (*Driver, error) { return NewEdition(o, gateway(o)) }

// NewEdition is [New] for another edition; it does not look at the options about credentials.
func NewEdition(o Options, e Edition) (*Driver, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Policy == "" {
		o.Policy = "local"
	}
	if o.Policy != "local" && o.Policy != "cluster" {
		return nil, apierror.Inputf("Kong %s: policy must be local or cluster, not %q", o.Name, o.Policy)
	}
	d := &Driver{options: o, edition: e, plans: map[driver.PlanID]driver.Plan{}}
	for _, p := range o.Plans {
		if err := checkPlan(p); err != nil {
			return nil, apierror.Inputf("Kong %s: plan %q: %v", o.Name, p.ID, err)
		}
		if _, twice := d.plans[p.ID]; twice {
			return nil, apierror.Inputf("Kong %s: plan %q is there twice", o.Name, p.ID)
		}
		d.plans[p.ID] = p
	}
	for _, address := range append([]string{o.URL}, o.Nodes...) {
		d.nodes = append(d.nodes, client(o, e, address))
	}
	return d, nil
}

// Node is how a Kong runs.
type Node struct {
	// ReadOnly is why nothing may be written, "" = it may.
	ReadOnly string
	// Declarative nodes take their configuration as a whole.
	Declarative bool
	// EndsKeys holds where keys with a time to live end by themselves.
	EndsKeys bool
	Plugins  map[string]bool // that it has loaded; nil = not told

	at time.Time
}

// nodeLife is how long it is believed that Kong runs as it did.
const nodeLife = time.Minute

// node asks how Kong runs, unless that was asked a moment ago.
func (d *Driver) node(ctx context.Context) (*Node, error) {
	if n := d.known.Load(); n != nil && d.options.Now().Sub(n.at).Abs() < nodeLife {
		return n, nil
	}
	return d.askNode(ctx)
}

func (d *Driver) askNode(ctx context.Context) (*Node, error) {
	n, err := d.edition.Node(ctx, d.nodes[0])
	if err != nil {
		return nil, err
	}
	n.at = d.options.Now()
	d.known.Store(n)
	return n, nil
}

// writable is an error where the driver may not write.
func (d *Driver) writable(ctx context.Context) (*Node, error) {
	n, err := d.node(ctx)
	if err == nil && n.ReadOnly != "" {
		return nil, d.problem(apierror.NotImplemented, "%s", n.ReadOnly)
	}
	return n, err
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	n, err := d.node(ctx)
	if err != nil {
		return driver.Capabilities{}, err
	}
	why := map[string]string{
		"approval":     "Kong has no such thing; the portal approves",
		"oauthClients": "keys are the only credentials that are made",
		"quotaRead":    "Kong tells what is left of a limit to callers only, in headers of its answers",
	}
	c := driver.Capabilities{APIs: true, Declarative: n.Declarative, Why: why}
	if n.ReadOnly == "" {
		c.Publish, c.Plans, c.Keys, c.OwnSecret, c.RotateDual, c.Suspend = true, true, true, true, true, true
	} else {
		for _, name := range []string{"publish", "plans", "keys", "ownSecret", "rotateDual", "suspend"} {
			why[name] = n.ReadOnly
		}
	}
	if c.KeyTTL = c.Keys && n.EndsKeys; !c.KeyTTL {
		why["keyTTL"] = "keys of this Kong do not end by themselves; the portal ends them"
	}
	reason, err := d.uncounted(ctx)
	if c.Usage = reason == ""; !c.Usage {
		why["usage"] = reason
	}
	return c, err
}

// uncounted is why Kong tells no usage, "" = it does: its metrics are off unless they are asked for.
func (d *Driver) uncounted(ctx context.Context) (string, error) {
	reason := "plugin prometheus is not on"
	for p, err := range list[plugin](ctx, d, "/plugins") {
		if err != nil {
			return reason, err
		}
		if p.Name != "prometheus" || !p.Enabled {
			continue
		}
		switch {
		case p.Config["status_code_metrics"] != true:
			reason = "plugin prometheus does not count requests; set its status_code_metrics"
		case p.Config["per_consumer"] != true:
			reason = "plugin prometheus does not tell consumers apart; set its per_consumer"
		default:
			return "", nil
		}
	}
	return reason, nil
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	n, err := d.askNode(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"key-auth", "acl", "rate-limiting"} {
		if n.Plugins != nil && !n.Plugins[name] {
			return d.unavailable("has no plugin %s; add it to the plugins that it loads", name)
		}
	}
	for _, client := range d.nodes {
		if d.edition.Check == nil {
			break
		}
		if err := d.edition.Check(ctx, client); err != nil {
			return err
		}
	}
	_, _, err = page[service](ctx, d, "/services", 1)("") // whether the credentials suffice for what nodes do not tell
	return err
}

var (
	_ driver.Driver     = (*Driver)(nil)
	_ driver.PlanReader = (*Driver)(nil)
)
