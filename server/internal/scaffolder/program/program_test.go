package program_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/scaffolder/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a run of the real shell. The shell is the program under supervision: nothing else interprets text.
func script(t *testing.T, text string) program.Command {
	t.Helper()
	return program.Command{Program: "/bin/sh", Args: []string{"-c", text}, Dir: t.TempDir()}
}

func TestRun_AnswersWhatTheProgramPrintedAndItsStatus(t *testing.T) {
	c := script(t, `echo out; echo err >&2; printf tail; exit 3`)
	var lines []string
	c.Line = func(s program.Stream, text string) error {
		lines = append(lines, fmt.Sprint(s, " ", text))
		return nil
	}
	r, err := program.Run(t.Context(), c)
	var exit *program.ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || exit.Stderr != "err\n" || err.Error() != "sh failed: exit status 3" {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(program.Result{ExitCode: 3, Stdout: []byte("out\ntail"), Stderr: "err\n"}, r); diff != "" {
		t.Error(diff)
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]string{"0 out", "0 tail", "1 err"}, lines); diff != "" {
		t.Error(diff)
	}
}

func TestRun_NothingOfTheHostsEnvironmentIsSeen(t *testing.T) {
	t.Setenv("CALLBOARD_CANARY", "hush")
	t.Setenv("HOME", "/root/of/the/host")
	c := script(t, `env; ls -A "$HOME"`)
	c.Env = []string{"TOKEN=given", "LANG=de_DE"}
	r, err := program.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for line := range strings.Lines(string(r.Stdout)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		seen[name] = value
	}
	home := seen["HOME"]
	if !strings.Contains(home, "callboard-run-") || seen["TMPDIR"] != home {
		t.Errorf("HOME is %q, TMPDIR %q", home, seen["TMPDIR"])
	}
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the run's folder is still there: %v", err)
	}
	for _, own := range []string{"HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"} { // the last four are the shell's
		delete(seen, own)
	}
	want := map[string]string{"TOKEN": "given", "LANG": "de_DE", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestRun_ArgumentsAreNeverTextForAShell(t *testing.T) {
	c := program.Command{Program: "/bin/echo", Args: []string{"$HOME", "`id`", "; rm -rf x", "a\nb", "*"}, Dir: t.TempDir()}
	r, err := program.Run(t.Context(), c)
	if want := "$HOME `id` ; rm -rf x a\nb *\n"; err != nil || string(r.Stdout) != want {
		t.Errorf("got %q, %v", r.Stdout, err)
	}
}

func TestRun_InputIsReadAndMayBeIgnored(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for text, want := range map[string]string{"wc -c": strconv.Itoa(len(big)), "echo no": "no"} {
		c := script(t, text)
		c.Stdin = []byte(big)
		if r, err := program.Run(t.Context(), c); err != nil || strings.TrimSpace(string(r.Stdout)) != want {
			t.Errorf("%s: %q, %v", text, r.Stdout, err)
		}
	}
}

func TestRun_WhatIsNoCommandIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plain.txt")
	if err := os.WriteFile(file, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for want, c := range map[string]program.Command{
		`run "git": the program must be an absolute path`: {Program: "git", Dir: dir},
		`run "./git": the program must be an absolute`:    {Program: "./git", Dir: dir},
		"is no NAME=value":     {Program: "/bin/true", Dir: dir, Env: []string{"TOKEN"}},
		"run true in a folder": {Program: "/bin/true", Dir: dir + "/missing"},
		"is no folder":         {Program: "/bin/true", Dir: file},
		"start plain.txt":      {Program: file, Dir: dir},
		"start missing":        {Program: "/bin/missing", Dir: dir},
		"start true":           {Program: "/bin/true", Dir: dir, Args: []string{"nul\x00"}},
	} {
		if r, err := program.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) || r.ExitCode != -1 {
			t.Errorf("%s: got %v, %+v", want, err, r)
		}
	}
}

func TestFind_ANameInTheHostsPathAndNoneInAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if path, err := program.Find("sh"); err != nil || !filepath.IsAbs(path) {
		t.Errorf("sh: %q, %v", path, err)
	}
	for _, name := range []string{"mine", "./mine", "no-such-program", ""} {
		if path, err := program.Find(name); err == nil {
			t.Errorf("%q was found at %s", name, path)
		}
	}
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("in five seconds it was never so that %s", what)
}

