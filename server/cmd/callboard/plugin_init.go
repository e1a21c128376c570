package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/Masterminds/semver/v3"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/starter"
)

// PluginInitCommand is `callboard plugin init`. It needs no network.
type PluginInitCommand struct {
	Name     string `arg:"" help:"Id of the plugin: lower-case letters, digits and dashes. Its routes will be below /api/<id>."`
	Language string `name:"lang" enum:"go,python,node" default:"go" help:"go, python or node."`
	Dir      string `help:"The new folder. Default: one of the plugin's name." placeholder:"DIR" type:"path"`
	SDK      string `help:"For Go: folder of the SDK's sources, to work with it instead of a released version. Inside a checkout of Callboard it is found." placeholder:"DIR" type:"path"`
}

// Run writes the files and says what comes next.
func (c *PluginInitCommand) Run(p *Program) error {
	o := starter.Options{ID: manifest.ID(c.Name), Language: starter.Language(c.Language), Dir: c.Dir, SDKVersion: sdkVersion()}
	if o.Dir == "" {
		o.Dir = c.Name
	}
	if err := o.ID.Check(); err != nil {
		return fmt.Errorf("%q: the name of a plugin %w", c.Name, err)
	}
	if err := c.findSDK(&o); err != nil {
		return err
	}
	files, err := starter.Write(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s: %s\n", o.Dir, count(len(files), "file"))
	for _, file := range files {
		fmt.Fprintf(p.Stdout, "  %s\n", file)
	}
	fmt.Fprintf(p.Stdout, "\nNext:\n  cd %s\n", o.Dir)
	for _, step := range nextSteps(o) {
		fmt.Fprintf(p.Stdout, "  %s\n", step)
	}
	return nil
}

func (c *PluginInitCommand) findSDK(o *starter.Options) error {
	if o.Language != starter.Go {
		return nil
	}
	if c.SDK != "" {
		if !starter.IsSDK(c.SDK) {
			return fmt.Errorf("%s is not the folder of the SDK: its go.mod says so", c.SDK)
		}
		o.SDK = c.SDK
		return nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working folder: %w", err)
	}
	if o.SDK = starter.FindSDK(dir); o.SDK == "" {
		return nil
	}
	// Inside the checkout a relative path works for everybody who has it.
	target, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("find the working folder: %w", err)
	}
	if short, err := filepath.Rel(target, o.SDK); err == nil {
		o.SDK = filepath.ToSlash(short)
	}
	return nil
}

// sdkVersion is the release of the SDK that goes with this program: they are released together.
func sdkVersion() string {
	if v, err := semver.NewVersion(version); err == nil {
		return "v" + v.String()
	}
	return "v0.1.0"
}

func nextSteps(o starter.Options) []string {
	steps := map[starter.Language][]string{
		starter.Go:     {"go test ./...", "go build -o " + string(o.ID) + " ."},
		starter.Python: {"python3 -m unittest"},
		starter.Node:   {"npm ci", "npm test"},
	}[o.Language]
	if o.Language == starter.Go && o.SDK == "" {
		steps = append([]string{"go mod tidy"}, steps...)
	}
	return append(steps, "callboard plugin dev .")
}
