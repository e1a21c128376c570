package scaffolder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// Catalog is where templates and users are found.
type Catalog interface {
	// Entity is the entity with that ref, in any case, as far as p may read it; NotFoundError when there is none.
	Entity(ctx context.Context, p *principal.Principal, ref string) ([]byte, error)
}

// template is a template as a caller may see it: pages and steps that are kept from them are not in it.
type template struct {
	workflow.Template

	pages        []json.RawMessage // of parameters, in place of those in Spec
	secretSchema json.RawMessage   // nil = secrets are not checked
}

// readTemplate reads a template of a version that tasks can be made of.
func readTemplate(document json.RawMessage) (*template, error) {
	read, err := workflow.ReadTemplate(document)
	if err != nil {
		return nil, err
	}
	t := &template{Template: read}
	if t.pages, err = listOf(read.Spec.Parameters); err != nil {
		return nil, fmt.Errorf("read the parameters of %s: %w", read.Ref(), err)
	}
	var secrets struct{ Schema json.RawMessage }
	if given(read.Spec.Secrets) != nil {
		if err := json.Unmarshal(read.Spec.Secrets, &secrets); err != nil {
			return nil, fmt.Errorf("read the secrets of %s: %w", read.Ref(), err)
		}
	}
	t.secretSchema = given(secrets.Schema)
	return t, nil
}

// listOf is a JSON list, or a list of one value that is none.
func listOf(value json.RawMessage) ([]json.RawMessage, error) {
	if value = given(bytes.TrimSpace(value)); len(value) == 0 {
		return nil, nil
	}
	if value[0] != '[' {
		return []json.RawMessage{value}, nil
	}
	var list []json.RawMessage
	err := json.Unmarshal(value, &list)
	return list, err
}

// given is value unless it is null.
func given(value json.RawMessage) json.RawMessage {
	if string(value) == "null" {
		return nil
	}
	return value
}

// template finds a template and leaves out what p may not see of it.
func (s *Service) template(ctx context.Context, p *principal.Principal, ref entity.Ref) (*template, error) {
	if !strings.EqualFold(ref.Kind, "template") {
		return nil, apierror.Inputf("Invalid kind, only 'Template' kind is supported")
	}
	document, err := s.Catalog.Entity(ctx, p, ref.String())
	if apierror.Has(err, apierror.NotFound) {
		return nil, apierror.NotFoundf("Template %s not found", ref)
	}
	if err != nil {
		return nil, err
	}
	t, err := readTemplate(document)
	if err != nil {
		return nil, err
	}
	return t, s.conceal(ctx, p, t)
}

// conceal removes the pages and steps that p may not read.
func (s *Service) conceal(ctx context.Context, p *principal.Principal, t *template) error {
	pages, err := s.judge(ctx, p, PermissionParameterRead)
	if err != nil {
		return err
	}
	steps, err := s.judge(ctx, p, PermissionStepRead)
	if err != nil {
		return err
	}
	if t.pages, err = pages.withTags(t.pages); err != nil {
		return err
	}
	t.Spec.Steps, err = steps.withTags(t.Spec.Steps)
	return err
}