// family starts a shell, its child and its grandchild, none of which minds SIGTERM, and hears of their numbers.
const family = `
trap '' TERM
sh -c 'trap "" TERM; sh -c "trap \"\" TERM; echo \$\$; while :; do sleep 1; done" & echo $$; while :; do sleep 1; done' &
echo $$
while :; do sleep 1; done`

func TestRun_CancellingEndsTheWholeFamily(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c := script(t, family)
	c.Grace = 50 * time.Millisecond
	var pids []int
	c.Line = func(_ program.Stream, text string) error {
		pid, err := strconv.Atoi(text)
		if pids = append(pids, pid); len(pids) == 3 {
			cancel(errors.New("ann cancelled it"))
		}
		return err
	}
	_, err := program.Run(ctx, c)
	if err == nil || err.Error() != "sh was stopped: ann cancelled it" {
		t.Errorf("got %v", err)
	}
	for _, pid := range pids {
		await(t, fmt.Sprintf("process %d of %v has ended", pid, pids), func() bool { return !alive(pid) })
	}
}

func TestRun_AProgramThatEndsLeavesNobodyBehind(t *testing.T) {
	c := script(t, `sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1 & echo $!`)
	r, err := program.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(r.Stdout)))
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the child in the background has ended", func() bool { return !alive(pid) })
}

func TestRun_AProgramMayCleanUpWhenItHasToStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := script(t, `
trap 'sleep 0.1; echo unlocked > state; exit 0' TERM
sh -c 'trap "touch hurt; exit" TERM; echo ready; while :; do sleep 0.02; done' &
while :; do sleep 0.02; done`)
	c.Grace = 10 * time.Second
	c.Line = func(program.Stream, string) error { cancel(); return nil }
	if _, err := program.Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if state, err := os.ReadFile(filepath.Join(c.Dir, "state")); string(state) != "unlocked\n" {
		t.Errorf("it could not clean up: %q, %v", state, err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "hurt")); err == nil {
		t.Error("what it needed to clean up was stopped before")
	}
}

func TestRun_OneThatTakesTooLongIsStopped(t *testing.T) {
	c := script(t, `sleep 60`)
	c.Timeout, c.Grace = 20*time.Millisecond, 20*time.Millisecond
	if _, err := program.Run(t.Context(), c); !errors.Is(err, program.ErrTimeout) || !strings.Contains(err.Error(), "20ms") {
		t.Errorf("got %v", err)
	}
}

func TestRun_AListenerThatFailsEndsTheProgram(t *testing.T) {
	full := errors.New("the journal is full")
	c := script(t, `echo one; sleep 60`)
	calls := 0
	c.Line = func(program.Stream, string) error { calls++; return full }
	if _, err := program.Run(t.Context(), c); !errors.Is(err, full) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestRun_AProcessThatLeavesTheGroupDoesNotHoldTheStep(t *testing.T) {
	if _, err := program.Find("setsid"); err != nil {
		t.Skip("there is no setsid here")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := script(t, `setsid sh -c 'echo $$; exec sleep 60' & while :; do sleep 0.02; done`)
	var pid int
	c.Line = func(_ program.Stream, text string) (err error) {
		pid, err = strconv.Atoi(text)
		cancel()
		return err
	}
	r, err := program.Run(ctx, c)
	if !errors.Is(err, context.Canceled) || !r.Cut {
		t.Errorf("got %v, cut %v", err, r.Cut)
	}
	if pid > 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestRun_OfLongOutputTheBeginningIsKeptAndOfErrorsTheEnd(t *testing.T) {
	c := script(t, `head -c 9000 /dev/zero | tr '\0' x; (head -c 9000 /dev/zero | tr '\0' y; echo the reason) >&2`)
	c.MaxOutput = 100
	r, err := program.Run(t.Context(), c)
	if err != nil || string(r.Stdout) != strings.Repeat("x", 100) || !r.Cut || len(r.Stderr) != 8<<10 || !strings.HasSuffix(r.Stderr, "yythe reason\n") {
		t.Errorf("got %d bytes, cut %v, stderr %d, %v", len(r.Stdout), r.Cut, len(r.Stderr), err)
	}
}
