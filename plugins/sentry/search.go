package main

import (
	"context"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// documentType is that of the documents, one for each unresolved issue of an entity's project.
const documentType = "sentry-issue"

// Issues are collected seldom, and not all of them: each project costs Sentry a request.
const (
	collectEvery   = 30 * time.Minute
	mostCollected  = 100 // issues of a project
	collectedQuery = "is:unresolved"
)

// documents has people find the issue whose message they have before them. Each is for who may read the entity.
func (s *plugin) documents(ctx context.Context) iter.Seq2[sdk.Document, error] {
	return func(yield func(sdk.Document, error) bool) {
		d := s.directory.Load()
		q := sdk.Query{Filters: []string{"metadata.annotations." + annotation}, Fields: []string{"kind", "metadata.name", "metadata.namespace", "metadata.annotations"}}
		for e, err := range s.host.Catalog.Query(ctx, q) {
			if err != nil {
				yield(sdk.Document{}, err)
				return
			}
			p, err := d.of(e)
			if err != nil {
				continue // the entity's own page says what is wrong with its annotation
			}
			found, err := p.issues(ctx, issueQuery{query: collectedQuery, queried: true}, mostCollected)
			switch {
			case apierror.Has(err, apierror.ServiceUnavailable), ctx.Err() != nil: // what was found before stays
				yield(sdk.Document{}, err)
				return
			case err != nil:
				continue // of one project, which somebody may have deleted
			}
			for _, i := range found.value.rows {
				if !yield(i.found(e), nil) {
					return
				}
			}
		}
	}
}

// found is an issue as a result of a search.
func (i issue) found(of sdk.Entity) sdk.Document {
	ref := of.Ref()
	doc := sdk.Document{Title: i.title, Text: "Sentry, " + ref.Name + ": " + i.title, EntityRef: ref.String(), Location: i.permalink}
	if u, err := url.Parse(i.permalink); err != nil || u.Scheme != "https" {
		doc.Location = "/catalog/" + strings.ToLower(ref.Namespace+"/"+ref.Kind) + "/" + ref.Name
	}
	return doc
}
