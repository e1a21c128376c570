package builtin

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/builtin/gotext"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// goExtension is the ending of Go templates where the input names none.
const goExtension = ".tmpl"

type goTemplateInput struct {
	URL, SourcePath, TargetPath string
	Values                      json.RawMessage
	TemplateFileExtension       any // a string or a boolean
	Replace                     bool
	Token                       string
}

func (in goTemplateInput) extension() string {
	switch v := in.TemplateFileExtension.(type) {
	case bool:
		if !v {
			return ""
		}
	case string:
		if v != "" && !strings.HasPrefix(v, ".") {
			return "." + v
		}
		return v
	}
	return goExtension
}

func goTemplate(s sources) action.Action {
	return define(repeatable(dryRunnable(describe("callboard:gotemplate"))), func(ctx context.Context, in goTemplateInput, r *run) error {
		dir, target, err := r.target(cmp.Or(in.TargetPath, here))
		if err != nil {
			return err
		}
		renderer, err := gotext.New(in.Values)
		if err != nil {
			return err
		}
		skeleton, end, err := in.skeleton(ctx, s, r, target)
		if err != nil {
			return err
		}
		st := stamp{run: r, skeleton: skeleton, renderer: renderer, extension: in.extension(), replace: in.Replace}
		if err = st.list(nil); err == nil {
			err = st.write(ctx, dir, target)
		}
		return cmp.Or(err, end())
	})
}

// skeleton is the folder to render; end gives it up.
func (in goTemplateInput) skeleton(ctx context.Context, s sources, r *run, target string) (dir *workspace.Dir, end func() error, err error) {
	switch {
	case (in.URL == "") == (in.SourcePath == ""):
		return nil, nil, apierror.Inputf("callboard:gotemplate needs either url or sourcePath")
	case in.SourcePath != "":
		return in.sourceFolder(r, target)
	}
	if err := r.info("Fetching template content from remote URL"); err != nil {
		return nil, nil, err
	}
	if dir, err = workspace.Temporary(r.Workspace); err != nil {
		return nil, nil, err
	}
	if err := s.skeleton(ctx, r, in.URL, in.Token, dir); err != nil {
		return nil, nil, cmp.Or(err, dir.Destroy())
	}
	return dir, dir.Destroy, nil
}

func (in goTemplateInput) sourceFolder(r *run, target string) (*workspace.Dir, func() error, error) {
	source, err := r.dir.Resolve(in.SourcePath)
	if err != nil {
		return nil, nil, err
	}
	if target == source || source == "." || strings.HasPrefix(target, source+"/") {
		return nil, nil, apierror.Inputf("targetPath must not be within sourcePath")
	}
	dir, err := r.dir.Sub(source)
	if err != nil {
		return nil, nil, err
	}
	return dir, dir.Close, nil
}
