package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Watcher imports what is put into a place. Look does so once; who calls it again and again, on one host at a time, is the
// plugin.
type Watcher struct {
	intake *Intake
	place  Place
	source string

	mu        sync.Mutex // of a look
	former    map[string]Object
	manifests map[string]readOnce

	shown  sync.Mutex
	status Status
}

// Status is what a watcher has found lately.
type Status struct {
	Place    string    `json:"place"`
	Looked   time.Time `json:"looked"`
	Problem  string    `json:"problem,omitempty"` // why the place could not be looked at
	Refused  []string  `json:"refused,omitempty"` // files that could not be imported, with why
	Files    int       `json:"files"`
	Waiting  []string  `json:"waiting,omitempty"`  // for files to stop growing, or for those that a manifest names
	Imported int       `json:"imported,omitempty"` // in the last look
}

// Watcher makes a watcher of a place. With an empty source, each folder directly in the place is a source by its name, and
// files beside them are of the source "default".
func (i *Intake) Watcher(place Place, source string) *Watcher {
	return &Watcher{intake: i, place: place, source: source, former: map[string]Object{}, manifests: map[string]readOnce{}}
}

// readOnce is what a manifest said.
type readOnce struct {
	Object

	names []string
}

// manifest reads a manifest unless it has not changed.
func (w *Watcher) manifest(ctx context.Context, o Object) ([]string, error) {
	if known, read := w.manifests[o.Name]; read && known.same(o) {
		return known.names, nil
	}
	names, err := readManifest(ctx, w.place, o)
	if err == nil {
		w.manifests[o.Name] = readOnce{o, names}
	}
	return names, err
}

// Status tells the last look.
func (w *Watcher) Status() Status {
	w.shown.Lock()
	defer w.shown.Unlock()
	return w.status
}

// Look imports what is new in the place, oldest first. Errors of one delivery do not keep others from being imported; they are
// joined. What is wrong with a file's content is recorded, and the file is not tried again until it changes; a place that
// cannot be reached is.
func (w *Watcher) Look(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{Place: w.place.Name(), Looked: w.intake.now().UTC()}
	err := w.look(ctx, &s)
	if err != nil {
		s.Problem = rpcerror.Message(err)
		err = fmt.Errorf("look for bills in %s: %w", w.place.Name(), err)
	}
	w.shown.Lock()
	w.status = s
	w.shown.Unlock()
	return err
}

