package lifecycle

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk/apierror"
)

// Drift is how a gateway differs from what this package knows of it. Nothing is repaired by itself: somebody may have had a
// reason.
type Drift struct {
	Gateway  string       `json:"gateway"`
	At       time.Time    `json:"at"`
	Keys     int          `json:"keys"` // that were compared
	Plans    bool         `json:"plans"`
	Findings []Difference `json:"findings"`
}

// Difference is one finding.
type Difference struct {
	// ID names it for [Engine.Repair], as long as it is there.
	ID         string         `json:"id"`
	Kind       DifferenceKind `json:"kind"`
	App        driver.AppID   `json:"app"`
	Credential string         `json:"credential,omitempty"`
	Key        driver.KeyID   `json:"key,omitempty"`
	API        driver.APIID   `json:"api,omitempty"`
	Text       string         `json:"text"`
	Repairs    []Repair       `json:"repairs"`
}

// DifferenceKind is what differs.
type DifferenceKind string

// The kinds.
const (
	KeyMissing  DifferenceKind = "missing" // it should work, and is not there
	KeyForeign  DifferenceKind = "foreign" // of a known application, and made by somebody else
	KeyOrphan   DifferenceKind = "orphan"  // made here, and ought not to be there any more
	KeyState    DifferenceKind = "state"   // suspended here and not there, or the other way round
	PlanDiffers DifferenceKind = "plan"
)

// Repair is what can be done about a difference.
type Repair string

// The repairs.
const (
	RepairForget  Repair = "forget"  // the credential is noted as revoked
	RepairRevoke  Repair = "revoke"  // the key is revoked at the gateway
	RepairRestore Repair = "restore" // the gateway is told what is noted here
)

// Drift compares a gateway with the credentials and grants that are for it.
func (e *Engine) Drift(ctx context.Context, gateway string) (Drift, error) {
	d, err := e.driver(gateway)
	if err != nil {
		return Drift{}, err
	}
	out := Drift{Gateway: gateway, At: e.now(), Findings: []Difference{}}
	apps, err := e.appsAt(ctx, gateway)
	if err != nil {
		return out, err
	}
	// The gateway is read first: what is issued meanwhile has its credential by then, and is not taken for an orphan.
	there, err := keysAt(ctx, d, apps)
	if err != nil {
		return out, err
	}
	rows, err := e.credentialsAt(ctx, gateway)
	if err != nil {
		return out, err
	}
	out.Keys = len(there)
	out.compare(rows, there, e.now())
	if err := out.comparePlans(ctx, d, apps); err != nil {
		return out, err
	}
	slices.SortFunc(out.Findings, func(a, b Difference) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// appsAt are the applications that have, or had, something at a gateway.
func (e *Engine) appsAt(ctx context.Context, gateway string) ([]App, error) {
	var found []App
	for a, err := range e.apps.all(ctx) {
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.Gateway == gateway }) {
			found = append(found, a)
		}
	}
	return found, nil
}

func (e *Engine) credentialsAt(ctx context.Context, gateway string) (map[string]Credential, error) {
	found := map[string]Credential{}
	for c, err := range e.credentials.all(ctx) {
		if err != nil {
			return nil, err
		}
		if c.Gateway == gateway {
			found[c.ID] = c
		}
	}
	return found, nil
}

// keysAt are the keys that this plugin has made, and all keys of the given applications.
func keysAt(ctx context.Context, d driver.Driver, apps []App) (map[driver.KeyID]driver.Key, error) {
	there := map[driver.KeyID]driver.Key{}
	scopes := []driver.AppID{""}
	for _, a := range apps {
		scopes = append(scopes, a.ID)
	}
	for _, scope := range scopes {
		for k, err := range d.Keys(ctx, scope) {
			if err != nil {
				return nil, err
			}
			there[k.ID] = k
		}
	}
	return there, nil
}

func (d *Drift) compare(rows map[string]Credential, there map[driver.KeyID]driver.Key, now time.Time) {
	byKey := map[driver.KeyID]Credential{}
	for _, c := range rows {
		if c.Key != "" && c.State.Alive() {
			byKey[c.Key] = c
		}
	}
	for id, k := range there {
		c, known := byKey[id]
		switch {
		case known:
			d.compareState(c, k)
		case k.Operation == "":
			d.add(KeyForeign, Difference{App: k.App, Key: id, Text: "somebody made this key at the gateway", Repairs: []Repair{RepairRevoke}})
		case !rows[k.Operation].underWay(now):
			d.add(KeyOrphan, Difference{
				App: k.App, Key: id, Credential: rows[k.Operation].ID, Repairs: []Repair{RepairRevoke},
				Text: "the portal made this key, and has no use for it: " + cmp.Or(string(rows[k.Operation].State), "unknown"),
			})
		}
	}
	for _, c := range rows {
		_, found := there[c.Key]
		if !found && c.State.Alive() && !c.underWay(now) && c.Slot == "" {
			d.add(KeyMissing, Difference{
				App: c.App, Credential: c.ID, Key: c.Key, API: c.API, Repairs: []Repair{RepairForget},
				Text: "the key " + c.Prefix + "… is " + string(c.State) + ", and the gateway does not have it",
			})
		}
	}
}

