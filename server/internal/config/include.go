package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// includeKey is the directive ($env, $file, $include) in an object, "" when there is none.
func includeKey(n *node) string {
	for _, key := range n.keys {
		if key == "$env" || key == "$file" || key == "$include" {
			return key
		}
	}
	return ""
}

// include replaces an object of one directive by what the directive names.
func (l *loader) include(n *node, directive, key string, p place, depth int) (*node, error) {
	fail := func(format string, args ...any) error {
		return &Problem{At: n.at, Key: key, Message: fmt.Sprintf(format, args...)}
	}
	if len(n.keys) != 1 {
		others := slices.DeleteFunc(slices.Clone(n.keys), func(k string) bool { return k == directive })
		return nil, fail("%s stands alone in its object; remove %s", directive, strings.Join(others, ", "))
	}
	raw := n.fields[directive]
	if raw.kind != stringKind {
		return nil, fail("%s needs text, got %s", directive, raw.kind)
	}
	argument := l.env.substitute(raw.text)
	if len(argument.missing) > 0 {
		return nil, fail("%s %q: environment variable %s is not set", directive, raw.text, strings.Join(argument.missing, ", "))
	}
	switch directive {
	case "$env":
		return l.includeEnv(argument.text, n.at, key), nil
	case "$file":
		content, err := l.read(resolve(p.dir, argument.text))
		if err != nil {
			return nil, fail("$file %q: %v", argument.text, err)
		}
		return &node{kind: stringKind, text: strings.TrimRight(string(content), " \t\r\n\v\f"), at: n.at, secret: true}, nil
	default:
		return l.includeData(argument.text, n, key, p, depth)
	}
}

func (l *loader) includeEnv(name string, at Position, key string) *node {
	value, ok := l.env.lookup(name)
	if !ok {
		l.absent(at, key, []string{name})
		return nil
	}
	return &node{kind: stringKind, text: value, at: at, secret: true}
}

// includeData reads $include: file[#path], and transforms what it finds relative to that file.
func (l *loader) includeData(argument string, n *node, key string, p place, depth int) (*node, error) {
	fail := func(format string, args ...any) error {
		return &Problem{At: n.at, Key: key, Message: fmt.Sprintf("$include %q: ", argument) + fmt.Sprintf(format, args...)}
	}
	name, dataPath, _ := strings.Cut(argument, "#")
	path := resolve(p.dir, name)
	link := path + "#" + dataPath
	if slices.Contains(p.chain, link) {
		return nil, fail("includes itself (%s)", l.describeChain(append(p.chain, link)))
	}
	if l.includes++; l.includes > maxIncludes {
		return nil, fail("is one of more than %d includes", maxIncludes)
	}
	found, err := l.readData(path, name)
	if err != nil {
		return nil, fail("%v", err)
	}
	for i, part := range splitPath(dataPath) {
		if found == nil || found.kind != objectKind {
			return nil, fail("there is no object at '%s' in that file", strings.Join(splitPath(dataPath)[:i], "."))
		}
		found = found.fields[part]
	}
	if found == nil {
		l.warn(n.at, key, fmt.Sprintf("is absent because %q has no value at '%s'", name, dataPath))
		return nil, nil
	}
	return l.transform(found, key, place{dir: filepath.Dir(path), chain: append(slices.Clip(p.chain), link)}, depth+1)
}

func (l *loader) readData(path, name string) (*node, error) {
	parse := parseYAML
	switch filepath.Ext(path) {
	case ".json":
		parse = parseJSON
	case ".yaml", ".yml":
	default:
		return nil, fmt.Errorf("only .json, .yaml and .yml files can be included, not %q", name)
	}
	content, err := l.read(path)
	if err != nil {
		return nil, err
	}
	return parse(content, l.display(path))
}

// read returns a file and remembers that the configuration depends on it, whether it exists or not.
func (l *loader) read(path string) ([]byte, error) {
	if !slices.Contains(l.files, path) {
		l.files = append(l.files, path)
	}
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("file %s does not exist", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", path)
	case info.Size() > maxFileSize:
		return nil, fmt.Errorf("%s is larger than %d MB", path, maxFileSize>>20)
	}
	return os.ReadFile(path)
}

func (l *loader) describeChain(chain []string) string {
	shown := make([]string, len(chain))
	for i, link := range chain {
		path, dataPath, _ := strings.Cut(link, "#")
		if shown[i] = l.display(path); dataPath != "" {
			shown[i] += "#" + dataPath
		}
	}
	return strings.Join(shown, " → ")
}

func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}
