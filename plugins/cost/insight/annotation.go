package insight

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// The annotations that say which charges belong to an entity. The first kind of them that an entity has counts alone.
const (
	// FilterAnnotation holds a filter as [ParseFilter] reads it.
	FilterAnnotation = "callboard.dev/cost-filter"
	// TagsAnnotation is AWS Labs': "key=value,key=value", which must all hold.
	TagsAnnotation = "aws.amazon.com/cost-insights-tags"

	wallet             = "infrawallet.io/"
	walletExtraFilters = wallet + "extra-filters"
)

// Annotations are all that are understood.
var Annotations = []string{
	FilterAnnotation, wallet + "project", wallet + "account", wallet + "service", wallet + "category", wallet + "provider",
	walletExtraFilters, TagsAnnotation,
}

// Claim is which charges an entity says are its own.
type Claim struct {
	// Annotation is where it says so, Text what it says.
	Annotation, Text string
	Filter           ledger.Filter
	// weight is how many dimensions every alternative pins to values: what is said more precisely goes first.
	weight int
}

// ClaimOf reads the annotations of an entity; nil = it has none. The error names the annotation.
func ClaimOf(e sdk.Entity) (*Claim, error) {
	if text := strings.TrimSpace(e.Annotation(FilterAnnotation)); text != "" {
		f, err := ParseFilter(text)
		return claimed(FilterAnnotation, text, f, err)
	}
	if c, err := walletClaim(e); c != nil || err != nil {
		return c, err
	}
	if text := strings.TrimSpace(e.Annotation(TagsAnnotation)); text != "" {
		f, err := tagsFilter(text)
		return claimed(TagsAnnotation, text, f, err)
	}
	return nil, nil
}

func claimed(annotation, text string, f ledger.Filter, err error) (*Claim, error) {
	if err != nil {
		return nil, fmt.Errorf("annotation %s: %w", annotation, err)
	}
	return &Claim{annotation, text, f, weight(f)}, nil
}

// weight counts the terms that hold for values; of alternatives the vaguest counts.
func weight(f ledger.Filter) int {
	n := 0
	for _, t := range f.All {
		if !t.Not {
			n++
		}
	}
	least := -1
	for _, alternative := range f.Any {
		if w := weight(alternative); least < 0 || w < least {
			least = w
		}
	}
	return n + max(least, 0)
}

// tagsFilter reads "key=value,key=value".
func tagsFilter(text string) (ledger.Filter, error) {
	var f ledger.Filter
	if len(text) > longestFilter {
		return f, apierror.Inputf("it must have at most %d bytes", longestFilter)
	}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" {
			return f, apierror.Inputf("%q must be key=value", excerpt.Short(pair))
		}
		f.All = append(f.All, ledger.Is(ledger.Tag(key), value))
	}
	return f, nil
}

// walletMembers are what InfraWallet calls dimensions, and what they are called here. Its accounts and projects are what
// FOCUS calls sub accounts, by name or by id.
var walletMembers = []struct {
	name       string
	dimensions []ledger.Dimension
}{
	{"project", []ledger.Dimension{ledger.SubAccountName, ledger.SubAccount}},
	{"account", []ledger.Dimension{ledger.SubAccountName, ledger.SubAccount, ledger.BillingAccountName, ledger.BillingAccount}},
	{"service", []ledger.Dimension{ledger.Service}},
	{"category", []ledger.Dimension{ledger.ServiceCategory}},
	{"provider", []ledger.Dimension{ledger.Provider}},
}

func walletClaim(e sdk.Entity) (*Claim, error) {
	var parts []ledger.Filter
	var texts, names []string
	for _, m := range walletMembers {
		if text := strings.TrimSpace(e.Annotation(wallet + m.name)); text != "" {
			parts = append(parts, oneOf(m.dimensions, split(text, ",")))
			texts, names = append(texts, m.name+": "+text), append(names, m.name)
		}
	}
	if text := strings.TrimSpace(e.Annotation(walletExtraFilters)); text != "" {
		extra, err := extraFilters(text)
		if err != nil {
			return claimed(walletExtraFilters, text, ledger.Filter{}, err)
		}
		parts = append(parts, extra...)
		texts, names = append(texts, text), append(names, "extra-filters")
	}
	if parts == nil {
		return nil, nil
	}
	annotation, text := wallet+strings.Join(names, "|"), strings.Join(texts, ", ")
	f, err := all(parts)
	if len(text) > longestFilter {
		err = apierror.Inputf("it must have at most %d bytes", longestFilter)
	}
	return claimed(annotation, text, f, err)
}

// extraFilters reads "key: value|value, key: value". A key that is no dimension is a tag's.
func extraFilters(text string) ([]ledger.Filter, error) {
	var out []ledger.Filter
	for pair := range strings.SplitSeq(text, ",") {
		key, values, ok := strings.Cut(pair, ":")
		key = strings.TrimSpace(key)
		if !ok || key == "" || strings.TrimSpace(values) == "" {
			return nil, apierror.Inputf("%q must be key: value", excerpt.Short(pair))
		}
		out = append(out, oneOf(walletDimensions(key), split(values, "|")))
	}
	return out, nil
}

func walletDimensions(key string) []ledger.Dimension {
	for _, m := range walletMembers {
		if strings.EqualFold(key, m.name) {
			return m.dimensions
		}
	}
	if d, err := ParseDimension(key); err == nil {
		return []ledger.Dimension{d}
	}
	return []ledger.Dimension{ledger.Tag(key)}
}

func split(text, divider string) []string {
	var out []string
	for v := range strings.SplitSeq(text, divider) {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, walletValues(v)...)
		}
	}
	return out
}

// walletForm is how InfraWallet shows what it names: "AWS/shop production (123456789012)", "AWS/Amazon EC2".
var walletForm = regexp.MustCompile(`^(?:AWS|Azure|GCP|Confluent|MongoAtlas|Datadog|ElasticCloud|GitHub|Custom|Mock|Kubecost|OpenCost)/(.+?)(?: \(([^()]+)\))?$`)

// walletValues are a value as it stands, and what it means when it was copied from InfraWallet's pages, where it has the
// provider before it and may have an id behind it.
func walletValues(v string) []string {
	m := walletForm.FindStringSubmatch(v)
	switch {
	case m == nil:
		return []string{v}
	case m[2] == "":
		return []string{v, m[1]}
	}
	return []string{v, m[1], m[2]}
}

// oneOf holds where one of the dimensions has one of the values.
func oneOf(dimensions []ledger.Dimension, values []string) ledger.Filter {
	if len(dimensions) == 1 {
		return ledger.Where(ledger.Is(dimensions[0], values...))
	}
	var f ledger.Filter
	for _, d := range dimensions {
		f.Any = append(f.Any, ledger.Where(ledger.Is(d, values...)))
	}
	return f
}

// mostCombinations bounds what the alternatives of several filters are multiplied to.
const mostCombinations = 64

// all holds where every one of the filters does.
func all(filters []ledger.Filter) (ledger.Filter, error) {
	var out ledger.Filter
	combinations := 1
	for _, f := range filters {
		if combinations *= max(1, len(f.Any)); combinations > mostCombinations {
			return out, apierror.Inputf("accounts and projects that must all match have more than %d combinations", mostCombinations)
		}
		out = both(out, f)
	}
	return out, nil
}