func (w *Watcher) look(ctx context.Context, s *Status) error {
	var objects []Object
	for o, err := range w.place.List(ctx) {
		if err != nil {
			return err
		}
		if isBill(o.Name) || isManifest(o.Name) {
			objects = append(objects, o)
		}
	}
	s.Files = len(objects)
	list, err := parcels(objects, func(o Object) ([]string, error) { return w.manifest(ctx, o) })
	if err != nil {
		return err
	}
	records, err := w.known(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for at := range list {
		if err := w.consider(ctx, &list[at], records, s); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", list[at].name, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	w.former = map[string]Object{}
	for _, o := range objects {
		w.former[o.Name] = o
	}
	return errors.Join(append(problems, w.missing(ctx, list, records))...)
}

func (w *Watcher) known(ctx context.Context) (map[string]*Delivered, error) {
	list, err := w.intake.Delivered(ctx, w.place.Name())
	records := make(map[string]*Delivered, len(list))
	for i := range list {
		records[list[i].Name] = &list[i]
	}
	return records, err
}

// consider imports a parcel if it is new.
func (w *Watcher) consider(ctx context.Context, p *parcel, records map[string]*Delivered, s *Status) error {
	record := records[p.name]
	fingerprint := p.fingerprint()
	if len(p.missing) > 0 || !w.settled(p) {
		s.Waiting = append(s.Waiting, strings.Join(append([]string{p.name}, p.missing[:min(len(p.missing), 3)]...), " waits for "))
		return nil
	}
	if record != nil && record.fingerprint == fingerprint && record.Gone == nil {
		s.refuse(record)
		return nil
	}
	content, err := w.content(ctx, p)
	if err != nil {
		return err
	}
	d := Delivered{Name: p.name, Source: w.sourceOf(p.name), Seen: w.intake.now(), fingerprint: fingerprint, content: content}
	if former := alike(record, records, &d); former != nil {
		d.Periods, d.Job, d.Problem = former.Periods, former.Job, former.Problem
		if former.Name != d.Name {
			slog.InfoContext(ctx, "bill is known by another name", "place", w.place.Name(), "name", d.Name, "former", former.Name)
		}
	} else if err := w.deliver(ctx, p, &d, records); err != nil {
		return err
	} else {
		s.Imported++
	}
	records[d.Name] = &d
	s.refuse(&d)
	return w.intake.record(ctx, w.place.Name(), &d)
}

func (s *Status) refuse(d *Delivered) {
	if d.Problem != "" {
		s.Refused = append(s.Refused, d.Name+": "+d.Problem)
	}
}

// settled reports whether no file has changed since the look before.
func (w *Watcher) settled(p *parcel) bool {
	if !w.place.Settles() {
		return true
	}
	for _, f := range p.files {
		if former, seen := w.former[f.Name]; !seen || !former.same(f) {
			return false
		}
	}
	return true
}

// alike finds what was imported with the same content, under the same name or one that is no longer used.
func alike(record *Delivered, records map[string]*Delivered, d *Delivered) *Delivered {
	if record != nil && record.content == d.content && record.Source == d.Source {
		return record
	}
	for _, other := range records {
		if other.content == d.content && other.Source == d.Source && other.Problem == "" {
			return other
		}
	}
	return nil
}

// content is a hash of the files' bytes, or of what the place tells of them.
func (w *Watcher) content(ctx context.Context, p *parcel) (string, error) {
	h := sha256.New()
	for _, f := range p.files {
		if f.Tag != "" {
			fmt.Fprintf(h, "%d %q\n", f.Size, f.Tag)
			continue
		}
		body, err := w.place.Open(ctx, f)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, body)
		if err = errors.Join(err, body.Close()); err != nil {
			return "", fmt.Errorf("read %s: %w", f.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (w *Watcher) sourceOf(name string) string {
	if w.source != "" {
		return w.source
	}
	if folder, _, nested := strings.Cut(name, "/"); nested {
		return folder
	}
	return "default"
}

// deliver imports a parcel. Only errors that may pass are returned: what is wrong with its content is noted in d.
func (w *Watcher) deliver(ctx context.Context, p *parcel, d *Delivered, records map[string]*Delivered) error {
	if err := CheckSource(d.Source); err != nil {
		return err
	}
	job, err := w.intake.Import(ctx, Delivery{
		Source: d.Source, Run: p.name + " of " + p.modified().UTC().Format(time.RFC3339), Origin: w.place.Origin(), Files: w.filesOf(p),
		Warn: func(done ledger.Import) []string { return replaced(done, d, records) },
	})
	d.Job = job.ID
	for _, c := range job.Changes {
		d.Periods = append(d.Periods, c.Period)
	}
	if apierror.Has(err, apierror.Input) {
		d.Problem = job.Error
		return nil
	}
	return err
}

func (w *Watcher) filesOf(p *parcel) []File {
	files := make([]File, len(p.files))
	for i, o := range p.files {
		files[i] = File{Name: o.Name, Size: o.Size, Open: func(ctx context.Context) (io.ReadCloser, error) { return w.place.Open(ctx, o) }}
	}
	return files
}

// replaced warns of files that bring the same period of the same source in turn, as two accounts' bills in one folder do.
func replaced(done ledger.Import, d *Delivered, records map[string]*Delivered) []string {
	var list []string
	for _, p := range done.Partitions {
		for _, other := range records {
			if other.Name != d.Name && other.Gone == nil && other.Source == d.Source && other.Problem == "" && slices.Contains(other.Periods, p.Period) {
				list = append(list, fmt.Sprintf("the charges of %s replace those that %s has brought; if both belong to the bill, give each a source of its own", p.Period, other.Name))
			}
		}
	}
	slices.Sort(list)
	return list
}

// missing records what is no longer there.
func (w *Watcher) missing(ctx context.Context, list []parcel, records map[string]*Delivered) error {
	there := map[string]bool{}
	for i := range list {
		there[list[i].name] = true
	}
	for name, d := range records {
		if there[name] || d.Gone != nil {
			continue
		}
		now := w.intake.now().UTC()
		d.Gone = &now
		slog.InfoContext(ctx, "bill is no longer there; its charges stay", "place", w.place.Name(), "name", name, "import", d.Job)
		if err := w.intake.record(ctx, w.place.Name(), d); err != nil {
			return err
		}
	}
	return nil
}
