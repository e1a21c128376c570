package verify

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"
)

func TestSignPackage_TakesSeveralSignaturesAndReplacesOnesOwn(t *testing.T) {
	one, oneKey := newKey(t)
	two, twoKey := newKey(t)
	file := pack(t, sentryFolder(t))
	for _, key := range []minisign.PrivateKey{oneKey, twoKey, oneKey} {
		if _, err := SignPackage(t.Context(), file, key); err != nil {
			t.Fatal(err)
		}
	}
	p, err := OpenPackage(file)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if len(p.signatures) != 2 || !slices.ContainsFunc(p.signatures, func(s signature) bool { return s.file == SignatureFile }) {
		t.Errorf("got %d signatures", len(p.signatures))
	}
	for _, key := range []minisign.PublicKey{one, two} {
		v := newVerifier(t, TrustedKey{IDs: "acme-*", Key: key, Level: Partner})
		if got := v.verify(t, file, &Lock{}); got.Signer != Signer(key.String()) {
			t.Errorf("signer %q of %s: %q", got.Signer, key, got.Reasons)
		}
	}
	// A level that comes first in the configuration is the one that counts.
	v := newVerifier(t, TrustedKey{IDs: "acme-*", Key: two, Level: Official}, TrustedKey{IDs: "*", Key: one, Level: Partner})
	if got := v.verify(t, file, &Lock{}); got.Level != Official {
		t.Errorf("level %s", got.Level)
	}
}

func TestSignFolder_DropsSignaturesOverAnEarlierContent(t *testing.T) {
	one, oneKey := newKey(t)
	two, twoKey := newKey(t)
	dir := sentryFolder(t)
	for _, key := range []minisign.PrivateKey{oneKey, twoKey} {
		if _, err := SignFolder(t.Context(), dir, key); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "sentry"), "#!/bin/sh\nnew\n")
	if _, err := SignFolder(t.Context(), dir, twoKey); err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, TrustedKey{IDs: "*", Key: one, Level: Official}, TrustedKey{IDs: "*", Key: two, Level: Partner})
	p := v.verify(t, dir, &Lock{})
	wantReason(t, p, NeedsApproval)
	if p.Level != Partner {
		t.Errorf("level %s", p.Level)
	}
}

func TestSignPackage_SignsNothingThatIsDamaged(t *testing.T) {
	_, key := newKey(t)
	file := filepath.Join(t.TempDir(), "x"+PackageSuffix)
	write(t, file, cut(t, pack(t, sentryFolder(t))))
	if _, err := SignPackage(t.Context(), file, key); err == nil || !strings.Contains(err.Error(), "is not a whole package") {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("it left %v, %v", entries, err)
	}
}

func TestChecksums_AreThoseOfSha256sum(t *testing.T) {
	dir := sentryFolder(t)
	write(t, filepath.Join(dir, ChecksumsFile), string(sums(t, dir).Text()))
	cmd := exec.CommandContext(t.Context(), "sha256sum", "--strict", "-c", ChecksumsFile)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSumFolder_LeavesOutWhatTheAuthorSays(t *testing.T) {
	dir := folder(t, map[string]string{
		"plugin.yaml": plain, "main.go": "x", "src/deep/more.go": "x", "docs/a.md": "x", "dist/app": "x", ".git/HEAD": "x", "lib/__pycache__/a.pyc": "x",
		".pluginignore": "# sources\n*.go\n\ndocs/\n/dist/**\n",
	})
	var got []string
	for _, s := range sums(t, dir) {
		got = append(got, s.Path)
	}
	if strings.Join(got, " ") != "plugin.yaml" {
		t.Errorf("got %v", got)
	}
}

func FuzzOpenPackage(f *testing.F) {
	dir := f.TempDir()
	for name, text := range map[string]string{"plugin.yaml": plain, "sentry": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	list, err := SumFolder(f.Context(), root)
	if err != nil {
		f.Fatal(err)
	}
	file := filepath.Join(f.TempDir(), "seed"+PackageSuffix)
	if err := PackFile(f.Context(), file, root, list); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x"+PackageSuffix)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := OpenPackage(file)
		if err != nil {
			return
		}
		defer p.Close()
		store, err := OpenStore(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Unpack(t.Context(), store); err != nil {
			return
		}
		if _, err := store.Check(t.Context(), p.sums.Hash()); err != nil {
			t.Errorf("what was unpacked does not hold: %v", err)
		}
	})
}
