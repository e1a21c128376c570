package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// TemplateCommand is `callboard template`.
type TemplateCommand struct {
	DryRun TemplateDryRunCommand `cmd:"" help:"Try a template: run its steps without changing anything outside, and show log, outputs and files."`
}

// TemplateDryRunCommand is `callboard template dry-run`.
type TemplateDryRunCommand struct {
	ConfigFlags
	File    string `arg:"" help:"The template, such as template.yaml. Its folder is what fetch:template and its like read from." type:"path"`
	Name    string `help:"Which template, when the file holds several." placeholder:"NAME"`
	Values  string `help:"YAML or JSON file with the values that a person would enter into the form." placeholder:"FILE" type:"path"`
	Secrets string `help:"YAML or JSON file with secrets; steps see *** in their place." placeholder:"FILE" type:"path"`
	As      string `help:"User to run as, an entity reference such as user:default/ann; by default a service." placeholder:"REF"`
	Out     string `help:"Folder to write the files into that the template makes; it must be empty or not exist." placeholder:"DIR" type:"path"`
	JSON    bool   `help:"Print the whole report as JSON."`
}

// Run tries the template; it fails when values do not fit or a step fails.
func (c *TemplateDryRunCommand) Run(ctx context.Context, p *Program) error {
	d, err := c.dryRun()
	if err != nil {
		return err
	}
	if err := c.checkOut(); err != nil {
		return err
	}
	host, err := c.host(ctx, p)
	if err != nil {
		return err
	}
	report, err := host.TryTemplate(ctx, d)
	if invalid, ok := errors.AsType[*scaffolder.InvalidError](err); ok {
		for _, v := range invalid.Violations {
			fmt.Fprintf(p.Stdout, "%s: %s\n", strings.Replace(v.Property, "instance", "values", 1), v.Message)
		}
		fmt.Fprintf(p.Stdout, "the values do not fit the template's parameters; give them with --values FILE\n")
		return errReported
	}
	if err != nil {
		return fmt.Errorf("dry run of %s: %w", c.File, err)
	}
	if c.JSON {
		e := json.NewEncoder(p.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	if err := c.write(report.DirectoryContents); err != nil {
		return err
	}
	c.print(p, report)
	return nil
}

// host is a host with the chosen configuration that keeps nothing: its database is in memory and it runs no plugins.
func (c *TemplateDryRunCommand) host(ctx context.Context, p *Program) (*app.App, error) {
	cfg, options := config.FromValue(map[string]any{}), config.Options{Env: p.Env}
	if _, err := os.Stat(defaultConfig); len(c.Files) > 0 || err == nil {
		if cfg, options, err = c.load(ctx, p, "APP_CONFIG_backend_database_client=\"better-sqlite3\"", "APP_CONFIG_backend_database_connection=\":memory:\""); err != nil {
			return nil, err
		}
	}
	return app.New(ctx, app.Options{Config: cfg, Source: options, Logger: slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Version: version})
}

func (c *TemplateDryRunCommand) dryRun() (scaffolder.DryRun, error) {
	d := scaffolder.DryRun{Principal: principal.Host("scaffolder"), Values: json.RawMessage("{}")}
	var err error
	if d.Template, err = c.template(); err != nil {
		return d, err
	}
	if c.Values != "" {
		if d.Values, err = readYAMLObject(c.Values); err != nil {
			return d, err
		}
	}
	if c.Secrets != "" {
		text, err := readYAMLObject(c.Secrets)
		if err != nil {
			return d, err
		}
		if json.Unmarshal(text, &d.Secrets) != nil {
			return d, fmt.Errorf("%s: secrets must be texts by name", c.Secrets)
		}
	}
	if c.As != "" {
		ref, err := entity.ParseRef(c.As, entity.Defaults{Kind: "user", Namespace: "default"})
		if err != nil {
			return d, fmt.Errorf("--as: %w", err)
		}
		d.Principal = &principal.Principal{Kind: principal.User, Subject: string(ref.Canonical())}
	}
	d.Files, err = filesBeside(filepath.Dir(c.File))
	return d, err
}

// template is the chosen template of the file.
func (c *TemplateDryRunCommand) template() (json.RawMessage, error) {
	documents, err := readYAML(c.File)
	if err != nil {
		return nil, err
	}
	var names []string
	var found []entity.Entity
	for _, d := range documents {
		if d.Entity == nil || d.Entity["kind"] != "Template" {
			continue
		}
		metadata, _ := d.Entity["metadata"].(map[string]any)
		name := fmt.Sprint(metadata["name"])
		names = append(names, name)
		if c.Name == "" || c.Name == name {
			found = append(found, d.Entity)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("there is no template in %s", c.File)
	case len(found) == 0:
		return nil, fmt.Errorf("there is no template %q in %s, only %s", c.Name, c.File, strings.Join(names, ", "))
	case len(found) > 1:
		return nil, fmt.Errorf("%s holds several templates; choose one with --name: %s", c.File, strings.Join(names, ", "))
	}
	return json.Marshal(found[0])
}

func readYAML(file string) ([]*cataloginfo.Document, error) {
	data, err := readCatalogFile(file)
	if err != nil {
		return nil, err
	}
	var documents []*cataloginfo.Document
	for d, err := range cataloginfo.ReadValues(data, file, cataloginfo.OperatorLimits()) {
		if err != nil {
			return nil, err
		}
		documents = append(documents, d)
	}
	return documents, nil
}

func readYAMLObject(file string) (json.RawMessage, error) {
	documents, err := readYAML(file)
	if err != nil {
		return nil, err
	}
	if len(documents) != 1 {
		return nil, fmt.Errorf("%s must hold one document, and holds %d", file, len(documents))
	}
	object, ok := documents[0].Value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s must hold an object", file)
	}
	return json.Marshal(object)
}

// Limits of what a template's folder may hold, those of a dry run over HTTP.
const (
	maxFilesBeside = 10_000
	maxBytesBeside = 10 << 20
)

// filesBeside are the files of the template's folder, without what belongs to version control. Links are not followed.
func filesBeside(dir string) ([]workflow.File, error) {
	var files []workflow.File
	size := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		file, err := readBeside(dir, path)
		if err != nil {
			return err
		}
		files, size = append(files, file), size+len(file.Content)
		if len(files) > maxFilesBeside || size > maxBytesBeside {
			return fmt.Errorf("the folder %s of the template holds more than %d files or %d MB; give the template a folder of its own", dir, maxFilesBeside, maxBytesBeside>>20)
		}
		return nil
	})
	return files, err
}

