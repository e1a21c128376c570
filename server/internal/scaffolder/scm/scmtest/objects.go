package scmtest

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" // git's names of objects
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// objects is one bare repository. It reads and writes loose objects; pushes are configured to leave no others.
type objects struct{ dir string }

func createObjects(dir, branch string) (objects, error) {
	for _, sub := range []string{"objects", "refs/heads"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return objects{}, err
		}
	}
	files := map[string]string{
		"HEAD":   "ref: refs/heads/" + branch + "\n",
		"config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[http]\n\treceivepack = true\n[transfer]\n\tunpackLimit = 1000000\n\tfsckObjects = true\n[gc]\n\tauto = 0\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return objects{}, err
		}
	}
	return objects{dir}, nil
}

func (o objects) write(kind string, content []byte) (string, error) {
	whole := append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...)
	sum := sha1.Sum(whole) //nolint:gosec // as git does
	id := hex.EncodeToString(sum[:])
	path := o.path(id)
	if _, err := os.Stat(path); err == nil {
		return id, nil
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(whole); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return id, os.WriteFile(path, packed.Bytes(), 0o400)
}

func (o objects) path(id string) string { return filepath.Join(o.dir, "objects", id[:2], id[2:]) }

var errNoObject = errors.New("no such object")

func (o objects) read(id, kind string) ([]byte, error) {
	if len(id) != 40 || strings.Trim(id, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("%w: %q", errNoObject, id)
	}
	f, err := os.Open(o.path(id))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNoObject, id)
	}
	defer f.Close()
	z, err := zlib.NewReader(f)
	if err != nil {
		return nil, err
	}
	whole, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	header, content, _ := bytes.Cut(whole, []byte{0})
	if got, _, _ := strings.Cut(string(header), " "); got != kind {
		return nil, fmt.Errorf("%w: %s is a %s, not a %s", errNoObject, id, got, kind)
	}
	return content, nil
}

// leaf is one file of a tree.
type leaf struct{ mode, id string }

// files are all files below a tree by path.
func (o objects) files(tree string) (map[string]leaf, error) {
	all := map[string]leaf{}
	return all, o.addFiles(all, "", tree)
}

func (o objects) addFiles(all map[string]leaf, prefix, tree string) error {
	rest, err := o.read(tree, "tree")
	if err != nil {
		return err
	}
	for len(rest) > 0 {
		header, after, ok := bytes.Cut(rest, []byte{0})
		mode, name, _ := strings.Cut(string(header), " ")
		if !ok || len(after) < 20 {
			return fmt.Errorf("tree %s is damaged", tree)
		}
		id := hex.EncodeToString(after[:20])
		rest = after[20:]
		if mode == "40000" {
			if err := o.addFiles(all, prefix+name+"/", id); err != nil {
				return err
			}
			continue
		}
		all[prefix+name] = leaf{mode, id}
	}
	return nil
}

// writeTree stores files as trees.
func (o objects) writeTree(files map[string]leaf) (string, error) {
	type line struct{ name, mode, id string }
	below, lines := map[string]map[string]leaf{}, []line{}
	for path, f := range files {
		folder, rest, deep := strings.Cut(path, "/")
		if !deep {
			lines = append(lines, line{path, f.mode, f.id})
			continue
		}
		if below[folder] == nil {
			below[folder] = map[string]leaf{}
		}
		below[folder][rest] = f
	}
	for folder, files := range below {
		id, err := o.writeTree(files)
		if err != nil {
			return "", err
		}
		lines = append(lines, line{folder, "40000", id})
	}
	sortName := func(l line) string {
		if l.mode == "40000" {
			return l.name + "/"
		}
		return l.name
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(sortName(a), sortName(b)) })
	var b bytes.Buffer
	for _, l := range lines {
		id, err := hex.DecodeString(l.id)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s %s\x00%s", l.mode, l.name, id)
	}
	return o.write("tree", b.Bytes())
}

func (o objects) writeCommit(tree string, parents []string, author, message string) (string, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", tree)
	for _, p := range parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s 1700000000 +0000\ncommitter %s 1700000000 +0000\n\n%s", author, author, message)
	return o.write("commit", b.Bytes())
}

// commitInfo is what a commit says.
type commitInfo struct {
	tree, author, message string
	parents               []string
}

func (o objects) commit(id string) (commitInfo, error) {
	text, err := o.read(id, "commit")
	if err != nil {
		return commitInfo{}, err
	}
	header, message, _ := strings.Cut(string(text), "\n\n")
	c := commitInfo{message: message}
	for line := range strings.Lines(header) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author = value
		}
	}
	return c, nil
}

// branch is the commit of a branch, "" = there is none.
func (o objects) branch(name string) string {
	text, err := os.ReadFile(filepath.Join(o.dir, "refs/heads", filepath.FromSlash(filepath.Clean("/"+name))))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (o objects) setBranch(name, id string) error {
	path := filepath.Join(o.dir, "refs/heads", filepath.FromSlash(filepath.Clean("/"+name)))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(id+"\n"), 0o600)
}

func (o objects) branches() []string {
	root := filepath.Join(o.dir, "refs/heads")
	var names []string
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(root, path)
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	return names
}

// commitOn puts a commit of files on top of a branch.
func (o objects) commitOn(branch string, files map[string]leaf, author, message string) (string, error) {
	tree, err := o.writeTree(files)
	if err != nil {
		return "", err
	}
	var parents []string
	if parent := o.branch(branch); parent != "" {
		parents = []string{parent}
	}
	id, err := o.writeCommit(tree, parents, author, message)
	if err != nil {
		return "", err
	}
	return id, o.setBranch(branch, id)
}

// filesOf are the files of a branch or commit.
func (o objects) filesOf(ref string) (map[string]leaf, error) {
	if id := o.branch(ref); id != "" {
		ref = id
	}
	c, err := o.commit(ref)
	if err != nil {
		return nil, err
	}
	return o.files(c.tree)
}

// texts are the texts of a branch by path, executable ones and links with their mode behind a blank.
func (o objects) texts(branch string) (map[string]string, error) {
	files, err := o.filesOf(branch)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for path, f := range files {
		content, err := o.read(f.id, "blob")
		if err != nil {
			return nil, err
		}
		if f.mode != "100644" {
			path += " " + f.mode
		}
		texts[path] = string(content)
	}
	return texts, nil
}
