package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// PluginInstallCommand is `callboard plugin install`. It works on files alone: the lock file and the store of the configured
// host, which may be running or not.
type PluginInstallCommand struct {
	ConfigFlags
	Path  string `arg:"" help:"The package or folder." type:"path"`
	Yes   bool   `help:"Approve without being asked what the plugin needs." short:"y"`
	Local bool   `help:"Vouch for a plugin that no trusted key has signed: exactly this content may run."`
}

// Run checks, asks, approves, and says what is left to do.
func (c *PluginInstallCommand) Run(ctx context.Context, p *Program) error {
	cfg, _, err := c.load(ctx, p)
	if err != nil {
		return err
	}
	settings, verifier, err := verifierFor(cfg)
	if err != nil {
		return err
	}
	lock, err := verify.ReadLock(settings.LockFile)
	if err != nil {
		return err
	}
	plugin, err := verifier.Verify(ctx, "", verify.Source{Path: c.Path}, lock)
	if err != nil {
		return err
	}
	if err := c.consent(ctx, p, verifier, lock, settings.LockFile, plugin); err != nil {
		return err
	}
	configured := slices.ContainsFunc(settings.Entries, func(e pluginhost.Entry) bool { return e.ID == plugin.ID })
	c.next(p, plugin, configured)
	return nil
}

