package catalog

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
)

func (a *api) facets(c *gin.Context) error {
	q := queryValues(c.Request.URL.RawQuery)
	predicate, err := filterPredicate(q["filter"])
	if err != nil {
		return err
	}
	filter, err := predicateFilter(predicate)
	if err != nil {
		return err
	}
	if !hasText(q["facet"]) {
		return apierror.Inputf("Missing facet parameter")
	}
	return a.sendFacets(c, q["facet"], filter)
}

// facetsRequest is the body of the POST form.
type facetsRequest struct {
	Facets []string        `json:"facets"`
	Query  json.RawMessage `json:"query"`
}

func (a *api) postFacets(c *gin.Context) error {
	var req facetsRequest
	if err := httpx.BindJSON(c, &req); err != nil {
		return err
	}
	if !hasText(req.Facets) {
		return errNoFacets
	}
	filter, err := a.readPredicate(req.Query)
	if err != nil {
		return err
	}
	return a.sendFacets(c, req.Facets, filter)
}

var errNoFacets = apierror.Inputf("Missing or empty facets parameter")

func hasText(texts []string) bool {
	for _, t := range texts {
		if t != "" {
			return true
		}
	}
	return false
}

// sendFacets answers with each facet under the name that it was asked by.
func (a *api) sendFacets(c *gin.Context, names []string, filter index.Filter) error {
	asked := make([]string, 0, len(names))
	seen := map[string]bool{}
	for _, n := range names {
		if n != "" && !seen[n] {
			seen[n] = true
			asked = append(asked, n)
		}
	}
	if len(asked) == 0 {
		return errNoFacets
	}
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	b := a.body(nil)
	defer a.recycle(b)
	b.raw(`{"facets":{`)
	counted := make([][]index.Facet, len(asked))
	if !read.denied {
		counted = a.Index.Snapshot().Facets(index.All(read.filter, filter), asked)
	}
	for i, name := range asked {
		b.separate()
		b.buf = appendText(b.buf, name)
		b.raw(":[")
		b.facets(counted[i])
		b.raw("]")
	}
	b.raw("}}")
	return httpx.JSON(c, http.StatusOK, json.RawMessage(b.buf))
}
