package search

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testLimits = Limits{TermLength: 100, PageLimit: 100}

func TestParseQuery_ReadsTheBracketNotation(t *testing.T) {
	for raw, want := range map[string]Query{
		"":                                     {Limit: 25},
		"term=a+b%20c&bogus=1&bogus[x]=2":      {Term: "a b c", Limit: 25},
		"term=50%zz+more":                      {Term: "50%zz more", Limit: 25},
		"types=notes":                          {Types: []string{"notes"}, Limit: 25},
		"types[1]=notes&types[0]=docs":         {Types: []string{"docs", "notes"}, Limit: 25},
		"types[]=docs&types[]=notes":           {Types: []string{"docs", "notes"}, Limit: 25},
		"types%5B25%5D=docs":                   {Types: []string{"docs"}, Limit: 25},
		"filters=&term":                        {Limit: 25},
		"pageLimit=x&types[a]=notes&term[0]=a": {Limit: 25},
		"filters[kind]=API&filters[a.b]=":      {Filters: []Filter{{"kind", []string{"API"}}, {"a.b", []string{""}}}, Limit: 25},
		"filters[k]=1&filters[k]=2":            {Filters: []Filter{{"k", []string{"1", "2"}}}, Limit: 25},
		"filters[k][21]=b&filters[k][3]=a":     {Filters: []Filter{{"k", []string{"a", "b"}}}, Limit: 25},
		"filters[k][x]=1":                      {Filters: []Filter{{Field: "k"}}, Limit: 25},
		"filters[k][0][x]=1":                   {Filters: []Filter{{Field: "k"}}, Limit: 25},
		"filters[k]=a]=b":                      {Filters: []Filter{{"k", []string{"a]=b"}}}, Limit: 25},
		"filters[k=v":                          {Filters: []Filter{{"k", []string{"v"}}}, Limit: 25},
		"pageLimit=0":                          {Limit: 25},
		"pageLimit=-1":                         {Limit: 100},
		"pageLimit=1e1":                        {Limit: 10},
		"pageLimit=%2B5&pageCursor=Mg==":       {Limit: 5, Page: 2},
		"pageCursor=%%%":                       {Limit: 25},
		"pageCursor=LTE":                       {Limit: 25, Page: -1},
		"=x&&[a]=b":                            {Limit: 25},
	} {
		got, err := ParseQuery(raw, []string{"notes", "docs"}, testLimits)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", raw, diff)
		}
	}
}

func TestPage_AnythingThatIsNoNumberHasNoNeighbours(t *testing.T) {
	e := newTestEngine(t, nil, notes(harbour()))
	for _, cursor := range []string{"bm90YW51bWJlcg==", "SW5maW5pdHk=", "MHgxMA==", "MV8w"} {
		r := query(t, e, "pageLimit=2&pageCursor="+cursor)
		if *r.Total != 5 || r.Next != nil || r.Previous != nil || len(r.Results) != 0 {
			t.Errorf("cursor %s: %+v", cursor, r)
		}
	}
	r := query(t, e, "pageLimit=2&pageCursor=OTk=")
	if len(r.Results) != 0 || r.Next != nil || r.Previous.cursor() != "OTg=" {
		t.Errorf("beyond the end: %+v", r)
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, raw := range []string{"", "term=a&types[0]=notes", "filters[kind][0]=A&filters[kind][]=B", "filters[a[b]]=1",
		"filters[a][b][c][d][e][f][g]=1", "pageLimit=1e400&pageCursor=MQ==", "%5B%5D=&[=]&a]=[", "types[4294967296]=x",
		"pageCursor=LTk5OTk5OTk5OTk5OTk5OTk5OTk5"} {
		f.Add(raw)
	}
	s := harbour()
	e, err := New(Options{Types: []Type{notes(s)}, Authorizer: decisions(nil)})
	if err != nil {
		f.Fatal(err)
	}
	if err := e.Update(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := ParseQuery(raw, e.TypeNames(), testLimits)
		if err != nil {
			return
		}
		if q.Limit < 1 || q.Limit > testLimits.PageLimit || len(q.Term) > 4*testLimits.TermLength {
			t.Fatalf("accepted beyond the limits: %+v", q)
		}
		r, err := e.Query(t.Context(), guest, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Results) > q.Limit || len(r.Results) > *r.Total {
			t.Fatalf("%d results of %d, limit %d", len(r.Results), *r.Total, q.Limit)
		}
		if math.IsNaN(float64(q.Page)) && len(r.Results) > 0 {
			t.Fatal("a page that is no number has results")
		}
		e.render(r)
	})
}
