package catalog

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
)

// pageRequest is a request to by-query in either form.
type pageRequest struct {
	cursor  *cursor
	initial bool // not by a cursor
	counts  bool // the total is wanted
	filter  index.Filter
	fields  *projection
	limit   int
	offset  int
}

// defaultLimit is the page size when a request names none.
const defaultLimit = 200

func (a *api) byQuery(c *gin.Context) error {
	req, err := a.readQuery(queryValues(c.Request.URL.RawQuery))
	if err != nil {
		return err
	}
	return a.sendPage(c, req)
}

// readQuery reads the GET form.
func (a *api) readQuery(q url.Values) (*pageRequest, error) {
	req := &pageRequest{limit: defaultLimit}
	var err error
	if req.fields, err = parseFields(q["fields"]); err != nil {
		return nil, err
	}
	if v := q.Get("cursor"); v != "" {
		if err := a.follow(req, v); err != nil {
			return nil, err
		}
		return req, req.readWindow(q)
	}
	predicate, err := filterPredicate(q["filter"])
	if err != nil {
		return nil, err
	}
	orders, err := fieldOrders(q["orderField"])
	if err != nil {
		return nil, err
	}
	text := &cursorText{Term: q.Get("fullTextFilterTerm"), Fields: textFields(q["fullTextFilterFields"])}
	req.begin(predicate, orders, text, q.Get("totalItems") != "exclude")
	if req.filter, err = predicateFilter(predicate); err != nil {
		return nil, err
	}
	return req, req.readWindow(q)
}

// textFields is a list separated by commas. Repeated parameters are a list already.
func textFields(values []string) []string {
	if len(values) == 1 {
		return strings.Split(values[0], ",")
	}
	return values
}

// readWindow reads the size of the page, and where it begins when no cursor says so.
func (r *pageRequest) readWindow(q url.Values) (err error) {
	if v := q["limit"]; len(v) > 0 {
		if r.limit, err = integer(v[0]); err != nil {
			return err
		}
	}
	if v := q["offset"]; len(v) > 0 && r.initial {
		r.offset, err = integer(v[0])
	}
	return err
}

// postPage is the body of the POST form.
type postPage struct {
	Cursor  *string       `json:"cursor"`
	Limit   *float64      `json:"limit"`
	Offset  float64       `json:"offset"`
	OrderBy []cursorOrder `json:"orderBy"`
	Text    *struct {
		Term   string   `json:"term"`
		Fields []string `json:"fields"`
	} `json:"fullTextFilter"`
	Fields     []string        `json:"fields"`
	Query      json.RawMessage `json:"query"`
	TotalItems string          `json:"totalItems"`
}

func (a *api) postByQuery(c *gin.Context) error {
	var p postPage
	if err := httpx.BindJSON(c, &p); err != nil {
		return err
	}
	req, err := a.readPost(&p)
	if err != nil {
		return err
	}
	return a.sendPage(c, req)
}

func (a *api) readPost(p *postPage) (*pageRequest, error) {
	req := &pageRequest{limit: defaultLimit}
	if p.Cursor != nil {
		return req, a.readPostCursor(req, p)
	}
	predicate, err := a.readShape(p.Query)
	if err != nil {
		return nil, err
	}
	orders := make([]index.Order, len(p.OrderBy))
	for i, o := range p.OrderBy {
		if o.Order != "asc" && o.Order != "desc" {
			return nil, apierror.Inputf("Invalid order field order, must be asc or desc")
		}
		orders[i] = index.Order{Key: o.Field, Desc: o.Order == "desc"}
	}
	if req.fields, err = parseFields(p.Fields); err != nil {
		return nil, err
	}
	if req.filter, err = predicateFilter(predicate); err != nil {
		return nil, err
	}
	if req.offset, err = pageNumber("offset", p.Offset); err != nil {
		return nil, err
	}
	var text *cursorText
	if p.Text != nil {
		text = &cursorText{Term: p.Text.Term, Fields: p.Text.Fields}
	}
	req.begin(predicate, orders, text, p.TotalItems != "exclude")
	return req, req.readLimit(p)
}

func (a *api) readPostCursor(req *pageRequest, p *postPage) (err error) {
	if *p.Cursor == "" {
		return apierror.Inputf("Cursor cannot be empty")
	}
	if err = a.follow(req, *p.Cursor); err != nil {
		return err
	}
	if req.fields, err = parseFields(p.Fields); err != nil {
		return err
	}
	return req.readLimit(p)
}

func (r *pageRequest) readLimit(p *postPage) (err error) {
	if p.Limit != nil {
		r.limit, err = pageNumber("limit", *p.Limit)
	}
	return err
}

