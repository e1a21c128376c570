package focus

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/callboard/callboard/sdk/apierror"
)

// csvRows reads rows of CSV as RFC 4180 has it, with line ends of either kind, also within quotation marks.
type csvRows struct {
	layout layout
	budget *rowBudget
	csv    *csv.Reader
	lineOf func(field) int64
}

// maxColumns bounds a header: FOCUS has about 60 columns, providers add some dozens.
const maxColumns = 2000

func newCSV(text *bufio.Reader, carbonNames []string) (*csvRows, layout, error) {
	if start, _ := text.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark)) // it is buffered
	}
	budget := &rowBudget{r: text, left: mostOfRow}
	c := &csvRows{budget: budget, csv: csv.NewReader(budget)}
	c.csv.ReuseRecord = true
	c.csv.FieldsPerRecord = -1 // told row by row
	header, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, layout{}, apierror.Inputf("the file has no header")
	}
	if err != nil {
		return nil, layout{}, readable(err)
	}
	if len(header) > maxColumns {
		return nil, layout{}, apierror.Inputf("the file has %d columns, more than %d", len(header), maxColumns)
	}
	l, err := arrange(header, carbonNames)
	c.layout, c.lineOf = l, c.line
	return c, l, err
}

func (c *csvRows) next(t *texts) (row, error) {
	c.budget.left = mostOfRow
	record, err := c.csv.Read()
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		return row{line: int64(wrong.StartLine), broken: "must be CSV: " + wrong.Err.Error()}, nil
	}
	if err != nil {
		return row{}, readable(err)
	}
	line, _ := c.csv.FieldPos(0)
	if len(record) != c.layout.columns {
		return row{line: int64(line), broken: fmt.Sprintf("must have %d fields, as the header has; there are %d", c.layout.columns, len(record))}, nil
	}
	for f, at := range c.layout.at {
		if at >= 0 {
			t[f] = record[at]
		}
	}
	return row{line: int64(line), lineOf: c.lineOf}, nil
}

func (c *csvRows) line(f field) int64 {
	line, _ := c.csv.FieldPos(max(c.layout.at[f], 0))
	return int64(line)
}

// readable names the end of a file that is none. Errors of who sends the file keep their names.
func readable(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) && apierror.NameOf(err) == apierror.Generic {
		return apierror.Wrap(apierror.Input, "the file is truncated: it ends in the middle", err)
	}
	return err
}
