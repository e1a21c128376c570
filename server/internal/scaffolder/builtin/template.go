package builtin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// defaultExtension is what templateFileExtension: true stands for.
const defaultExtension = ".njk"

type templateInput struct {
	URL, TargetPath       string
	Values                json.RawMessage
	CopyWithoutTemplating []string
	CookiecutterCompat    bool
	TemplateFileExtension any // a string, or true
	Replace               bool
	TrimBlocks            bool
	LstripBlocks          bool
	Token                 string
}

// extension is the ending of the files that are rendered, "" = all are.
func (in templateInput) extension() (string, error) {
	var ending string
	switch v := in.TemplateFileExtension.(type) {
	case string:
		ending = v
	case bool:
		if v {
			ending = defaultExtension
		}
	}
	if ending == "" {
		return "", nil
	}
	if in.CopyWithoutTemplating != nil || in.CookiecutterCompat {
		return "", apierror.Inputf("Fetch action input extension incompatible with copyWithoutTemplating and cookiecutterCompat")
	}
	if !strings.HasPrefix(ending, ".") {
		ending = "." + ending
	}
	return ending, nil
}

// variables are what templates see.
func (in templateInput) variables() (json.RawMessage, error) {
	name := "values"
	if in.CookiecutterCompat {
		name = "cookiecutter"
	}
	if in.Values == nil {
		return json.RawMessage("{}"), nil
	}
	return jsvalue.JSON(map[string]json.RawMessage{name: in.Values})
}

func (in templateInput) options() templating.FileOptions {
	return templating.FileOptions{CookiecutterCompat: in.CookiecutterCompat, TrimBlocks: in.TrimBlocks, LstripBlocks: in.LstripBlocks}
}

func fetchTemplate(s sources, language Language) action.Action {
	return define(repeatable(dryRunnable(describe("fetch:template"))), func(ctx context.Context, in templateInput, r *run) error {
		_, target, err := r.target(cmp.Or(in.TargetPath, here))
		if err != nil {
			return err
		}
		extension, err := in.extension()
		if err != nil {
			return err
		}
		if err := r.info("Fetching template content from remote URL"); err != nil {
			return err
		}
		skeleton, err := workspace.Temporary(r.Workspace)
		if err != nil {
			return err
		}
		err = s.skeleton(ctx, r, in.URL, in.Token, skeleton)
		if err == nil {
			err = in.stamp(ctx, r, language, stamp{run: r, skeleton: skeleton, extension: extension, replace: in.Replace}, target)
		}
		return cmp.Or(err, skeleton.Destroy())
	})
}

func (in templateInput) stamp(ctx context.Context, r *run, language Language, s stamp, target string) error {
	if err := s.list(in.CopyWithoutTemplating); err != nil {
		return err
	}
	if err := r.info("%s", withValues(fmt.Sprintf("Processing %d template files/directories with input values", len(s.entries)), in.Values)); err != nil {
		return err
	}
	variables, err := in.variables()
	if err != nil {
		return err
	}
	s.renderer, err = language.Files(ctx, variables, in.options())
	if err != nil {
		return err
	}
	defer s.renderer.Close()
	return s.write(ctx, r.dir, target)
}

// skeleton fetches the folder of a template's files.
func (s sources) skeleton(ctx context.Context, r *run, target, token string, into *workspace.Dir) error {
	from, err := s.locate(ctx, r, target, token)
	if err != nil {
		return err
	}
	if from.url == "" {
		base, err := workspace.Open(from.folder)
		if err != nil {
			return err
		}
		info, err := base.Stat(from.name)
		if err := cmp.Or(err, base.Close()); err != nil {
			return err
		}
		if !info.IsDir() {
			return apierror.Inputf("url must name a folder, %s is a file", target)
		}
	}
	return s.tree(ctx, r, from, token, into, ".")
}

func fetchTemplateFile(s sources, language Language) action.Action {
	return define(repeatable(dryRunnable(describe("fetch:template:file"))), func(ctx context.Context, in templateInput, r *run) error {
		dir, target, err := r.target(in.TargetPath)
		if err != nil {
			return err
		}
		exists, err := dir.Exists(target)
		if err != nil {
			return err
		}
		if exists && !in.Replace {
			return r.info("File %s already exists in workspace, not replacing.", in.TargetPath)
		}
		if err := r.info("Fetching template file content from remote URL"); err != nil {
			return err
		}
		from, err := s.locate(ctx, r, in.URL, in.Token)
		if err != nil {
			return err
		}
		data, _, err := s.file(ctx, from, in.Token)
		if err != nil {
			return err
		}
		if err := r.info("%s", withValues("Processing template file with input values", in.Values)); err != nil {
			return err
		}
		text, err := in.render(ctx, language, cataloginfo.DecodeUTF8(data))
		if err != nil {
			return err
		}
		if err := dir.WriteFile(target, []byte(text), newFile); err != nil {
			return err
		}
		return r.info("Template file has been written to %s", filepath.Join(dir.Name(), target))
	})
}

func (in templateInput) render(ctx context.Context, language Language, text string) (string, error) {
	variables, err := in.variables()
	if err != nil {
		return "", err
	}
	renderer, err := language.Files(ctx, variables, in.options())
	if err != nil {
		return "", err
	}
	defer renderer.Close()
	return renderer.Render(ctx, text)
}