// underWay reports whether something is being done about a credential, so that what the gateway has is no drift.
func (c Credential) underWay(now time.Time) bool {
	return c.Intent != nil && (c.Intent.Kind == Undo || now.Before(c.Intent.Lease))
}

func (d *Drift) compareState(c Credential, k driver.Key) {
	if c.Intent != nil || k.Suspended == (c.State == Suspended) {
		return
	}
	text := "the key " + c.Prefix + "… is " + string(c.State) + ", and suspended at the gateway"
	if !k.Suspended {
		text = "the key " + c.Prefix + "… is suspended, and the gateway accepts it"
	}
	d.add(KeyState, Difference{App: c.App, Credential: c.ID, Key: c.Key, API: c.API, Text: text, Repairs: []Repair{RepairRestore, RepairRevoke}})
}

func (d *Drift) comparePlans(ctx context.Context, gateway driver.Driver, apps []App) error {
	reader, ok := gateway.(driver.PlanReader)
	if !ok {
		return nil
	}
	for _, a := range apps {
		for _, g := range a.Grants {
			if g.Gateway != d.Gateway || g.Withdrawn || g.Plan == "" {
				continue
			}
			plan, err := reader.PlanOf(ctx, a.ID, g.API)
			if unimplemented(err) {
				return nil
			}
			if err != nil {
				return err
			}
			if d.Plans = true; plan != g.Plan {
				d.add(PlanDiffers, Difference{
					App: a.ID, API: g.API, Repairs: []Repair{RepairRestore},
					Text: "plan " + string(g.Plan) + " was granted, and the gateway has " + cmp.Or(string(plan), "none"),
				})
			}
		}
	}
	return nil
}

func (d *Drift) add(kind DifferenceKind, v Difference) {
	v.Kind = kind
	v.ID = digest(d.Gateway, string(kind), string(v.App), v.Credential, string(v.Key), string(v.API))[:16]
	d.Findings = append(d.Findings, v)
}

// Repair does about a difference what the caller has chosen, if the difference is still there.
func (e *Engine) Repair(ctx context.Context, by, gateway, id string, r Repair) error {
	drift, err := e.Drift(ctx, gateway)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(drift.Findings, func(f Difference) bool { return f.ID == id })
	if n < 0 {
		return apierror.NotFoundf("gateway %s: there is no difference %q any more", gateway, id)
	}
	f := drift.Findings[n]
	if !slices.Contains(f.Repairs, r) {
		return apierror.Inputf("repair: %q is none of %v", r, f.Repairs)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	err = e.repair(ctx, by, gateway, f, r)
	v := Event{App: f.App, Who: by, What: "drift.repair", Gateway: gateway, API: f.API, Credential: f.Credential, Detail: string(f.Kind) + ": " + string(r)}
	if err != nil {
		v.Failed, v.Detail = true, v.Detail+": "+message(err)
	}
	e.record(ctx, v)
	return err
}

func (e *Engine) repair(ctx context.Context, by, gateway string, f Difference, r Repair) error {
	d, err := e.driver(gateway)
	if err != nil {
		return err
	}
	switch {
	case r == RepairForget || r == RepairRevoke && f.Kind == KeyState:
		_, err = e.Revoke(ctx, f.Credential, Ending{By: by, Reason: "the gateway differed: " + f.Text})
		return err
	case r == RepairRevoke:
		return d.RevokeKey(ctx, f.App, f.Key)
	case f.Kind == KeyState:
		c, err := e.Credential(ctx, f.Credential)
		if err != nil {
			return err
		}
		return d.SuspendKey(ctx, c.App, c.Key, c.State == Suspended)
	}
	a, err := e.App(ctx, f.App)
	if err != nil {
		return err
	}
	g, _ := a.Grant(gateway, f.API)
	if err := d.EnsureConsumer(ctx, driver.App{ID: a.ID, Name: a.Name, Owner: a.Owner}); err != nil {
		return err
	}
	return d.SetPlan(ctx, a.ID, f.API, g.Plan)
}
