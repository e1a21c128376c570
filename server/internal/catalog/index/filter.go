package index

import (
	"slices"
	"strings"
)

// Filter is a condition on entities, as data. The zero value lets everything through. Keys and values match in any case.
type Filter struct {
	op     op
	key    string   // lower case
	values []string // lower case
	subs   []Filter
}

type op uint8

const (
	opAll op = iota // every one of subs; none: everything
	opAny           // one of subs; none: nothing
	opNot           // not subs[0]
	opIn            // a row of key has one of values
	opExists
	opPrefix // a row of key begins with values[0]
)

// All lets through what every one of filters does; without filters, everything.
func All(filters ...Filter) Filter {
	subs := make([]Filter, 0, len(filters))
	for _, f := range filters {
		if f.op == opAll {
			subs = append(subs, f.subs...)
		} else {
			subs = append(subs, f)
		}
	}
	if len(subs) == 1 {
		return subs[0]
	}
	return Filter{op: opAll, subs: subs}
}

// Any lets through what at least one of filters does; without filters, nothing.
func Any(filters ...Filter) Filter {
	if len(filters) == 1 {
		return filters[0]
	}
	return Filter{op: opAny, subs: filters}
}

// Not lets through what filter does not.
func Not(filter Filter) Filter { return Filter{op: opNot, subs: []Filter{filter}} }

// In lets through entities of which some row of key has one of values; without values, nothing.
func In(key string, values ...string) Filter {
	lower := make([]string, len(values))
	for i, v := range values {
		lower[i] = strings.ToLower(v)
	}
	return Filter{op: opIn, key: strings.ToLower(key), values: lower}
}

// Exists lets through entities that have key, be it null.
func Exists(key string) Filter { return Filter{op: opExists, key: strings.ToLower(key)} }

// HasPrefix lets through entities of which some value of key begins with prefix.
func HasPrefix(key, prefix string) Filter {
	return Filter{op: opPrefix, key: strings.ToLower(key), values: []string{strings.ToLower(prefix)}}
}

// IsZero reports whether f is the filter that lets everything through.
func (f Filter) IsZero() bool { return f.op == opAll && len(f.subs) == 0 }

// Matches says whether an entity with these rows passes. It is the definition of the filters; [Snapshot] answers the
// same from its sets.
func (f Filter) Matches(rows []Row) bool {
	row := func(ok func(Row) bool) bool {
		return slices.ContainsFunc(rows, func(r Row) bool { return r.Key == f.key && ok(r) })
	}
	switch f.op {
	case opAll:
		return !slices.ContainsFunc(f.subs, func(s Filter) bool { return !s.Matches(rows) })
	case opAny:
		return slices.ContainsFunc(f.subs, func(s Filter) bool { return s.Matches(rows) })
	case opNot:
		return !f.subs[0].Matches(rows)
	case opIn:
		return row(func(r Row) bool { return !r.Null && slices.Contains(f.values, r.Value) })
	case opPrefix:
		return row(func(r Row) bool { return !r.Null && strings.HasPrefix(r.Value, f.values[0]) })
	}
	return row(func(Row) bool { return true })
}
