package scaffolder

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// Choices fills fields of a form with choices from elsewhere; see package choices.
type Choices interface {
	// Resolve is for showing the form. What cannot be had is told in the form.
	Resolve(ctx context.Context, p *principal.Principal, schema json.RawMessage) (json.RawMessage, error)
	// Fresh is for checking values. What cannot be had of what they need is an error.
	Fresh(ctx context.Context, p *principal.Principal, schema, values json.RawMessage) (json.RawMessage, error)
}

// form is a template as the frontend asks for it.
type form struct {
	Title        string          `json:"title"`
	Presentation json.RawMessage `json:"presentation,omitempty"`
	Description  json.RawMessage `json:"description,omitempty"`
	UIOptions    json.RawMessage `json:"ui:options,omitempty"`
	Steps        []formStep      `json:"steps"`
	Decorators   json.RawMessage `json:"formDecorators,omitempty"`
}

type formStep struct {
	Title       json.RawMessage `json:"title"`
	Description json.RawMessage `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema"`
}

var untitled = json.RawMessage(`"Please enter the following information"`)

// form is what p fills in to run the template.
func (s *Service) form(ctx context.Context, p *principal.Principal, ref entity.Ref) (*form, error) {
	t, err := s.template(ctx, p, ref)
	if err != nil {
		return nil, err
	}
	var m struct {
		Name        string
		Title       *string
		Description json.RawMessage
		UIOptions   json.RawMessage `json:"ui:options"`
	}
	if err := json.Unmarshal(t.Metadata, &m); err != nil {
		return nil, fmt.Errorf("read the metadata of %s: %w", ref, err)
	}
	if m.Title == nil {
		m.Title = &m.Name
	}
	f := &form{
		Title: *m.Title, Presentation: given(t.Spec.Presentation), Description: m.Description, UIOptions: m.UIOptions,
		Steps: make([]formStep, len(t.pages)), Decorators: given(t.Spec.FormDecorators),
	}
	if f.Decorators == nil {
		f.Decorators = t.Spec.OldFormDecorators
	}
	for i, page := range t.pages {
		if f.Steps[i], err = s.formStep(ctx, p, page); err != nil {
			return nil, fmt.Errorf("parameters of %s: %w", ref, err)
		}
	}
	return f, nil
}

func (s *Service) formStep(ctx context.Context, p *principal.Principal, page json.RawMessage) (formStep, error) {
	var head struct{ Title, Description json.RawMessage }
	if err := json.Unmarshal(page, &head); err != nil {
		return formStep{}, err
	}
	step := formStep{Title: given(head.Title), Description: head.Description, Schema: page}
	if step.Title == nil {
		step.Title = untitled
	}
	if s.Choices == nil {
		return step, nil
	}
	var err error
	step.Schema, err = s.Choices.Resolve(ctx, p, page)
	return step, err
}

// InvalidError says how values or secrets do not fit what a template asks for. Clients get the violations.
type InvalidError struct{ Violations []templating.Violation }

// Error implements error.
func (e *InvalidError) Error() string { return string(apierror.Input) + ": " + e.text() }

func (e *InvalidError) text() string {
	all := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		all[i] = v.Property + " " + v.Message
	}
	return strings.Join(all, ", ")
}

// Unwrap makes it an InputError.
func (e *InvalidError) Unwrap() error { return apierror.New(apierror.Input, e.text()) }

// checkValues holds all values against each page of t, and the secrets against its schema of them. The first page that
// does not fit is an [InvalidError].
func (s *Service) checkValues(ctx context.Context, p *principal.Principal, t *template, values json.RawMessage, secrets map[string]string) error {
	for _, page := range t.pages {
		if s.Choices != nil {
			var err error
			if page, err = s.Choices.Fresh(ctx, p, page, values); err != nil {
				return err
			}
		}
		wrong, err := s.Language.Validate(ctx, page, values, "instance")
		if err != nil {
			return err
		}
		if len(wrong) > 0 {
			return &InvalidError{wrong}
		}
	}
	return s.checkSecrets(ctx, t, secrets)
}

func (s *Service) checkSecrets(ctx context.Context, t *template, secrets map[string]string) error {
	if t.secretSchema == nil {
		return nil
	}
	if secrets == nil {
		secrets = map[string]string{}
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	wrong, err := s.Language.Validate(ctx, t.secretSchema, plain, "instance")
	if err != nil || len(wrong) == 0 {
		return err
	}
	for i := range wrong {
		concealSecret(&wrong[i])
	}
	return &InvalidError{wrong}
}

// concealSecret words a violation for secrets: it names the secret and shows no value.
func concealSecret(v *templating.Violation) {
	v.Property = "secrets" + strings.TrimPrefix(v.Property, "instance")
	v.Instance = json.RawMessage("{}")
	var name string
	if v.Name == "required" && json.Unmarshal(v.Argument, &name) == nil {
		v.Message = "secrets." + name + " is required"
		return
	}
	v.Message = v.Property + " " + v.Message
}