// consent ends with an approved plugin in the store and in the lock file, or with the reason why not.
func (c *PluginInstallCommand) consent(ctx context.Context, p *Program, verifier *verify.Verifier, lock *verify.Lock, lockFile string, plugin *verify.Verified) error {
	switch plugin.Verdict {
	case verify.Approved:
		fmt.Fprintf(p.Stdout, "%s %s is approved already, in %s.\n", plugin.ID, plugin.Manifest.Version, lockFile)
		return nil
	case verify.NeedsApproval:
	default:
		for _, reason := range plugin.Reasons {
			fmt.Fprintln(p.Stderr, reason)
		}
		fmt.Fprintf(p.Stderr, "callboard: %s is not installed\n", c.Path)
		return errReported
	}
	_, known := lock.Plugins[plugin.ID]
	show(p.Stdout, c.Path, plugin, known)
	if err := c.agree(p, plugin); err != nil {
		return err
	}
	// First into the store, then into the lock file: what turns out to be damaged is not approved.
	entry := plugin.Approval()
	lock.Approve(plugin.ID, entry)
	placed, err := verifier.Verify(ctx, plugin.ID, verify.Source{Path: c.Path}, lock)
	if err != nil {
		return err
	}
	if placed.Verdict != verify.Approved {
		return fmt.Errorf("%s is not installed: %s", c.Path, strings.Join(placed.Reasons, "; "))
	}
	*plugin = *placed
	err = verify.Update(lockFile, func(l *verify.Lock) error {
		l.Approve(plugin.ID, entry)
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "\n%s %s is approved. Keep %s under version control.\n", plugin.ID, plugin.Manifest.Version, lockFile)
	return nil
}

// show tells an administrator what there is to agree to.
func show(w io.Writer, path string, plugin *verify.Verified, known bool) {
	m := plugin.Manifest
	fmt.Fprintf(w, "%s (%s %s)\n", m.Title, m.ID, m.Version)
	if m.Description != "" {
		fmt.Fprintf(w, "%s\n", strings.TrimSpace(m.Description))
	}
	fmt.Fprintf(w, "\n  from      %s\n  hash      %s\n  signed by %s\n", path, plugin.Hash, signedBy(plugin))
	if m.License != "" {
		fmt.Fprintf(w, "  licence   %s\n", m.License)
	}
	if offers := provided(m); len(offers) > 0 {
		fmt.Fprintf(w, "\nIt adds:\n")
		list(w, offers)
	}
	if known {
		fmt.Fprintf(w, "\nWhy it has to be approved again:\n")
		list(w, plugin.Reasons)
	}
	switch {
	case len(plugin.Asks) > 0 && known:
		fmt.Fprintf(w, "\nWhat it asks for beyond what was approved:\n")
	case len(plugin.Asks) > 0:
		fmt.Fprintf(w, "\nWhat it asks for:\n")
	case !known:
		fmt.Fprintf(w, "\nIt asks for nothing beyond its own folder and the host's default limits.\n")
	}
	list(w, plugin.Asks)
}

func list(w io.Writer, sentences []string) {
	for _, s := range sentences {
		fmt.Fprintf(w, "  - %s\n", s)
	}
}

func signedBy(plugin *verify.Verified) string {
	if plugin.Signer == "" {
		return "no key that this host trusts for the id " + string(plugin.ID)
	}
	return fmt.Sprintf("%s (%s)", plugin.Signer, plugin.Level)
}

func provided(m *manifest.Manifest) []string {
	var out []string
	if m.Provides.HTTP != nil {
		out = append(out, "routes below /api/"+string(m.ID))
	}
	for _, part := range []struct {
		what  string
		names []string
	}{
		{"catalog providers", m.Provides.Catalog.Providers},
		{"catalog processors", m.Provides.Catalog.Processors},
		{"scaffolder actions", m.Provides.Scaffolder.Actions},
		{"template filters", m.Provides.Scaffolder.Filters},
		{"search types", m.Provides.Search.Types},
		{"widgets", m.Provides.Widgets},
		{"tasks", m.Provides.Tasks},
		{"permissions", m.Provides.Permissions},
		{"permission rules", m.Provides.PermissionRules},
		{"deliveries of events", m.Provides.Events.Topics},
	} {
		if len(part.names) > 0 {
			out = append(out, part.what+": "+strings.Join(part.names, ", "))
		}
	}
	return out
}

// agree asks a person, or takes the flags for an answer. Approving needs and vouching for content that nobody signed are two
// decisions, so they are two flags.
func (c *PluginInstallCommand) agree(p *Program, plugin *verify.Verified) error {
	unsigned := plugin.Signer == ""
	if c.Yes && (!unsigned || c.Local) {
		return nil
	}
	if c.Yes {
		return fmt.Errorf("%s is signed by no key that this host trusts. Have it signed and name the key under callboard.pluginHost.trustedKeys, "+
			"or say --local to vouch for exactly this content yourself", plugin.ID)
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("there is no terminal to ask; read the above and say --yes to approve it")
	}
	question := "Approve it?"
	if unsigned {
		question = "Nobody whom this host trusts vouches for it. Approve exactly this content yourself?"
	}
	fmt.Fprintf(p.Stdout, "\n%s [y/N] ", question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if word := strings.ToLower(strings.TrimSpace(answer)); err != nil || word != "y" && word != "yes" {
		return errors.New("nothing is approved, nothing was changed")
	}
	return nil
}

// next says what to write into the configuration.
func (c *PluginInstallCommand) next(p *Program, plugin *verify.Verified, configured bool) {
	if configured {
		return
	}
	fmt.Fprintf(p.Stdout, "\nTo run it, add to app-config.yaml:\n\ncallboard:\n  plugins:\n    %s:\n      source: %s\n", plugin.ID, c.shortPath())
	if settings := requiredSettings(plugin); len(settings) > 0 {
		fmt.Fprintf(p.Stdout, "      settings:\n")
		for _, line := range settings {
			fmt.Fprintf(p.Stdout, "        %s\n", line)
		}
	}
}

// shortPath is relative to the working folder where it is in it.
func (c *PluginInstallCommand) shortPath() string {
	if dir, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(dir, c.Path); err == nil && filepath.IsLocal(short) {
			return short
		}
	}
	return c.Path
}

// requiredSettings are lines of configuration for what the plugin's schema demands.
func requiredSettings(plugin *verify.Verified) []string {
	if plugin.Manifest.Config == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(plugin.Dir, plugin.Manifest.Config))
	if err != nil {
		return nil
	}
	var schema struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Description string `json:"description"`
			Secret      bool   `json:"x-secret"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if !slices.Contains(schema.Required, name) {
			continue
		}
		value := "…"
		if schema.Properties[name].Secret {
			value = "${" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(string(plugin.ID)+"_"+name)) + "}"
		}
		line := name + ": " + value
		if about := schema.Properties[name].Description; about != "" {
			line += " # " + strings.Join(strings.Fields(about), " ")
		}
		lines = append(lines, line)
	}
	return lines
}
