package scaffolder

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/permission/zod"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/task"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// DryRun is a template to try out, which need not be in the catalog.
type DryRun struct {
	Template  json.RawMessage // an entity
	Values    json.RawMessage // an object
	Secrets   map[string]string
	Files     []workflow.File // that stand beside the template
	Principal *principal.Principal
}

// DryRun runs a template so that nothing outside of its workspace is changed. Values that do not fit are an
// [InvalidError]; a step that fails is the error.
func (s *Service) DryRun(ctx context.Context, d DryRun) (workflow.Report, error) {
	p := d.Principal
	if err := s.mayDryRun(ctx, p); err != nil {
		return workflow.Report{}, err
	}
	if err := workflow.CheckTemplate(d.Template); err != nil {
		return workflow.Report{}, err
	}
	t, err := readTemplate(d.Template)
	if err != nil {
		return workflow.Report{}, err
	}
	if err := s.checkValues(ctx, p, t, d.Values, d.Secrets); err != nil {
		return workflow.Report{}, err
	}
	spec, err := workflow.NewSpec(t.Template, d.Values)
	if err != nil {
		return workflow.Report{}, err
	}
	if spec.User, err = s.user(ctx, p); err != nil {
		return workflow.Report{}, err
	}
	secrets := secretsOf(d.Secrets)
	if p.Token != "" {
		secrets[task.TokenSecret] = secret.New(p.Token)
	}
	return s.runner.DryRun(ctx, workflow.DryRun{Spec: spec, Metadata: t.Metadata, Secrets: secrets, Files: d.Files, Initiator: p})
}

func (s *Service) mayDryRun(ctx context.Context, p *principal.Principal) error {
	for _, perm := range []permission.Permission{PermissionTaskCreate, PermissionDryRun} {
		if err := permission.Require(ctx, s.Authorizer, p, perm); err != nil {
			return err
		}
	}
	return nil
}

// dryRunBody is the body of a request for a dry run.
type dryRunBody struct {
	Template          json.RawMessage
	Values            json.RawMessage
	Secrets           map[string]string
	DirectoryContents []struct{ Path, Base64Content string }
}

// dryRunShape is checked beyond the OpenAPI description, in the words that clients know.
var dryRunShape = zod.Object(
	zod.Field{Name: "values", Schema: zod.Record()},
	zod.Field{Name: "secrets", Schema: zod.Optional(zod.Keyed(func(string) bool { return true }, zod.String("")))},
	zod.Field{Name: "directoryContents", Schema: zod.Array(zod.Object(
		zod.Field{Name: "path", Schema: zod.String("")},
		zod.Field{Name: "base64Content", Schema: zod.String("")},
	), "")},
)

func (b dryRunBody) files() []workflow.File {
	files := make([]workflow.File, len(b.DirectoryContents))
	for i, f := range b.DirectoryContents {
		files[i] = workflow.File{Path: f.Path, Content: jsvalue.DecodeBase64(f.Base64Content)}
	}
	return files
}
