package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Protocol is the version of the protocol that the kit checks.
const Protocol = 1

// Target is a plugin to check.
type Target struct {
	// Command starts the plugin, in Dir. The first element is a path, relative to Dir if it holds a slash, or the name of
	// a program in /usr/bin or /bin.
	Command []string
	// Dir is the folder of the plugin's code; "" = the working folder.
	Dir string
	// Manifest is what plugin.yaml announces; nil = there is none to compare with, and rules about it are skipped.
	Manifest *Manifest
	// Settings are good settings as a JSON object; nil = they are made from the plugin's schema.
	Settings json.RawMessage
	// Routes are requests that the plugin must answer; whoever has its OpenAPI description makes them.
	Routes []Route
	// Only keeps rules whose id begins with one of these; empty = all.
	Only []string
	// Launcher starts the processes; nil = [Local].
	Launcher Launcher
	// Upstream answers what the plugin sends to destinations that its manifest allows, "http://127.0.0.1:9000"; "" = such
	// requests are answered with 502, and calls that fail on that account are passed over.
	Upstream string
	// Restarts and Parallel are how often the plugin is started again, and how many calls it gets at a time; 0 = 20, 200.
	Restarts, Parallel int
}

// Manifest is the part of plugin.yaml that can be checked against a process.
type Manifest struct {
	ID, Version, License string
	// Provides has HTTP set when routes are announced.
	Provides *pluginv1.Provides
	// Annotations are those that its processors read.
	Annotations []string
	// SettingsSchema is the text of the file that config names; "" = none.
	SettingsSchema string
	// Catalog, Egress, Secrets, Plugins, Publish, KV, OnBehalfOf and Permission are the manifest's needs.
	Catalog, Egress, Secrets, Plugins, Publish []string
	KV, OnBehalfOf, Permission                 bool
	// Memory (bytes) and Processes are its limits; 0 = 256 MiB, 64.
	Memory    int64
	Processes int
}

// Route is a request to the plugin's own routes.
type Route struct {
	Method, Path    string // Path with its escaping, below the plugin's prefix
	Body            []byte
	Unauthenticated bool
	// Conforms judges an answer; nil = any answer below 500 will do.
	Conforms func(status int, header map[string][]string, body []byte) error
}

// Check runs the rules over t in their order and tells progress (may be nil) of each as it is done. It ends with the first if
// the plugin does not start. The error is about the kit itself, such as a command that is not there; what the plugin does
// wrong stands in the report.
func Check(ctx context.Context, t Target, progress func(Result)) (*Report, error) {
	b, err := newBench(t)
	if err != nil {
		return nil, err
	}
	defer b.close()
	report := &Report{Protocol: Protocol, Partial: len(t.Only) > 0, Started: time.Now()}
	for _, rule := range rules() {
		if !t.chosen(rule.ID) {
			continue
		}
		if ctx.Err() != nil {
			return report, fmt.Errorf("verify %s: %w", b.name(), context.Cause(ctx))
		}
		result := b.check(ctx, rule)
		report.Results = append(report.Results, result)
		if progress != nil {
			progress(result)
		}
		if b.startErr != nil { // nothing else could be said
			break
		}
	}
	report.Plugin, report.Version, report.License, report.Enclosure = b.name(), b.described.GetVersion(), b.described.GetLicense(), b.enclosure()
	report.Took = time.Since(report.Started)
	if len(report.Results) == 0 {
		return report, fmt.Errorf("no rule begins with %s; the rules are %s", strings.Join(t.Only, " or "), strings.Join(ruleIDs(), ", "))
	}
	return report, nil
}

// Run checks a plugin within a test: one subtest a rule, and a failure for each MUST that is broken. A broken SHOULD is
// logged.
func Run(t *testing.T, target Target) {
	t.Helper()
	report, err := Check(t.Context(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		t.Run(r.Rule.ID, func(t *testing.T) {
			switch {
			case r.Status == Skipped:
				t.Skip(r.Saw)
			case r.Status == Failed && r.Rule.Level == Must:
				t.Errorf("%s\n%s", r.Rule.Sentence, r.Message())
			case r.Status == Failed:
				t.Logf("%s\n%s", r.Rule.Sentence, r.Message())
			}
		})
	}
}

func (t *Target) chosen(id string) bool {
	return len(t.Only) == 0 || slices.ContainsFunc(t.Only, func(only string) bool { return strings.HasPrefix(id, only) })
}

// needs is the manifest, or one that allows everything when there is none to hold the plugin to.
func (t *Target) needs() *Manifest {
	if t.Manifest != nil {
		return t.Manifest
	}
	return &Manifest{}
}

func (m *Manifest) memory() int64 {
	if m.Memory == 0 {
		return 256 << 20
	}
	return m.Memory
}

func (m *Manifest) processes() int {
	if m.Processes == 0 {
		return 64
	}
	return m.Processes
}

// errTarget is a mistake of whoever asks for the check.
func errTarget(format string, args ...any) error {
	return errors.New("verify: " + fmt.Sprintf(format, args...))
}
