package main

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/plugins/gateway/policy"
	"github.com/callboard/callboard/sdk"
)

// gate asks a policy in Rego.
type gate struct{ policy *policy.Policy }

func newGate(s policySettings) (gate, error) {
	if len(s.Files) == 0 {
		p, err := policy.Default()
		return gate{p}, err
	}
	p, err := policy.LoadFiles(s.Files)
	if err != nil {
		return gate{}, fmt.Errorf("policy.files: %w", err)
	}
	return gate{p}, nil
}

// Decide implements [lifecycle.Gate].
func (g gate) Decide(ctx context.Context, q lifecycle.Question) (lifecycle.Verdict, error) {
	d, err := g.policy.Decide(ctx, input(q))
	if err != nil {
		return lifecycle.Verdict{}, err
	}
	return lifecycle.Verdict{
		Critical: findings(d.Critical), Warning: findings(d.Warning), Advisory: findings(d.Advisory),
		Approval: string(d.Approval), Policy: g.policy.Digest(),
	}, nil
}

func findings(all []policy.Finding) []lifecycle.Finding {
	var out []lifecycle.Finding
	for _, f := range all {
		out = append(out, lifecycle.Finding{Rule: f.Rule, Message: f.Message})
	}
	return out
}

// input is the question as rules see it.
func input(q lifecycle.Question) policy.Input {
	api := q.Gateway + "/" + string(q.API)
	if q.Entity != nil {
		api = q.Entity.Ref().String()
	}
	plan := policy.Plan{ID: string(q.Plan.ID), Name: q.Plan.Name, Approval: q.Plan.Approval}
	for _, l := range q.Plan.Limits {
		plan.Limits = append(plan.Limits, policy.Limit{Requests: l.Requests, WindowSeconds: int64(l.Window / time.Second)})
	}
	return policy.Input{
		Request: policy.Request{
			App: string(q.App.ID), API: api, Plan: string(q.Plan.ID), TTLDays: int(q.TTL), Reason: q.Reason, Environment: q.Environment,
		},
		Caller: policy.Caller{Ref: q.By, Groups: q.Groups},
		Plan:   plan,
		App:    appEntity(q.App),
		API:    q.Entity,
		Now:    q.Now,
	}
}

// appEntity is an application in the form of an entity, since rules know those.
func appEntity(a lifecycle.App) sdk.Entity {
	return sdk.Entity{
		"apiVersion": "callboard.dev/v1", "kind": "Application",
		"metadata": map[string]any{"name": string(a.ID), "title": a.Name, "description": a.Description},
		"spec":     map[string]any{"owner": a.Owner},
	}
}
