package pluginhost

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/message"
)

// ruleOf words a failed rule without the value: it may be a secret, or a secret that was put into the wrong member.
func ruleOf(e *jsonschema.ValidationError, words *message.Printer) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return "needs " + quoted("the member", k.Missing)
	case *kind.AdditionalProperties:
		return "has no " + quoted("member", k.Properties)
	case *kind.Type:
		return fmt.Sprintf("must be of type %s, got %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Format:
		return "must be a valid " + k.Want
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.Enum, *kind.Const, *kind.MinItems, *kind.MaxItems, *kind.MinProperties, *kind.MaxProperties, *kind.UniqueItems,
		*kind.OneOf, *kind.AnyOf, *kind.Not, *kind.FalseSchema, *kind.DependentRequired:
		return e.ErrorKind.LocalizedString(words) // these tell of the schema only
	default:
		return "does not keep the rule " + strings.Join(e.ErrorKind.KeywordPath(), "/")
	}
}

func quoted(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + strings.Join(names, ", ")
}

func number(r *big.Rat) string {
	f, _ := r.Float64()
	return fmt.Sprintf("%g", f)
}
