package intake

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/sqlite"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// Ledger is what is filled: a [ledger.Ledger].
type Ledger interface {
	Replace(ctx context.Context, b ledger.Batch, charges iter.Seq2[ledger.Charge, error]) (ledger.Import, error)
}

// Options of an intake.
type Options struct {
	Dir           string // for jobs and temporary files
	Ledger        Ledger
	Now           func() time.Time // time.Now when nil
	MaxBytes      int64            // of an upload or a file; 5 GiB when 0
	CarbonColumns []string         // further names of columns with kilograms of CO₂ equivalent
	Imported      func(Job)        // is told of each job that has ended, on the goroutine of the import
}

const defaultMaxBytes = 5 << 30

// slots is how many imports run at a time; each has memory of its own.
const slots = 2

// Intake is safe for concurrent use.
type Intake struct {
	o    Options
	db   *sqlite.DB
	now  func() time.Time
	slot chan struct{}

	mu   sync.Mutex
	jobs map[string]*progress // that run
}

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the intake in its directory. Jobs that a former process did not end are failed.
func Open(ctx context.Context, o Options) (*Intake, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	schema, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	// What is lost here is imported again, and found to be in the ledger.
	db, err := sqlite.Open(ctx, filepath.Join(o.Dir, "intake.sqlite"), schema, sqlite.Lately)
	if err != nil {
		return nil, err
	}
	i := &Intake{o: o, db: db, now: o.Now, slot: make(chan struct{}, slots), jobs: map[string]*progress{}}
	if err := i.abandon(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("end the imports of a former process: %w", err), db.Close())
	}
	return i, nil
}

// Close waits for what is being written. Imports must have ended.
func (i *Intake) Close() error { return i.db.Close() }

// Delivery is files that are imported together.
type Delivery struct {
	Source string
	Period ledger.Period // the only one that charges may be of; any when empty
	Run    string
	Origin string
	Files  []File
	Warn   func(ledger.Import) []string // what else people should know, once it is done; may be nil
}

// File is a file of a delivery.
type File struct {
	Name string
	Size int64 // 0 when it is not known
	Open func(context.Context) (io.ReadCloser, error)
}

// Import imports a delivery, and returns its job when that has ended, also when it has failed. Without a free slot it waits.
func (i *Intake) Import(ctx context.Context, d Delivery) (Job, error) {
	select {
	case i.slot <- struct{}{}:
	case <-ctx.Done():
		return Job{}, ctx.Err()
	}
	defer func() { <-i.slot }()
	return i.run(ctx, d, func(p *progress) (ledger.Import, error) { return i.files(ctx, d, p) })
}

// run keeps a job of what f does.
func (i *Intake) run(ctx context.Context, d Delivery, f func(*progress) (ledger.Import, error)) (Job, error) {
	p := &progress{changed: make(chan struct{}), job: Job{
		ID: strings.ToLower(rand.Text()), Source: d.Source, Period: d.Period, Run: d.Run, Origin: d.Origin, State: Running, Started: i.now().UTC(),
	}}
	for _, file := range d.Files {
		p.job.Files = append(p.job.Files, file.Name)
		p.job.BytesTotal += file.Size
	}
	if err := i.keep(ctx, &p.job, nil); err != nil {
		return p.job, fmt.Errorf("keep import: %w", err)
	}
	i.mu.Lock()
	i.jobs[p.job.ID] = p
	i.mu.Unlock()
	done, err := f(p)
	return i.end(ctx, d, p, done, err)
}

// end writes down what became of a job.
func (i *Intake) end(ctx context.Context, d Delivery, p *progress, done ledger.Import, err error) (Job, error) {
	p.update(func(j *Job) {
		now := i.now().UTC()
		j.Ended = &now
		if j.State = Done; err != nil {
			j.State, j.Error = Failed, rpcerror.Message(err)
			return
		}
		j.Changes, j.Warnings = changes(done), warnings(done)
		if d.Warn != nil {
			j.Warnings = append(j.Warnings, d.Warn(done)...)
		}
	})
	j := p.now()
	kept := i.keep(context.WithoutCancel(ctx), &j, p.rejects)
	i.mu.Lock()
	delete(i.jobs, j.ID)
	i.mu.Unlock()
	if err != nil {
		slog.WarnContext(ctx, "import failed", "import", j.ID, "source", j.Source, "files", j.Files, "error", err)
		err = fmt.Errorf("import %s: %w", j.ID, err)
	}
	if i.o.Imported != nil {
		i.o.Imported(j)
	}
	return j, errors.Join(err, kept)
}

func changes(done ledger.Import) []Change {
	list := []Change{}
	for _, p := range done.Partitions {
		list = append(list, Change{p.Period, p.Charges, p.Currencies, p.Unchanged})
	}
	return list
}

func warnings(done ledger.Import) []string {
	var list []string
	for _, p := range done.Partitions {
		if len(p.Currencies) > 1 {
			list = append(list, fmt.Sprintf("the charges of %s are in %s, which are never added to each other", p.Period, strings.Join(p.Currencies, " and ")))
		}
	}
	if done.Charges == 0 {
		list = append(list, "there are no charges in it; nothing was changed")
	}
	return list
}

