package lifecycle

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Request asks for access of an application to an API under a plan.
type Request struct {
	ID      string        `json:"id"`
	App     driver.AppID  `json:"app"`
	Gateway string        `json:"gateway"`
	API     driver.APIID  `json:"api"`
	Plan    driver.PlanID `json:"plan,omitempty"`
	Entity  string        `json:"entity,omitempty"` // of the API in the catalog
	// Approvers are refs of the groups or users who own that entity.
	Approvers []string      `json:"approvers,omitempty"`
	TTL       Days          `json:"ttlDays,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Override  string        `json:"overrideReason,omitempty"` // why the policy's warnings do not matter
	Verdict   Verdict       `json:"verdict"`
	By        string        `json:"by"`
	At        time.Time     `json:"at"`
	Status    RequestStatus `json:"status"`
	Trouble   string        `json:"trouble,omitempty"` // why it is not granted yet, or failed
	DecidedBy string        `json:"decidedBy,omitempty"`
	DecidedAt time.Time     `json:"decidedAt,omitzero"`
	Comment   string        `json:"comment,omitempty"`
}

// RequestStatus is where a request is.
type RequestStatus string

// The statuses.
const (
	Pending   RequestStatus = "pending"
	Granting  RequestStatus = "granting" // approved, and being set at the gateway
	Granted   RequestStatus = "granted"
	Rejected  RequestStatus = "rejected"
	Cancelled RequestStatus = "cancelled"
	Ungranted RequestStatus = "failed" // approved, and the gateway refuses
)

func (s RequestStatus) open() bool { return s == Pending || s == Granting }

// PolicyApproval is who decides where nobody needs to.
const PolicyApproval = "policy"

// AccessRequest is what an applicant asks for.
type AccessRequest struct {
	App            driver.AppID
	Gateway        string
	Environment    string
	API            driver.APIID
	Plan           driver.PlanID
	Entity         sdk.Entity // of the API; nil = it has none
	Approvers      []string
	TTL            Days
	Reason         string
	Override       string
	By             string
	Groups         []string
	AutoApprove    bool   // where the policy leaves it to the settings
	IdempotencyKey string // "" = each call is a new request
}

// RequestAccess asks the policy, and leaves a request that waits for its approval, or is granted at once. The same of an
// application for an API that is still open is the same request.
func (e *Engine) RequestAccess(ctx context.Context, r AccessRequest) (Request, error) {
	a, err := e.App(ctx, r.App)
	if err != nil {
		return Request{}, err
	}
	if err := r.check(a); err != nil {
		return Request{}, err
	}
	r.TTL = e.usual(r.TTL)
	release, err := e.lock(ctx, "access/"+string(r.App), countTime)
	if err != nil {
		return Request{}, err
	}
	defer release()
	fingerprint := []string{string(r.App), r.Gateway, string(r.API), string(r.Plan)}
	id, replayed, err := e.once(ctx, r.By, r.IdempotencyKey, "request", fingerprint, newID(e.now()))
	if err != nil {
		return Request{}, err
	}
	if was, found, err := e.same(ctx, r, id, replayed); err != nil || found {
		return was, err
	}
	verdict, err := e.judge(ctx, a, r)
	if err == nil {
		err = verdict.refusal(r.Override)
	}
	if err != nil {
		e.record(ctx, Event{App: r.App, Who: r.By, What: "access.request", Failed: true, Gateway: r.Gateway, API: r.API, Detail: message(err)})
		return Request{}, err
	}
	return e.openRequest(ctx, id, r, verdict)
}

func (r *AccessRequest) check(a App) error {
	r.Reason, r.Override = strings.TrimSpace(r.Reason), strings.TrimSpace(r.Override)
	switch {
	case a.Deleting:
		return apierror.Conflictf("application %s is being deleted", a.ID)
	case len(r.Reason) > maxDescription || len(r.Override) > maxDescription:
		return apierror.Inputf("reason and overrideReason: at most %d characters", maxDescription)
	case r.TTL < 0 || r.TTL > 36500:
		return apierror.Inputf("ttlDays: %d is not between 0 and 36500", r.TTL)
	}
	return nil
}

// same is the request that is there already: of the same idempotency key, or still open.
func (e *Engine) same(ctx context.Context, r AccessRequest, id string, replayed bool) (Request, bool, error) {
	if replayed {
		was, _, err := e.requests.get(ctx, id)
		if !missing(err) {
			return was, err == nil, err
		}
	}
	open, err := e.OpenRequests(ctx)
	for _, was := range open {
		if was.App == r.App && was.Gateway == r.Gateway && was.API == r.API && was.Plan == r.Plan {
			return was, true, nil
		}
	}
	return Request{}, false, err
}

// Preview answers what the policy would say to a request, and leaves nothing.
func (e *Engine) Preview(ctx context.Context, r AccessRequest) (Verdict, error) {
	a, err := e.App(ctx, r.App)
	if err != nil {
		return Verdict{}, err
	}
	r.TTL = e.usual(r.TTL)
	return e.judge(ctx, a, r)
}

// usual is how long keys may live if nobody says: as long as one does for which nobody does, so that the policy judges what
// will be.
func (e *Engine) usual(asked Days) Days {
	const day = 24 * time.Hour
	if asked == 0 && e.o.Rules.TTL > 0 {
		return Days((e.o.Rules.TTL + day - 1) / day)
	}
	return asked
}

// judge asks the policy about the plan as the gateway describes it.
func (e *Engine) judge(ctx context.Context, a App, r AccessRequest) (Verdict, error) {
	d, err := e.driver(r.Gateway)
	if err != nil {
		return Verdict{}, err
	}
	plan, err := planOf(ctx, d, r.Plan)
	if err != nil {
		return Verdict{}, err
	}
	v, err := e.o.Gate.Decide(ctx, Question{
		App: a, Gateway: r.Gateway, Environment: r.Environment, API: r.API, Plan: plan, Entity: r.Entity, TTL: r.TTL,
		Reason: r.Reason, By: r.By, Groups: r.Groups, Now: e.now(),
	})
	if err != nil {
		return v, err
	}
	if v.Approval == "" {
		v.Approval = ApprovalRequired
		if r.AutoApprove {
			v.Approval = ApprovalAuto
		}
	}
	return v, nil
}

func planOf(ctx context.Context, d driver.Driver, id driver.PlanID) (driver.Plan, error) {
	if id == "" {
		return driver.Plan{}, nil
	}
	for p, err := range d.Plans(ctx) {
		if err != nil {
			return driver.Plan{}, err
		}
		if p.ID == id {
			return p, nil
		}
	}
	return driver.Plan{}, apierror.NotFoundf("plan: the gateway has no plan %q", id)
}

func (e *Engine) openRequest(ctx context.Context, id string, r AccessRequest, v Verdict) (Request, error) {
	entity := ""
	if r.Entity != nil {
		entity = r.Entity.Ref().String()
	}
	req := Request{
		ID: id, App: r.App, Gateway: r.Gateway, API: r.API, Plan: r.Plan, Entity: entity, Approvers: r.Approvers, TTL: r.TTL,
		Reason: r.Reason, Override: r.Override, Verdict: v, By: r.By, At: e.now(), Status: Pending,
	}
	auto := v.Approval == ApprovalAuto
	intent := newID(e.now())
	if auto { // at once, so that no interruption leaves it to somebody's approval
		req.Status, req.DecidedBy, req.DecidedAt = Granting, PolicyApproval, req.At
		if err := e.mark(ctx, requestIntents, id, intent); err != nil {
			return req, err
		}
	}
	for _, key := range []string{openPrefix + id, askedPrefix + string(r.App) + "/" + id} {
		if err := e.index(ctx, key); err != nil {
			return req, err
		}
	}
	if err := e.requests.create(ctx, id, req); err != nil {
		return req, err
	}
	detail := ""
	if r.Override != "" && len(v.Warning) > 0 {
		detail = "warnings overridden: " + r.Override
	}
	e.recordRequest(ctx, r.By, "access.request", req, detail, nil)
	if !auto {
		return req, nil
	}
	e.recordRequest(ctx, PolicyApproval, "access.approve", req, "", nil)
	ctx, cancel := bounded(ctx)
	defer cancel()
	return e.grant(ctx, req, intent)
}

func (e *Engine) recordRequest(ctx context.Context, who, what string, r Request, detail string, err error) {
	v := Event{App: r.App, Who: who, What: what, Gateway: r.Gateway, API: r.API, Request: r.ID, Detail: detail}
	if err != nil {
		v.Failed, v.Detail = true, message(err)
	}
	e.record(ctx, v)
}

// Request answers one request.
func (e *Engine) Request(ctx context.Context, id string) (Request, error) {
	r, _, err := e.requests.get(ctx, id)
	return r, err
}

// OpenRequests answers the requests that wait, the oldest first.
func (e *Engine) OpenRequests(ctx context.Context) ([]Request, error) {
	open := []Request{}
	for id, err := range e.suffixes(ctx, openPrefix) {
		if err != nil {
			return nil, err
		}
		r, _, err := e.requests.get(ctx, id)
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if r.Status.open() {
			open = append(open, r)
		} else if err := e.o.KV.Delete(ctx, openPrefix+id); err != nil { // it was closed since the last time
			return nil, err
		}
	}
	return open, nil
}

// Requests answers all requests of an application, the newest first.
func (e *Engine) Requests(ctx context.Context, app driver.AppID) ([]Request, error) {
	found := []Request{}
	for r, err := range e.requests.indexed(ctx, askedPrefix+string(app)+"/") {
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	slices.Reverse(found)
	return found, nil
}

// Decision is what an approver says.
type Decision struct {
	Approve bool
	By      string
	Comment string
}

// Decide approves or rejects a request that waits. An approved one is granted at the gateway; while that is not reached,
// the request stays [Granting], and [Engine.Sweep] goes on.
func (e *Engine) Decide(ctx context.Context, id string, d Decision) (Request, error) {
	if !d.Approve {
		return e.close(ctx, id, Rejected, d.By, d.Comment)
	}
	intent := newID(e.now())
	if err := e.mark(ctx, requestIntents, id, intent); err != nil {
		return Request{}, err
	}
	r, err := e.requests.update(ctx, id, func(r *Request) error {
		if r.Status != Pending {
			return apierror.Conflictf("access request %s is %s already", id, r.Status)
		}
		r.Status, r.DecidedBy, r.DecidedAt, r.Comment = Granting, d.By, e.now(), d.Comment
		return nil
	})
	if err != nil {
		_ = e.unmark(ctx, requestIntents, id, intent) // a mark without an intent does no harm
		return r, err
	}
	e.recordRequest(ctx, d.By, "access.approve", r, d.Comment, nil)
	ctx, cancel := bounded(ctx)
	defer cancel()
	return e.grant(ctx, r, intent)
}

// Cancel takes a request back.
func (e *Engine) Cancel(ctx context.Context, id, by string) (Request, error) {
	return e.close(ctx, id, Cancelled, by, "")
}

func (e *Engine) close(ctx context.Context, id string, s RequestStatus, by, comment string) (Request, error) {
	r, err := e.requests.update(ctx, id, func(r *Request) error {
		if r.Status != Pending {
			return apierror.Conflictf("access request %s is %s already", id, r.Status)
		}
		r.Status, r.DecidedBy, r.DecidedAt, r.Comment = s, by, e.now(), comment
		return nil
	})
	if err != nil {
		return r, err
	}
	what := "access.reject"
	if s == Cancelled {
		what = "access.cancel"
	}
	e.recordRequest(ctx, by, what, r, comment, nil)
	return r, nil
}

// grant sets at the gateway what was approved.
func (e *Engine) grant(ctx context.Context, r Request, intent string) (Request, error) {
	err := e.grantAt(ctx, r)
	status := Granted
	switch {
	case err != nil && definite(err):
		status = Ungranted
	case err != nil:
		status = Granting
	}
	r, uerr := e.requests.update(ctx, r.ID, func(r *Request) error {
		r.Status, r.Trouble = status, ""
		if err != nil {
			r.Trouble = message(err)
		}
		return nil
	})
	if uerr != nil {
		return r, uerr
	}
	e.recordRequest(ctx, "", "access.grant", r, "", err)
	if status == Granting {
		return r, apierror.Newf(apierror.ServiceUnavailable, "the request is approved, and granted as soon as the gateway can be reached: %s", message(err))
	}
	_ = e.unmark(ctx, requestIntents, r.ID, intent) // a mark without an intent does no harm
	return r, err
}

func (e *Engine) grantAt(ctx context.Context, r Request) error {
	d, err := e.driver(r.Gateway)
	if err != nil {
		return err
	}
	a, err := e.App(ctx, r.App)
	if err == nil && a.Deleting {
		err = apierror.Conflictf("application %s is being deleted", a.ID)
	}
	if g, had := a.Grant(r.Gateway, r.API); err == nil && had && g.Withdrawn {
		err = apierror.New(apierror.ServiceUnavailable, "the former access is still being withdrawn")
	}
	if err == nil {
		release, lerr := e.alone(ctx, r.Gateway, r.App)
		if lerr != nil {
			return lerr
		}
		defer release()
		err = d.EnsureConsumer(ctx, driver.App{ID: a.ID, Name: a.Name, Owner: a.Owner})
	}
	if err == nil && r.Plan != "" {
		err = d.SetPlan(ctx, r.App, r.API, r.Plan)
	}
	if err != nil {
		return err
	}
	_, err = e.apps.update(ctx, string(r.App), func(a *App) error {
		a.setGrant(Grant{Gateway: r.Gateway, API: r.API, Plan: r.Plan, Entity: r.Entity, Request: r.ID, Since: e.now(), TTL: r.TTL})
		return nil
	})
	return err
}
