package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/rpcerror"
)

// mostNamed is how many entities a message names.
const mostNamed = 3

// health tells what an operator should look at. It asks nobody but the ledger, since the host asks often.
func (c *plugin) health(ctx context.Context) error {
	complete, sources, err := c.complete(ctx)
	if err != nil {
		return fmt.Errorf("the ledger cannot be read: %s", rpcerror.Message(err))
	}
	var found []error
	if len(sources) == 0 {
		found = append(found, errors.New("no charges have been imported: upload a FOCUS file to /api/cost/v1/imports/focus, or name where they come from in the settings"))
	} else {
		for _, w := range c.meta(complete, sources).Warnings {
			found = append(found, errors.New(w))
		}
	}
	found = append(found, c.failedImports(ctx, sources)...)
	found = append(found, c.aboutFeeds()...)
	return errors.Join(append(found, c.aboutCatalog()...)...)
}

func (c *plugin) aboutCatalog() []error {
	var found []error
	catalog := c.engine.Load().catalog
	if failure := catalog.failure.Load(); failure != nil {
		found = append(found, fmt.Errorf("the catalog cannot be read: %s", rpcerror.Message(*failure)))
	}
	current := catalog.current.Load()
	if current == nil || len(current.Problems) == 0 {
		return found
	}
	refs := slices.Sorted(maps.Keys(current.Problems))
	texts := []string{}
	for _, ref := range refs[:min(mostNamed, len(refs))] {
		texts = append(texts, ref+": "+current.Problems[ref])
	}
	if more := len(refs) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return append(found, fmt.Errorf("annotations that cannot be read: %s", strings.Join(texts, "; ")))
}

type reported struct {
	Status   string   `json:"status"`
	Problems []string `json:"problems"`
	Meta     meta     `json:"meta"`
}

// report is the health as a route.
func (c *plugin) report(_ http.ResponseWriter, r *http.Request) (any, error) {
	complete, sources, err := c.complete(r.Context())
	if err != nil {
		return nil, err
	}
	out := reported{Status: "ok", Problems: []string{}, Meta: c.meta(complete, sources)}
	if wrong := c.health(r.Context()); wrong != nil {
		out.Status, out.Problems = "degraded", strings.Split(wrong.Error(), "\n")
	}
	return out, nil
}
