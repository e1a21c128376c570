package actionregistry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
)

// catalogActions are the actions of the feature catalog.
type catalogActions struct {
	*client
	kinds cataloginfo.Registry
}

func (a catalogActions) all() map[string]run {
	return map[string]run{
		"get-catalog-entity": typed(a.getEntity), "query-catalog-entities": typed(a.queryEntities),
		"get-catalog-model-description": typed(a.describeModel), "register-entity": typed(a.register),
		"unregister-entity": typed(a.unregister), "refresh-catalog-entity": typed(a.refresh), "validate-entity": typed(a.validate),
	}
}

// typed reads the input into what do takes. The input has passed the schema, so it fits.
func typed[In any](do func(ctx context.Context, caller *principal.Principal, in In) (any, error)) run {
	return func(ctx context.Context, caller *principal.Principal, input json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, apierror.Inputf("Invalid input: %v", err)
		}
		return do(ctx, caller, in)
	}
}

func (a catalogActions) catalog(method, path string) request {
	return request{target: "catalog", method: method, path: path}
}

// entityName asks for the one entity of that name.
type entityName struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (a catalogActions) getEntity(ctx context.Context, caller *principal.Principal, in entityName) (any, error) {
	return a.theOne(ctx, caller, in)
}

// page is what the catalog answers to a query.
type page struct {
	Items      []json.RawMessage `json:"items"`
	TotalItems float64           `json:"totalItems"`
	PageInfo   struct {
		NextCursor string `json:"nextCursor"`
	} `json:"pageInfo"`
}

func (a catalogActions) theOne(ctx context.Context, caller *principal.Principal, in entityName) (json.RawMessage, error) {
	filter := "metadata.name=" + in.Name
	if in.Kind != "" {
		filter += ",kind=" + in.Kind
	}
	if in.Namespace != "" {
		filter += ",metadata.namespace=" + in.Namespace
	}
	q := a.catalog(http.MethodGet, "/entities/by-query")
	q.query = url.Values{"filter": {filter}}
	var found page
	if err := a.decode(ctx, caller, q, &found); err != nil {
		return nil, err
	}
	switch len(found.Items) {
	case 0:
		return nil, apierror.Inputf("No entity found with name \"%s\"", in.Name)
	case 1:
		return found.Items[0], nil
	}
	refs := make([]string, len(found.Items))
	for i, item := range found.Items {
		ref, err := refOf(item)
		if err != nil {
			return nil, err
		}
		refs[i] = `"` + ref + `"`
	}
	return nil, apierror.Conflictf("Multiple entities found with name \"%s\", please provide more specific filters. Entities found: %s", in.Name, strings.Join(refs, ", "))
}

func refOf(document json.RawMessage) (string, error) {
	var e entity.Entity
	if err := json.Unmarshal(document, &e); err != nil {
		return "", fmt.Errorf("read an entity of the catalog: %w", err)
	}
	return string(e.Ref().Canonical()), nil
}

// order is one criterion of the order of results.
type order struct {
	Field string `json:"field"`
	Order string `json:"order"`
}

// orders is one or several.
type orders []order

// UnmarshalJSON implements [json.Unmarshaler].
func (o *orders) UnmarshalJSON(data []byte) error {
	var one order
	if json.Unmarshal(data, &one) == nil {
		*o = orders{one}
		return nil
	}
	return json.Unmarshal(data, (*[]order)(o))
}

// entityQuery is the input of query-catalog-entities.
type entityQuery struct {
	Query       json.RawMessage `json:"query"`
	Fields      []string        `json:"fields"`
	Limit       *int64          `json:"limit"`
	Offset      *int64          `json:"offset"`
	OrderFields orders          `json:"orderFields"`
	Text        *textQuery      `json:"fullTextFilter"`
	Cursor      string          `json:"cursor"`
}

type textQuery struct {
	Term   string   `json:"term"`
	Fields []string `json:"fields,omitempty"`
}

// entityPage is its output.
type entityPage struct {
	Items      []json.RawMessage `json:"items"`
	TotalItems float64           `json:"totalItems"`
	More       bool              `json:"hasMoreEntities"`
	NextCursor string            `json:"nextPageCursor,omitempty"`
}

func (a catalogActions) queryEntities(ctx context.Context, caller *principal.Principal, in entityQuery) (any, error) {
	q := a.catalog(http.MethodGet, "/entities/by-query")
	switch {
	case in.Cursor == "" && in.Query != nil || hasQuery(in.Cursor):
		if in.Cursor == "" && in.Query[0] != '{' {
			return nil, apierror.Inputf("Query must be an object")
		}
		q.method, q.body = http.MethodPost, in.body()
	default:
		q.query = in.parameters()
	}
	var found page
	if err := a.decode(ctx, caller, q, &found); err != nil {
		return nil, err
	}
	if found.Items == nil {
		found.Items = []json.RawMessage{}
	}
	next := found.PageInfo.NextCursor
	return entityPage{found.Items, found.TotalItems, next != "", next}, nil
}

