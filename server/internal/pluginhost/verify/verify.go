// Package verify is the supply chain of plugins: which content a plugin is, who vouches for it, and what an administrator
// has agreed to.
//
// A plugin is a folder or a package file. Its content is the list of its files with their SHA-256 (file checksums), the
// hash of that list is its name, and signatures in minisign's form are over that list. The lock file holds what was
// approved. What may run is copied into a content store and runs from there, so that nothing can change between the check
// and the start. Foreign code is never executed here.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Verifier judges plugins for one host.
type Verifier struct {
	Store *Store
	Keys  []TrustedKey
	// HostVersion and Protocols are what manifests' requirements are held against.
	HostVersion string
	Protocols   []int
	OS, Arch    string
}

// Source is where a plugin comes from.
type Source struct {
	// Path is a folder or a package file; "" = the store, by the hash in the lock file.
	Path string
	// Development trusts a folder as it is: no hash, no signature, no approval, and it runs in place.
	Development bool
}

// Verdict is whether a plugin may run.
type Verdict string

// The verdicts. Broken plugins have no valid manifest; rejected ones break a rule that no approval lifts.
const (
	Approved      Verdict = "approved"
	NeedsApproval Verdict = "needs-approval"
	Rejected      Verdict = "rejected"
	Broken        Verdict = "broken"
)

// Verified is a plugin with its verdict.
type Verified struct {
	ID      manifest.ID
	Verdict Verdict
	// Reasons say why it is not approved, one sentence each.
	Reasons []string
	// Asks are the privileges beyond those approved, one sentence each.
	Asks []string
	// Manifest is nil for a broken plugin.
	Manifest *manifest.Manifest
	// Dir and Argv are where and how it runs; set for an approved plugin only.
	Dir  string
	Argv []string
	// Hash is the content; "" for a plugin in development.
	Hash     Hash
	Platform string
	Signer   Signer
	Level    Level

	sums       Checksums
	signatures []signature // good ones of trusted keys
	program    string      // in the folder; "" = an interpreter
}

// Verify judges the plugin that is configured as id ("" = whatever id it has) and, if it may run, puts it into the store.
// The whole content is hashed each time. The error is the host's own trouble, such as a full disk; everything about the
// plugin is in the verdict.
func (v *Verifier) Verify(ctx context.Context, id manifest.ID, from Source, lock *Lock) (*Verified, error) {
	if from.Development {
		return v.development(id, from.Path), nil
	}
	c, err := v.open(ctx, id, from, lock)
	if err != nil {
		return verdictOf(id, err)
	}
	defer c.close()
	p := &Verified{ID: c.manifest.ID, Manifest: c.manifest, Hash: c.sums.Hash(), Level: Unsigned, sums: c.sums}
	if err := v.judge(p, id, c.signatures, lock); err != nil {
		rejected, err := verdictOf(p.ID, err)
		if rejected != nil {
			p.Verdict, p.Reasons = rejected.Verdict, rejected.Reasons
		}
		return p, err
	}
	if p.Verdict != Approved {
		return p, nil
	}
	if err := v.place(ctx, p, c); err != nil {
		return verdictOf(p.ID, err)
	}
	return p, nil
}

// verdictOf tells what is wrong with a plugin from what is wrong with the host.
func verdictOf(id manifest.ID, err error) (*Verified, error) {
	p := &Verified{ID: id, Verdict: Rejected, Level: Unsigned}
	if rules, ok := errors.AsType[manifest.Errors](err); ok {
		p.Verdict = Broken
		for _, rule := range rules {
			p.Reasons = append(p.Reasons, rule.Error())
		}
		return p, nil
	}
	if rules, ok := errors.AsType[Refusals](err); ok {
		p.Reasons = rules.Sentences()
		return p, nil
	}
	if rule, ok := errors.AsType[*Refusal](err); ok {
		p.Reasons = []string{rule.Error()}
		return p, nil
	}
	if rule, ok := errors.AsType[*manifest.Error](err); ok {
		p.Reasons = []string{rule.Error()}
		return p, nil
	}
	return nil, err
}

// content is what a source holds, before it is judged.
type content struct {
	manifest   *manifest.Manifest
	sums       Checksums
	signatures []signature
	put        func(ctx context.Context, s *Store) error
	close      func()
}

func (v *Verifier) open(ctx context.Context, id manifest.ID, from Source, lock *Lock) (*content, error) {
	if from.Path == "" {
		return v.openStored(ctx, id, lock)
	}
	info, err := os.Stat(from.Path)
	if err != nil {
		return nil, &Refusal{id, from.Path, fmt.Sprintf("cannot be read: %v", reason(err))}
	}
	if info.IsDir() {
		return openFolder(ctx, from.Path)
	}
	if !strings.HasSuffix(from.Path, PackageSuffix) {
		return nil, &Refusal{id, from.Path, "is neither a folder nor a package (*" + PackageSuffix + ")"}
	}
	return openPackage(from.Path)
}

