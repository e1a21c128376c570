package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/server/internal/pluginhost/conform"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// PluginVerifyCommand is `callboard plugin verify`.
type PluginVerifyCommand struct {
	Dir      string   `arg:"" default:"." help:"The plugin's folder." type:"path"`
	Only     []string `help:"Check only rules whose id begins so: start, config.bad, … Repeat it, or separate by commas." placeholder:"RULE"`
	Format   string   `help:"How to print: text, tap or junit." enum:"text,tap,junit" default:"text"`
	Settings string   `help:"File with good settings as a JSON object, where the kit cannot make any of the schema." placeholder:"FILE" type:"path"`
	Upstream string   `help:"Where requests go that the manifest allows: a fake of the system that the plugin connects, such as http://127.0.0.1:9000. Without it they fail, and what depends on them is passed over." placeholder:"URL"`
	Sandbox  string   `help:"What the plugin runs in: auto, required or off." enum:"auto,required,off" default:"auto"`
	Badge    string   `help:"Write a badge, which a package may carry, to this file." placeholder:"FILE" type:"path"`
	Restarts int      `help:"How often the plugin is started again." default:"20"`
	List     bool     `help:"List the rules and check nothing."`
}

// Run checks the rules one after the other, prints each as it is done, and fails if a MUST is broken.
func (c *PluginVerifyCommand) Run(ctx context.Context, p *Program) error {
	if c.List {
		return c.list(p.Stdout)
	}
	if c.Badge != "" && len(c.Only) > 0 {
		return errors.New("verify: a badge is about all rules; leave out --only")
	}
	target, err := conform.Target(c.Dir, sandbox.Level(c.Sandbox))
	if err != nil {
		return err
	}
	target.Only, target.Upstream, target.Restarts = c.Only, c.Upstream, c.Restarts
	if c.Settings != "" {
		if target.Settings, err = os.ReadFile(c.Settings); err != nil {
			return fmt.Errorf("verify: read good settings: %w", err)
		}
	}
	report, err := conformance.Check(ctx, target, c.progress(p))
	if err != nil {
		return err
	}
	if err := c.print(p.Stdout, report); err != nil {
		return err
	}
	if c.Badge != "" {
		if err := writeBadge(c.Badge, report.Badge()); err != nil {
			return err
		}
	}
	if !report.Conforms() {
		return errReported
	}
	return nil
}

// progress prints results as text as they come. The other formats are printed when all is done, with the count on a
// terminal meanwhile.
func (c *PluginVerifyCommand) progress(p *Program) func(conformance.Result) {
	if c.Format == "text" {
		return func(r conformance.Result) { _ = r.Line(p.Stdout) }
	}
	if !p.Terminal {
		return nil
	}
	done := 0
	return func(r conformance.Result) {
		done++
		fmt.Fprintf(p.Stderr, "\r\x1b[K%d/%d %s", done, len(conformance.Rules()), r.Rule.ID)
		if done == len(conformance.Rules()) {
			fmt.Fprint(p.Stderr, "\r\x1b[K")
		}
	}
}

func (c *PluginVerifyCommand) print(w io.Writer, report *conformance.Report) error {
	switch c.Format {
	case "tap":
		return report.TAP(w)
	case "junit":
		return report.JUnit(w)
	}
	enclosure := report.Enclosure
	if enclosure == (conformance.Local{}).Enclosure() {
		enclosure += "; what a plugin may not do was looked for and not prevented"
	}
	_, err := fmt.Fprintf(w, "\n%s\nlicence: %s\nsandbox: %s\n", report.Summary(), cmp.Or(report.License, "none"), enclosure)
	return err
}

func (c *PluginVerifyCommand) list(w io.Writer) error {
	for _, r := range conformance.Rules() {
		if _, err := fmt.Fprintf(w, "%-6s %-26s %s\n", r.Level, r.ID, r.Sentence); err != nil {
			return err
		}
	}
	return nil
}

func writeBadge(name string, badge conformance.Badge) error {
	data, err := json.MarshalIndent(badge, "", "  ")
	if err != nil {
		return fmt.Errorf("write the badge: %w", err)
	}
	if err := os.WriteFile(name, append(data, '\n'), 0o644); err != nil { //nolint:gosec // a badge is for everybody
		return fmt.Errorf("write the badge: %w", err)
	}
	return nil
}
