package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/console/shell"
)

// pageSize is how many entities a page of the catalog has.
const pageSize = 30

// filter is one field of the form above the catalog.
type filter struct {
	Name, Title, Field string
	Chosen             []string
	Choices            []choice
}

type choice struct {
	Value, Text string
	Count       int
	Chosen      bool
}

// filters are those of the form, in its order.
func filters(q url.Values) []filter {
	all := []filter{
		{Name: "kind", Title: "Kind", Field: "kind"}, {Name: "type", Title: "Type", Field: "spec.type"},
		{Name: "owner", Title: "Owner", Field: "relations.ownedBy"}, {Name: "lifecycle", Title: "Lifecycle", Field: "spec.lifecycle"},
		{Name: "tag", Title: "Tag", Field: "metadata.tags"},
	}
	for i := range all {
		for _, value := range q[all[i].Name] {
			if value != "" && len(all[i].Chosen) < maxChosen {
				all[i].Chosen = append(all[i].Chosen, value)
			}
		}
	}
	return all
}

// maxChosen bounds how many values of one filter an address may name.
const maxChosen = 50

// predicate is what entities must fulfil; nil = nothing.
func predicate(all []filter) map[string]any {
	var terms []any
	for _, f := range all {
		if len(f.Chosen) > 0 {
			terms = append(terms, map[string]any{f.Field: map[string]any{"$in": f.Chosen}})
		}
	}
	if terms == nil {
		return nil
	}
	return map[string]any{"$all": terms}
}

// sorts are the orders of the list.
var sorts = []struct{ Name, Field, Order, Title string }{
	{"name", "metadata.name", "asc", "Name"}, {"-name", "metadata.name", "desc", "Name, from Z"},
	{"kind", "kind", "asc", "Kind"}, {"type", "spec.type", "asc", "Type"}, {"lifecycle", "spec.lifecycle", "asc", "Lifecycle"},
}

type catalogView struct {
	Notices    []string
	Filters    []filter
	Term, Sort string
	Sorts      []choice
	Items      []item
	Total      int
	Prev, Next string
	Filtered   bool
}

// catalog lists entities. Its form and its links are addresses, so that what somebody sees can be passed on.
func (p *Portal) catalog(v *visit) {
	q := v.URL.Query()
	view := catalogView{Filters: filters(q), Term: strings.TrimSpace(q.Get("q")), Sort: q.Get("sort")}
	wanted := predicate(view.Filters)
	view.Filtered = view.Term != "" || wanted != nil
	var failed error
	together(
		func() { failed = v.list(&view, q, wanted) },
		func() { v.missed("Choices of the filters", v.choices(view.Filters)) },
	)
	if failed != nil {
		v.fail(failed)
		return
	}
	for _, s := range sorts {
		view.Sorts = append(view.Sorts, choice{Value: s.Name, Text: s.Title, Chosen: s.Name == view.Sort})
	}
	view.Notices = v.noticed()
	v.render(http.StatusOK, "catalog", shell.Page{Title: "Catalog", Active: catalogPath, Data: view})
}

// list asks for the entities that fulfil wanted.
func (v *visit) list(view *catalogView, q url.Values, wanted map[string]any) error {
	body := map[string]any{"limit": pageSize, "fields": strings.Split(itemFields, ",")}
	if cursor := q.Get("cursor"); cursor != "" {
		body["cursor"] = cursor
	} else {
		i := max(0, slices.IndexFunc(sorts, func(s struct{ Name, Field, Order, Title string }) bool { return s.Name == view.Sort }))
		body["orderBy"] = []map[string]string{{"field": sorts[i].Field, "order": sorts[i].Order}}
		if view.Term != "" {
			body["fullTextFilter"] = map[string]any{"term": view.Term, "fields": []string{"metadata.name", "metadata.title", "metadata.description", "spec.profile.displayName"}}
		}
		if wanted != nil {
			body["query"] = wanted
		}
	}
	var found page
	err := v.api.decode(v.Context(), request{method: http.MethodPost, path: "/catalog/entities/by-query", body: body}, &found)
	if err != nil {
		return err
	}
	for _, e := range found.Items {
		view.Items = append(view.Items, itemOf(e))
	}
	view.Total = found.Total
	for target, cursor := range map[*string]string{&view.Prev: found.PageInfo.Prev, &view.Next: found.PageInfo.Next} {
		if cursor != "" {
			*target = catalogPath + "?" + with(q, "cursor", cursor)
		}
	}
	return nil
}

// maxChoices bounds how many values of a filter the form offers.
const maxChoices = 200

// choices fills in what the form offers: values that entities of the chosen kind have, and how many.
func (v *visit) choices(all []filter) error {
	kinds := all[0]
	var of, within struct {
		Facets map[string][]struct {
			Value string
			Count int
		}
	}
	ask := func(query map[string]any, into any, facets ...string) error {
		body := map[string]any{"facets": facets}
		if query != nil {
			body["query"] = query
		}
		return v.api.decode(v.Context(), request{method: http.MethodPost, path: "/catalog/entity-facets", body: body}, into)
	}
	ofKind := predicate(all[:1])
	var first, second error
	together(
		func() { first = ask(nil, &of, kinds.Field) },
		func() {
			second = ask(ofKind, &within, all[1].Field, all[2].Field, all[3].Field, all[4].Field)
		},
	)
	for i := range all {
		values := within.Facets[all[i].Field]
		if i == 0 {
			values = of.Facets[all[i].Field]
		}
		for _, value := range values {
			all[i].Choices = append(all[i].Choices, choice{Value: value.Value, Text: value.Value, Count: value.Count})
		}
		all[i].finish()
	}
	return cmp.Or(first, second)
}

// finish puts choices in order and marks the chosen ones, which stay there even if nothing has them.
func (f *filter) finish() {
	for i := range f.Choices {
		if f.Name == "owner" {
			f.Choices[i].Text = linkTo(f.Choices[i].Value).Text
		}
	}
	slices.SortFunc(f.Choices, func(x, y choice) int { return cmp.Or(cmp.Compare(x.Text, y.Text), cmp.Compare(x.Value, y.Value)) })
	f.Choices = f.Choices[:min(len(f.Choices), maxChoices)]
	for _, value := range f.Chosen {
		i := slices.IndexFunc(f.Choices, func(c choice) bool { return strings.EqualFold(c.Value, value) })
		if i < 0 {
			f.Choices = append([]choice{{Value: value, Text: value, Chosen: true}}, f.Choices...)
			continue
		}
		f.Choices[i].Chosen = true
	}
}

// Several reports whether more values of the filter are chosen than a select shows.
func (f filter) Several() bool { return len(f.Chosen) > 1 }

// Label is a choice with how many entities have it.
func (c choice) Label() string {
	if c.Count == 0 {
		return c.Text
	}
	return c.Text + " (" + strconv.Itoa(c.Count) + ")"
}
