package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/describe"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// PluginPackCommand is `callboard plugin pack`.
type PluginPackCommand struct {
	Dir    string `arg:"" default:"." help:"The plugin's folder." type:"path"`
	Output string `short:"o" help:"Where to: a folder, or the package file if there is one only. Default: the working folder." placeholder:"PATH" type:"path"`
	Update bool   `help:"First write into plugin.yaml what the program says it provides, and into the settings' schema file its schema."`
}

// Run asks the program what it offers and packs the folder if that is what the manifest announces.
func (c *PluginPackCommand) Run(ctx context.Context, p *Program) error {
	m, err := c.checked(ctx, p)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return fmt.Errorf("pack %s: %w", c.Dir, err)
	}
	defer root.Close()
	sums, err := verify.SumFolder(ctx, root)
	if err != nil {
		return fmt.Errorf("pack %s: %w", c.Dir, err)
	}
	platforms := c.platforms(m, sums)
	if _, err := os.Stat(filepath.Dir(c.target(m, platforms[0]))); err != nil {
		return fmt.Errorf("pack: there is no folder %s; make it, or choose another with -o", filepath.Dir(c.target(m, platforms[0])))
	}
	if len(platforms) > 1 && strings.HasSuffix(c.Output, verify.PackageSuffix) {
		return errors.New("pack: there is a package for each platform; name a folder with -o")
	}
	for _, platform := range platforms {
		if err := c.pack(ctx, p, m, root, sums, platform); err != nil {
			return err
		}
	}
	return nil
}

// platform is what one package is for. others are the binaries of other platforms, which stay out of it.
type platform struct {
	os, arch string
	others   []string
}

func (t platform) String() string {
	if t.os == "" {
		return "any platform"
	}
	return t.os + "-" + t.arch
}

func (c *PluginPackCommand) platforms(m *manifest.Manifest, sums verify.Checksums) []platform {
	if len(m.Run.Command) > 0 {
		return []platform{{}}
	}
	var out []platform
	for _, name := range slices.Sorted(maps.Keys(m.Run.Binaries)) {
		program := m.Run.Binaries[name]
		if _, built := sums.Find(program); !built {
			continue
		}
		t := platform{}
		t.os, t.arch, _ = strings.Cut(name, "-")
		for _, other := range m.Run.Binaries {
			if other != program {
				t.others = append(t.others, other)
			}
		}
		out = append(out, t)
	}
	return out
}

func (c *PluginPackCommand) target(m *manifest.Manifest, t platform) string {
	if strings.HasSuffix(c.Output, verify.PackageSuffix) {
		return c.Output
	}
	return filepath.Join(c.Output, m.PackageName(t.os, t.arch))
}

func (c *PluginPackCommand) pack(ctx context.Context, p *Program, m *manifest.Manifest, root *os.Root, sums verify.Checksums, t platform) error {
	sums = sums.Without(t.others...)
	file := c.target(m, t)
	if err := verify.PackFile(ctx, file, root, sums); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	fmt.Fprintf(p.Stdout, "%s: %s %s for %s, %s, %d KiB\nhash %s\n", file, m.ID, m.Version, t, count(len(sums), "file"), info.Size()>>10, sums.Hash())
	return nil
}

// checked reads the manifest, updates it if that is asked for, and holds the program against it.
func (c *PluginPackCommand) checked(ctx context.Context, p *Program) (*manifest.Manifest, error) {
	file := filepath.Join(c.Dir, manifest.File)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("pack: %w; name the folder that holds the plugin's %s", err, manifest.File)
	}
	// The schema may not be there yet, so the files that the manifest names are looked at later.
	m, err := manifest.Parse(file, text)
	if err != nil {
		return nil, err
	}
	m.Dir = c.Dir
	argv, err := m.Argv(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	described, err := describe.Run(ctx, m, argv, p.env("PATH"))
	if err != nil {
		return nil, err
	}
	if c.Update {
		if err := c.update(p, m, text, described); err != nil {
			return nil, err
		}
	}
	if m, err = manifest.Read(c.Dir); err != nil {
		return nil, err
	}
	if err := errors.Join(m.Within(described), sameSchema(m, described)); err != nil {
		return nil, fmt.Errorf("%w\nThe program and its manifest must agree; `callboard plugin pack --update` writes what the program says into the manifest", err)
	}
	for _, remark := range describe.Unused(m, described) {
		fmt.Fprintln(p.Stderr, remark)
	}
	return m, nil
}

func (c *PluginPackCommand) update(p *Program, m *manifest.Manifest, text []byte, described *pluginv1.DescribeResponse) error {
	updated, err := describe.Update(text, m, described)
	if err != nil {
		return err
	}
	if err := c.rewrite(p, manifest.File, updated); err != nil {
		return err
	}
	schema := described.GetSettingsSchemaJson()
	if schema == "" {
		return nil
	}
	name := m.Config
	if name == "" {
		name = describe.SchemaFile
	}
	if old, err := os.ReadFile(filepath.Join(c.Dir, name)); err == nil && describe.SameSchema(old, []byte(schema)) { //nolint:gosec // in the author's own folder
		return nil // the author's own layout
	}
	pretty, err := describe.PrettyJSON([]byte(schema))
	if err != nil {
		return fmt.Errorf("plugin %s: %w", m.ID, err)
	}
	return c.rewrite(p, name, pretty)
}

func (c *PluginPackCommand) rewrite(p *Program, name string, text []byte) error {
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return fmt.Errorf("update %s: %w", name, err)
	}
	defer root.Close()
	if old, err := root.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := root.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("update %s: %w", name, err)
	}
	fmt.Fprintf(p.Stdout, "%s: written from what the program says\n", filepath.Join(c.Dir, name))
	return nil
}

// sameSchema holds the file of the settings' schema against the program's. The host shows the file and checks settings by
// it before the program runs, so the two may not differ.
func sameSchema(m *manifest.Manifest, described *pluginv1.DescribeResponse) error {
	schema := described.GetSettingsSchemaJson()
	if schema == "" || m.Config == "" {
		return nil // Within has a word about the second
	}
	file := filepath.Join(m.Dir, m.Config)
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("plugin %s: %w", m.ID, err)
	}
	if !describe.SameSchema(text, []byte(schema)) {
		return fmt.Errorf("%s: plugin %s: config: is not the schema that the program has", file, m.ID)
	}
	return nil
}
