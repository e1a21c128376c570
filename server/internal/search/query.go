package search

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/callboard/callboard/sdk/apierror"
)

// Query is what a caller asks for.
type Query struct {
	Term    string
	Types   []string // nil = all
	Filters []Filter
	Page    Page
	Limit   int // results per page
}

// Filter restricts (one value) or widens (several) a query by a field; without values it only demands that the type has
// the field. Values are tokenised like the documents.
type Filter struct {
	Field  string
	Values []string
}

// Limits bound what callers may ask for.
type Limits struct {
	TermLength int // in UTF-16 units, as the reference counts
	PageLimit  int
}

const defaultPageLimit = 25

// Page is the number that a page cursor carries. The reference accepts any text there: what is no number has no results
// and no neighbours.
type Page float64

func (p Page) cursor() string {
	return base64.StdEncoding.EncodeToString(strconv.AppendFloat(nil, float64(p), 'f', -1, 64))
}

// parsePage reads a cursor as Node does: characters outside the alphabet are skipped, an empty text is page 0.
func parsePage(cursor string) Page {
	kept := make([]byte, 0, len(cursor))
	for _, c := range []byte(cursor) {
		switch {
		case c == '=':
			return pageOf(kept)
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/':
		default:
			continue
		}
		kept = append(kept, c)
	}
	return pageOf(kept)
}

func pageOf(alphabet []byte) Page {
	if len(alphabet)%4 == 1 {
		alphabet = alphabet[:len(alphabet)-1]
	}
	text, err := base64.RawStdEncoding.DecodeString(string(alphabet))
	if err != nil {
		return Page(math.NaN())
	}
	n, ok := number(strings.TrimSpace(string(text)))
	if !ok && len(bytes.TrimSpace(text)) > 0 {
		return Page(math.NaN())
	}
	return Page(math.Floor(n))
}

// number reads a decimal number; Go's own extensions (hexadecimal, underscores, Inf, NaN) are refused.
func number(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// formatNumber writes n as JavaScript does.
func formatNumber(n float64) string {
	if math.Abs(n) < 1e21 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// ParseQuery reads the raw query string of a request whose shape the edge has checked against the OpenAPI document: what
// is of another shape is ignored here. Errors are InputErrors with the reference's texts.
func ParseQuery(raw string, types []string, l Limits) (Query, error) {
	in := parseParams(raw)
	q := Query{Term: in.child("term").only(), Limit: defaultPageLimit, Page: parsePage(in.child("pageCursor").only())}
	if t := in.child("types"); t != nil {
		q.Types = t.list()
	}
	for _, name := range in.child("filters").names() {
		q.Filters = append(q.Filters, Filter{Field: name, Values: in.child("filters").child(name).list()})
	}
	limit := math.NaN()
	if p := in.child("pageLimit"); p != nil {
		limit, _ = number(strings.TrimSpace(p.only()))
	}
	if err := checkValues(q, limit, types, l); err != nil {
		return Query{}, err
	}
	q.Limit = pageSize(limit, l)
	return q, nil
}

// pageSize reads pageLimit: 0 or nothing is the default. A negative limit, which the reference takes as "nearly
// everything", is the largest page.
func pageSize(limit float64, l Limits) int {
	switch {
	case math.IsNaN(limit) || limit == 0:
		return min(defaultPageLimit, l.PageLimit)
	case limit < 0:
		return l.PageLimit
	}
	return int(limit)
}

// issue is one complaint about a value, in the form of the reference's validator.
type issue struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

func checkValues(q Query, limit float64, types []string, l Limits) error {
	var issues []issue
	add := func(message string, path ...any) { issues = append(issues, issue{"custom", message, path}) }
	if n := len(utf16.Encode([]rune(q.Term))); n > l.TermLength {
		add(fmt.Sprintf(`The term length "%d" is greater than "%d"`, n, l.TermLength), "term")
	}
	for i, t := range q.Types {
		if !slices.Contains(types, t) {
			add("Invalid input", "types", i)
		}
	}
	if limit > float64(l.PageLimit) {
		add(fmt.Sprintf(`The page limit "%s" is greater than "%d"`, formatNumber(limit), l.PageLimit), "pageLimit")
	}
	if issues == nil {
		return nil
	}
	text, err := json.MarshalIndent(issues, "", "  ")
	if err != nil {
		return err
	}
	return apierror.New(apierror.Input, "Invalid query string: "+string(text))
}
