package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const lockText1 = lockHeader + `plugins:
  acme-cost:
    version: 2.0.0
    hashes:
      any: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2
    signer: local
  acme-sentry:
    version: 1.4.0
    hashes:
      linux-amd64: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1
    signer: RWTx5Zr1tiHQLwG9keckT0c45M3AGeHD6IvimQHpyRywVWGbP1aVSGav
    needs:
      catalog: [read]
      egress: ['https://*.sentry.io:443', 'settings:/url']
      storage:
        kv: 10MiB
      onBehalfOf: true
      limits:
        memory: 512MiB
        cpu: 0.5
        requestTimeout: 1m30s
    open:
      unauthenticated: [/hook]
      facades:
        sentry-old: /facades/old
`

func lock1() *Lock {
	return &Lock{Plugins: map[manifest.ID]Entry{
		"acme-cost": {Version: "2.0.0", Hashes: map[string]Hash{"any": Hash(strings.Repeat("a", 63) + "2")}, Signer: LocalSigner},
		"acme-sentry": {
			Version: "1.4.0", Hashes: map[string]Hash{"linux-amd64": Hash(strings.Repeat("a", 63) + "1")},
			Signer: "RWTx5Zr1tiHQLwG9keckT0c45M3AGeHD6IvimQHpyRywVWGbP1aVSGav",
			Needs: manifest.Needs{
				Catalog: []string{"read"}, Egress: []string{"https://*.sentry.io:443", "settings:/url"}, OnBehalfOf: true,
				Storage: manifest.Storage{KV: 10 << 20}, Limits: manifest.Limits{Memory: 512 << 20, CPU: 0.5, RequestTimeout: 90 * time.Second},
			},
			Open: manifest.HTTP{Unauthenticated: []string{"/hook"}, Facades: map[manifest.ID]string{"sentry-old": "/facades/old"}},
		},
	}}
}

func TestLock_IsWrittenAsItIsReadAndInOneOrder(t *testing.T) {
	text, err := lock1().Text()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lockText1, string(text)); diff != "" {
		t.Error(diff)
	}
	read, err := ParseLock("plugins.lock.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lock1(), read); diff != "" {
		t.Error(diff)
	}
}

func TestLock_NamesTheFileThePluginAndTheRule(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"hash":        {"hashes:\n      any: a", "hashes:\n      any: x", `plugin acme-cost: plugins.lock.yaml has "xaaaa`},
		"signer":      {"signer: local", "signer: me", `plugin acme-cost: plugins.lock.yaml has the signer "me": it must be a public key, or "local"`},
		"needs":       {"catalog: [read]", "catalogue: [read]", `plugins.lock.yaml:15: plugins.acme-sentry.needs: unknown key "catalogue"; did you mean "catalog"?`},
		"unknown key": {"signer: local", "signers: local", "plugins.lock.yaml is not a lock file"},
		"reserved id": {"acme-cost:", "catalog:", `plugin catalog: plugins.lock.yaml names it: an id "catalog" is a name of the host itself`},
		"no hash":     {"hashes:\n      any: " + strings.Repeat("a", 63) + "2\n", "hashes: {}\n", "plugin acme-cost: plugins.lock.yaml has no hash of it"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(lockText1, c.from) {
				t.Fatalf("%q is not in the text", c.from)
			}
			_, err := ParseLock("plugins.lock.yaml", []byte(strings.Replace(lockText1, c.from, c.to, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadLock_ApprovesNothingWithoutAFile(t *testing.T) {
	for _, text := range []string{"", lockHeader, "plugins:\n"} {
		file := filepath.Join(t.TempDir(), LockFile)
		write(t, file, text)
		if lock, err := ReadLock(file); err != nil || len(lock.Plugins) != 0 {
			t.Errorf("%q: %v, %v", text, lock, err)
		}
	}
	if lock, err := ReadLock(filepath.Join(t.TempDir(), LockFile)); err != nil || len(lock.Plugins) != 0 {
		t.Errorf("%v, %v", lock, err)
	}
}

func TestUpdate_LosesNoApprovalOfWritersAtTheSameTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), LockFile)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			err := Update(file, func(l *Lock) error {
				l.Approve(manifest.ID(fmt.Sprintf("p%d", i)), Entry{Version: "1.0.0", Hashes: map[string]Hash{"any": Hash(strings.Repeat("a", 64))}, Signer: LocalSigner})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	lock, err := ReadLock(file)
	if err != nil || len(lock.Plugins) != 16 {
		t.Errorf("%d plugins, %v", len(lock.Plugins), err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("writers left %v, %v", entries, err)
	}
}

func TestApprove_KeepsOtherPlatformsOfTheSameVersion(t *testing.T) {
	lock, a, b := lock1(), Hash(strings.Repeat("a", 63)+"1"), Hash(strings.Repeat("b", 64))
	e := lock.Plugins["acme-sentry"]
	e.Hashes = map[string]Hash{"linux-arm64": b}
	lock.Approve("acme-sentry", e)
	if diff := cmp.Diff(map[string]Hash{"linux-amd64": a, "linux-arm64": b}, lock.Plugins["acme-sentry"].Hashes); diff != "" {
		t.Error(diff)
	}
	e.Version, e.Hashes = "1.5.0", map[string]Hash{"linux-arm64": b}
	lock.Approve("acme-sentry", e)
	if got := lock.Plugins["acme-sentry"].Hashes; len(got) != 1 {
		t.Errorf("hashes of the old version stayed: %v", got)
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte(lockText1))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := ParseLock("lock", data)
		if err != nil {
			return
		}
		text, err := lock.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseLock("lock", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(lock, again); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzParseChecksums(f *testing.F) {
	f.Add([]byte(strings.Repeat("0", 64) + "  plugin.yaml\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sums, err := ParseChecksums(data)
		if err == nil && string(sums.Text()) != string(data) {
			t.Errorf("%q is read as %q", data, sums.Text())
		}
	})
}
