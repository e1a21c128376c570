package draw

import (
	"encoding/csv"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/frame"
)

// printable is a text as [markup.text] writes it, without escapes.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case !shown(r):
			return -1
		}
		return r
	}, s)
}

// Text is a table for terminals and programs that read words.
func Text(f *frame.Frame, o Options) string {
	rows := textRows(f, o.withDefaults().formatter())
	widths := make([]int, len(f.Columns))
	for _, cells := range rows {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, cells := range rows {
		for i, cell := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if numeric(f.Columns[i]) != "" {
				cell = pad + cell
			} else if i < len(cells)-1 {
				cell += pad
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// textRows are the names of the columns and the rows that a page shows.
func textRows(f *frame.Frame, w formatter) [][]string {
	names := make([]string, len(f.Columns))
	for i, c := range f.Columns {
		names[i] = cut(printable(name(c)))
	}
	rows := [][]string{names}
	for row := range min(f.Rows(), maxShown) {
		cells := make([]string, len(f.Columns))
		for i, c := range f.Columns {
			cells[i] = cut(printable(w.value(c, c.Values[row])))
		}
		rows = append(rows, cells)
	}
	return rows
}

// CSV has every row, for programs: times in RFC 3339, durations in seconds, numbers as they are, no unit. Texts that a
// spreadsheet would take for a formula get an apostrophe before them.
func CSV(f *frame.Frame) string {
	var b strings.Builder
	out := csv.NewWriter(&b)
	record := make([]string, len(f.Columns))
	for i, c := range f.Columns {
		record[i] = harmless(c.Name)
	}
	_ = out.Write(record) // a strings.Builder does not fail
	for row := range f.Rows() {
		for i, c := range f.Columns {
			record[i] = plain(c.Values[row])
		}
		_ = out.Write(record)
	}
	out.Flush()
	return b.String()
}

func plain(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case string:
		return harmless(v)
	}
	return ""
}

// harmless is a text that no spreadsheet takes for a formula. Some take signs of full width for the usual ones.
func harmless(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}
