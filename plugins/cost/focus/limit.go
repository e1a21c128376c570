package focus

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/callboard/callboard/sdk/apierror"
)

// countedReader reads no more than a number of bytes.
type countedReader struct {
	r    io.Reader
	n    int64
	most int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if c.n > c.most {
		return n, apierror.Inputf("the file is larger than %d bytes", c.most)
	}
	return n, err
}

// A gzip file that grows more than this is no bill: bills grow ten- to fortyfold.
const (
	mostGrowth  = 500
	growthFloor = 16 << 20 // below that, small files may grow as they like
)

// gzipReader unpacks, and says in words what is wrong.
type gzipReader struct {
	unpacked *gzip.Reader
	read     *countedReader
	n        int64
	most     int64
}

func unzip(compressed io.Reader, most int64) (*gzipReader, error) {
	read := &countedReader{r: compressed, most: most}
	unpacked, err := gzip.NewReader(bufio.NewReaderSize(read, 64<<10))
	if err != nil {
		return nil, gzipError(err)
	}
	return &gzipReader{unpacked: unpacked, read: read, most: most}, nil
}

func (g *gzipReader) Read(b []byte) (int, error) {
	n, err := g.unpacked.Read(b)
	g.n += int64(n)
	switch {
	case g.n > g.most:
		return n, apierror.Inputf("the file unpacks to more than %d bytes", g.most)
	case g.n > growthFloor && g.n/mostGrowth > g.read.n:
		return n, apierror.Inputf("the file unpacks to more than %d times its size, which no bill does", mostGrowth)
	case err != nil && !errors.Is(err, io.EOF):
		return n, gzipError(err)
	}
	return n, err
}

func gzipError(err error) error {
	switch {
	case apierror.NameOf(err) != apierror.Generic: // of who sends the file
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return apierror.Inputf("the gzip file is truncated: it ends in the middle, perhaps because its download or upload broke off")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return apierror.Inputf("the gzip file is broken: %v", err)
	}
	return apierror.Wrap(apierror.Input, "the gzip file cannot be read: "+err.Error(), err)
}

// rowBudget bounds how much is read for one row, so that a quotation mark without its counterpart does not take the whole
// file into memory.
type rowBudget struct {
	r    io.Reader
	left int
}

// mostOfRow is how long a row may be, beside what is buffered.
const mostOfRow = 4 << 20

func (b *rowBudget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

var errLongRow = apierror.Inputf("a row is longer than %d bytes; does a quotation mark lack its counterpart?", mostOfRow)
