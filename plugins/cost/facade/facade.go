// Package facade answers what frontends ask that were made for other backends, from the same ledger: infrawallet for
// InfraWallet, costinsights for AWS's Cost Insights, opencostapi for OpenCost.
//
// Facades have no rights of their own: they ask [Costs], which answers in the name of whoever calls.
package facade

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// Costs answers questions about charges, as far as the caller of ctx may know: sdk.Principal tells who that is.
type Costs interface {
	// Query sums charges: those of an entity, for who may read it (else NotFoundError), or with "" everybody's, for who may
	// see those (else NotAllowedError).
	Query(ctx context.Context, entity string, q ledger.Query) (ledger.Result, error)
	// Values lists values of a dimension in charges of the days from, to exclusive, and TagKeys keys of tags; at most limit.
	// Both are for who may see everybody's charges.
	Values(ctx context.Context, d ledger.Dimension, from, to ledger.Day, limit int) ([]string, error)
	TagKeys(ctx context.Context, from, to ledger.Day, limit int) ([]string, error)
}

// Lenient parses a query of which a frontend has escaped nothing. What is no escape stands for itself, and & divides
// parameters only where name= follows: values such as R&D have ampersands of their own. As at express, + is a blank.
func Lenient(raw string) url.Values {
	values := url.Values{}
	last := ""
	for part := range strings.SplitSeq(raw, "&") {
		if name, value, ok := strings.Cut(part, "="); ok && parameter.MatchString(name) {
			values.Add(name, unescaped(value))
			last = name
		} else if last != "" && part != "" {
			list := values[last]
			list[len(list)-1] += "&" + unescaped(part)
		}
	}
	return values
}

var parameter = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// unescaped decodes what can be decoded.
func unescaped(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return strings.ReplaceAll(text, "+", " ")
}
