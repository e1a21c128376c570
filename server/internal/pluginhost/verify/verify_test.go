package verify

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/klauspost/compress/zstd"
)

const plain = `apiVersion: callboard.dev/v1
id: acme-sentry
version: 1.4.0
title: Sentry
run: {linux-amd64: ./sentry}
needs: {catalog: [read], egress: ["https://*.sentry.io"]}
`

// folder writes a plugin's files; names that end with "*" become executable.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name, program := strings.CutSuffix(name, "*")
		write(t, filepath.Join(dir, name), text)
		if program {
			if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(file, 0o644)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func sentryFolder(t *testing.T) string {
	t.Helper()
	return folder(t, map[string]string{"plugin.yaml": plain, "sentry*": "#!/bin/sh\n", "assets/logo.svg": "<svg/>"})
}

func sums(t *testing.T, dir string) Checksums {
	t.Helper()
	root := open(t, dir)
	defer root.Close()
	s, err := SumFolder(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// pack makes a package of the folder, with signatures of the keys.
func pack(t *testing.T, dir string, keys ...minisign.PrivateKey) string {
	t.Helper()
	for _, key := range keys {
		if _, err := SignFolder(t.Context(), dir, key); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	root := open(t, dir)
	defer root.Close()
	if err := Pack(t.Context(), &out, root, sums(t, dir)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "p"+PackageSuffix)
	write(t, file, out.String())
	return file
}

func newKey(t *testing.T) (minisign.PublicKey, minisign.PrivateKey) {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func newVerifier(t *testing.T, keys ...TrustedKey) *Verifier {
	t.Helper()
	store, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &Verifier{Store: store, Keys: keys, HostVersion: "development", Protocols: []int{1}, OS: "linux", Arch: "amd64"}
}

func (v *Verifier) verify(t *testing.T, path string, lock *Lock) *Verified {
	t.Helper()
	p, err := v.Verify(t.Context(), "acme-sentry", Source{Path: path}, lock)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func approve(t *testing.T, p *Verified, lock *Lock) {
	t.Helper()
	if p.Verdict != NeedsApproval {
		t.Fatalf("%s: %q", p.Verdict, p.Reasons)
	}
	lock.Approve(p.ID, p.Approval())
}

func wantReason(t *testing.T, p *Verified, verdict Verdict, parts ...string) {
	t.Helper()
	all := strings.Join(p.Reasons, "\n")
	if p.Verdict != verdict {
		t.Errorf("verdict %s, want %s; reasons:\n%s", p.Verdict, verdict, all)
	}
	for _, part := range parts {
		if !strings.Contains(all, part) {
			t.Errorf("reasons do not say %q:\n%s", part, all)
		}
	}
	if verdict != Approved && (p.Dir != "" || p.Argv != nil) {
		t.Errorf("a plugin that is %s has something to run: %s %q", verdict, p.Dir, p.Argv)
	}
}

func TestVerify_RunsASignedPluginAfterItsNeedsWereApproved(t *testing.T) {
	public, private := newKey(t)
	v := newVerifier(t, TrustedKey{IDs: "acme-*", Key: public, Level: Partner})
	file, lock := pack(t, sentryFolder(t), private), &Lock{}

	p := v.verify(t, file, lock)
	wantReason(t, p, NeedsApproval, "The lock file does not approve it.")
	if want := []string{"It may read every entity of the catalog.", "It may send requests to every host below sentry.io on port 443 (encrypted)."}; !slices.Equal(p.Asks, want) {
		t.Errorf("asks %q", p.Asks)
	}
	approve(t, p, lock)

	p = v.verify(t, file, lock)
	wantReason(t, p, Approved)
	if p.Level != Partner || p.Signer != Signer(public.String()) || p.Dir != v.Store.Path(p.Hash) || p.Argv[0] != filepath.Join(p.Dir, "sentry") {
		t.Errorf("got %+v", p)
	}
	if info, err := os.Stat(p.Argv[0]); err != nil || info.Mode().Perm() != 0o555 {
		t.Errorf("the program: %v %v", info, err)
	}
	if info, err := os.Stat(p.Dir); err != nil || info.Mode().Perm() != 0o555 {
		t.Errorf("the folder: %v %v", info, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v.verify(t, "", lock), Approved) // from the store, without the package
}

func TestVerify_RunsALocalBuildOfExactlyTheApprovedContent(t *testing.T) {
	v, lock, dir := newVerifier(t), &Lock{}, sentryFolder(t)
	p := v.verify(t, dir, lock)
	wantReason(t, p, NeedsApproval, "signed by no key that the host trusts")
	approve(t, p, lock)
	if p = v.verify(t, dir, lock); p.Level != Local || p.Signer != LocalSigner {
		t.Errorf("got %+v", p)
	}
	wantReason(t, p, Approved)

	write(t, filepath.Join(dir, "assets/logo.svg"), "<svg><script/></svg>")
	wantReason(t, v.verify(t, dir, lock), NeedsApproval, "Its content has changed since it was approved", "signed by no key")
}

func TestVerify_AsksAgainWhenAPluginWantsMore(t *testing.T) {
	public, private := newKey(t)
	v := newVerifier(t, TrustedKey{IDs: "acme-sentry", Key: public, Level: Partner})
	dir, lock := sentryFolder(t), &Lock{}
	approve(t, v.verify(t, pack(t, dir, private), lock), lock)

	write(t, filepath.Join(dir, "plugin.yaml"), strings.NewReplacer("1.4.0", "1.5.0", "[read]", "[read, refresh]", "run:", "provides: {http: {unauthenticated: [/hook]}}\nrun:").Replace(plain))
	p := v.verify(t, pack(t, dir, private), lock)
	wantReason(t, p, NeedsApproval, "Version 1.5.0 was not approved yet; approved is 1.4.0.", "It asks for more than was approved.")
	want := []string{"It may ask the catalog to read entities again.", "Anybody may call /api/acme-sentry/hook and what is below it, without signing in."}
	if !slices.Equal(p.Asks, want) {
		t.Errorf("asks %q", p.Asks)
	}
}

func TestVerify_RefusesOtherContentUnderAReleasedVersion(t *testing.T) {
	public, private := newKey(t)
	v := newVerifier(t, TrustedKey{IDs: "*", Key: public, Level: Official})
	dir, lock := sentryFolder(t), &Lock{}
	approve(t, v.verify(t, pack(t, dir, private), lock), lock)
	write(t, filepath.Join(dir, "assets/logo.svg"), "<svg>2</svg>")
	wantReason(t, v.verify(t, pack(t, dir, private), lock), Rejected, "plugin acme-sentry", "a released version does not change")
}

func TestVerify_TrustsAKeyForItsIdsOnly(t *testing.T) {
	public, private := newKey(t)
	v := newVerifier(t, TrustedKey{IDs: "other-*", Key: public, Level: Partner})
	wantReason(t, v.verify(t, pack(t, sentryFolder(t), private), &Lock{}), NeedsApproval, "signed by no key that the host trusts for this id")
}

func TestVerify_NoticesWhenTheSignerChanges(t *testing.T) {
	public, private := newKey(t)
	v, dir, lock := newVerifier(t, TrustedKey{IDs: "*", Key: public, Level: Partner}), sentryFolder(t), &Lock{}
	approve(t, v.verify(t, pack(t, dir, private), lock), lock)
	v.Keys = nil
	wantReason(t, v.verify(t, dir, lock), NeedsApproval, "now has none that the host trusts")

	other, otherPrivate := newKey(t)
	v.Keys = []TrustedKey{{IDs: "*", Key: other, Level: Partner}}
	wantReason(t, v.verify(t, pack(t, dir, otherPrivate), lock), NeedsApproval, "It is signed by the key "+other.String()+"; approved was "+public.String())
}

func TestVerify_RefusesASignatureThatIsNotOverThisContent(t *testing.T) {
	public, private := newKey(t)
	v, dir := newVerifier(t, TrustedKey{IDs: "*", Key: public, Level: Partner}), sentryFolder(t)
	if _, err := SignFolder(t.Context(), dir, private); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "sentry"), "#!/bin/sh\nrm -rf /\n")
	wantReason(t, v.verify(t, dir, &Lock{}), Rejected, filepath.Join(dir, "sentry"), "has been changed: its SHA-256 is not the one in checksums")

	write(t, filepath.Join(dir, "checksums"), string(sums(t, dir).Text()))
	wantReason(t, v.verify(t, dir, &Lock{}), Rejected, "plugin acme-sentry", "checksums.minisig is not a signature of the key "+public.String())
}

func TestVerify_RefusesWhatTheHostCannotRun(t *testing.T) {
	for name, c := range map[string]struct {
		edit, want string
		verdict    Verdict
	}{
		"other id":       {"id: acme-sentry=>id: acme-other", `id: is "acme-other", and the host is configured for "acme-sentry"`, Rejected},
		"other platform": {"linux-amd64=>plan9-mips", "run: has no binary for linux-amd64", Rejected},
		"newer protocol": {"title:=>protocol: '>=7'\ntitle:", `asks for protocol ">=7", and this host speaks 1`, Rejected},
		"newer host":     {"title:=>requires: {callboard: '>=9'}\ntitle:", `asks for Callboard ">=9", and this is 1.2.3`, Rejected},
		"bad manifest":   {"title:=>titel:", `unknown key "titel"; did you mean "title"?`, Broken},
		"no program":     {"./sentry=>./sentri", `plugin.yaml names the file "sentri", which is not part of the plugin`, Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			v, lock := newVerifier(t), &Lock{}
			v.HostVersion = "1.2.3"
			from, to, _ := strings.Cut(c.edit, "=>")
			dir := folder(t, map[string]string{"plugin.yaml": strings.Replace(plain, from, to, 1), "sentry*": "x"})
			p := v.verify(t, dir, lock)
			if p.Verdict == NeedsApproval {
				lock.Approve(p.ID, p.Approval())
				p = v.verify(t, dir, lock)
			}
			wantReason(t, p, c.verdict, c.want)
		})
	}
}

func TestVerify_DevelopmentTrustsTheFolderAsItIs(t *testing.T) {
	v, dir := newVerifier(t), sentryFolder(t)
	p, err := v.Verify(t.Context(), "acme-sentry", Source{Path: dir, Development: true}, &Lock{})
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, p, Approved)
	if p.Level != Development || p.Dir != dir || p.Hash != "" {
		t.Errorf("got %+v", p)
	}
}

func TestStore_ManyCallersAddTheSameContent(t *testing.T) {
	v, lock := newVerifier(t), &Lock{}
	file := pack(t, sentryFolder(t))
	approve(t, v.verify(t, file, lock), lock)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if p, err := v.Verify(context.WithoutCancel(t.Context()), "", Source{Path: file}, lock); err != nil || p.Verdict != Approved {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(v.Store.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the store has %v, %v", entries, err)
	}
}

func TestStore_MakesADamagedContentAgain(t *testing.T) {
	v, lock, file := newVerifier(t), &Lock{}, pack(t, sentryFolder(t))
	approve(t, v.verify(t, file, lock), lock)
	p := v.verify(t, file, lock)
	write(t, filepath.Join(p.Dir, "sentry"), "#!/bin/sh\nevil\n")

	wantReason(t, v.verify(t, "", lock), Rejected, "sentry has been changed")
	wantReason(t, v.verify(t, file, lock), Approved)
	if text, err := os.ReadFile(p.Argv[0]); err != nil || string(text) != "#!/bin/sh\n" {
		t.Errorf("the program is %q, %v", text, err)
	}
}

func TestStore_SweepKeepsWhatIsUsed(t *testing.T) {
	v, lock, file := newVerifier(t), &Lock{}, pack(t, sentryFolder(t))
	approve(t, v.verify(t, file, lock), lock)
	p := v.verify(t, file, lock)
	later := time.Now().Add(2 * stagingAge)
	if err := v.Store.Sweep([]Hash{p.Hash}, later); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Store.Check(t.Context(), p.Hash); err != nil {
		t.Error(err)
	}
	if err := v.Store.Sweep(nil, later); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Dir); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestOpenProgram_RefusesAProgramThatWasExchanged(t *testing.T) {
	v, lock, dir := newVerifier(t), &Lock{}, sentryFolder(t)
	approve(t, v.verify(t, dir, lock), lock)
	p := v.verify(t, dir, lock)
	f, err := p.OpenProgram()
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	write(t, p.Argv[0], "evil")
	if _, err := p.OpenProgram(); err == nil || !strings.Contains(err.Error(), "plugin acme-sentry: sentry has been changed since it was verified") {
		t.Errorf("got %v", err)
	}
}

func TestPack_GivesTheSameBytesForTheSameFiles(t *testing.T) {
	a, b := sentryFolder(t), sentryFolder(t)
	write(t, filepath.Join(b, ".git/HEAD"), "not part of it")
	one, err := os.ReadFile(pack(t, a))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(pack(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("two packages of the same files differ")
	}
}

func TestFolder_RefusesLinksAndPipes(t *testing.T) {
	dir := sentryFolder(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "assets/passwd")); err != nil {
		t.Fatal(err)
	}
	wantReason(t, newVerifier(t).verify(t, dir, &Lock{}), Rejected, "assets/passwd is a symbolic link; a plugin consists of regular files")
}

// item is one entry of a hostile package.
type item struct {
	header tar.Header
	text   string
}

func hostile(t *testing.T, items ...item) string {
	t.Helper()
	var out bytes.Buffer
	compressed, err := zstd.NewWriter(&out, zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(compressed)
	for _, i := range items {
		if i.header.Typeflag == 0 {
			i.header.Typeflag = tar.TypeReg
		}
		if i.header.Typeflag == tar.TypeReg {
			i.header.Size = int64(len(i.text))
		}
		if err := archive.WriteHeader(&i.header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(i.text)); i.header.Typeflag == tar.TypeReg && err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hostile"+PackageSuffix)
	write(t, file, out.String())
	return file
}

func TestUnpack_RefusesHostilePackages(t *testing.T) {
	dir := sentryFolder(t)
	write(t, filepath.Join(dir, "zero"), strings.Repeat("\x00", 24<<20))
	big := sums(t, dir)
	if err := os.Remove(filepath.Join(dir, "zero")); err != nil {
		t.Fatal(err)
	}
	list := sums(t, dir)
	seal := item{tar.Header{Name: "checksums"}, string(list.Text())}
	about := item{tar.Header{Name: "plugin.yaml"}, plain}
	program := item{tar.Header{Name: "sentry", Mode: 0o755}, "#!/bin/sh\n"}
	logo := item{tar.Header{Name: "assets/logo.svg"}, "<svg/>"}

	for name, c := range map[string]struct {
		items []item
		want  string
	}{
		"changed file":          {[]item{seal, about, program, {tar.Header{Name: "assets/logo.svg"}, "<SVG/>"}}, "assets/logo.svg has been changed"},
		"changed manifest":      {[]item{seal, {tar.Header{Name: "plugin.yaml"}, plain + "#"}, program, logo}, "plugin.yaml has been changed"},
		"missing file":          {[]item{seal, about, program}, "assets/logo.svg is in checksums and not in the plugin"},
		"extra file":            {[]item{seal, about, program, logo, {tar.Header{Name: "more"}, "x"}}, "more is in the package and not in checksums"},
		"file twice":            {[]item{seal, about, program, program, logo}, "sentry is in the package twice"},
		"no checksums":          {[]item{about, program, logo}, "does not begin with checksums"},
		"manifest late":         {[]item{seal, program, about, logo}, "does not have plugin.yaml behind its signatures"},
		"path out of it":        {[]item{seal, about, {tar.Header{Name: "../../etc/cron.d/x"}, "x"}}, `"../../etc/cron.d/x" is not a path inside the plugin`},
		"absolute path":         {[]item{seal, about, {tar.Header{Name: "/etc/x"}, "x"}}, `"/etc/x" is not a path inside the plugin`},
		"symbolic link":         {[]item{seal, about, {tar.Header{Name: "sentry", Typeflag: tar.TypeSymlink, Linkname: "/bin/sh"}, ""}}, `"sentry" is not a regular file`},
		"hard link":             {[]item{seal, about, {tar.Header{Name: "sentry", Typeflag: tar.TypeLink, Linkname: "/bin/sh"}, ""}}, `"sentry" is not a regular file`},
		"device":                {[]item{seal, about, {tar.Header{Name: "sentry", Typeflag: tar.TypeChar}, ""}}, `"sentry" is not a regular file`},
		"folder":                {[]item{seal, about, {tar.Header{Name: "assets/", Typeflag: tar.TypeDir}, ""}}, `"assets/" is not a regular file`},
		"bomb":                  {[]item{{tar.Header{Name: "checksums"}, string(big.Text())}, about, program, logo, {tar.Header{Name: "zero"}, strings.Repeat("\x00", 24<<20)}}, "holds more than 100 times its size"},
		"signature of nonsense": {[]item{seal, {tar.Header{Name: "checksums.minisig"}, "hello"}, about, program, logo}, "checksums.minisig is not a signature of minisign"},
		"checksums out of form": {[]item{{tar.Header{Name: "checksums"}, strings.ToUpper(string(list.Text()))}, about, program, logo}, "checksums is not in the form"},
	} {
		t.Run(name, func(t *testing.T) {
			v, file := newVerifier(t), hostile(t, c.items...)
			lock := &Lock{}
			p := v.verify(t, file, lock)
			if p.Verdict == NeedsApproval {
				lock.Approve(p.ID, p.Approval())
				p = v.verify(t, file, lock)
			}
			wantReason(t, p, Rejected, file, c.want)
			if entries, err := os.ReadDir(v.Store.dir); err != nil || len(entries) != 0 {
				t.Errorf("it left %v in the store, %v", entries, err)
			}
		})
	}
	for name, text := range map[string]string{"nothing": "", "noise": "\x28\xb5\x2f\xfdnoise", "cut": cut(t, pack(t, dir))} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x"+PackageSuffix)
			write(t, file, text)
			v, lock := newVerifier(t), &Lock{}
			p := v.verify(t, file, lock)
			if p.Verdict == NeedsApproval {
				lock.Approve(p.ID, p.Approval())
				p = v.verify(t, file, lock)
			}
			wantReason(t, p, Rejected, file+" is not a whole package")
		})
	}
}

func cut(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data[:len(data)-20])
}
