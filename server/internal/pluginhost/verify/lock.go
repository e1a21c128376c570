package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"aead.dev/minisign"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// LockFile is the usual name of the lock file. It belongs beside app-config.yaml, under version control: its history says
// who let which plugin do what.
const LockFile = "plugins.lock.yaml"

const lockHeader = `# What may run on this host, and what each plugin may do. Written by "callboard plugin install" and by approvals in the
# console; keep it under version control and review its changes.
`

// Lock is a lock file: what was approved, by plugin.
type Lock struct{ Plugins map[manifest.ID]Entry }

// Entry is the approval of one plugin.
type Entry struct {
	Version string
	// Hashes are the approved contents by platform ("linux-amd64", or "any" for plugins that are started by a command),
	// since each platform has a package of its own.
	Hashes map[string]Hash
	Signer Signer
	Needs  manifest.Needs
	// Open are the routes that were approved for callers without full credentials.
	Open manifest.HTTP
}

// ReadLock reads a lock file; one that does not exist approves nothing.
func ReadLock(file string) (*Lock, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &Lock{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read lock file: %w", err)
	}
	return ParseLock(file, data)
}

// lockText, entryText: the shape of the file. Needs are read by package manifest, with its own strictness.
type lockText struct {
	Plugins map[manifest.ID]entryText `yaml:"plugins"`
}

type entryText struct {
	Version string          `yaml:"version"`
	Hashes  map[string]Hash `yaml:"hashes"`
	Signer  Signer          `yaml:"signer"`
	Needs   yaml.Node       `yaml:"needs,omitempty"`
	Open    openText        `yaml:"open,omitempty"`
}

type openText struct {
	Unauthenticated []string `yaml:"unauthenticated,omitempty,flow"`
	UserCookie      []string `yaml:"userCookie,omitempty,flow"`

	Facades map[manifest.ID]string `yaml:"facades,omitempty"`
}

func (o openText) http() manifest.HTTP {
	return manifest.HTTP{Unauthenticated: o.Unauthenticated, UserCookie: o.UserCookie, Facades: o.Facades}
}

// ParseLock reads the text of a lock file. name is what errors call it.
func ParseLock(name string, data []byte) (*Lock, error) {
	var text lockText
	in := yaml.NewDecoder(bytes.NewReader(data))
	in.KnownFields(true)
	if err := in.Decode(&text); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is not a lock file: %w", name, err)
	}
	lock := &Lock{Plugins: map[manifest.ID]Entry{}}
	for id, e := range text.Plugins {
		entry, err := e.entry(name, id)
		if err != nil {
			return nil, err
		}
		lock.Plugins[id] = entry
	}
	return lock, nil
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (e entryText) entry(file string, id manifest.ID) (Entry, error) {
	fail := func(format string, args ...any) (Entry, error) {
		return Entry{}, &Refusal{Plugin: id, File: file, Rule: fmt.Sprintf(format, args...)}
	}
	entry := Entry{Version: e.Version, Hashes: e.Hashes, Signer: e.Signer, Open: e.Open.http()}
	if err := id.Check(); err != nil {
		return fail("names it: an id %v", err)
	}
	if len(e.Hashes) == 0 {
		return fail("has no hash of it")
	}
	for platform, hash := range e.Hashes {
		if !hashForm.MatchString(string(hash)) {
			return fail("has %q for %s: a hash is 64 hexadecimal digits", excerpt.Short(string(hash)), excerpt.Short(platform))
		}
	}
	if e.Signer != LocalSigner {
		var key minisign.PublicKey
		if err := key.UnmarshalText([]byte(e.Signer)); err != nil {
			return fail("has the signer %q: it must be a public key, or \"local\"", excerpt.Short(string(e.Signer)))
		}
	}
	if e.Needs.Kind != 0 {
		needs, err := manifest.DecodeNeeds(file, "plugins."+string(id)+".needs", &e.Needs)
		if err != nil {
			return Entry{}, err
		}
		entry.Needs = needs
	}
	return entry, nil
}

// Text is the content of the lock file: the same approvals always give the same bytes.
func (l *Lock) Text() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(lockHeader)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	// The YAML package writes maps in the order of their keys.
	text := struct {
		Plugins map[manifest.ID]entryOut `yaml:"plugins"`
	}{map[manifest.ID]entryOut{}}
	for id, e := range l.Plugins {
		text.Plugins[id] = entryOut{
			Version: e.Version, Hashes: e.Hashes, Signer: e.Signer, Needs: e.Needs,
			Open: openText{e.Open.Unauthenticated, e.Open.UserCookie, e.Open.Facades},
		}
	}
	if err := enc.Encode(text); err != nil {
		return nil, fmt.Errorf("write lock file: %w", err)
	}
	return out.Bytes(), enc.Close()
}

type entryOut struct {
	Version string          `yaml:"version"`
	Hashes  map[string]Hash `yaml:"hashes"`
	Signer  Signer          `yaml:"signer"`
	Needs   manifest.Needs  `yaml:"needs,omitempty"`
	Open    openText        `yaml:"open,omitempty"`
}

// Write replaces the file at once or not at all: a host that reads it meanwhile sees the old approvals or the new ones.
func (l *Lock) Write(file string) error {
	text, err := l.Text()
	if err != nil {
		return err
	}
	if err := replaceFile(file, text, 0o644); err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	return nil
}

func replaceFile(file string, text []byte, mode fs.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// Update reads the file, lets change alter it and writes it, while no other Update of the same file does.
func Update(file string, change func(l *Lock) error) error {
	release, err := exclude(file)
	if err != nil {
		return fmt.Errorf("lock %s against other writers: %w", file, err)
	}
	defer release()
	lock, err := ReadLock(file)
	if err != nil {
		return err
	}
	if err := change(lock); err != nil {
		return err
	}
	return lock.Write(file)
}

// Approve records an approval. Hashes of other platforms stay when they are of the same version and signer.
func (l *Lock) Approve(id manifest.ID, e Entry) {
	old, ok := l.Plugins[id]
	if ok && old.Version == e.Version && old.Signer == e.Signer {
		hashes := maps.Clone(old.Hashes)
		maps.Copy(hashes, e.Hashes)
		e.Hashes = hashes
	}
	if l.Plugins == nil {
		l.Plugins = map[manifest.ID]Entry{}
	}
	l.Plugins[id] = e
}

// IDs are the approved plugins in order.
func (l *Lock) IDs() []manifest.ID { return slices.Sorted(maps.Keys(l.Plugins)) }

// lockWait is how long a writer waits for another, who needs milliseconds.
const lockWait = 10 * time.Second
