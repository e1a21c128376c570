package config

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Config is one immutable, merged configuration. The only thing that changes is the list of problems that its sections
// find while they are read.
type Config struct {
	root  *node
	files []string
	notes []*Problem

	mu       sync.Mutex
	problems []*Problem
}

// Options say where configuration comes from.
type Options struct {
	// Files are the --config arguments in order, later wins. Empty = app-config.yaml and its variants in Dir.
	Files []string
	// Dir is the directory that relative paths start from; "" = the working directory.
	Dir string
	// Env is the environment as os.Environ returns it.
	Env []string
}

// Load reads and merges everything. Errors name file, line and key.
func Load(ctx context.Context, o Options) (*Config, error) {
	c, _, err := load(ctx, o)
	return c, err
}

// load also returns the files that the configuration depends on when it fails, so that a repaired file is noticed.
func load(ctx context.Context, o Options) (*Config, []string, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("find the working directory: %w", err)
	}
	l := &loader{dir: dir, env: newEnvironment(o.Env)}
	targets, err := l.targets(o.Files)
	if err != nil {
		return nil, l.files, err
	}
	var merged *node
	var errs []error
	for _, path := range targets {
		if err := ctx.Err(); err != nil {
			return nil, l.files, err
		}
		n, err := l.load(path)
		if err != nil {
			errs = append(errs, err)
		}
		merged = merge(merged, n)
	}
	n, err := envNode(o.Env)
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, l.files, errors.Join(errs...)
	}
	c := newConfig(merge(merged, n))
	c.files, c.notes = l.files, l.notes
	return c, l.files, nil
}

func newConfig(root *node) *Config {
	if root == nil {
		root = newObject(Position{})
	}
	return &Config{root: prune(root)}
}

// FromValue is a Config made of one JSON-shaped value, for tests.
func FromValue(v map[string]any) *Config {
	return newConfig(nodeOf(v, Position{File: "value"}))
}

// FromYAML is a Config made of one YAML text, for tests; it panics when the text is not YAML. Variables and includes
// are not resolved.
func FromYAML(text string) *Config {
	n, err := parseYAML([]byte(text), "yaml")
	if err != nil {
		panic("config: " + err.Error())
	}
	if n != nil && n.kind != objectKind {
		panic("config: the text is not an object")
	}
	return newConfig(n)
}

// Root is the whole configuration as a section.
func (c *Config) Root() *Section { return &Section{config: c, node: c.root} }

// Section is Root().Section(path).
func (c *Config) Section(path string) *Section { return c.Root().Section(path) }

// Err is every problem that the sections of c have found so far, one line each, or nil.
func (c *Config) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return joinProblems(c.problems)
}

// Files lists the files that c was read from, in order, included ones too. They are absolute.
func (c *Config) Files() []string { return append([]string(nil), c.files...) }

// Equal reports whether both configurations hold the same values.
func (c *Config) Equal(o *Config) bool { return c.root.equal(o.root) }

func (c *Config) report(at Position, key, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.problems {
		if p.At == at && p.Key == key && p.Message == message {
			return
		}
	}
	c.problems = append(c.problems, &Problem{At: at, Key: key, Message: message})
}

// loader reads the files of one configuration.
type loader struct {
	dir   string
	env   environment
	files []string
	notes []*Problem

	nodes, includes int
}

// targets are the absolute paths of the files to read. Without arguments: app-config.yaml, which must exist, then the
// variants of each environment in BACKSTAGE_ENV, then the local ones, as far as they exist.
func (l *loader) targets(arguments []string) ([]string, error) {
	var paths []string
	for _, argument := range arguments {
		if u, err := url.Parse(argument); err == nil && u.Scheme != "" && u.Host != "" {
			return nil, fmt.Errorf("--config %s: configuration is read from files only; fetch it to a file first", u.Redacted())
		}
		paths = append(paths, resolve(l.dir, argument))
	}
	if len(paths) > 0 {
		return paths, nil
	}
	names := []string{"app-config.local.yaml"}
	environments := l.environments()
	for i, name := range environments {
		names = append(names[:i], append([]string{"app-config." + name + ".yaml"}, names[i:]...)...)
	}
	for _, name := range environments {
		names = append(names, "app-config."+name+".local.yaml")
	}
	paths = []string{resolve(l.dir, "app-config.yaml")}
	for _, name := range names {
		path := resolve(l.dir, name)
		if _, err := os.Stat(path); err != nil {
			// It may be created later, which a follower wants to know.
			l.files = append(l.files, path)
			continue
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (l *loader) environments() []string {
	var names []string
	value, _ := l.env.lookup("BACKSTAGE_ENV")
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// load reads one file, nil when it is empty.
func (l *loader) load(path string) (*node, error) {
	content, err := l.read(path)
	if err != nil {
		return nil, &Problem{At: Position{File: l.display(path)}, Message: err.Error()}
	}
	parsed, err := parseYAML(content, l.display(path))
	if err != nil || parsed == nil {
		return nil, err
	}
	n, err := l.transform(parsed, "", place{dir: filepath.Dir(path), chain: []string{path + "#"}}, 0)
	if err != nil {
		return nil, err
	}
	if n == nil || n.kind != objectKind {
		return nil, &Problem{At: parsed.at, Message: "the file must hold an object of keys and values"}
	}
	return n, nil
}

func (l *loader) warn(at Position, key, message string) {
	l.notes = append(l.notes, &Problem{Severity: Warning, At: at, Key: key, Message: message})
}

// display is how messages name a file: relative to the directory when it is in it.
func (l *loader) display(path string) string {
	if relative, err := filepath.Rel(l.dir, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}
