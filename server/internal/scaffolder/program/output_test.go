package program

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
)

func TestLineBuffer_LinesAreTheSameHoweverTheyArrive(t *testing.T) {
	text := "one\r\ntwo\n\n" + strings.Repeat("ü", maxLine) + "\nbad \xff byte\nend"
	want := []string{"one", "two", "", strings.Repeat("ü", maxLine/2) + "…", "bad \uFFFD byte", "end"}
	for _, size := range []int{1, 2, 7, 4096, len(text)} {
		if diff := cmp.Diff(want, linesOf([]byte(text), size)); diff != "" {
			t.Errorf("in chunks of %d: %s", size, diff)
		}
	}
}

func linesOf(data []byte, size int) []string {
	var b lineBuffer
	var lines []string
	tell := func(text string) { lines = append(lines, text) }
	for len(data) > 0 {
		n := min(size, len(data))
		b.add(data[:n], tell)
		data = data[n:]
	}
	b.flush(tell)
	return lines
}

func TestOutput_ALogThatNeverEndsIsCut(t *testing.T) {
	var lines int
	var last string
	c := Command{Line: func(_ Stream, text string) error {
		lines, last = lines+1, text
		return nil
	}}
	o := newOutput(t.Context(), c, func(error) {})
	o.pace = rate.NewLimiter(rate.Inf, 0)
	if err := o.open(&exec.Cmd{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.write[Stdout].WriteString(strings.Repeat("round and round\n", maxLines+101)); err != nil {
		t.Fatal(err)
	}
	o.close()
	if lines != maxLines+1 || last != "… 101 more lines are left out" {
		t.Errorf("%d lines, the last one is %q", lines, last)
	}
}

func TestOutput_ARunThatStopsIsNotHeldByThePaceOfItsLog(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	lines := 0
	o := newOutput(ctx, Command{Line: func(Stream, string) error { lines++; cancel(); return nil }}, func(error) {})
	o.pace = rate.NewLimiter(rate.Every(time.Hour), 1)
	if err := o.open(&exec.Cmd{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.write[Stderr].WriteString("one\ntwo\nthree"); err != nil {
		t.Fatal(err)
	}
	o.close()
	if lines != 1 || o.stderr() != "one\ntwo\nthree" {
		t.Errorf("%d lines, of %q", lines, o.stderr())
	}
}

func FuzzLineBuffer(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\xff"), 3)
	f.Add(bytes.Repeat([]byte("€"), 3000), 100)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		size = max(1, size)
		lines := linesOf(data, size)
		if diff := cmp.Diff(linesOf(data, len(data)), lines); diff != "" {
			t.Error(diff)
		}
		for _, l := range lines {
			if !utf8.ValidString(l) || strings.Contains(l, "\n") || len(l) > 3*maxLine+3 {
				t.Errorf("a line of %d bytes: %q", len(l), l)
			}
		}
	})
}
