package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// The stories of authors of plugins and of those who install them. Beyond the commands of TestStories they know
//
//	tamper PACKAGE FILE TEXT   append TEXT to a file in a package, as somebody on the way might
//
// and the condition python-grpc. SDK is the SDK's folder; the Go toolchain has its caches.
func TestPluginStories(t *testing.T) {
	sdk, err := filepath.Abs(filepath.Join("..", "..", "..", "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	caches, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := strings.Fields(string(caches))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/plugin",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SDK", sdk)
			e.Setenv("GOCACHE", cache[0])
			e.Setenv("GOMODCACHE", cache[1])
			e.Setenv("GOPATH", cache[2])
			e.Setenv("GOFLAGS", "-mod=readonly")
			e.Setenv("GOWORK", "off")
			e.Setenv("PLATFORM", runtime.GOOS+"_"+runtime.GOARCH)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "python-grpc" {
				return false, errors.New("unknown condition")
			}
			return exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import grpc, google.protobuf").Run() == nil, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"tamper": tamper, "exitcode": exitCode},
	})
}

func tamper(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	in, err := zstd.NewReader(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	defer in.Close()
	to, err := zstd.NewWriter(&out, zstd.WithWindowSize(1<<20))
	ts.Check(err)
	archive, changed := tar.NewWriter(to), tar.NewReader(in)
	for {
		h, err := changed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		text, err := io.ReadAll(changed)
		ts.Check(err)
		if h.Name == args[1] {
			text = append(text, args[2]...)
			h.Size = int64(len(text))
		}
		ts.Check(archive.WriteHeader(h))
		_, err = archive.Write(text)
		ts.Check(err)
	}
	ts.Check(errors.Join(archive.Close(), to.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o600))
}
