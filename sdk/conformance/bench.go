package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// bench is one run of the kit: the target, the process that most rules share, and what was seen so far.
type bench struct {
	target   Target
	path     []string // the command with its first element found
	extra    string   // folder of an interpreter that is not a system one
	launcher Launcher
	folder   string // of this run; holds the folders of the plugin's starts
	canaries *canaries
	recorder *recorder
	secret   string // what the host's secrets service answers
	before   snapshot
	lures    *lures

	shared     *instance
	startErr   error // of the shared process: why rules about a running plugin are skipped
	configured bool
	configErr  error // of good settings: why rules about a configured plugin are skipped
	described  *pluginv1.DescribeResponse
	settings   *settingsCases
	exercised  bool

	// What ended processes leave for the rules that sum up.
	tally tally
}

// tally sums up over all processes of a run.
type tally struct {
	memory                  int64
	processes               int
	killed                  string
	lines, shaped, most     int
	mostBytes               int
	beyond, noToken, egress []string
	refused                 string
	stdout                  string
}

func newBench(t Target) (*bench, error) {
	if t.Dir == "" {
		t.Dir = "."
	}
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return nil, errTarget("the plugin's folder %s: %v", t.Dir, err)
	}
	t.Dir = dir
	path, extra, err := findCommand(dir, t.Command)
	if err != nil {
		return nil, err
	}
	if len(t.Settings) > 0 && !json.Valid(t.Settings) {
		return nil, errTarget("the settings are not JSON")
	}
	// A short path: a socket's may have 100 bytes.
	folder, err := os.MkdirTemp("", "cb")
	if err != nil {
		return nil, errTarget("make a folder for the run: %v", err)
	}
	// The folder of the run is not the plugin's, and a launcher may run the plugin as another user, who must pass through.
	if err := os.Chmod(folder, 0o711); err != nil { //nolint:gosec // passing through is not reading
		return nil, errTarget("make a folder for the run: %v", err)
	}
	b := &bench{target: t, path: append([]string{path}, t.Command[1:]...), extra: extra, launcher: t.Launcher, folder: folder, canaries: &canaries{}, described: &pluginv1.DescribeResponse{}}
	b.recorder = &recorder{canaries: b.canaries, longest: map[string]int{}}
	b.secret = b.canaries.hatch(secretCanary)
	if b.launcher == nil {
		b.launcher = Local{}
	}
	if b.target.Restarts <= 0 {
		b.target.Restarts = 20
	}
	if b.target.Parallel <= 0 {
		b.target.Parallel = 200
	}
	b.before = takeSnapshot(dir)
	if b.lures, err = layLures(folder, b.canaries); err != nil {
		b.close()
		return nil, errTarget("prepare the run: %v", err)
	}
	return b, nil
}

func (b *bench) close() {
	if b.shared != nil {
		b.shared.end()
	}
	if b.lures != nil {
		b.lures.close()
	}
	_ = os.RemoveAll(b.folder)
}

// name is what reports call the plugin.
func (b *bench) name() string {
	switch {
	case b.target.Manifest != nil && b.target.Manifest.ID != "":
		return b.target.Manifest.ID
	case b.described.GetId() != "":
		return excerpt.Of(b.described.GetId(), 60)
	}
	return filepath.Base(b.target.Dir)
}

func (b *bench) enclosure() string { return b.launcher.Enclosure() }

// process is the process that rules share, started if it does not run. It has been described, not configured.
func (b *bench) process(ctx context.Context) (*instance, error) {
	if b.shared != nil && !b.shared.ended() {
		return b.shared, nil
	}
	if b.startErr != nil {
		return nil, skip("The plugin does not start.")
	}
	if b.shared != nil {
		b.shared.end()
		b.shared = nil
	}
	p, err := b.start(ctx)
	if err != nil {
		b.startErr = err
		return nil, err
	}
	b.shared, b.configured = p, false
	if d, err := p.plugin.Describe(ctx, &pluginv1.DescribeRequest{}); err == nil {
		b.described = d
	}
	return p, nil
}

// plugin is [bench.process], configured with good settings.
func (b *bench) plugin(ctx context.Context) (*instance, error) {
	if b.configErr != nil {
		return nil, errUnconfigured
	}
	p, err := b.process(ctx)
	if err != nil || b.configured {
		return p, err
	}
	if b.configErr = b.configure(ctx, p); b.configErr != nil {
		return nil, b.configErr
	}
	b.configured = true
	return p, nil
}

// errUnconfigured keeps one failure from being told by every rule.
const errUnconfigured = skip("The plugin does not take its settings.")

