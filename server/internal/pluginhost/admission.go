package pluginhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// facts are what admission found out about a plugin. They do not change once they are published.
type facts struct {
	entry    Entry
	verified *verify.Verified
	schema   *settingsSchema
	wrong    []wrongSetting
	// refusal is why it may not run; nil = it may.
	refusal *supervise.Refusal
	// code and settings identify what would run.
	code, settings string
	values         []byte // the settings as JSON
}

func (f *facts) manifest() *manifest.Manifest {
	if f == nil || f.verified == nil {
		return nil
	}
	return f.verified.Manifest
}

// admit looks at the plugin anew, mounts what it announces, and hands the supervisor what should run, or why nothing
// may. It runs no foreign code. With fresh it returns when a new instance serves, or with the reason why none does; else
// when the supervisor knows.
func (p *plugin) admit(ctx context.Context, fresh bool) error {
	f, err := p.look(ctx)
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if f.refusal != nil {
		f.refusal.Stop = !f.entry.Enabled || p.revoked()
		if err := p.supervisor.Refuse(ctx, *f.refusal); err != nil {
			return err
		}
		return f.refused()
	}
	if fresh {
		return p.supervisor.Swap(ctx, p.release(f))
	}
	return p.supervisor.Take(ctx, p.release(f))
}

func (f *facts) refused() error {
	return fmt.Errorf("plugin %s cannot be started: %s, %s", f.entry.ID, f.refusal.State, f.refusal.Reason)
}

// revoked reports whether what serves would not be approved any more. That another content may not run is no reason to
// stop the one that may.
func (p *plugin) revoked() bool {
	live, err := p.supervisor.Current()
	if err != nil {
		return false
	}
	f := live.(*instance).facts //nolint:forcetypeassert // start makes no others
	if f.entry.Development {
		return !p.entry().Development
	}
	lock, err := verify.ReadLock(p.host.settingsNow().LockFile)
	if err != nil {
		return false // a mistake in the file is not a decision
	}
	for _, hash := range lock.Plugins[p.id].Hashes {
		if hash == f.verified.Hash {
			return false
		}
	}
	return true
}

// look examines and mounts, one at a time.
func (p *plugin) look(ctx context.Context) (*facts, error) {
	p.admitting.Lock()
	defer p.admitting.Unlock()
	f := p.examine(ctx, p.entry())
	if f.schema != nil {
		p.redactor.add(f.schema.secrets(f.entry.Values)...)
	}
	if _, idle := p.supervisor.Current(); idle != nil || !f.entry.Enabled { // else what serves keeps its mounts until the next one serves
		p.place(ctx, f)
	}
	p.facts.Store(f)
	return f, nil
}

// place mounts what a plugin that does not serve may have: all of it when it may run, its routes when somebody could let it
// run, so that callers learn why there is no answer, else nothing.
func (p *plugin) place(ctx context.Context, f *facts) {
	state := supervise.Starting
	if f.refusal != nil {
		state = f.refusal.State
	}
	var err error
	switch state {
	case supervise.Starting:
		err = p.mount(ctx, f.manifest())
	case supervise.NeedsApproval, supervise.NeedsConfig:
		p.unmountCatalog(ctx, false)
		err = p.mountRoutes(f.manifest(), false)
	default:
		p.unmountAll(ctx, false)
	}
	if err != nil && f.refusal == nil {
		f.refusal = &supervise.Refusal{State: supervise.Broken, Reason: err.Error()}
	}
}

