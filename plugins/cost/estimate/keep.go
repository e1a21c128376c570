package estimate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Kept is what is kept of an estimate of an entity.
type Kept struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Name   string    `json:"name"`
	Source string    `json:"source"`
	// Currency of the amounts. Estimates of one entity may have different ones: they are never added up.
	Currency    string       `json:"currency"`
	Monthly     money.Amount `json:"monthlyCost"`
	PastMonthly money.Amount `json:"pastMonthlyCost"`
	DiffMonthly money.Amount `json:"diffMonthlyCost"`
	Resources   int          `json:"resources"`
	Unpriced    int          `json:"unpriced"`
	Unsupported int          `json:"unsupported"`
	// Top are the resources that cost most.
	Top []TopResource `json:"top"`
}

// TopResource is a resource that costs much.
type TopResource struct {
	Name    string       `json:"name"`
	Type    string       `json:"resourceType"`
	Monthly money.Amount `json:"monthlyCost"`
}

// Bounds of what is kept: 20 estimates of 20 resources are far below the 256 KiB of a value.
const (
	maxKept  = 20
	maxTop   = 20
	maxTitle = 200
)

func (d *Document) kept(by, name string) Kept {
	k := Kept{
		At: d.TimeGenerated, By: by, Name: excerpt.Of(name, maxTitle), Source: d.Metadata.Source, Currency: d.Currency, Monthly: *d.TotalMonthlyCost,
		PastMonthly: *d.PastTotalMonthlyCost, DiffMonthly: *d.DiffTotalMonthlyCost, Resources: d.Summary.TotalDetectedResources,
		Unpriced: d.Summary.TotalUnpricedResources, Unsupported: d.Summary.TotalUnsupportedResources, Top: []TopResource{},
	}
	for _, p := range d.Projects {
		for _, r := range p.Breakdown.Resources {
			if r.MonthlyCost != nil {
				k.Top = append(k.Top, TopResource{excerpt.Of(r.Name, maxTitle), excerpt.Of(r.ResourceType, maxTitle), *r.MonthlyCost})
			}
		}
	}
	slices.SortStableFunc(k.Top, func(a, b TopResource) int { return b.Monthly.Cmp(a.Monthly) })
	k.Top = slices.Clip(k.Top[:min(len(k.Top), maxTop)])
	return k
}

func keyOf(ref string) string { return "estimates/" + strings.ToLower(ref) }

// keep adds an estimate to those of an entity, whose oldest go.
func (e *Estimator) keep(ctx context.Context, ref string, k Kept) error {
	const attempts = 10
	for range attempts {
		var list []Kept
		version, err := e.host.KV.GetJSON(ctx, keyOf(ref), &list)
		if err != nil && !errors.Is(err, sdk.ErrNotFound) {
			return err
		}
		list = append([]Kept{k}, list...)
		_, err = e.host.KV.PutJSON(ctx, keyOf(ref), list[:min(len(list), maxKept)], sdk.PutOptions{IfVersion: &version})
		if !errors.Is(err, sdk.ErrConflict) {
			return err
		}
	}
	return apierror.Newf(apierror.Conflict, "estimates of %s are being written by many at once; try again", ref)
}

// Last are the last estimates of an entity, the newest first. Whoever asks must be allowed to read the entity.
func (e *Estimator) Last(ctx context.Context, ref string) ([]Kept, error) {
	list := []Kept{}
	if _, err := e.host.KV.GetJSON(ctx, keyOf(ref), &list); err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return nil, err
	}
	return list, nil
}