func openFolder(ctx context.Context, dir string) (*content, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refusef(dir, "cannot be opened: %v", reason(err))
	}
	c := &content{close: func() { _ = root.Close() }}
	c.put = func(ctx context.Context, s *Store) error { return s.AddFolder(ctx, root, c.sums) }
	if err := c.readFolder(ctx, root, dir); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *content) readFolder(ctx context.Context, root *os.Root, dir string) error {
	var err error
	if c.manifest, err = manifest.ReadRoot(root, filepath.Join(dir, manifest.File)); err != nil {
		return err
	}
	if c.sums, err = SumFolder(ctx, root); err != nil {
		return inFolder(dir, err)
	}
	// A folder need not carry a list; if it does, the list binds.
	if _, err := root.Lstat(ChecksumsFile); !errors.Is(err, fs.ErrNotExist) {
		listed, err := readChecksums(root)
		if err == nil {
			err = listed.Compare(c.sums).or(nil)
		}
		if err != nil {
			return inFolder(dir, err)
		}
	}
	c.signatures, err = readSignatures(root)
	return inFolder(dir, err)
}

// inFolder gives files their full path.
func inFolder(dir string, err error) error {
	rules, _ := errors.AsType[Refusals](err)
	if rule, ok := errors.AsType[*Refusal](err); ok && rules == nil {
		rules = Refusals{rule}
	}
	for _, rule := range rules {
		if rule.File != wholePlugin {
			rule.File = filepath.Join(dir, rule.File)
		}
	}
	return err
}

func openPackage(name string) (*content, error) {
	p, err := OpenPackage(name)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(filepath.Join(name, manifest.File), p.manifest)
	if err != nil {
		p.Close()
		return nil, err
	}
	return &content{manifest: m, sums: p.sums, signatures: p.signatures, put: p.Unpack, close: p.Close}, nil
}

// openStored takes the content that the lock file approves, without its source.
func (v *Verifier) openStored(ctx context.Context, id manifest.ID, lock *Lock) (*content, error) {
	entry, ok := lock.Plugins[id]
	if !ok {
		return nil, &Refusal{id, "the configuration", "names no source, and the lock file does not have the plugin"}
	}
	hash, ok := entry.Hashes[v.platform()]
	if !ok {
		if hash, ok = entry.Hashes[anyPlatform]; !ok {
			return nil, &Refusal{id, "the lock file", "has no content for " + v.platform() + "; install the package for it"}
		}
	}
	sums, err := v.Store.Check(ctx, hash)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Refusal{id, v.Store.Path(hash), "is not there; install the plugin again, or configure its source"}
	}
	if err != nil {
		return nil, inFolder(v.Store.Path(hash), err)
	}
	m, err := manifest.Read(v.Store.Path(hash))
	if err != nil {
		return nil, err
	}
	signatures, err := v.Store.signatures(hash)
	if err != nil {
		return nil, err
	}
	return &content{
		manifest: m, sums: sums, signatures: signatures,
		put: func(context.Context, *Store) error { return nil }, close: func() {},
	}, nil
}

// place puts an approved plugin into the store and looks at what runs there.
func (v *Verifier) place(ctx context.Context, p *Verified, c *content) error {
	if err := c.put(ctx, v.Store); err != nil {
		return err
	}
	if err := v.Store.keepSignatures(p.Hash, p.signatures); err != nil {
		return err
	}
	return p.settle(v, v.Store.Path(p.Hash))
}

// settle reads the manifest where the plugin runs, with the files that it names.
func (p *Verified) settle(v *Verifier, dir string) error {
	m, err := manifest.Read(dir)
	if err != nil {
		return err
	}
	argv, err := m.Argv(v.OS, v.Arch)
	if err != nil {
		return err
	}
	p.Manifest, p.Argv, p.Dir = m, argv, dir
	if filepath.IsAbs(argv[0]) {
		p.program, err = filepath.Rel(dir, argv[0])
	}
	return err
}

func (v *Verifier) development(id manifest.ID, path string) *Verified {
	p := &Verified{ID: id, Level: Development, Verdict: Approved}
	dir, err := filepath.Abs(path)
	if err == nil {
		err = p.settle(v, dir)
	}
	if err == nil {
		p.ID, p.Platform = p.Manifest.ID, v.platformOf(p.Manifest)
		err = v.fits(p.Manifest, id)
	}
	if err == nil {
		return p
	}
	bad, other := verdictOf(id, err)
	if other != nil {
		bad = &Verified{ID: id, Verdict: Rejected, Reasons: []string{other.Error()}}
	}
	bad.Level, bad.Manifest = Development, p.Manifest
	return bad
}
