package focus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

const parquetMagic = "PAR1"

// sizedReaderAt is a file, or what can be read like one.
type sizedReaderAt interface {
	io.ReaderAt
	io.Seeker
}

func magicOf(r io.ReaderAt) string {
	var magic [len(parquetMagic)]byte
	n, _ := r.ReadAt(magic[:], 0) // what cannot be read has no magic
	return string(magic[:n])
}

// spoolParquet copies a stream into a file that goes with the reader.
func (r *Reader) spoolParquet(stream io.Reader, o Options) error {
	file, err := os.CreateTemp(o.TempDir, "focus-*.parquet")
	if err != nil {
		return fmt.Errorf("put the file aside: %w", err)
	}
	r.close = func() error { return errors.Join(file.Close(), os.Remove(file.Name())) }
	if _, err := io.Copy(file, stream); err != nil {
		return errors.Join(fmt.Errorf("put the file aside: %w", err), r.close())
	}
	if err := r.openParquet(file, o); err != nil {
		return errors.Join(err, r.close())
	}
	return nil
}

func (r *Reader) openParquet(file sizedReaderAt, o Options) error {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var rows *parquetRows
	err = guarded(func() (err error) {
		rows, err = newParquet(file, size, o)
		return err
	})
	if err != nil {
		return err
	}
	r.format, r.version, r.source = "parquet", rows.layout.version, rows
	return nil
}

// guarded makes errors of the panics by which the library meets some broken files.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = apierror.Inputf("the Parquet file is broken: %s", excerpt.Short(fmt.Sprint(p)))
		}
	}()
	return f()
}

// parquetRows reads rows of Parquet, one row group after the other.
type parquetRows struct {
	layout layout
	leaves []leaf // by number of the leaf column; without text those that are not read
	groups []parquet.RowGroup
	rows   parquet.Rows
	buffer []parquet.Row
	ready  []parquet.Row
	line   int64
	keys   []string // of the row's tags
	values []string
}

// mostOfChunk bounds what a column of one row group may claim to unpack to.
const mostOfChunk = 2 << 30

func newParquet(file io.ReaderAt, size int64, o Options) (*parquetRows, error) {
	f, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, apierror.Wrap(apierror.Input, "the Parquet file is broken or truncated: "+excerpt.Short(err.Error()), err)
	}
	total := int64(0)
	for _, group := range f.Metadata().RowGroups {
		for i := range group.Columns {
			unpacked := group.Columns[i].MetaData.TotalUncompressedSize
			if unpacked < 0 || unpacked > mostOfChunk {
				return nil, apierror.Inputf("a column of the Parquet file unpacks to %d bytes, more than %d", unpacked, int64(mostOfChunk))
			}
			total += unpacked
		}
	}
	if total > o.MaxBytes {
		return nil, apierror.Inputf("the Parquet file unpacks to more than %d bytes", o.MaxBytes)
	}
	p := &parquetRows{groups: f.RowGroups(), leaves: make([]leaf, len(leavesOf(f.Root()))), buffer: make([]parquet.Row, 256)}
	return p, p.arrange(f.Root(), o.CarbonColumns)
}

// arrange finds the fields among the top columns, and their leaves.
func (p *parquetRows) arrange(root *parquet.Column, carbonNames []string) error {
	top := root.Columns()
	header := make([]string, len(top))
	for i, c := range top {
		header[i] = c.Name()
	}
	l, err := arrange(header, carbonNames)
	if err != nil {
		return err
	}
	p.layout = l
	for f, at := range l.at {
		if at < 0 {
			continue
		}
		if err := p.arrangeField(field(f), top[at]); err != nil {
			return err
		}
	}
	return nil
}

func (p *parquetRows) arrangeField(f field, c *parquet.Column) error {
	if c.Leaf() {
		if c.Repeated() {
			return apierror.Inputf("column %s must not be a list", names[f])
		}
		p.leaves[c.Index()] = leaf{field: f, text: textOf(c.Type())}
		return nil
	}
	leaves := leavesOf(c)
	if f != tags || len(leaves) != 2 {
		return apierror.Inputf("column %s has members that FOCUS does not have", names[f])
	}
	if strings.EqualFold(leaves[0].Name(), "value") {
		slices.Reverse(leaves)
	}
	p.leaves[leaves[0].Index()] = leaf{field: f, part: mapKey, text: textOf(leaves[0].Type())}
	p.leaves[leaves[1].Index()] = leaf{field: f, part: mapValue, text: textOf(leaves[1].Type())}
	return nil
}

func leavesOf(c *parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return []*parquet.Column{c}
	}
	var leaves []*parquet.Column
	for _, inner := range c.Columns() {
		leaves = append(leaves, leavesOf(inner)...)
	}
	return leaves
}

func (p *parquetRows) next(t *texts) (r row, err error) {
	err = guarded(func() (err error) {
		r, err = p.read(t)
		return err
	})
	return r, err
}

func (p *parquetRows) read(t *texts) (row, error) {
	for len(p.ready) == 0 {
		if err := p.fill(); err != nil {
			return row{}, err
		}
	}
	values := p.ready[0]
	p.ready = p.ready[1:]
	p.line++
	*t = texts{}
	p.keys, p.values = p.keys[:0], p.values[:0]
	mapped := false
	for _, v := range values {
		l := p.leaves[v.Column()]
		if l.text == nil {
			continue
		}
		mapped = mapped || l.part != whole
		if !v.IsNull() || l.part == mapValue {
			p.put(t, l, v)
		}
	}
	r := row{line: p.line}
	if mapped {
		r.tags = p.tags()
	}
	return r, nil
}

func (p *parquetRows) put(t *texts, l leaf, v parquet.Value) {
	text := ""
	if !v.IsNull() {
		text = l.text(v)
	}
	switch l.part {
	case mapKey:
		p.keys = append(p.keys, text)
	case mapValue:
		p.values = append(p.values, text)
	default:
		t[l.field] = text
	}
}

func (p *parquetRows) tags() *ledger.Tags {
	m := make(map[string]string, len(p.keys))
	for i, key := range p.keys {
		if i < len(p.values) {
			m[key] = p.values[i]
		}
	}
	set := ledger.TagsOf(m)
	return &set
}

// fill reads the next rows. io.EOF is the end of the last group.
func (p *parquetRows) fill() error {
	if p.rows == nil {
		if len(p.groups) == 0 {
			return io.EOF
		}
		p.rows, p.groups = p.groups[0].Rows(), p.groups[1:]
	}
	n, err := p.rows.ReadRows(p.buffer)
	p.ready = p.buffer[:n]
	if errors.Is(err, io.EOF) {
		err = p.rows.Close()
		p.rows = nil
	}
	if err != nil {
		return apierror.Wrap(apierror.Input, fmt.Sprintf("the Parquet file is broken after row %d: %s", p.line, excerpt.Short(err.Error())), err)
	}
	return nil
}
