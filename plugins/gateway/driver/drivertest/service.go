package drivertest

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

func plans(s *trial) {
	if !s.can.Plans {
		if _, err := collect(s.Context(), func(ctx context.Context) func(func(driver.Plan, error) bool) { return s.Driver.Plans(ctx) }); !errors.Is(err, sdk.ErrNotImplemented) {
			s.Errorf("plans: %v, want not implemented", err)
		}
		return
	}
	known := map[driver.PlanID]driver.Plan{}
	for p, err := range s.Driver.Plans(s.Context()) {
		if err != nil {
			s.Fatalf("plans: %v", err)
		}
		if _, twice := known[p.ID]; twice || p.Name == "" {
			s.Errorf("plan %+v has no name or is there twice", p)
		}
		known[p.ID] = p
	}
	if _, there := known[s.Plan]; !there {
		s.Errorf("plan %s is not among %v", s.Plan, known)
	}
	app := s.app("orders")
	if err := s.Driver.SetPlan(s.Context(), app, s.API, "no-such-plan"); !errors.Is(err, sdk.ErrNotFound) {
		s.Errorf("a plan that is not there: %v, want not found", err)
	}
	changesPlans(s, app)
}

func changesPlans(s *trial, app driver.AppID) {
	k := s.issue(s.request(app))
	for range 2 {
		s.grant(app, s.Plan)
		s.accepted(k.Secret, "a key under its plan")
		s.tellsPlan(app, s.Plan)
	}
	if s.OtherPlan != "" {
		s.grant(app, s.OtherPlan)
		s.accepted(k.Secret, "a key under another plan")
	}
	for range 2 {
		s.grant(app, "")
		s.refused(k.Secret, "a key of an application without access")
		s.tellsPlan(app, "")
	}
	s.grant(app, s.Plan)
	s.accepted(k.Secret, "a key of an application that has access again")
}

func (s *trial) tellsPlan(app driver.AppID, want driver.PlanID) {
	s.Helper()
	reader, ok := s.Driver.(driver.PlanReader)
	if !ok {
		return
	}
	if plan, err := reader.PlanOf(s.Context(), app, s.API); err != nil || plan != want {
		s.Errorf("the application has plan %q, %v; want %q", plan, err, want)
	}
}

func lists(s *trial) {
	found := map[driver.APIID]driver.API{}
	for a, err := range s.Driver.APIs(s.Context()) {
		if !s.can.APIs && errors.Is(err, sdk.ErrNotImplemented) {
			return
		}
		if err != nil {
			s.Fatalf("apis: %v", err)
		}
		if _, twice := found[a.ID]; twice || a.Name == "" {
			s.Errorf("API %+v has no name or is there twice", a)
		}
		found[a.ID] = a
	}
	if !s.can.APIs {
		s.Error("the gateway lists APIs and says that it cannot")
	}
	if _, there := found[s.API]; !there {
		s.Errorf("API %s is not among %v", s.API, found)
	}
	for _, err := range s.Driver.APIs(s.Context()) {
		if err != nil {
			s.Errorf("apis, read again: %v", err)
		}
		break // a reader may stop early
	}
}

func publishes(s *trial) {
	p := driver.Publication{ID: "stock", Name: "stock", Upstream: "http://stock.example:8080", Paths: []string{"/stock"}, Tags: []string{"beta"}}
	if !s.can.Publish {
		if _, err := s.Driver.Publish(s.Context(), p); !errors.Is(err, sdk.ErrNotImplemented) {
			s.Errorf("publish: %v, want not implemented", err)
		}
		return
	}
	first, err := s.Driver.Publish(s.Context(), p)
	if err != nil {
		s.Fatalf("publish: %v", err)
	}
	p.Upstream = "http://stock.example:9090"
	again, err := s.Driver.Publish(s.Context(), p)
	if err != nil || again.ID != first.ID {
		s.Fatalf("publish again: %s, then %s, %v", first.ID, again.ID, err)
	}
	n := 0
	for a, err := range s.Driver.APIs(s.Context()) {
		if err != nil {
			s.Fatalf("apis: %v", err)
		}
		if a.ID == first.ID {
			n++
		}
	}
	if n != 1 {
		s.Errorf("the API is listed %d times", n)
	}
}