// another is a configured process for one rule alone, which has to end it.
func (b *bench) another(ctx context.Context) (*instance, error) {
	if b.startErr != nil {
		return nil, skip("The plugin does not start.")
	}
	if b.configErr != nil {
		return nil, errUnconfigured
	}
	if _, err := b.process(ctx); err != nil { // what it says of itself is needed for its settings
		return nil, err
	}
	p, err := b.start(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.configure(ctx, p); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (b *bench) configure(ctx context.Context, p *instance) error {
	cases, err := b.cases()
	if err != nil {
		return err
	}
	return p.configure(ctx, cases.good)
}

// cases are the settings to try, made once.
func (b *bench) cases() (*settingsCases, error) {
	if b.settings != nil {
		return b.settings, nil
	}
	schema := b.described.GetSettingsSchemaJson()
	if schema == "" && b.target.Manifest != nil {
		schema = b.target.Manifest.SettingsSchema
	}
	cases, err := makeSettings(schema, b.target.Settings, b.canaries)
	if err != nil {
		return nil, err
	}
	b.settings = cases
	return cases, nil
}

// died says how the shared process ended if it should still run, and makes way for the next one.
func (b *bench) died() error {
	p := b.shared
	if p == nil || !p.ended() || p.expected {
		return nil
	}
	err := p.whyEnded("It ended while this was checked")
	p.end()
	b.shared, b.exercised = nil, false
	return err
}

// start starts a process and shakes hands with it.
func (b *bench) start(ctx context.Context) (*instance, error) {
	p, err := b.spawn(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.shake(ctx); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// withoutFolders takes the folders of the run out of a text.
func (b *bench) withoutFolders(text string) string {
	return folderForm.ReplaceAllString(strings.ReplaceAll(text, b.folder, ""), "$$CALLBOARD_RUNTIME_DIR")
}

func (b *bench) env(runtime, data string) []string {
	path := "/usr/bin:/bin"
	if b.extra != "" {
		path += ":" + b.extra
	}
	return []string{
		"PATH=" + path, "HOME=" + data, "TMPDIR=" + data, "LANG=C.UTF-8",
		"CALLBOARD_PLUGIN=callboard-plugin-v1", "CALLBOARD_RUNTIME_DIR=" + runtime, "CALLBOARD_DATA_DIR=" + data, "CALLBOARD_PLUGIN_ID=" + b.name(),
		"PLUGIN_PROTOCOL_VERSIONS=1", fmt.Sprintf("GOMEMLIMIT=%d", b.target.needs().memory()*9/10), "GOMAXPROCS=2",
	}
}

// add takes over what is known of a process that has ended.
func (t *tally) add(p *instance) {
	memory, processes, killed := p.watch.peak()
	t.memory, t.processes = max(t.memory, memory), max(t.processes, processes)
	if t.killed == "" {
		t.killed = killed
	}
	p.logs.mu.Lock()
	t.lines, t.shaped, t.most, t.mostBytes = t.lines+p.logs.lines, t.shaped+p.logs.shaped, max(t.most, p.logs.most), max(t.mostBytes, p.logs.mostBytes)
	p.logs.mu.Unlock()
	beyond, noToken := p.host.asked()
	for _, one := range beyond {
		t.beyond = appendOnce(t.beyond, one)
	}
	for _, one := range noToken {
		t.noToken = appendOnce(t.noToken, one)
	}
	for _, a := range p.egress.since(0) {
		if !a.allowed {
			t.egress = appendOnce(t.egress, a.target)
		}
	}
	if t.refused == "" {
		t.refused = p.logs.find("permission denied", "operation not permitted", "eacces", "eperm")
	}
	if t.stdout == "" && p.stdout != nil {
		t.stdout = p.stdout.find("")
	}
}

// sumUp is what all processes did, the shared one up to now. The sum counts even if there is an error: what kept the plugin
// from being tried may be that it used too much.
func (b *bench) sumUp(ctx context.Context) (tally, error) {
	err := b.exercise(ctx)
	sum := b.tally
	if b.shared != nil {
		sum.add(b.shared)
	}
	return sum, err
}

// resolve compiles a JSON Schema.
func resolve(text string) (*jsonschema.Schema, *jsonschema.Resolved, error) {
	document, err := decodeJSON([]byte(text))
	if err != nil {
		return nil, nil, fmt.Errorf("it is no JSON: %w", err)
	}
	if err := checkReferences(document); err != nil {
		return nil, nil, err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		return nil, nil, fmt.Errorf("it is no JSON Schema: %w", err)
	}
	resolved, err := schema.Resolve(&jsonschema.ResolveOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("it is no JSON Schema of draft 2020-12: %w", err)
	}
	return &schema, resolved, nil
}

// waitFor asks again until ok or the time is over.
func waitFor(ctx context.Context, within time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return ok()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return true
}

func shortMethod(full string) string {
	return strings.TrimPrefix(strings.TrimPrefix(full, "/"), "callboard.plugin.v1.")
}
