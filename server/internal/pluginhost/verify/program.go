package verify

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// OpenProgram opens the plugin's program and hashes what was opened. Executing that descriptor (/proc/self/fd/N) leaves no
// moment between check and start in which the file could be exchanged. It answers nil for an interpreter, whose scripts lie
// in the read-only store. For a plugin in development nothing is checked. The caller closes the file.
func (p *Verified) OpenProgram() (*os.File, error) {
	if p.Verdict != Approved {
		return nil, &Refusal{p.ID, "its program", "may not be started: the plugin is " + string(p.Verdict)}
	}
	if p.program == "" {
		return nil, nil
	}
	if p.Level == Development {
		// The author's own folder, where links are in order.
		return os.OpenInRoot(p.Dir, p.program)
	}
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the program of plugin %s: %w", p.ID, err)
	}
	defer root.Close()
	f, err := openRegular(root, p.program)
	if err != nil {
		return nil, named(p.ID, err)
	}
	if err := p.checkProgram(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (p *Verified) checkProgram(f *os.File) error {
	want, listed := p.sums.Find(p.program)
	got, _, err := sumOpen(f, p.program)
	if err != nil {
		return named(p.ID, err)
	}
	if !listed || got != want {
		return &Refusal{p.ID, p.program, "has been changed since it was verified: its SHA-256 is not the one in " + ChecksumsFile}
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}
