package focus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Options say how a file is read.
type Options struct {
	Name          string           // of the file, for messages
	Now           func() time.Time // time.Now when nil
	TempDir       string           // where Parquet is put that does not come from a file; os.TempDir when empty
	MaxBytes      int64            // of the file without compression; 64 GiB when 0
	CarbonColumns []string         // further names of columns with kilograms of CO₂ equivalent
	Reject        func(Reject)     // is told each rejected row, on the goroutine that reads
}

const defaultMaxBytes = 64 << 30

// Reader streams the charges of one file. It is for one goroutine.
type Reader struct {
	format  string
	version string
	rows    int64
	rejects int64
	file    string
	reject  func(Reject)
	source  rowSource
	rules   *rules
	close   func() error
}

// rowSource yields rows with their line, their tags where these are no text, and what is wrong with a row that cannot be
// taken apart. An error ends it; io.EOF is the end of the file.
type rowSource interface {
	next(into *texts) (row, error)
}

type row struct {
	line   int64
	lineOf func(field) int64 // of a field, where rows have several lines
	tags   *ledger.Tags
	broken string
}

// Open finds out what a file is. CSV is read as it comes; Parquet, whose index is at its end, is copied into a temporary file
// first unless r is an [io.ReaderAt] with an [io.Seeker], as an *os.File is.
//
// Errors are InputErrors for people who sent the file.
func Open(r io.Reader, o Options) (*Reader, error) {
	reader, err := open(r, o)
	if err != nil {
		return nil, named(o.Name, err)
	}
	return reader, nil
}

func open(r io.Reader, o Options) (*Reader, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	reader := &Reader{file: o.Name, reject: o.Reject, rules: newRules(o.Now()), close: func() error { return nil }}
	if at, ok := r.(sizedReaderAt); ok {
		if magic := magicOf(at); magic == parquetMagic {
			return reader, reader.openParquet(at, o)
		}
	}
	buffered := bufio.NewReaderSize(&countedReader{r: r, most: o.MaxBytes}, 64<<10)
	start, err := buffered.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte(parquetMagic)):
		return reader, reader.spoolParquet(buffered, o)
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return reader, reader.openGzip(buffered, o)
	}
	reader.format = "csv"
	return reader, reader.openText(buffered, start, o)
}

// openGzip reads CSV within gzip.
func (r *Reader) openGzip(compressed *bufio.Reader, o Options) error {
	unpacked, err := unzip(compressed, o.MaxBytes)
	if err != nil {
		return err
	}
	r.format = "csv.gz"
	plain := bufio.NewReaderSize(unpacked, 64<<10)
	start, err := plain.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return apierror.Inputf("the file is compressed twice")
	case bytes.HasPrefix(start, []byte(parquetMagic)):
		return r.spoolParquet(plain, o)
	}
	return r.openText(plain, start, o)
}

func (r *Reader) openText(text *bufio.Reader, start []byte, o Options) error {
	if what := noText(start); what != "" {
		return apierror.Inputf("%s", what)
	}
	rows, l, err := newCSV(text, o.CarbonColumns)
	if err != nil {
		return err
	}
	r.source, r.version = rows, l.version
	return nil
}

// noText tells files that are often sent by mistake.
func noText(start []byte) string {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(start, []byte(byteOrderMark)), " \t\r\n")
	lower := bytes.ToLower(trimmed)
	switch {
	case len(trimmed) == 0:
		return "the file is empty"
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		return "this is an HTML page, such as a form to sign in or an error, and no bill: look at what was downloaded"
	case trimmed[0] == '<':
		return "this is XML, perhaps a storage service's error, and no bill: " + excerpt.Short(string(trimmed))
	case trimmed[0] == '{', trimmed[0] == '[':
		return "this is JSON and no bill in CSV or Parquet: " + excerpt.Short(string(trimmed))
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return "this is a ZIP archive; unpack it, or compress with gzip"
	case bytes.HasPrefix(start, []byte("\x28\xb5\x2f\xfd")):
		return "this is compressed with Zstandard; use gzip, or Parquet"
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return "this is UTF-16; save it as UTF-8"
	case bytes.IndexByte(start, 0) >= 0:
		return "this is a binary file and neither Parquet, gzip nor text"
	}
	return ""
}

const byteOrderMark = "\xef\xbb\xbf"

// Charges streams what the file holds. It can be ranged over once. An error ends it: what came before is then a part of a
// file, and must not be kept.
func (r *Reader) Charges() iter.Seq2[ledger.Charge, error] {
	return func(yield func(ledger.Charge, error) bool) {
		var t texts
		for {
			row, err := r.source.next(&t)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(ledger.Charge{}, named(r.file, err))
				return
			}
			r.rows++
			charge, ok := r.judge(&t, row)
			if ok && !yield(charge, nil) {
				return
			}
		}
	}
}

// judge makes a charge of a row, or rejects it.
func (r *Reader) judge(t *texts, row row) (ledger.Charge, bool) {
	if row.broken != "" {
		r.refuse(Reject{Line: row.line, Rule: row.broken})
		return ledger.Charge{}, false
	}
	c, broken := r.rules.charge(t, row.tags)
	if broken == nil {
		return c, true
	}
	line := row.line
	if row.lineOf != nil {
		line = row.lineOf(broken.field)
	}
	name := names[broken.field]
	if broken.field == carbon {
		name = "carbon"
	}
	r.refuse(Reject{Line: line, Column: name, Value: strings.Clone(excerpt.Short(t[broken.field])), Rule: broken.rule})
	return ledger.Charge{}, false
}

func (r *Reader) refuse(why Reject) {
	r.rejects++
	why.File = r.file
	if r.reject != nil {
		r.reject(why)
	}
}

// Format is csv, csv.gz or parquet.
func (r *Reader) Format() string { return r.format }

// Version is the version of FOCUS that the columns tell, such as 1.2.
func (r *Reader) Version() string { return r.version }

// Rows is how many rows were read so far, rejected ones included.
func (r *Reader) Rows() int64 { return r.rows }

// Rejects is how many of them were rejected.
func (r *Reader) Rejects() int64 { return r.rejects }

// Close removes what Open may have put aside. It does not close what Open was given.
func (r *Reader) Close() error { return r.close() }

// named adds a file's name to an error, and makes what a foreign file caused an InputError.
func named(file string, err error) error {
	if file == "" {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}
