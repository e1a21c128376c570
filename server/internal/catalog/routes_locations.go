package catalog

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
)

func locationSchema() zod.Schema {
	return zod.Strict(
		zod.Field{Name: "type", Schema: zod.String("")},
		zod.Field{Name: "target", Schema: zod.String("")},
		zod.Field{Name: "presence", Schema: zod.Optional(zod.Union(zod.Literal("required"), zod.Literal("optional")))},
	)
}

// bindStrict reads a body that must be a non-empty object of that shape.
func bindStrict(c *gin.Context, schema zod.Schema, into any) error {
	var shape map[string]any
	if err := httpx.BindJSON(c, &shape); err != nil {
		return err
	}
	if len(shape) == 0 {
		return apierror.Inputf("Empty request body")
	}
	if e := zod.Validate(schema, any(shape)); e != nil {
		return apierror.Inputf("Malformed request: %s", e)
	}
	return httpx.BindJSON(c, into)
}

// readsLocations reports whether the caller may know of locations at all.
func (a *api) readsLocations(c *gin.Context) (bool, error) {
	d, err := a.Authorizer.Authorize(c.Request.Context(), httpx.Principal(c), PermissionLocationRead)
	return err == nil && d.Result == permission.Allow, err
}

// listedLocation is how the list wraps each location.
type listedLocation struct {
	Data Location `json:"data"`
}

func (a *api) locations(c *gin.Context) error {
	listed := []listedLocation{}
	may, err := a.readsLocations(c)
	if err != nil {
		return err
	}
	if may {
		all, err := a.Writer.Locations(c.Request.Context())
		if err != nil {
			return err
		}
		for _, l := range all {
			listed = append(listed, listedLocation{l})
		}
	}
	return httpx.JSON(c, http.StatusOK, listed)
}

func (a *api) locationByID(c *gin.Context) error {
	id := c.Param("id")
	may, err := a.readsLocations(c)
	if err != nil {
		return err
	}
	if !may {
		return apierror.NotFoundf("Found no location with ID %s", id)
	}
	l, err := a.Writer.Location(c.Request.Context(), id)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, l)
}

func (a *api) locationByEntity(c *gin.Context, ref entity.Ref) error {
	may, err := a.readsLocations(c)
	if err != nil {
		return err
	}
	if !may {
		return apierror.New(apierror.NotFound, "")
	}
	l, err := a.Writer.LocationByEntity(c.Request.Context(), ref)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, l)
}

// createdLocation answers a registration: nothing has been read yet.
type createdLocation struct {
	Location Location `json:"location"`
	Entities []any    `json:"entities"`
}

func (a *api) createLocation(c *gin.Context) error {
	var spec LocationSpec
	if err := bindStrict(c, a.location, &spec); err != nil {
		return err
	}
	if err := a.require(c, PermissionLocationCreate); err != nil {
		return err
	}
	q := queryValues(c.Request.URL.RawQuery)
	if saysYes(q.Get("dryRun")) {
		tried, err := a.Writer.DryRunLocation(c.Request.Context(), spec)
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusCreated, tried)
	}
	l, err := a.Writer.CreateLocation(c.Request.Context(), spec, OnConflict(q.Get("onConflict")))
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusCreated, createdLocation{l, []any{}})
}

// saysYes is how the reference reads flags.
func saysYes(s string) bool {
	return slices.Contains([]string{"y", "yes", "true", "1", "on"}, strings.ToLower(strings.TrimSpace(s)))
}

func (a *api) updateLocation(c *gin.Context) error {
	var spec LocationSpec
	if err := bindStrict(c, a.location, &spec); err != nil {
		return err
	}
	if err := a.require(c, PermissionLocationCreate); err != nil {
		return err
	}
	l, err := a.Writer.UpdateLocation(c.Request.Context(), c.Param("id"), spec)
	if err != nil {
		return err
	}
	return httpx.JSON(c, http.StatusOK, l)
}

