package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// maxSocketPath is what a unix socket's address holds on every system, with its final zero.
const maxSocketPath = 103

// systemPath is where programs are found.
var systemPath = []string{"/usr/bin", "/bin"}

// prepare makes folders, finds the program, chooses the user and writes the environment. Nothing runs yet.
func prepare(s Spec) (*Process, error) {
	fail := func(reason, hint string, err error) (*Process, error) {
		return nil, &StartError{Plugin: s.ID, Stage: StagePrepare, Reason: reason, Hint: hint, Err: err}
	}
	for what, path := range map[string]*string{"code": &s.Dir, "runtime": &s.RuntimeDir, "data": &s.DataDir} {
		if *path == "" {
			return fail("no "+what+" folder is given", "", nil)
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fail("the "+what+" folder has no absolute path", "", err)
		}
		*path = absolute
	}
	if longest := filepath.Join(s.RuntimeDir, SocketEgress); len(longest) > maxSocketPath {
		return fail(fmt.Sprintf("the path %s is too long for a unix socket (%d bytes, %d are possible)", longest, len(longest), maxSocketPath),
			"use a shorter folder for run-time files", nil)
	}
	program, err := findProgram(s)
	if err != nil {
		return fail(err.Error(), program.hint, err)
	}
	p := &Process{spec: s, exited: make(chan struct{})}
	p.command = sandbox.Command{
		Self: s.Self, Argv: s.Argv, Path: program.path, Program: program.file, Dir: s.Dir, Policy: policyOf(s, program),
	}
	if err := p.chooseOwner(program); err != nil {
		program.close()
		return fail(err.Error(), "", err)
	}
	p.command.Env = environment(s, p.command.Policy)
	if p.output, err = newOutput(s); err != nil {
		program.close()
		return fail("no pipes can be made for its output: "+err.Error(), "", err)
	}
	p.output.closing = program.close
	if p.conn, err = p.newConn(); err != nil {
		p.never()
		return fail("no client can be made for it: "+err.Error(), "", err)
	}
	p.command.Stdout, p.command.Stderr = p.output.stdoutChild, p.output.stderrChild
	p.joinGroup()
	return p, nil
}

// joinGroup makes a control group, named like the start's runtime folder, if the host was given a part of the tree.
func (p *Process) joinGroup() {
	name := filepath.Base(p.spec.RuntimeDir)
	group, note := sandbox.NewGroup(name, p.spec.Limits)
	if group != nil {
		p.group, p.command.Cgroup = group, group.FD()
	}
	if note != "" {
		p.command.Notes = append(p.command.Notes, note)
	}
}

// program is what will be executed.
type program struct {
	path string
	// file is the opened program; nil = it is executed by its path, as an interpreter or a script, whose interpreter would
	// not find a descriptor that is closed on exec.
	file   *os.File
	opened bool // by findProgram, so close it
	// folders that it needs beside the system's.
	folders []string
	hint    string
}

func (p program) close() {
	if p.opened {
		p.file.Close()
	}
}

func findProgram(s Spec) (program, error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return program{}, errors.New("there is no command to run")
	}
	if !strings.Contains(s.Argv[0], "/") {
		return findInterpreter(s)
	}
	path := s.Argv[0]
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	file, opened := s.Program, false
	if file == nil {
		f, err := os.Open(path)
		if err != nil {
			return program{hint: "build the plugin first, or correct run in plugin.yaml"}, fmt.Errorf("its program cannot be opened: %w", err)
		}
		file, opened = f, true
	}
	found := program{path: path, file: file, opened: opened}
	info, err := file.Stat()
	switch {
	case err != nil:
		found.close()
		return program{}, fmt.Errorf("its program cannot be looked at: %w", err)
	case !info.Mode().IsRegular():
		found.close()
		return program{}, fmt.Errorf("%s is not a regular file", path)
	case info.Mode()&0o111 == 0:
		found.close()
		return program{hint: "run chmod +x on it"}, fmt.Errorf("%s is not executable", path)
	}
	if isScript(file) {
		found.close()
		return program{path: path, folders: interpreterFolders(s.Interpreters)}, nil
	}
	return found, nil
}

func isScript(f *os.File) bool {
	var head [2]byte
	_, err := f.ReadAt(head[:], 0)
	return err == nil && string(head[:]) == "#!"
}

func findInterpreter(s Spec) (program, error) {
	for _, dir := range slices.Concat(systemPath, s.Interpreters) {
		path := filepath.Join(dir, s.Argv[0])
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return program{path: path, folders: interpreterFolders(s.Interpreters)}, nil
		}
	}
	return program{hint: "install it, or name a program of the plugin's own in plugin.yaml"},
		fmt.Errorf("the interpreter %q is not in %s", s.Argv[0], strings.Join(slices.Concat(systemPath, s.Interpreters), ", "))
}

