package insight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

const (
	longestFilter    = 4 << 10
	mostAlternatives = 50
	mostTerms        = 20
	mostValues       = 200
)

// ParseFilter reads the filter of a query and of the annotation callboard.dev/cost-filter:
//
//	subaccount=acme-prod, tag:service=checkout|checkout-db; service!="Amazon EC2"
//
// Alternatives are divided by semicolons, the terms of one by commas, the values of a term by bars. Values with one of these
// or with blanks at an end are quoted, and a quote in them is doubled. The error says which part is wrong, and why.
func ParseFilter(text string) (ledger.Filter, error) {
	if len(text) > longestFilter {
		return ledger.Filter{}, apierror.Inputf("it must have at most %d bytes", longestFilter)
	}
	p := filterParser{rest: text}
	var out []ledger.Filter
	for {
		terms, err := p.conjunction()
		if err != nil {
			return ledger.Filter{}, err
		}
		if out = append(out, ledger.Where(terms...)); len(out) > mostAlternatives {
			return ledger.Filter{}, apierror.Inputf("there must be at most %d alternatives", mostAlternatives)
		}
		if !p.take(';') {
			break
		}
	}
	if p.rest != "" {
		return ledger.Filter{}, apierror.Inputf("%q is unexpected; terms are divided by commas, alternatives by semicolons", excerpt.Short(p.rest))
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return ledger.Filter{Any: out}, nil
}

type filterParser struct{ rest string }

func (p *filterParser) conjunction() ([]ledger.Term, error) {
	var terms []ledger.Term
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		if terms = append(terms, t); len(terms) > mostTerms {
			return nil, apierror.Inputf("there must be at most %d terms", mostTerms)
		}
		if !p.take(',') {
			return terms, nil
		}
	}
}

func (p *filterParser) term() (ledger.Term, error) {
	end := strings.IndexAny(p.rest, "=,;|\"")
	if end < 0 || p.rest[end] != '=' {
		return ledger.Term{}, apierror.Inputf("%q must be dimension=value", excerpt.Short(p.rest))
	}
	name, not := strings.CutSuffix(p.rest[:end], "!")
	d, err := ParseDimension(strings.TrimSpace(name))
	if err != nil {
		return ledger.Term{}, err
	}
	p.rest = p.rest[end+1:]
	t := ledger.Term{Dimension: d, Not: not}
	for {
		v, err := p.value()
		if err != nil {
			return ledger.Term{}, fmt.Errorf("%s: %w", name, err)
		}
		if t.Values = append(t.Values, v); len(t.Values) > mostValues {
			return ledger.Term{}, apierror.Inputf("%s: there must be at most %d values", name, mostValues)
		}
		if !p.take('|') {
			return t, nil
		}
	}
}

// value is quoted, or reaches to the next divider. An empty one stands for rows that have none.
func (p *filterParser) value() (string, error) {
	p.rest = strings.TrimLeft(p.rest, " \t")
	if !strings.HasPrefix(p.rest, `"`) {
		end := strings.IndexAny(p.rest, ",;|\"")
		if end < 0 {
			end = len(p.rest)
		}
		v := strings.TrimSpace(p.rest[:end])
		p.rest = p.rest[end:]
		return v, nil
	}
	var v strings.Builder
	for rest := p.rest[1:]; ; {
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return "", apierror.Inputf("%s has no closing quote", excerpt.Short(p.rest))
		}
		v.WriteString(rest[:end])
		if rest = rest[end+1:]; !strings.HasPrefix(rest, `"`) {
			p.rest = strings.TrimLeft(rest, " \t")
			return v.String(), nil
		}
		v.WriteByte('"')
		rest = rest[1:]
	}
}

func (p *filterParser) take(divider byte) bool {
	if p.rest == "" || p.rest[0] != divider {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// dimensions are the names that filters and queries may use, in the order in which messages list them.
var dimensions = []ledger.Dimension{
	ledger.Provider, ledger.BillingAccount, ledger.BillingAccountName, ledger.SubAccount, ledger.SubAccountName, ledger.Service,
	ledger.ServiceCategory, ledger.Region, ledger.Resource, ledger.ResourceName, ledger.ResourceType, ledger.ChargeCategory,
	ledger.ChargeClass, ledger.Source, ledger.BillingPeriod,
}

// Dimensions are the names of all dimensions but those of tags.
func Dimensions() []ledger.Dimension { return slices.Clone(dimensions) }

// ParseDimension reads the name of a dimension, whatever its case; the key of a tag is taken as it is.
func ParseDimension(name string) (ledger.Dimension, error) {
	if len(name) > 4 && strings.EqualFold(name[:4], "tag:") {
		return ledger.Tag(name[4:]), nil
	}
	for _, d := range dimensions {
		if strings.EqualFold(name, string(d)) {
			return d, nil
		}
	}
	return "", apierror.Inputf("%q is no dimension; there are %s, and tag:<key>", excerpt.Short(name), joined(dimensions))
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}
