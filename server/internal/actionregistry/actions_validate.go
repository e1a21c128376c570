package actionregistry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

// validation is the input of validate-entity.
type validation struct {
	Entity   string  `json:"entity"` // YAML
	Location *string `json:"location"`
}

// verdict is its output.
type verdict struct {
	Valid     bool     `json:"isValid"`
	ValidYAML bool     `json:"isValidYaml"`
	Errors    []string `json:"errors"`
	Entity    any      `json:"entity,omitempty"`
}

// nowhere is where an entity is said to come from that comes from nowhere.
const nowhere = "url:https://localhost/entity-validator"

// validate never fails: what is wrong, a refusal of the catalog among it, is in the verdict.
func (a catalogActions) validate(ctx context.Context, caller *principal.Principal, in validation) (any, error) {
	value, wrong := oneDocument(in.Entity)
	if wrong != nil {
		return verdict{Errors: []string{wrong.message}}, nil
	}
	at := nowhere
	if in.Location != nil {
		at = *in.Location
	}
	q := a.catalog(http.MethodPost, "/validate-entity")
	q.body = map[string]any{"entity": value, "location": at}
	status, body, err := a.do(ctx, caller, q)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return verdict{Errors: []string{"Validation error: " + textOf(err)}}, nil
	case succeeded(status):
		return verdict{Valid: true, ValidYAML: true, Errors: []string{}, Entity: value}, nil
	case status == http.StatusBadRequest:
		return verdict{ValidYAML: true, Errors: complaints(body)}, nil
	}
	return verdict{Errors: []string{"Validation error: " + textOf(refusal(status, body))}}, nil
}

// textOf is the message of an error that speaks for itself, and nothing of one that does not.
func textOf(err error) string {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e.Message
	}
	return "An internal error occurred"
}

// complaints are the messages in the catalog's answer; none when it refused the request as such.
func complaints(body []byte) []string {
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // another shape has no list
	list := make([]string, len(answer.Errors))
	for i, e := range answer.Errors {
		list[i] = e.Message
	}
	return list
}

// notYAML is why a text is not one YAML document.
type notYAML struct{ message, place string }

// oneDocument reads a text that holds one YAML document.
func oneDocument(text string) (any, *notYAML) {
	const at = "text:input"
	var read *cataloginfo.Document
	for d, err := range cataloginfo.ReadValues([]byte(text), at, cataloginfo.DefaultLimits()) {
		if wrong, ok := errors.AsType[*cataloginfo.ReadError](err); ok {
			return nil, &notYAML{
				"YAML parsing error: " + strings.TrimPrefix(wrong.Error(), "YAML error at "+at+", YAMLParseError: "),
				fmt.Sprintf("At line %d, column %d", wrong.Line, wrong.Column),
			}
		}
		if err != nil {
			return nil, &notYAML{"YAML parsing error: " + err.Error(), ""}
		}
		if read != nil {
			place := fmt.Sprintf("line %d, column 1", d.Line)
			return nil, &notYAML{"YAML parsing error: Source contains multiple documents at " + place, "At " + place}
		}
		read = d
	}
	if read == nil {
		return nil, nil
	}
	return read.Value, nil
}
