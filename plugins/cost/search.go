package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
)

// documentType is that of the documents, one for each entity with charges.
const documentType = "cost"

// mostInText is how many services a document names.
const mostInText = 30

// documents has people find who uses a service. A document holds an entity's own charges, for who may read the entity.
func (c *plugin) documents(ctx context.Context) iter.Seq2[sdk.Document, error] {
	return func(yield func(sdk.Document, error) bool) {
		d, parts, err := c.lately(ctx)
		if err != nil {
			yield(sdk.Document{}, err)
			return
		}
		for len(parts) > 0 {
			n := 1
			for n < len(parts) && parts[n].Ref == parts[0].Ref {
				n++
			}
			if !yield(document(d, parts[:n]), nil) {
				return
			}
			parts = parts[n:]
		}
	}
}

// lately is what each service cost each entity in the last complete days.
func (c *plugin) lately(ctx context.Context) (*insight.Directory, []insight.Part, error) {
	d, err := c.engine.Load().catalog.directory(ctx)
	if err != nil {
		return nil, nil, err
	}
	complete, _, err := c.complete(ctx)
	if err != nil {
		return nil, nil, err
	}
	var q ledger.Query
	if err := within(&q, complete, ledger.DayOf(c.now())); err != nil {
		return nil, nil, err
	}
	parts, err := c.costs().Breakdown(ctx, d, q)
	return d, parts, err
}

// document is of the services of one entity.
func document(d *insight.Directory, parts []insight.Part) sdk.Document {
	ref := parts[0].Ref
	texts := []string{}
	for _, p := range parts[:min(len(parts), mostInText)] {
		texts = append(texts, fmt.Sprintf("%s %s %s", cmp.Or(p.Service, "no service"), p.Amount.Round(2), p.Currency))
	}
	return sdk.Document{
		Title: "Costs of " + cmp.Or(d.Title(ref), nameOf(ref)), Text: fmt.Sprintf("In %d days: %s", usualRange, strings.Join(texts, ", ")),
		Location: pageOf(ref), EntityRef: ref,
	}
}

// collectEvery is how often documents are made: charges come once a day.
const collectEvery = time.Hour
