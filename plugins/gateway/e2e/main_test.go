package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"go.uber.org/goleak"
)

// TestMain prints what was seen, after all tests.
func TestMain(m *testing.M) {
	status := m.Run()
	seen.print()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// table is what the tests saw, in rows.
type table struct {
	mu   sync.Mutex
	rows [][4]string
}

var seen table

// note adds a row: of which program, what was done, what came of it, and how long it took ("" = not measured).
func (s *table) note(program, did, came, took string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, [4]string{program, did, came, took})
}

func (s *table) print() {
	if len(s.rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nPROGRAM\tSTEP\tRESULT\tTIME")
	for _, r := range s.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r[0], r[1], r[2], r[3])
	}
	_ = w.Flush()
}

// places is where the programs are: Install is the folder that the script fills.
const install = "CALLBOARD_GATEWAYS"

// program is the path of an installed program. Where the script has run, one that is missing fails the test.
func program(t *testing.T, path string) string {
	t.Helper()
	root := os.Getenv(install)
	if root == "" {
		t.Skipf("needs real programs: run examples/gateways/run.sh, which installs them and sets %s", install)
	}
	full := filepath.Join(root, path)
	if _, err := os.Stat(full); err != nil {
		t.Fatalf("the folder of %s lacks %s", install, path)
	}
	return full
}

// optional is a program that need not be there.
func optional(t *testing.T, env, path string) string {
	t.Helper()
	if given := os.Getenv(env); given != "" {
		return given
	}
	full := filepath.Join(os.Getenv(install), path)
	if _, err := os.Stat(full); err != nil || os.Getenv(install) == "" {
		t.Skipf("needs %s in the folder of %s, or its path in %s", path, install, env)
	}
	return full
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
