package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is a private server of PostgreSQL on a unix socket, as durable as it is by default.
type postgres struct {
	dir string
	cmd *exec.Cmd
}

const (
	postgresPort = 5432 // part of the socket's name
	postgresUser = "callboard"
)

var errNoPostgres = errors.New("PostgreSQL's initdb and postgres were not found: install the postgresql package, or set PG_BIN to their folder")

func startPostgres(ctx context.Context) (_ *postgres, err error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "cbp") // short, as addresses of sockets are
	if err != nil {
		return nil, err
	}
	p := &postgres{dir: dir}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	credential, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", postgresUser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: credential}
	if text, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, text)
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", strconv.Itoa(postgresPort), "-c", "listen_addresses=")
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: syscall.SIGINT, Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, p.await(ctx)
}

func (p *postgres) await(ctx context.Context) error {
	var log []byte
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		log, _ = os.ReadFile(filepath.Join(p.dir, "server.log"))
		if strings.Contains(string(log), "ready to accept connections") {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL did not start: %s", log)
}

// stop ends the server at once; its clients have gone.
func (p *postgres) stop() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		_ = p.cmd.Wait()
	}
	_ = os.RemoveAll(p.dir)
}

func postgresPrograms() (bin string, err error) {
	folders := []string{os.Getenv("PG_BIN")}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for _, dir := range append(folders, packaged...) {
		if dir != "" && exists(filepath.Join(dir, "initdb")) && exists(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", errNoPostgres
}

// unprivileged is who the server runs as, who gets the folder: it refuses to run as root. Nil = as here.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // it is what exec takes for that
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}