// interpreterFolders are the folders themselves and, for …/bin, the installations around them.
func interpreterFolders(dirs []string) []string {
	var folders []string
	for _, dir := range dirs {
		if filepath.Base(dir) == "bin" && filepath.Dir(dir) != "/" {
			dir = filepath.Dir(dir)
		}
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			folders = append(folders, resolved)
		}
	}
	return folders
}

func policyOf(s Spec, found program) sandbox.Policy {
	policy := s.Policy
	if policy.Level == "" {
		policy.Level = sandbox.Auto
	}
	policy.Limits = s.Limits
	policy.ReadOnly = slices.Concat(policy.ReadOnly, []string{s.Dir}, found.folders)
	if strings.Contains(s.Argv[0], "/") {
		policy.ReadOnly = append(policy.ReadOnly, found.path)
	}
	policy.ReadWrite = append(slices.Clone(policy.ReadWrite), s.DataDir)
	policy.Sockets = append(slices.Clone(policy.Sockets), s.RuntimeDir)
	egress := filepath.Join(s.RuntimeDir, SocketEgress)
	if _, err := os.Stat(egress); err == nil && found.file == nil && policy.Forward == 0 && !policy.Network && policy.Level != sandbox.Off {
		policy.Forward = forwardPort
	}
	if policy.Forward != 0 {
		policy.EgressSocket = egress
	}
	return policy
}

// forwardPort is where interpreted programs find the egress proxy, in the network namespace of their own: HTTP clients of
// scripting languages take a proxy from the environment, and hardly any of them takes a unix socket. Programs of the
// plugin's own have the socket, through the SDK, and are spared the few megabytes of a launcher that stays.
const forwardPort = 3128

// chooseOwner makes the folders and gives them to a user of the plugin's own, if that user can get to them and to the code.
func (p *Process) chooseOwner(found program) error {
	s := p.spec
	for _, dir := range []string{s.RuntimeDir, s.DataDir} {
		// Plugins' users pass through what is above, and only there.
		err := os.MkdirAll(filepath.Dir(dir), 0o711) //nolint:gosec // see above
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		if err != nil {
			return fmt.Errorf("its folder %s cannot be made: %w", dir, err)
		}
	}
	owner := sandbox.OwnerOf(s.ID, p.command.Policy.Level)
	for _, path := range []string{s.Dir, found.path, filepath.Dir(s.RuntimeDir), filepath.Dir(s.DataDir)} {
		if obstacle, ok := owner.Reaches(path, path == s.Dir || path == found.path); !ok {
			p.command.Notes = append(p.command.Notes, "it runs as the host's user: "+obstacle+" is closed to others")
			owner = sandbox.Owner{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
			break
		}
	}
	for _, dir := range []string{s.RuntimeDir, s.DataDir} {
		if err := owner.Take(dir); err != nil {
			return fmt.Errorf("its folder %s cannot be given to its user: %w", dir, err)
		}
	}
	p.command.Owner = owner
	return openSockets(s.RuntimeDir)
}

// openSockets lets the plugin's user connect to the host's sockets. Nobody else gets into the folder, whose mode is 0700.
func openSockets(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSocket != 0 {
			if err := os.Chmod(filepath.Join(dir, e.Name()), 0o666); err != nil { //nolint:gosec // see above
				return err
			}
		}
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a folder, closed to others
}

// environment is all that the process gets, but for the list of protocols that go-plugin adds.
func environment(s Spec, policy sandbox.Policy) []string {
	env := []string{
		"PATH=" + strings.Join(slices.Concat(systemPath, s.Interpreters), ":"), "HOME=" + s.DataDir, "TMPDIR=" + s.DataDir, "LANG=C.UTF-8",
		CookieKey + "=" + CookieValue,
		"CALLBOARD_PLUGIN_ID=" + string(s.ID), "CALLBOARD_RUNTIME_DIR=" + s.RuntimeDir, "CALLBOARD_DATA_DIR=" + s.DataDir,
		// Nine tenths, so that a Go program collects before the watcher looks at it; whole cores, at least one.
		"GOMEMLIMIT=" + strconv.FormatInt(int64(s.Limits.Memory)/10*9, 10),
		"GOMAXPROCS=" + strconv.Itoa(max(1, int(math.Ceil(s.Limits.CPU)))),
	}
	if policy.Forward != 0 {
		proxy := "http://127.0.0.1:" + strconv.Itoa(int(policy.Forward))
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
			env = append(env, name+"="+proxy)
		}
	}
	return env
}

func discard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
