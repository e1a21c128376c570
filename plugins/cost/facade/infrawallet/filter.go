package infrawallet

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Bounds of what a request may select by.
const (
	longestFilter = 16 << 10
	mostTerms     = 100
)

// filters are members of reports and the values that they may have. All must hold.
type filters []struct {
	name   string
	values []string
}

// parseFilters reads "(key:value,key:(v1|v2))". As in the original, what is in no parentheses selects nothing away.
func parseFilters(text string) (filters, error) {
	text = strings.TrimSpace(text)
	if len(text) > longestFilter {
		return nil, apierror.Inputf("filters: they are longer than %d bytes", longestFilter)
	}
	if !strings.HasPrefix(text, "(") || !strings.HasSuffix(text, ")") || len(text) < 2 {
		return nil, nil
	}
	var out filters
	for _, pair := range outside(text[1:len(text)-1], ',') {
		name, value, ok := strings.Cut(pair, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			continue
		}
		values := []string{value}
		if strings.HasPrefix(value, "(") && strings.HasSuffix(value, ")") {
			values = nil
			for v := range strings.SplitSeq(value[1:len(value)-1], "|") {
				values = append(values, strings.TrimSpace(v))
			}
		}
		out = append(out, struct {
			name   string
			values []string
		}{name, values})
	}
	if len(out) > mostTerms {
		return nil, apierror.Inputf("filters: there are more than %d", mostTerms)
	}
	return out, nil
}

// outside divides a text at a divider that is in no parentheses: names of accounts have some of their own.
func outside(text string, divider byte) []string {
	var out []string
	depth, begin := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == divider && depth <= 0:
			out, begin = append(out, text[begin:i]), i+1
		}
	}
	return append(out, text[begin:])
}

// ofReports are the members that reports have; other names are those of tags.
var ofReports = []string{"id", "provider", "providerType", "account", "service", "category", "project"}

// keep reports whether a report has what filters ask for, as the frontend writes it or as the bill does. By tags of bills
// the ledger has selected already.
func (f filters) keep(r report) bool {
	for _, term := range f {
		if r.kind == integration && !slices.Contains(ofReports, term.name) {
			continue
		}
		has := r.member(term.name)
		if !slices.ContainsFunc(term.values, func(want string) bool {
			return want == has || want != "" && slices.Contains(r.spellings[term.name], want) || term.name == "provider" && strings.EqualFold(want, has)
		}) {
			return false
		}
	}
	return true
}

// narrow selects what can be selected before charges are summed: the ledger answers a limited number of series. It may
// select too much, never too little; keep does the rest.
func (f filters) narrow(q *ledger.Query) {
	for _, term := range f {
		var values []string
		var d ledger.Dimension
		switch term.name {
		case "provider":
			d = ledger.Provider
			for _, v := range term.values {
				values = append(append(values, v), billedNames(v)...)
			}
		case "category":
			d = ledger.ServiceCategory
			for _, v := range term.values {
				values = append(values, focusCategories(v)...)
			}
		case "service":
			d = ledger.Service
			for _, v := range term.values {
				values = append(values, v)
				if _, bare, ok := strings.Cut(v, "/"); ok {
					values = append(values, bare)
				}
			}
		case "account", "project", "providerType", "id":
			continue // they are made of several dimensions
		default:
			d, values = ledger.Tag(term.name), term.values
			groupByTag(q, term.name)
		}
		q.Filter.All = append(q.Filter.All, ledger.Is(d, values...))
	}
}

// mostGroups is how many dimensions the ledger groups by: one tag has its values shown, more of them only select.
const mostGroups = 8

func groupByTag(q *ledger.Query, key string) {
	if d := ledger.Tag(key); len(q.GroupBy) < mostGroups && !slices.Contains(q.GroupBy, d) {
		q.GroupBy = append(q.GroupBy, d)
	}
}

// tag is a value of a tag at a provider; without a value it stands for any.
type tag struct{ provider, key, value string }

// parseTags reads "(provider:key=value OR provider:key=value)".
func parseTags(text string) ([]tag, error) {
	text = strings.TrimSpace(text)
	if len(text) > longestFilter {
		return nil, apierror.Inputf("tags: they are longer than %d bytes", longestFilter)
	}
	if !strings.HasPrefix(text, "(") || !strings.HasSuffix(text, ")") || len(text) <= 2 {
		return nil, nil
	}
	var out []tag
	for pair := range strings.SplitSeq(text[1:len(text)-1], " OR ") {
		name, value, _ := strings.Cut(pair, "=")
		provider, key, ok := strings.Cut(name, ":")
		if !ok || strings.TrimSpace(key) == "" {
			return nil, apierror.Inputf("tags: %q must be provider:key=value", excerpt.Short(pair))
		}
		out = append(out, tag{strings.TrimSpace(provider), strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	if len(out) > mostTerms {
		return nil, apierror.Inputf("tags: there are more than %d", mostTerms)
	}
	return out, nil
}

// narrowByTags selects charges that have one of the tags. As in the original, tags of a provider say nothing about others:
// charges of providers that no tag names all stay.
func narrowByTags(q *ledger.Query, tags []tag) {
	if len(tags) == 0 {
		return
	}
	var named []string
	var alternatives []ledger.Filter
	for _, t := range tags {
		billed := billedNames(t.provider)
		named = append(named, billed...)
		has := ledger.Is(ledger.Tag(t.key))
		if t.value != "" {
			has = ledger.Is(ledger.Tag(t.key), t.value)
		}
		alternatives = append(alternatives, ledger.Where(ledger.Is(ledger.Provider, billed...), has))
		groupByTag(q, t.key)
	}
	alternatives = append(alternatives, ledger.Where(ledger.IsNot(ledger.Provider, named...)))
	q.Filter.Any = alternatives
}
