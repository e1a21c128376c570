package tool

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// plans keeps what terraform planned until somebody applies it: one sealed file each, in a folder of the host. It outlives
// tasks and restarts; replicas with data folders of their own do not see each other's plans.
type plans struct {
	dir    string
	sealer *secret.Sealer
	keep   time.Duration
	now    func() time.Time
}

// planRecord says what a plan is and where it is from.
type planRecord struct {
	ID string `json:"id"`
	// Hash is the SHA-256 of terraform's plan file: what was approved is what is applied.
	Hash string `json:"hash"`
	// Config is the hash of the folder that was planned.
	Config  string    `json:"config"`
	Lock    []byte    `json:"lock,omitempty"` // .terraform.lock.hcl: the same providers apply
	Task    string    `json:"task"`
	User    string    `json:"user,omitempty"`
	Folder  string    `json:"folder"` // in the workspace
	Created time.Time `json:"created"`
	// Backend is how the state is reached, which terraform has to be told again; it may hold credentials.
	Backend json.RawMessage `json:"backend,omitempty"`
	Shown   shownPlan       `json:"shown"`
	Plan    []byte          `json:"plan"`
}

// check holds what was approved against what was planned.
func (r planRecord) check(hash string) error {
	if hash != r.Hash {
		return apierror.Conflictf("planHash: the plan %s has the hash %s, and %q was approved; look at the plan again", r.ID, r.Hash, hash)
	}
	return nil
}

const (
	planExt = ".plan"
	usedExt = ".used"
)

var planIDs = regexp.MustCompile(`^[0-9a-f]{32}$`)

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// put keeps a plan under an id that cannot be guessed, and forgets those that are too old.
func (p plans) put(r planRecord) (planRecord, error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return r, fmt.Errorf("keep the plan: %w", err)
	}
	p.prune()
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	r.ID, r.Hash, r.Created = hex.EncodeToString(id[:]), hashOf(r.Plan), p.now().UTC()
	data, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("keep the plan: %w", err)
	}
	if err := writeDurably(p.path(r.ID, planExt), p.sealer.Seal(data, sealedAs(r.ID))); err != nil {
		return r, fmt.Errorf("keep the plan: %w", err)
	}
	return r, nil
}

func sealedAs(id string) string { return "terraform plan " + id }

func (p plans) path(id, ext string) string { return filepath.Join(p.dir, id+ext) }

// writeDurably makes a file that is whole or not there.
func writeDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // renamed by then, or to be given up
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// get is the plan of that id.
func (p plans) get(id string) (planRecord, error) {
	if !planIDs.MatchString(id) {
		return planRecord{}, apierror.Inputf("planId: %q is not the id of a plan", id)
	}
	return p.read(id, p.path(id, planExt))
}

// take is get for the one who applies the plan: nobody gets it again, however the attempt ends, because terraform does
// not apply a plan twice.
func (p plans) take(id, hash string) (planRecord, error) {
	r, err := p.get(id)
	if err != nil {
		return r, err
	}
	if err := r.check(hash); err != nil {
		return r, err
	}
	if err := os.Rename(p.path(id, planExt), p.path(id, usedExt)); err != nil {
		return r, p.explain(id, err)
	}
	// What is left says that there was one. Its content is not needed again, and holds variables.
	return r, os.Truncate(p.path(id, usedExt), 0)
}

func (p plans) read(id, path string) (planRecord, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return planRecord{}, p.explain(id, err)
	}
	data, err := p.sealer.Open(sealed, sealedAs(id))
	if err != nil {
		return planRecord{}, fmt.Errorf("open the plan %s: %w", id, err)
	}
	var r planRecord
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&r); err != nil {
		return r, fmt.Errorf("read the plan %s: %w", id, err)
	}
	if hashOf(r.Plan) != r.Hash || r.ID != id {
		return r, apierror.Conflictf("the plan %s is not what was kept; plan again", id)
	}
	return r, nil
}

func (p plans) explain(id string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the plan %s: %w", id, err)
	}
	if _, err := os.Stat(p.path(id, usedExt)); err == nil {
		return apierror.Conflictf("the plan %s was applied already; plan again", id)
	}
	return apierror.NotFoundf("there is no plan %s on this host; plans are kept for %s", id, inDays(p.keep))
}

func inDays(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 1 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

// prune forgets old plans. What cannot be removed now is tried again with the next plan.
func (p plans) prune() {
	entries, _ := os.ReadDir(p.dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && p.now().Sub(info.ModTime()) > p.keep {
			_ = os.Remove(filepath.Join(p.dir, e.Name()))
		}
	}
}
