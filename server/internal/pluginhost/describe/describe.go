// Package describe asks a plugin's program what it is, without a host: the program prints a DescribeResponse as JSON and
// exits. It is for authors' tools, which run programs of the folder that the author works in. The host asks over the
// protocol instead, in the sandbox.
package describe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const (
	// An interpreter with many imports on a busy machine needs a few seconds.
	patience  = 20 * time.Second
	maxAnswer = 4 << 20
	maxNoise  = 64 << 10
	hostPath  = "/usr/bin:/bin"
)

// Run starts the program of m with CALLBOARD_DESCRIBE=1 and reads its answer. An interpreter is looked for where the host
// looks, and then on path, the caller's PATH. The environment is that of a plugin: nothing of the caller's gets in.
func Run(ctx context.Context, m *manifest.Manifest, argv []string, path string) (*pluginv1.DescribeResponse, error) {
	program, err := find(argv[0], path)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", m.ID, err)
	}
	home, err := os.MkdirTemp("", "cb")
	if err != nil {
		return nil, fmt.Errorf("describe plugin %s: %w", m.ID, err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, argv[1:]...) //nolint:gosec // the author runs what is in the author's folder
	stdout, stderr := &clipped{most: maxAnswer}, &clipped{most: maxNoise}
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.Dir, stdout, stderr
	cmd.Env = []string{
		"PATH=" + hostPath + ":" + filepath.Dir(program), "HOME=" + home, "TMPDIR=" + home, "LANG=C.UTF-8",
		"CALLBOARD_DESCRIBE=1", "CALLBOARD_PLUGIN_ID=" + string(m.ID), "CALLBOARD_DATA_DIR=" + home,
	}
	// A grandchild that keeps the streams open must not keep the caller.
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return nil, failure(ctx, m.ID, err, stderr.Bytes())
	}
	return parse(m.ID, stdout)
}

func find(program, path string) (string, error) {
	if strings.Contains(program, "/") {
		return filepath.Abs(program)
	}
	for _, dir := range filepath.SplitList(hostPath + ":" + path) {
		candidate := filepath.Join(dir, program)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && filepath.IsAbs(dir) {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("run.command: the interpreter %q is not on the PATH; install it", program)
}

func failure(ctx context.Context, id manifest.ID, err error, stderr []byte) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it did not answer within %s; with CALLBOARD_DESCRIBE=1 a plugin prints what it is and exits", patience)
	}
	if last := lastLines(stderr, 10); last != "" {
		return fmt.Errorf("describe plugin %s: %w; it printed:\n%s", id, err, last)
	}
	return fmt.Errorf("describe plugin %s: %w", id, err)
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func parse(id manifest.ID, out *clipped) (*pluginv1.DescribeResponse, error) {
	described := &pluginv1.DescribeResponse{}
	// A plugin of a newer SDK may say more than this program knows.
	err := protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(out.Bytes(), described)
	if err == nil && !out.cut {
		return described, nil
	}
	seen := excerpt.Of(strings.TrimSpace(out.String()), 200)
	return nil, fmt.Errorf("describe plugin %s: with CALLBOARD_DESCRIBE=1 it must print its description as JSON and nothing else; it printed %q", id, seen)
}

// clipped keeps the beginning of what is written and takes the rest without keeping it.
type clipped struct {
	bytes.Buffer

	most int
	cut  bool
}

func (c *clipped) Write(p []byte) (int, error) {
	keep := p[:min(len(p), max(0, c.most-c.Len()))]
	c.cut = c.cut || len(keep) < len(p)
	if _, err := c.Buffer.Write(keep); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom hides the one of bytes.Buffer, which knows no limit.
func (c *clipped) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}