// maxPageNumber is where numbers in JSON stop being exact.
const maxPageNumber = 1 << 53

// pageNumber cuts fractions off, as the reference does in bodies.
func pageNumber(name string, v float64) (int, error) {
	if v < 0 || v > maxPageNumber {
		return 0, apierror.Inputf("request/body/%s must be from 0 to %d", name, maxPageNumber)
	}
	return int(v), nil
}

// begin sets up a first page.
func (r *pageRequest) begin(predicate any, orders []index.Order, text *cursorText, counts bool) {
	r.initial, r.counts = true, counts
	r.cursor = &cursor{Query: predicate, FullTextFilter: text, OrderFields: []cursorOrder{}}
	for _, o := range orders {
		direction := "asc"
		if o.Desc {
			direction = "desc"
		}
		r.cursor.OrderFields = append(r.cursor.OrderFields, cursorOrder{Field: o.Key, Order: direction})
	}
}

// follow sets up the page that a cursor leads to. Its total was counted for the first page.
func (a *api) follow(r *pageRequest, text string) (err error) {
	if r.cursor, err = a.decodeCursor(text); err != nil {
		return err
	}
	r.filter, err = r.cursor.filter()
	return err
}

// query is the request for the index; it asks for one item more than a page forwards has.
func (r *pageRequest) query(read index.Filter) index.Query {
	q := index.Query{
		Filter: index.All(read, r.filter), Order: r.cursor.order(), Backwards: r.cursor.IsPrevious,
		Offset: r.offset, Limit: r.limit, NoTotal: !r.counts,
	}
	if !r.initial {
		q.From = r.cursor.position()
	}
	if r.limit > 0 && r.limit < maxInt && !r.cursor.IsPrevious {
		q.Limit++
	}
	if !r.initial && r.cursor.nowhere() {
		q.Limit = 0
	}
	if t := r.cursor.FullTextFilter; t != nil {
		q.Text = index.Text{Term: t.Term, Keys: t.Fields}
	}
	return q
}

func (a *api) sendPage(c *gin.Context, r *pageRequest) error {
	read, err := a.access(c, PermissionRead)
	if err != nil {
		return err
	}
	b := a.body(r.fields)
	defer a.recycle(b)
	b.raw(`{"items":[`)
	if read.denied {
		b.raw(`],"totalItems":0,"pageInfo":{}}`)
		return httpx.JSON(c, http.StatusOK, json.RawMessage(b.buf))
	}
	page := a.Index.Snapshot().Query(r.query(read.filter))
	items, more := r.trim(page.Items)
	for _, it := range items {
		b.entity(it.Doc)
	}
	total := float64(page.Total)
	if r.cursor.TotalItems != nil {
		total = *r.cursor.TotalItems
	}
	b.raw(`],"totalItems":` + jsvalue.Number(total) + `,"pageInfo":{`)
	next, previous := r.neighbours(items, more, total)
	if next != nil {
		b.raw(`"nextCursor":"` + next.encode() + `"`)
	}
	if previous != nil {
		if next != nil {
			b.raw(",")
		}
		b.raw(`"prevCursor":"` + previous.encode() + `"`)
	}
	b.raw("}}")
	return b.send(c)
}

// trim puts the items of a backwards page in order and cuts the one too many; more says whether a page follows.
func (r *pageRequest) trim(items []index.Item) (_ []index.Item, more bool) {
	if r.cursor.IsPrevious {
		for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
			items[i], items[j] = items[j], items[i]
		}
		return items, r.limit > 0 // what the caller came from follows
	}
	if len(items) > r.limit {
		return items[:r.limit], true
	}
	return items, false
}

// neighbours are the cursors to the pages around these items, nil where there is none.
func (r *pageRequest) neighbours(items []index.Item, more bool, total float64) (next, previous *cursor) {
	first, last := r.cursor.noValues(), r.cursor.noValues()
	if len(items) > 0 {
		first, last = r.cursor.values(items[0]), r.cursor.values(items[len(items)-1])
	}
	start := r.cursor.FirstSortFieldValues
	known := start != nil
	if !known {
		start = first
	}
	around := func(values []*string, back bool) *cursor {
		n := *r.cursor
		n.IsPrevious, n.OrderFieldValues, n.FirstSortFieldValues, n.TotalItems = back, values, start, &total
		return &n
	}
	if more {
		next = around(last, false)
	}
	if known && len(items) > 0 && !sameValues(first, start) {
		previous = around(first, true)
	}
	return next, previous
}
