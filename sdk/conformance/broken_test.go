package conformance_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// broken says which rule each mode of testdata/brokenplugin breaks.
var broken = map[string]string{
	"no-handshake": "start.handshake", "exits-at-once": "start.handshake", "stdout-noise": "start.handshake", "bad-handshake": "start.handshake",
	"wrong-protocol": "start.handshake", "other-address": "start.handshake", "with-tls": "start.handshake", "not-listening": "start.handshake",
	"closes-stdout": "start.handshake",
	"never-serving": "start.health", "http-socket-missing": "start.sockets",
	"wrong-id": "describe.identity", "wrong-version": "describe.identity", "odd-version": "describe.identity",
	"beyond-manifest": "describe.within", "open-route-undeclared": "describe.unauthenticated", "open-route-closed-again": "describe.unauthenticated",
	"service-not-served": "describe.services", "lists-other-names": "describe.services", "describe-changes": "describe.stable",
	"no-describe-mode": "describe.mode", "schema-differs": "describe.schema", "no-licence": "describe.people",
	"panics-in-configure": "config.good", "refuses-good-settings": "config.good", "validates-nothing": "config.bad", "crashes-on-bad-settings": "config.bad",
	"configures-anything": "config.wrong", "dies-of-wrong-configure": "config.wrong", "no-path": "config.path",
	"strict-fields": "wire.unknown-fields", "internal-for-unknown": "wire.unknown-names", "accepts-unknown": "wire.unknown-names", "no-diagnostic": "wire.diagnostics",
	"no-opinion": "wire.health", "odd-metrics": "wire.health", "message-too-long": "wire.message-size", "huge-frame": "wire.message-size",
	"open-route-closed": "http.unauthenticated", "trusts-forged-headers": "http.forged", "trusts-bearer": "http.forged", "dies-of-principal": "http.principal",
	"serves-any-file": "http.paths", "500-for-unknown": "http.paths", "dies-of-paths": "http.paths", "ignores-gone-callers": "http.cancel",
	"provider-changes": "provider.idempotent", "provider-grows": "provider.idempotent", "invalid-entity": "provider.entities", "no-entity": "provider.entities",
	"entity-twice": "provider.entities", "full-and-removals": "provider.entities", "endless-stream": "provider.entities",
	"wrong-result-count": "processor.results", "wrong-order": "processor.results", "fails-for-all": "processor.results", "answers-no-json": "processor.results",
	"drops-members": "processor.keeps", "loses-integers": "processor.keeps", "random-processor": "processor.deterministic", "remembers-processor": "processor.deterministic",
	"dry-run-asks": "action.dry-run", "output-no-json": "action.dry-run", "accepts-bad-input": "action.input", "output-of-other-type": "action.output",
	"filter-no-json": "filter.results", "filter-answers-nothing": "filter.results", "one-filter-result": "filter.results", "slow-filter": "filter.results",
	"filter-asks": "filter.results", "random-filter": "filter.stable",
	"bad-frame": "widget.frames", "form-takes-anything": "widget.forms", "document-without-place": "search.documents", "one-rule-result": "rules.results",
	"ignores-cancellation": "calls.cancel", "waits-for-calls": "calls.cancel", "one-at-a-time": "load.parallel",
	"drain-hangs": "stop.drain", "dies-of-drain": "stop.drain", "slow-shutdown": "stop.shutdown", "no-controller": "stop.shutdown", "ignores-sigterm": "stop.sigterm",
	"status-after-sigterm": "stop.sigterm", "survives-host": "stop.host-death", "leaves-children": "stop.children", "leaves-files": "restart.clean",
	"no-host-token": "host.token", "asks-catalog": "host.needs", "egress-beyond": "egress.list",
	"secret-in-log": "secret.logs", "secret-in-error": "secret.answers", "secret-in-metrics": "secret.answers",
	"environment-probe": "confine.environment", "reads-neighbour": "confine.reads", "tells-neighbour": "confine.reads", "reads-passwords": "confine.reads",
	"writes-code-folder": "confine.writes", "writes-neighbour": "confine.writes",
	"memory": "limit.memory", "fork-bomb": "limit.processes", "log-flood": "logs.flood", "plain-log": "logs.form", "prints-later": "logs.stdout",
}