// hasQuery reports whether a cursor is one of a query by predicate, which is continued in the form in which it began.
func hasQuery(cursor string) bool {
	data, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return false
	}
	var members map[string]json.RawMessage
	return json.Unmarshal(data, &members) == nil && members["query"] != nil
}

func (in *entityQuery) body() map[string]any {
	body := map[string]any{}
	if in.Limit != nil {
		body["limit"] = *in.Limit
	}
	if len(in.Fields) > 0 {
		body["fields"] = in.Fields
	}
	if in.Cursor != "" {
		body["cursor"] = in.Cursor
		return body
	}
	body["query"] = in.Query
	if in.Offset != nil {
		body["offset"] = *in.Offset
	}
	if in.OrderFields != nil {
		body["orderBy"] = in.OrderFields
	}
	if in.Text != nil {
		body["fullTextFilter"] = in.Text
	}
	return body
}

func (in *entityQuery) parameters() url.Values {
	q := url.Values{}
	if in.Limit != nil {
		q.Set("limit", strconv.FormatInt(*in.Limit, 10))
	}
	if len(in.Fields) > 0 {
		q["fields"] = in.Fields
	}
	if in.Cursor != "" {
		q.Set("cursor", in.Cursor)
		return q
	}
	if in.Offset != nil {
		q.Set("offset", strconv.FormatInt(*in.Offset, 10))
	}
	for _, o := range in.OrderFields {
		q.Add("orderField", o.Field+","+o.Order)
	}
	if in.Text != nil {
		if term := strings.TrimSpace(in.Text.Term); term != "" {
			q.Set("fullTextFilterTerm", term)
		}
		if len(in.Text.Fields) > 0 {
			q["fullTextFilterFields"] = in.Text.Fields
		}
	}
	return q
}

func (a catalogActions) describeModel(context.Context, *principal.Principal, struct{}) (any, error) {
	return map[string]string{"description": describeModel(a.kinds)}, nil
}

// location is a registered location.
type location struct {
	ID     string `json:"id"`
	Target string `json:"target"`
}

type registration struct {
	Address string `json:"locationUrl"`
}

func (a catalogActions) register(ctx context.Context, caller *principal.Principal, in registration) (any, error) {
	if !zod.IsURL(in.Address) {
		return nil, apierror.Inputf("%s is an invalid URL", in.Address)
	}
	q := a.catalog(http.MethodPost, "/locations")
	q.body = map[string]string{"type": "url", "target": in.Address}
	var made struct {
		Location location `json:"location"`
	}
	if err := a.decode(ctx, caller, q, &made); err != nil {
		return nil, err
	}
	return map[string]string{"locationId": made.Location.ID}, nil
}

// unregistration names a location by its id or by its address.
type unregistration struct {
	Type struct {
		ID      *string `json:"locationId"`
		Address string  `json:"locationUrl"`
	} `json:"type"`
}

func (a catalogActions) unregister(ctx context.Context, caller *principal.Principal, in unregistration) (any, error) {
	var ids []string
	if id := in.Type.ID; id != nil {
		ids = []string{*id}
	} else {
		var err error
		if ids, err = a.locationsAt(ctx, caller, in.Type.Address); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if _, err := a.call(ctx, caller, a.catalog(http.MethodDelete, "/locations/"+url.PathEscape(id))); err != nil {
			return nil, err
		}
	}
	return struct{}{}, nil
}

func (a catalogActions) locationsAt(ctx context.Context, caller *principal.Principal, address string) ([]string, error) {
	var all []struct {
		Data location `json:"data"`
	}
	if err := a.decode(ctx, caller, a.catalog(http.MethodGet, "/locations"), &all); err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range all {
		if strings.EqualFold(l.Data.Target, address) {
			ids = append(ids, l.Data.ID)
		}
	}
	if ids == nil {
		return nil, apierror.NotFoundf("Location with URL %s not found", address)
	}
	return ids, nil
}

func (a catalogActions) refresh(ctx context.Context, caller *principal.Principal, in entityName) (any, error) {
	found, err := a.theOne(ctx, caller, in)
	if err != nil {
		return nil, err
	}
	ref, err := refOf(found)
	if err != nil {
		return nil, err
	}
	q := a.catalog(http.MethodPost, "/refresh")
	q.body = map[string]string{"entityRef": ref}
	if _, err := a.call(ctx, caller, q); err != nil {
		return nil, err
	}
	return map[string]string{"entityRef": ref}, nil
}