func (i *Intake) running(id string) *progress {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.jobs[id]
}

// files imports the files of a delivery as one.
func (i *Intake) files(ctx context.Context, d Delivery, p *progress) (ledger.Import, error) {
	r := &fileReader{ctx: ctx, intake: i, files: d.Files, progress: p}
	defer r.close()
	if err := r.next(); err != nil && !errors.Is(err, io.EOF) {
		return ledger.Import{}, err
	}
	b := ledger.Batch{Source: d.Source, Period: d.Period, Run: d.Run, FocusVersion: p.now().FocusVersion}
	return i.o.Ledger.Replace(ctx, b, r.charges())
}

// fileReader reads one file after the other.
type fileReader struct {
	ctx      context.Context //nolint:containedctx // of one import
	intake   *Intake
	files    []File // that are left
	progress *progress
	reader   *focus.Reader
	bytes    *counted
	body     io.Closer
	read     int64 // bytes of files before this one
	rows     int64
	good     int64
}

// next opens the next file; io.EOF says that there is none.
func (r *fileReader) next() error {
	r.close()
	if len(r.files) == 0 {
		return io.EOF
	}
	f := r.files[0]
	r.files = r.files[1:]
	o := r.intake.o
	if f.Size > o.MaxBytes {
		return apierror.Inputf("%s has %d bytes, more than %d", f.Name, f.Size, o.MaxBytes)
	}
	body, err := f.Open(r.ctx)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Name, err)
	}
	r.body = body
	var stream io.Reader
	stream, r.bytes = counting(body)
	r.reader, err = focus.Open(stream, focus.Options{
		Name: f.Name, Now: r.intake.now, TempDir: o.Dir, CarbonColumns: o.CarbonColumns, Reject: r.progress.reject,
	})
	if err != nil {
		return err
	}
	r.progress.update(func(j *Job) {
		j.Format = r.reader.Format()
		j.FocusVersion = max(j.FocusVersion, r.reader.Version())
	})
	return nil
}

func (r *fileReader) close() {
	if r.reader != nil {
		r.rows += r.reader.Rows()
		if err := r.reader.Close(); err != nil {
			slog.WarnContext(r.ctx, "temporary file of an import is left", "error", err)
		}
		r.reader = nil
	}
	if r.body != nil {
		r.read += r.bytes.n.Load()
		_ = r.body.Close() // it was only read
		r.body = nil
	}
	r.tell()
}

// tell updates the job's numbers.
func (r *fileReader) tell() {
	rows, read := r.rows, r.read
	if r.reader != nil {
		rows += r.reader.Rows()
	}
	if r.body != nil {
		read += r.bytes.n.Load()
	}
	r.progress.update(func(j *Job) {
		if j.Rows, j.BytesRead = rows, read; j.BytesTotal > 0 {
			j.BytesRead = min(read, j.BytesTotal)
		}
	})
}

// tellEvery is how many rows pass between updates.
const tellEvery = 5000

func (r *fileReader) charges() iter.Seq2[ledger.Charge, error] {
	return func(yield func(ledger.Charge, error) bool) {
		for r.reader != nil {
			for c, err := range r.reader.Charges() {
				if err == nil {
					r.good++
				}
				if !yield(c, err) || err != nil {
					return
				}
				if r.good%tellEvery == 0 {
					r.tell()
				}
			}
			if err := r.next(); err != nil && !errors.Is(err, io.EOF) {
				yield(ledger.Charge{}, err)
				return
			}
		}
		if err := r.judge(); err != nil {
			yield(ledger.Charge{}, err)
		}
	}
}

// tolerated is how many rows may be rejected in any case; beyond it a tenth.
const tolerated = 10

// judge refuses a delivery with too many rejected rows.
func (r *fileReader) judge() error {
	rejects := r.rows - r.good
	if rejects == 0 || rejects <= max(tolerated, r.rows/10) && r.good > 0 {
		return nil
	}
	p := r.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	return apierror.Inputf("%d of %d rows were rejected, which is too many; nothing was changed. The first is %s", rejects, r.rows, p.rejects[0])
}

// ImportCharges imports charges that come from no file, as a job of the origin that d tells. d has no files.
func (i *Intake) ImportCharges(ctx context.Context, d Delivery, focusVersion string, charges iter.Seq2[ledger.Charge, error]) (Job, error) {
	select {
	case i.slot <- struct{}{}:
	case <-ctx.Done():
		return Job{}, ctx.Err()
	}
	defer func() { <-i.slot }()
	return i.run(ctx, d, func(p *progress) (ledger.Import, error) {
		b := ledger.Batch{Source: d.Source, Period: d.Period, Run: d.Run, FocusVersion: focusVersion}
		done, err := i.o.Ledger.Replace(ctx, b, charges)
		p.update(func(j *Job) { j.Rows = done.Charges })
		return done, err
	})
}
