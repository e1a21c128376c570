package workflow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

const templateAPIVersion = "scaffolder.backstage.io/v1beta3"

// Template is an entity of kind Template, as far as tasks need it. What clients see again is kept as it was written.
type Template struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   json.RawMessage `json:"metadata"`
	Spec       TemplateSpec    `json:"spec"`
}

// TemplateSpec is the spec of a [Template].
type TemplateSpec struct {
	// Parameters are the pages of the form: one JSON Schema or an array of them.
	Parameters json.RawMessage `json:"parameters"`
	// Steps may be filtered before [NewSpec] by what they say of permissions.
	Steps  []json.RawMessage `json:"steps"`
	Output json.RawMessage   `json:"output"`
	// Secrets is {"schema":…}, for the secrets that users enter.
	Secrets        json.RawMessage `json:"secrets"`
	Presentation   json.RawMessage `json:"presentation"`
	FormDecorators json.RawMessage `json:"formDecorators"`
	// OldFormDecorators is the former name of FormDecorators.
	OldFormDecorators json.RawMessage `json:"EXPERIMENTAL_formDecorators"`
	Recovery          json.RawMessage `json:"EXPERIMENTAL_recovery"`
}

// ReadTemplate reads an entity of the catalog, which has been checked against the schema of its kind. It is an InputError
// when it is of a version that tasks cannot be made of.
func ReadTemplate(document json.RawMessage) (Template, error) {
	var t Template
	if err := json.Unmarshal(document, &t); err != nil {
		return Template{}, apierror.Inputf("Input template is not a template: %s", err)
	}
	if t.APIVersion != templateAPIVersion {
		return Template{}, apierror.Inputf("Unsupported apiVersion field in schema entity, %s", t.APIVersion)
	}
	return t, nil
}

// CheckTemplate checks a document that did not come through the catalog: an InputError when it is no template, the
// TypeError of the schema when it is a wrong one.
func CheckTemplate(document json.RawMessage) error {
	var e entity.Entity
	if json.Unmarshal(document, &e) != nil || e == nil {
		return apierror.Inputf("Input template is not a template")
	}
	claimed, err := cataloginfo.TemplateKinds().Validate(e)
	if err == nil && !claimed {
		err = apierror.Inputf("Input template is not a template")
	}
	return err
}

// Ref is the entity ref of the template.
func (t Template) Ref() string {
	var m struct{ Namespace, Name string }
	_ = json.Unmarshal(t.Metadata, &m)
	return entity.Ref{Kind: t.Kind, Namespace: cmp.Or(m.Namespace, entity.DefaultNamespace), Name: m.Name}.String()
}

// BaseURL is where the template was read, to which the addresses in its steps are relative; "" = it is not known.
func (t Template) BaseURL() string {
	var m struct{ Annotations map[string]json.RawMessage }
	if json.Unmarshal(t.Metadata, &m) != nil {
		return ""
	}
	for _, name := range []string{"backstage.io/source-location", "backstage.io/managed-by-location"} {
		var text string
		if json.Unmarshal(m.Annotations[name], &text) != nil || text == "" {
			continue
		}
		location, err := entity.ParseLocation(text)
		switch {
		case err == nil && location.Type == "url":
			return location.Target
		case err == nil && location.Type == "file":
			return "file://" + location.Target
		}
		return ""
	}
	return ""
}

// NewSpec is what a task of the template does with those values. The rest of the Spec is for the caller to fill in: User
// and, with [Template.Info], TemplateInfo.
func NewSpec(t Template, values json.RawMessage) (Spec, error) {
	s := Spec{
		APIVersion: t.APIVersion, Steps: make([]Step, len(t.Spec.Steps)), Output: orEmpty(t.Spec.Output),
		Parameters: orEmpty(values), User: &User{}, Recovery: t.Spec.Recovery,
	}
	for i, document := range t.Spec.Steps {
		var err error
		if s.Steps[i], err = newStep(document, i+1); err != nil {
			return Spec{}, apierror.Inputf("step %d of the template cannot be read: %s", i+1, err)
		}
	}
	return s, s.check()
}

// newStep fills in what the author left out. An empty text is not left out.
func newStep(document json.RawMessage, number int) (Step, error) {
	var step Step
	if err := json.Unmarshal(document, &step); err != nil {
		return Step{}, err
	}
	var given struct{ ID, Name *string }
	_ = json.Unmarshal(document, &given) // it is a part of what was just read
	if given.ID == nil {
		step.ID = fmt.Sprintf("step-%d", number)
	}
	if given.Name == nil {
		step.Name = step.Action
	}
	return step, nil
}

// Info is what a task remembers of its template, which was asked for as ref.
func (t Template) Info(ref string) *TemplateInfo {
	return &TemplateInfo{EntityRef: ref, BaseURL: t.BaseURL(), Entity: jsvalue.Object(member("metadata", orEmpty(t.Metadata)))}
}

// orEmpty is an object in place of what is not there.
func orEmpty(value json.RawMessage) json.RawMessage {
	if text := strings.TrimSpace(string(value)); text == "" || text == "null" {
		return json.RawMessage("{}")
	}
	return value
}