// program builds testdata/brokenplugin once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cb")
	if err != nil {
		return "", err
	}
	programDir = dir
	path := filepath.Join(dir, "brokenplugin")
	out, err := exec.Command("go", "build", "-o", path, "./testdata/brokenplugin").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// programDir is where it was built, for TestMain; "" = it was not needed.
var programDir string

func brokenTarget(t *testing.T, mode string) conformance.Target {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("testdata/brokenplugin/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "const Schema = `")
	schema, _, _ := strings.Cut(rest, "`")
	return conformance.Target{
		Command: []string{path, "-mode", mode}, Dir: t.TempDir(), Restarts: 3, Parallel: 60,
		Routes: []conformance.Route{{Path: "/who"}, {Path: "/events"}},
		Manifest: &conformance.Manifest{
			ID: "broken", Version: "1.0.0", License: "Apache-2.0", SettingsSchema: schema, Egress: []string{"http://api.example.com"}, Memory: 128 << 20, Processes: 24,
			Provides: &pluginv1.Provides{Http: true, HttpUnauthenticated: []string{"/health"}, CatalogProviders: []string{"things"}, CatalogProcessors: []string{"mark"},
				ScaffolderActions: []string{"broken:do"}, ScaffolderFilters: []string{"brokenEcho"}, SearchTypes: []string{"thing"}, Widgets: []string{"count"}, PermissionRules: []string{"IS_THING"}},
		},
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	if programDir != "" {
		_ = os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// volatile are parts of a sentence that differ from run to run.
var volatile = regexp.MustCompile(`thing-\d+`)

func TestCheck_TellsWhatABrokenPluginBreaks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("some of them have to be waited for")
	}
	var mu sync.Mutex
	said := map[string]string{}
	slots := make(chan struct{}, 3)
	t.Run("modes", func(t *testing.T) {
		for mode, id := range broken {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				target := brokenTarget(t, mode)
				target.Only = []string{id}
				report, err := conformance.Check(t.Context(), target, nil)
				if err != nil {
					t.Fatal(err)
				}
				result := report.Results[0]
				mu.Lock()
				defer mu.Unlock()
				said[mode] = fmt.Sprintf("%-24s %-24s %s", mode, id, volatile.ReplaceAllString(result.Message(), "…"))
				if result.Status != conformance.Failed {
					t.Errorf("%s is %s (%s), want it failed", id, result.Status, result.Message())
				}
			})
		}
	})
	var table strings.Builder
	for _, mode := range slices.Sorted(maps.Keys(said)) {
		table.WriteString(said[mode] + "\n")
	}
	const golden = "testdata/broken.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d broken plugins:\n%s", len(said), table.String())
	if table.String() != string(want) {
		t.Errorf("%s differs; run with -update and read the difference\n%s", golden, lineDiff(string(want), table.String()))
	}
}

// lineDiff lists lines that only one of two texts has.
func lineDiff(want, got string) string {
	var out strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range w {
		if !slices.Contains(g, line) {
			out.WriteString("-" + line + "\n")
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			out.WriteString("+" + line + "\n")
		}
	}
	return out.String()
}

func TestCheck_PassesAPluginThatKeepsAllRules(t *testing.T) {
	t.Parallel()
	target := brokenTarget(t, "")
	report, err := conformance.Check(t.Context(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Status == conformance.Failed || r.Status == conformance.Skipped && r.Rule.ID != "confine.refused" {
			t.Errorf("%s %s: %s", r.Rule.ID, r.Status, r.Message())
		}
	}
	t.Log(report.Summary())
}
