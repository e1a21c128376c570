package storetest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The server listens on a unix socket only; its port number is part of the socket's name.
const (
	port = 5432
	user = "callboard"
)

// One private server per test process, started by the first test that asks. It is ended by a watchdog shell when the
// process ends, however it ends.
var shared = sync.OnceValues(start)

func server(t testing.TB) (socketDir string) {
	t.Helper()
	server, err := shared()
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return server.dir
}

// private is a running server. lifeline is the pipe that the watchdog reads from: while this process holds it, the
// server lives, so it must stay reachable.
type private struct {
	dir      string
	lifeline io.WriteCloser
}

var errNoPostgres = errors.New("PostgreSQL's initdb and postgres were not found: install the postgresql package, or set PG_BIN to their folder")

func start() (*private, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: socket paths are limited to about 100 bytes, and the server outlives single tests.
	dir, err := os.MkdirTemp("", "callboard-pg-")
	if err != nil {
		return nil, err
	}
	attr, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	lifeline, err := startWatched(bin, dir, data, attr)
	if err != nil {
		return nil, err
	}
	return &private{dir, lifeline}, waitForSocket(dir)
}

// startWatched runs the server under a shell that reads from this process: at end of file it stops the server and
// removes the folder.
func startWatched(bin, dir, data string, attr *syscall.SysProcAttr) (io.WriteCloser, error) {
	const script = `"$1" -D "$2" -k "$3" -p "$4" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 &
pid=$!
read -r _
kill -INT $pid
wait $pid
rm -rf "$3"`
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command("sh", "-c", script, "watchdog", filepath.Join(bin, "postgres"), data, dir, strconv.Itoa(port))
	group := *attr
	group.Setpgid = true // an interrupt from the terminal must reach the watchdog as end of file, not the server as a signal
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = &group, dir, log, log
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return lifeline, cmd.Start()
}

func waitForSocket(dir string) error {
	socket := filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(port))
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		log, _ := os.ReadFile(filepath.Join(dir, "server.log"))
		if strings.Contains(string(log), "ready to accept connections") {
			if _, err := os.Stat(socket); err == nil {
				return nil
			}
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "server.log"))
	return fmt.Errorf("PostgreSQL did not start within 30 s: %s", log)
}

func findBinaries() (string, error) {
	candidates := []string{os.Getenv("PG_BIN")}
	if path, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, filepath.Dir(target))
		}
	}
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(candidates, packaged...) {
		if dir == "" {
			continue
		}
		_, err1 := os.Stat(filepath.Join(dir, "initdb"))
		_, err2 := os.Stat(filepath.Join(dir, "postgres"))
		if err1 == nil && err2 == nil {
			return dir, nil
		}
	}
	return "", errNoPostgres
}

// unprivileged makes the server run as another user when the tests run as root, which PostgreSQL refuses, and gives
// that user the folder.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return nil, errors.New("the tests run as root and there is no user postgres or nobody to run PostgreSQL as")
}
