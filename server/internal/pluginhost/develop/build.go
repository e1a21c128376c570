package develop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Builder makes a plugin's program.
type Builder struct {
	// Dir is the plugin's folder, where Argv runs. nil = there is nothing to build, as for scripts.
	Dir  string
	Argv []string
	Env  []string // nil = that of this process
}

// GoBuilder builds the Go package in dir to program, if there is one.
func GoBuilder(dir, program string) Builder {
	b := Builder{Dir: dir}
	if program == "" || !holdsGo(dir) {
		return b
	}
	b.Argv = []string{"go", "build", "-o", program, "."}
	return b
}

func holdsGo(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	return err == nil && len(files) > 0
}

// maxOutput is how much of a compiler's output is kept.
const maxOutput = 64 << 10

// Result is how a build went.
type Result struct {
	Took time.Duration
	// Output is what the compiler said; Err why there is no program.
	Output string
	Err    error
}

// Build runs the compiler, without a shell.
func (b Builder) Build(ctx context.Context) Result {
	if len(b.Argv) == 0 {
		return Result{}
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, b.Argv[0], b.Argv[1:]...) //nolint:gosec // the author's own command
	cmd.Dir, cmd.Env = b.Dir, b.Env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out limited
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	r := Result{Took: time.Since(began), Output: strings.TrimSpace(out.text.String())}
	if err == nil {
		return r
	}
	r.Err = fmt.Errorf("%s: %w", strings.Join(b.Argv, " "), err)
	if errors.Is(err, exec.ErrNotFound) {
		r.Err = fmt.Errorf("%s is not in PATH; install it, or say how to build with --build", b.Argv[0])
	}
	if r.Output == "" {
		r.Output = r.Err.Error()
	}
	return r
}

// limited keeps the beginning: the first error is the one to look at.
type limited struct {
	text bytes.Buffer
	cut  bool
}

func (l *limited) Write(p []byte) (int, error) {
	if room := maxOutput - l.text.Len(); room < len(p) {
		l.text.Write(p[:max(room, 0)])
		if !l.cut {
			l.cut = true
			l.text.WriteString("\n…")
		}
		return len(p), nil
	}
	return l.text.Write(p)
}