func (p *plugin) examine(ctx context.Context, e Entry) *facts {
	f := &facts{entry: e}
	refuse := func(state supervise.State, reasons ...string) *facts {
		f.refusal = &supervise.Refusal{State: state, Reason: sentences(reasons)}
		return f
	}
	settings, verifier := p.host.now()
	if err := p.verify(ctx, f, settings, verifier); err != nil {
		return refuse(supervise.Broken, "could not be looked at: "+err.Error())
	}
	switch v := f.verified; {
	case !f.entry.Enabled:
		return refuse(supervise.Stopped, "switched off by the configuration")
	case v.Verdict == verify.Broken:
		return refuse(supervise.Broken, v.Reasons...)
	case v.Verdict == verify.Rejected:
		return refuse(supervise.Rejected, v.Reasons...)
	case v.Verdict == verify.NeedsApproval:
		return refuse(supervise.NeedsApproval, v.Reasons...)
	}
	if err := f.judgeSettings(); err != nil {
		return refuse(supervise.Broken, err.Error())
	}
	if len(f.wrong) > 0 {
		var all []string
		for _, w := range f.wrong {
			all = append(all, fmt.Sprintf("callboard.plugins.%s.settings%s %s (%s)", p.id, strings.ReplaceAll(w.Path, "/", "."), w.Rule, f.entry.At))
		}
		return refuse(supervise.NeedsConfig, all...)
	}
	if f.code = string(f.verified.Hash); f.code == "" {
		f.code = fingerprint(f.verified.Dir)
	}
	if len(e.AllowPrivate)+len(e.Readable) > 0 { // what a process may reach is decided when it starts
		f.code += announcement([]any{e.AllowPrivate, e.Readable})
	}
	return f
}

// sentences joins texts of which some are sentences.
func sentences(all []string) string {
	var b strings.Builder
	for i, text := range all {
		if i > 0 && strings.HasSuffix(all[i-1], ".") {
			b.WriteString(" ")
		} else if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(text)
	}
	return b.String()
}

func (p *plugin) verify(ctx context.Context, f *facts, settings Settings, verifier *verify.Verifier) error {
	lock := &verify.Lock{}
	if !f.entry.Development {
		var err error
		if lock, err = verify.ReadLock(settings.LockFile); err != nil {
			return err
		}
	}
	if f.entry.Development && f.entry.Source == "" {
		f.verified = &verify.Verified{ID: p.id, Verdict: verify.Rejected, Level: verify.Development,
			Reasons: []string{fmt.Sprintf("callboard.plugins.%s (%s) names no source, and no folder of callboard.pluginHost.path holds it", p.id, f.entry.At)}}
		return nil
	}
	var err error
	f.verified, err = verifier.Verify(ctx, p.id, verify.Source{Path: f.entry.Source, Development: f.entry.Development}, lock)
	return err
}

// judgeSettings holds the configured values against the plugin's schema.
func (f *facts) judgeSettings() error {
	schema, err := openSettings(f.verified.Manifest)
	if err != nil {
		return err
	}
	f.schema = schema
	values := f.entry.Values
	if values == nil {
		values = map[string]any{}
	}
	switch {
	case schema != nil:
		f.wrong = schema.check(values)
	case len(values) > 0:
		f.wrong = []wrongSetting{{Rule: "must not be set: the plugin has no settings"}}
	}
	if f.values, err = json.Marshal(values); err != nil {
		return err
	}
	sum := sha256.Sum256(f.values)
	f.settings = hex.EncodeToString(sum[:])
	return nil
}

// release is what the supervisor starts.
func (p *plugin) release(f *facts) supervise.Release {
	return supervise.Release{
		Version: f.verified.Manifest.Version, Code: f.code, Settings: f.settings,
		Start: func(ctx context.Context) (supervise.Instance, error) { return p.start(ctx, f) },
		Configure: func(ctx context.Context, live supervise.Instance) error {
			return live.(*instance).configure(ctx, f) //nolint:forcetypeassert // start makes no others
		},
	}
}

// fingerprint tells versions of a folder under development apart: by names, sizes and times, since it changes often and
// is trusted anyway.
func fingerprint(dir string) string {
	h := sha256.New()
	files := 0
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if entry.IsDir() {
			if name := entry.Name(); path != dir && (name == "node_modules" || name == "__pycache__" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if files++; files > 10_000 {
			return filepath.SkipAll
		}
		if info, err := entry.Info(); err == nil {
			_, _ = fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	_, _ = io.WriteString(h, dir)
	return "development:" + hex.EncodeToString(h.Sum(nil))
}