func (a *api) deleteLocation(c *gin.Context) error {
	if err := a.require(c, PermissionLocationDelete); err != nil {
		return err
	}
	if err := a.Writer.DeleteLocation(c.Request.Context(), c.Param("id")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

// locationsQuery is the body of locations/by-query.
type locationsQuery struct {
	Limit  *float64        `json:"limit"`
	Query  json.RawMessage `json:"query"`
	Cursor *string         `json:"cursor"`
}

// locationsCursor is the JSON in its cursors.
type locationsCursor struct {
	Limit   float64         `json:"limit"`
	AfterID string          `json:"afterId,omitempty"`
	Query   json.RawMessage `json:"query,omitempty"`
}

// locationsPage answers it.
type locationsPage struct {
	Items      []Location        `json:"items"`
	TotalItems int               `json:"totalItems"`
	PageInfo   map[string]string `json:"pageInfo"`
}

const defaultLocationsLimit = 1000

func (a *api) locationsByQuery(c *gin.Context) error {
	var req locationsQuery
	if err := httpx.BindJSON(c, &req); err != nil {
		return err
	}
	at, err := readLocationsCursor(&req)
	if err != nil {
		return err
	}
	predicate, err := a.readShape(at.Query)
	if err != nil {
		return err
	}
	if predicate, err = locationPredicate(predicate); err != nil {
		return err
	}
	filter, err := predicateFilter(predicate)
	if err != nil {
		return err
	}
	page := locationsPage{Items: []Location{}, PageInfo: map[string]string{}}
	may, err := a.readsLocations(c)
	if err != nil || !may {
		if err != nil {
			return err
		}
		return httpx.JSON(c, http.StatusOK, page)
	}
	all, err := a.Writer.Locations(c.Request.Context())
	if err != nil {
		return err
	}
	page.fill(all, filter, at)
	return httpx.JSON(c, http.StatusOK, page)
}

func readLocationsCursor(req *locationsQuery) (locationsCursor, error) {
	at := locationsCursor{Limit: defaultLocationsLimit, Query: req.Query}
	if req.Cursor == nil {
		if req.Limit != nil {
			at.Limit = *req.Limit
		}
		if at.Limit < 1 || at.Limit != float64(int(at.Limit)) {
			return at, apierror.Inputf("Limit must be a positive integer >= 1")
		}
		return at, nil
	}
	if *req.Cursor == "" {
		return at, apierror.Inputf("Cursor cannot be empty")
	}
	at = locationsCursor{}
	if json.Unmarshal(decodeBase64(*req.Cursor), &at) != nil {
		return at, apierror.Inputf("Malformed cursor, unknown encoding")
	}
	if at.Limit < 1 || at.Limit != float64(int(at.Limit)) {
		return at, apierror.Inputf("Malformed cursor: Validation error: Number must be greater than or equal to 1 at \"limit\"")
	}
	return at, nil
}

// fill takes the locations that pass, in the order of ids, after the one that the cursor names.
func (p *locationsPage) fill(all []Location, filter index.Filter, at locationsCursor) {
	slices.SortFunc(all, func(a, b Location) int { return strings.Compare(a.ID, b.ID) })
	last := ""
	for _, l := range all {
		if !filter.Matches(locationRows(l)) {
			continue
		}
		p.TotalItems++
		if l.ID <= at.AfterID {
			continue
		}
		if len(p.Items) < int(at.Limit) {
			p.Items = append(p.Items, l)
			last = l.ID
		} else if len(p.PageInfo) == 0 {
			at.AfterID = last
			next, _ := json.Marshal(at)
			p.PageInfo["nextCursor"] = base64.StdEncoding.EncodeToString(next)
		}
	}
}

// locationRows makes a location searchable by the same filters as entities.
func locationRows(l Location) []index.Row {
	row := func(key, value string) index.Row {
		return index.Row{Key: key, Value: strings.ToLower(value), Original: value}
	}
	return []index.Row{row("id", l.ID), row("type", l.Type), row("target", l.Target), row("entityref", l.EntityRef)}
}