func quota(s *trial) {
	app := s.app("orders")
	before, err := s.Driver.Quota(s.Context(), app, s.API)
	if !s.can.QuotaRead {
		if !errors.Is(err, sdk.ErrNotImplemented) {
			s.Errorf("quota: %v, want not implemented", err)
		}
		return
	}
	if err != nil {
		s.Fatalf("quota: %v", err)
	}
	k := s.issue(s.request(app))
	const requests = 2
	for range requests {
		s.accepted(k.Secret, "a key within its quota")
	}
	after, err := s.Driver.Quota(s.Context(), app, s.API)
	if err != nil || after.Limit.Requests <= 0 || after.Limit.Window <= 0 || after.Remaining < 0 || after.Remaining > after.Limit.Requests {
		s.Fatalf("quota %+v, %v", after, err)
	}
	if (s.Gateway != nil || s.Probe != nil) && after.Used < before.Used+requests {
		s.Errorf("%d requests made %d of %d", requests, before.Used, after.Used)
	}
}

// honest checks what the laws above do not: that the promise to list keys and to make them is one.
func honest(s *trial) {
	for name, reason := range s.can.Why {
		if reason == "" {
			s.Errorf("no reason is given for %s", name)
		}
	}
	if err := s.Driver.Health(s.Context()); err != nil {
		s.Errorf("a gateway that is well: %v", err)
	}
	if s.can.Keys {
		return
	}
	_, issue := s.Driver.IssueKey(s.Context(), s.request("orders"))
	_, list := collect(s.Context(), func(ctx context.Context) func(func(driver.Key, error) bool) { return s.Driver.Keys(ctx, "") })
	for what, err := range map[string]error{"issue": issue, "keys": list} {
		if !errors.Is(err, sdk.ErrNotImplemented) {
			s.Errorf("%s: %v, want not implemented", what, err)
		}
	}
}

func ends(s *trial) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	for name, err := range s.everyCall(ctx, "orders", "6d1f0c52-0000-4000-8000-000000000000") {
		if err == nil {
			s.Errorf("%s succeeds after its context has ended", name)
		}
		if errors.Is(err, sdk.ErrNotFound) {
			s.Errorf("%s after its context has ended: %v", name, err)
		}
	}
}

// everyCall makes the calls that need the gateway's management, and answers their errors.
func (s *trial) everyCall(ctx context.Context, app driver.AppID, key driver.KeyID) iter.Seq2[string, error] {
	d := s.Driver
	return func(yield func(string, error) bool) {
		calls := []struct {
			name string
			can  bool
			call func() error
		}{
			{"Health", true, func() error { return d.Health(ctx) }},
			{"EnsureConsumer", s.can.Keys, func() error { return d.EnsureConsumer(ctx, driver.App{ID: app, Name: "x", Owner: "group:default/x"}) }},
			{"APIs", s.can.APIs, func() error {
				_, err := collect(ctx, func(ctx context.Context) func(func(driver.API, error) bool) { return d.APIs(ctx) })
				return err
			}},
			{"IssueKey", s.can.Keys, func() error { _, err := d.IssueKey(ctx, s.request(app)); return err }},
			{"Keys", s.can.Keys, func() error {
				_, err := collect(ctx, func(ctx context.Context) func(func(driver.Key, error) bool) { return d.Keys(ctx, app) })
				return err
			}},
			{"SuspendKey", s.can.Suspend, func() error { return d.SuspendKey(ctx, app, key, true) }},
			{"SetPlan", s.can.Plans, func() error { return d.SetPlan(ctx, app, s.API, s.Plan) }},
			{"RevokeKey", s.can.Keys, func() error { return d.RevokeKey(ctx, app, key) }},
		}
		for _, c := range calls {
			if c.can && !yield(c.name, c.call()) {
				return
			}
		}
	}
}

