package widget

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// fields says what is wrong with what was filled into a form, by field, "" = the form as a whole; nil = nothing.
func (a *arguments) fields(d Description, args json.RawMessage) (map[string]string, error) {
	failed, err := a.validate(d, args)
	if err != nil || failed == nil {
		return nil, err
	}
	wrong := map[string]string{}
	eachProblem(failed, func(field, text string) {
		if _, told := wrong[field]; !told {
			wrong[field] = text
		}
	})
	return wrong, nil
}

// incomplete holds what is filled into a form so far to its schema: what is missing may still come.
func (a *arguments) incomplete(d Description, args json.RawMessage) error {
	failed, err := a.validate(d, args)
	if err != nil || failed == nil {
		return err
	}
	wrong := map[string]string{}
	eachProblem(failed, func(field, text string) {
		if text != isMissing {
			wrong[field] = text
		}
	})
	return fieldsError(wrong)
}

// eachProblem calls told for each place and rule that fails.
func eachProblem(e *jsonschema.ValidationError, told func(field, text string)) {
	for _, cause := range e.Causes {
		eachProblem(cause, told)
	}
	if len(e.Causes) > 0 {
		return
	}
	field := ""
	if len(e.InstanceLocation) > 0 {
		field = e.InstanceLocation[0]
	}
	switch rule := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range rule.Missing {
			if field != "" {
				name = field
			}
			told(name, isMissing)
		}
	case *kind.AdditionalProperties:
		for _, name := range rule.Properties {
			told(name, "is not known")
		}
	default:
		told(field, ruleText(e.ErrorKind))
	}
}

const isMissing = "must be filled in"

// ruleText is a rule for people, and says nothing of the value.
func ruleText(rule jsonschema.ErrorKind) string {
	switch rule := rule.(type) {
	case *kind.Type:
		return "must be " + typeWords(rule.Want)
	case *kind.Enum:
		if len(rule.Want) == 1 && rule.Want[0] == true {
			return "must be ticked"
		}
		return "must be one of " + listWords(rule.Want)
	case *kind.Const:
		return "must be " + listWords([]any{rule.Want})
	case *kind.Minimum:
		return "must be at least " + number(rule.Want)
	case *kind.Maximum:
		return "must be at most " + number(rule.Want)
	case *kind.MinLength:
		if rule.Got == 0 {
			return isMissing
		}
		return fmt.Sprintf("must have at least %d characters", rule.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", rule.Want)
	case *kind.MinItems:
		if rule.Got == 0 {
			return isMissing
		}
		return fmt.Sprintf("must have at least %d entries", rule.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d entries", rule.Want)
	case *kind.Pattern:
		return "must have the form " + rule.Want
	}
	return rule.LocalizedString(message.NewPrinter(language.English))
}

func typeWords(types []string) string {
	for _, t := range types {
		switch t {
		case "integer":
			return "a whole number"
		case "number":
			return "a number"
		case "boolean":
			return "yes or no"
		case "array":
			return "a list"
		case "object":
			return "a JSON object"
		}
	}
	return "a text"
}

func listWords(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}

// asValidation takes the library's error apart.
func asValidation(err error) *jsonschema.ValidationError {
	failed, _ := errors.AsType[*jsonschema.ValidationError](err)
	return failed
}
