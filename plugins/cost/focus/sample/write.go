package sample

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
)

// WriteCSV writes a bill as CSV.
func WriteCSV(w io.Writer, o Options) error { return write(newCSV(w, Columns), Rows(o)) }

// WriteGzip writes a bill as CSV in gzip.
func WriteGzip(w io.Writer, o Options) error { return write(newGzip(w, Columns), Rows(o)) }

// WriteParquet writes a bill as Parquet.
func WriteParquet(w io.Writer, o Options) error { return write(newParquet(w, Columns), Rows(o)) }

// writer writes rows of all columns, of which it may leave some out.
type writer interface {
	write(row []string) error
	close() error
}

func write(w writer, rows iter.Seq[[]string]) error {
	for row := range rows {
		if err := w.write(row); err != nil {
			return errors.Join(err, w.close())
		}
	}
	return w.close()
}

// picked are the places of columns.
func picked(columns []string) []int {
	places := make([]int, len(columns))
	for i, name := range columns {
		places[i] = column[name]
	}
	return places
}

type csvWriter struct {
	csv    *csv.Writer
	places []int
	row    []string
	end    func() error
}

func newCSV(w io.Writer, columns []string) *csvWriter {
	c := &csvWriter{csv: csv.NewWriter(w), places: picked(columns), end: func() error { return nil }}
	_ = c.csv.Write(columns) // an error stays until close
	return c
}

func newGzip(w io.Writer, columns []string) *csvWriter {
	z := gzip.NewWriter(w)
	c := newCSV(z, columns)
	c.end = z.Close
	return c
}

func (c *csvWriter) write(row []string) error {
	c.row = c.row[:0]
	for _, place := range c.places {
		c.row = append(c.row, row[place])
	}
	return c.csv.Write(c.row)
}

func (c *csvWriter) close() error {
	c.csv.Flush()
	return errors.Join(c.csv.Error(), c.end())
}

// parquetWriter writes texts, of which empty ones are null.
type parquetWriter struct {
	parquet *parquet.GenericWriter[any]
	places  []int // by leaf, which are in the order of names
	row     parquet.Row
}

func newParquet(w io.Writer, columns []string) *parquetWriter {
	group := parquet.Group{}
	for _, name := range columns {
		group[name] = parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
	}
	schema := parquet.NewSchema("focus", group)
	p := &parquetWriter{parquet: parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd))}
	for _, path := range schema.Columns() {
		p.places = append(p.places, column[path[0]])
	}
	p.row = make(parquet.Row, len(p.places))
	return p
}

func (p *parquetWriter) write(row []string) error {
	for leaf, place := range p.places {
		if text := row[place]; text == "" {
			p.row[leaf] = parquet.NullValue().Level(0, 0, leaf)
		} else {
			p.row[leaf] = parquet.ByteArrayValue([]byte(text)).Level(0, 1, leaf)
		}
	}
	_, err := p.parquet.WriteRows([]parquet.Row{p.row})
	return err
}

func (p *parquetWriter) close() error { return p.parquet.Close() }

// delivery is how a cloud delivers its bills of a month.
type delivery struct {
	name   string // of the file, with the month in the place of *
	except []string
	open   func(io.Writer, []string) writer
}

var deliveries = map[string]delivery{
	aws.provider: {"aws/data/BILLING_PERIOD=*/focus-00001.csv.gz", []string{"ServiceProviderName"}, // FOCUS 1.2
		func(w io.Writer, columns []string) writer { return newGzip(w, columns) }},
	azure.provider: {"azure/*/focus.parquet", []string{"ServiceProviderName", "BillingAccountType", "InvoiceId"}, // 1.0
		func(w io.Writer, columns []string) writer { return newParquet(w, columns) }},
	google.provider: {"google/focus-*.csv", []string{"ProviderName", "PublisherName"}, // 1.3
		func(w io.Writer, columns []string) writer { return newCSV(w, columns) }},
}

// WriteFolder writes bills into a folder, month by month, as each cloud delivers them: AWS as CSV in gzip, Azure as Parquet,
// Google Cloud as CSV, each in another version of FOCUS.
func WriteFolder(dir string, o Options) error {
	f := &folder{dir: dir, files: map[string]*file{}}
	for row := range Rows(o) {
		if err := f.write(row); err != nil {
			return errors.Join(err, f.close())
		}
	}
	return f.close()
}

// folder has the files of one month open.
type folder struct {
	dir   string
	month string
	files map[string]*file // by provider
}

type file struct {
	writer

	file *os.File
}

func (f *folder) write(row []string) error {
	provider, month := row[column["ServiceProviderName"]], row[column["BillingPeriodStart"]][:len("2006-01")]
	if month != f.month {
		if err := f.close(); err != nil {
			return err
		}
		f.month = month
	}
	to := f.files[provider]
	if to == nil {
		var err error
		if to, err = deliveries[provider].create(f.dir, month); err != nil {
			return err
		}
		f.files[provider] = to
	}
	return to.write(row)
}

func (f *folder) close() error {
	var problems []error
	for _, one := range f.files {
		problems = append(problems, one.close(), one.file.Close())
	}
	clear(f.files)
	return errors.Join(problems...)
}

func (d delivery) create(dir, month string) (*file, error) {
	path := filepath.Join(dir, filepath.FromSlash(strings.Replace(d.name, "*", month, 1)))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	columns := slices.DeleteFunc(slices.Clone(Columns), func(name string) bool { return slices.Contains(d.except, name) })
	return &file{d.open(f, columns), f}, nil
}