func readBeside(dir, path string) (workflow.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return workflow.File{}, err
	}
	if info.Size() > maxBytesBeside {
		return workflow.File{}, fmt.Errorf("%s has more than %d MB", path, maxBytesBeside>>20)
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return workflow.File{}, err
	}
	data, err := os.ReadFile(path)
	return workflow.File{Path: filepath.ToSlash(name), Executable: info.Mode()&0o100 != 0, Content: data}, err
}

// checkOut refuses a folder in which the template's files would mix with others.
func (c *TemplateDryRunCommand) checkOut() error {
	if c.Out == "" {
		return nil
	}
	dir, err := os.Open(c.Out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	if _, err := dir.Readdirnames(1); !errors.Is(err, io.EOF) {
		return fmt.Errorf("--out: %s is not an empty folder", c.Out)
	}
	return nil
}

func (c *TemplateDryRunCommand) write(files []workflow.File) error {
	if c.Out == "" {
		return nil
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil { //nolint:gosec // files that others may read, as the template made them
		return err
	}
	root, err := os.OpenRoot(c.Out)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		mode := fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := root.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(f.Path, f.Content, mode); err != nil {
			return err
		}
	}
	return nil
}

// colour is what terminals show as colour.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

func (c *TemplateDryRunCommand) print(p *Program, report workflow.Report) {
	for _, line := range report.Log {
		text := line.Body.Message
		if !p.Terminal {
			text = colour.ReplaceAllString(text, "")
		}
		fmt.Fprintln(p.Stderr, text)
	}
	fmt.Fprintf(p.Stdout, "%s, output %s\n", count(len(report.DirectoryContents), "file"), report.Output)
	names := make([]string, len(report.DirectoryContents))
	for i, f := range report.DirectoryContents {
		names[i] = fmt.Sprintf("  %s (%s)", f.Path, count(len(f.Content), "byte"))
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintln(p.Stdout, name)
	}
	if c.Out != "" {
		fmt.Fprintf(p.Stdout, "written to %s\n", c.Out)
	}
}
