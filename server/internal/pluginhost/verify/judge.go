package verify

import (
	"fmt"
	"path"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const anyPlatform = "any"

// judge sets the verdict: approved or needs-approval. An error is a rejection.
func (v *Verifier) judge(p *Verified, id manifest.ID, signatures []signature, lock *Lock) error {
	p.Platform = v.platformOf(p.Manifest)
	if err := v.fits(p.Manifest, id); err != nil {
		return err
	}
	if err := v.complete(p); err != nil {
		return err
	}
	key, good, err := trust(p.ID, p.sums.Text(), signatures, v.Keys)
	if err != nil {
		return named(p.ID, err)
	}
	if p.signatures = good; len(good) > 0 {
		p.Signer, p.Level = Signer(key.Key.String()), key.Level
	}
	return p.compare(lock)
}

func named(id manifest.ID, err error) error {
	if rule, ok := err.(*Refusal); ok { //nolint:errorlint // what trust answers is not wrapped
		rule.Plugin = id
	}
	return err
}

// fits tells whether this host could run the plugin at all, under this id.
func (v *Verifier) fits(m *manifest.Manifest, id manifest.ID) error {
	if id != "" && id != m.ID {
		return &manifest.Error{Plugin: id, File: manifest.File, Path: "id", Rule: fmt.Sprintf("is %q, and the host is configured for %q", m.ID, id)}
	}
	if _, ok := m.Run.Binaries[v.platform()]; !ok && len(m.Run.Command) == 0 {
		return &manifest.Error{Plugin: m.ID, File: manifest.File, Path: "run", Rule: "has no binary for " + v.platform()}
	}
	return m.CheckRequirements(v.HostVersion, v.Protocols...)
}

// complete tells whether the files that the manifest names are part of the content, before anybody is asked to approve it.
func (v *Verifier) complete(p *Verified) error {
	named := []string{p.Manifest.Run.Binaries[v.platform()], p.Manifest.Config}
	if argv := p.Manifest.Run.Command; len(argv) > 0 && strings.Contains(argv[0], "/") {
		named = append(named, argv[0])
	}
	if http := p.Manifest.Provides.HTTP; http != nil {
		named = append(named, http.OpenAPI)
	}
	for _, file := range named {
		if _, ok := p.sums.Find(path.Clean(file)); !ok && file != "" {
			return &Refusal{p.ID, manifest.File, fmt.Sprintf("names the file %q, which is not part of the plugin", file)}
		}
	}
	return nil
}

// compare holds the plugin against what was approved.
func (p *Verified) compare(lock *Lock) error {
	entry, locked := lock.Plugins[p.ID]
	hash, known := entry.Hashes[p.Platform]
	same := locked && known && hash == p.Hash

	p.Asks = append(p.Manifest.Needs.Beyond(entry.Needs), p.Manifest.BeyondHTTP(entry.Open)...)
	switch {
	case !locked:
		p.askf("The lock file does not approve it.")
	case same && p.Signer == "" && entry.Signer == LocalSigner:
		p.Signer, p.Level = LocalSigner, Local
	case p.Signer == "" && entry.Signer != LocalSigner:
		p.askf("It was approved with a signature of the key %s, and now has none that the host trusts.", entry.Signer)
	case same && p.Signer != entry.Signer && entry.Signer != LocalSigner:
		p.askf("It is signed by the key %s; approved was %s.", p.Signer, entry.Signer)
	case !same && known && p.Signer != "" && p.Signer == entry.Signer && p.Manifest.Version == entry.Version:
		return &Refusal{p.ID, ChecksumsFile, fmt.Sprintf("has the hash %s, and the lock file approves %s of the same version %s: "+
			"a released version does not change. If it is what you want, remove the plugin from the lock file and install it again", p.Hash, hash, entry.Version)}
	case !same && p.Manifest.Version != entry.Version:
		p.askf("Version %s was not approved yet; approved is %s.", p.Manifest.Version, entry.Version)
	case !same && !known:
		p.askf("Its content for %s was not approved yet.", p.Platform)
	case !same:
		p.askf("Its content has changed since it was approved: the hash is %s, approved is %s.", p.Hash, hash)
	}
	if p.Signer == "" {
		p.askf("It is signed by no key that the host trusts for this id.")
	}
	if len(p.Asks) > 0 && locked {
		p.askf("It asks for more than was approved.")
	}
	p.Verdict = Approved
	if len(p.Reasons) > 0 {
		p.Verdict = NeedsApproval
	}
	return nil
}

func (p *Verified) askf(format string, args ...any) {
	p.Reasons = append(p.Reasons, fmt.Sprintf(format, args...))
}

// Approval is the entry of the lock file that lets the plugin run as it is now. Without a trusted signature the operator
// vouches for this exact content.
func (p *Verified) Approval() Entry {
	signer := p.Signer
	if signer == "" {
		signer = LocalSigner
	}
	e := Entry{Version: p.Manifest.Version, Hashes: map[string]Hash{p.Platform: p.Hash}, Signer: signer, Needs: p.Manifest.Needs}
	if http := p.Manifest.Provides.HTTP; http != nil {
		e.Open = manifest.HTTP{Unauthenticated: http.Unauthenticated, UserCookie: http.UserCookie, Facades: http.Facades}
	}
	return e
}

func (v *Verifier) platform() string { return v.OS + "-" + v.Arch }

// platformOf is the key of the plugin's hash in the lock file.
func (v *Verifier) platformOf(m *manifest.Manifest) string {
	if len(m.Run.Command) > 0 {
		return anyPlatform
	}
	return v.platform()
}
