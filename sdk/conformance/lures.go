package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// lures lie where a plugin has no business: a neighbour's settings beside its own folders, a process with a secret in its
// environment, and the private files of whoever runs the kit, which are only watched.
type lures struct {
	neighbour string
	decoy     *exec.Cmd
	opened    *openWatch
}

// private are files and folders in which people keep what opens doors. Names are relative to the home folder.
var private = []string{".ssh", ".aws", ".netrc", ".kube", ".docker", ".gnupg", ".config/gcloud", ".npmrc", ".git-credentials"}

func layLures(folder string, c *canaries) (*lures, error) {
	l := &lures{neighbour: filepath.Join(folder, "neighbour")}
	if err := os.Mkdir(l.neighbour, 0o755); err != nil { //nolint:gosec // readable on purpose
		return nil, err
	}
	settings := []byte(`{"token":"` + c.hatch(fileCanary) + `"}`)
	if err := os.WriteFile(filepath.Join(l.neighbour, "settings.json"), settings, 0o644); err != nil { //nolint:gosec // readable on purpose
		return nil, err
	}
	places := []string{l.neighbour, "/etc/shadow"}
	if home, err := os.UserHomeDir(); err == nil {
		for _, name := range private {
			places = append(places, filepath.Join(home, name))
		}
	}
	l.opened = watchOpens(slices.DeleteFunc(places, func(path string) bool { _, err := os.Stat(path); return err != nil }))
	// It ends by itself, should the kit not be able to end it.
	l.decoy = &exec.Cmd{Path: "/bin/sleep", Args: []string{"sleep", "900"}, Env: []string{"DATABASE_PASSWORD=" + c.hatch(environmentCanary)}}
	if err := l.decoy.Start(); err != nil {
		l.decoy = nil
	}
	return l, nil
}

func (l *lures) close() {
	l.opened.close()
	if l.decoy != nil {
		_ = l.decoy.Process.Kill()
		_ = l.decoy.Wait() // "signal: killed"
	}
}