// Failures are the answers of gateways that are not well, and of what stands before them.
var failures = []Failure{
	{Name: "an error page of a proxy", Status: 502, ContentType: "text/html", Body: "<html><body><h1>502 Bad Gateway</h1></body></html>"},
	{Name: "an error of its own", Status: 500, ContentType: "application/json", Body: `{"message":"An unexpected error occurred"}`},
	{Name: "a page of something else", Status: 200, ContentType: "text/html", Body: "<!doctype html><title>Sign in</title>"},
	{Name: "a page that is not found", Status: 404, ContentType: "text/html", Body: "<html><body><h1>404 Not Found</h1></body></html>"},
	{Name: "half an answer", Status: 200, ContentType: "application/json", Body: `{"data":[{"id":"x","key`, Cut: true},
	{Name: "a refusal of the credential", Status: 401, ContentType: "application/json", Body: `{"message":"Unauthorized","error":{"code":401,"message":"Unauthorized"}}`},
	{Name: "a refusal of the right", Status: 403, ContentType: "application/json", Body: `{"message":"Forbidden","error":{"code":403,"message":"Forbidden"}}`},
}

func diagnoses(s *trial) {
	if s.Fail == nil {
		s.Skip("the gateway does not fail on demand")
	}
	k := s.issue(s.request(s.app("orders")))
	for _, f := range failures {
		undo := s.Fail(f)
		if undo == nil {
			continue
		}
		for name, err := range s.everyCall(s.Context(), "orders", k.ID) {
			s.checkDiagnosis(f, name, err)
		}
		undo()
	}
	if err := s.Driver.Health(s.Context()); err != nil {
		s.Errorf("a gateway that is well again: %v", err)
	}
	s.issue(s.request("orders"))
}

func (s *trial) checkDiagnosis(f Failure, name string, err error) {
	s.Helper()
	if err == nil {
		s.Errorf("%s takes %s for success", name, f.Name)
		return
	}
	for _, secret := range s.Secrets {
		if strings.Contains(err.Error(), secret) {
			s.Errorf("%s on %s tells a credential", name, f.Name)
		}
	}
	for _, blame := range []error{sdk.ErrNotFound, sdk.ErrNotAllowed, sdk.ErrAuthentication, sdk.ErrInput, sdk.ErrNotImplemented} {
		if errors.Is(err, blame) {
			s.Errorf("%s on %s blames the caller: %v", name, f.Name, err)
		}
	}
	if refused := f.Status == 401 || f.Status == 403; !refused && !errors.Is(err, sdk.ErrServiceUnavailable) {
		s.Errorf("%s on %s: %v, want unavailable", name, f.Name, err)
	}
}

func survivesLostAnswers(s *trial) {
	if s.Fail == nil {
		s.Skip("the gateway does not fail on demand")
	}
	r := s.request(s.app("orders"))
	if !s.can.Keys {
		s.Skip("the gateway makes no keys: " + s.can.Why["keys"])
	}
	undo := s.Fail(Failure{Name: "a lost answer", Status: 200, ContentType: "application/json", Cut: true, After: true})
	if undo == nil {
		s.Skip("the gateway does not lose answers on demand")
	}
	if _, err := s.Driver.IssueKey(s.Context(), r); err == nil {
		s.Error("a lost answer is taken for success")
	}
	undo()
	k := s.issue(r)
	if n := len(s.keys(r.App)); n != 1 {
		s.Errorf("%d keys after a lost answer", n)
	}
	if k.Secret != "" {
		s.accepted(k.Secret, "the key of a lost answer")
	}
}
