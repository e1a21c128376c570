package ledger

import (
	"encoding/binary"
	"math"

	"github.com/callboard/callboard/plugins/cost/money"
)

// segment is cells as they are stored: a value for each column, in the order of columnNames. All numbers are varints.
//
//	dimension  number of texts; the texts, each after its length; the code of each series
//	days       for each series: number of cells, then days: the first since the segment's first, others since the one before
//	metric     places after the point; 0 and a signed varint for each cell, or 1 and 16 bytes for each where those are too wide
//
// A metric that is zero in every cell has no column.
type segment struct {
	series, cells int
	first, last   Day
	columns       []column
}

type column struct {
	name string
	data []byte
}

const daysColumn = "days"

// encode writes the builder's cells, which are given in order.
func (b *builder) encode(series, cells []uint32) segment {
	s := segment{series: len(series), cells: len(cells), first: math.MaxInt32, last: math.MinInt32}
	for _, at := range b.order {
		s.first, s.last = min(s.first, at.day), max(s.last, at.day)
	}
	for c := range columns {
		s.columns = append(s.columns, column{string(columns[c].name), b.encodeDimension(c, series)})
	}
	s.columns = append(s.columns, column{daysColumn, b.encodeDays(cells, s.first)})
	for m, name := range metrics {
		if data := b.encodeMetric(m, cells); data != nil {
			s.columns = append(s.columns, column{string(name), data})
		}
	}
	return s
}

func (b *builder) encodeDimension(c int, series []uint32) []byte {
	data := binary.AppendUvarint(nil, uint64(len(b.texts[c])))
	for _, text := range b.texts[c] {
		data = appendText(data, text)
	}
	for _, s := range series {
		data = binary.AppendUvarint(data, uint64(b.keys[s][c]))
	}
	return data
}

func (b *builder) encodeDays(cells []uint32, first Day) []byte {
	data := make([]byte, 0, len(cells)+len(b.keys))
	for i := 0; i < len(cells); {
		end := i + 1
		for end < len(cells) && b.order[cells[end]].series == b.order[cells[i]].series {
			end++
		}
		data = binary.AppendUvarint(data, uint64(end-i))
		for before := first; i < end; i++ {
			day := b.order[cells[i]].day
			data = binary.AppendUvarint(data, uint64(day-before))
			before = day
		}
	}
	return data
}

func (b *builder) encodeMetric(m int, cells []uint32) []byte {
	places, zero := 0, true
	for i := range b.cells {
		places = max(places, b.cells[i][m].Scale())
		zero = zero && b.cells[i][m].IsZero()
	}
	if zero {
		return nil
	}
	data := append(make([]byte, 0, 6*len(cells)), byte(places), narrow)
	for _, at := range cells {
		n, fits := b.cells[at][m].Scaled(places)
		if !fits {
			return b.encodeWide(m, cells)
		}
		data = binary.AppendVarint(data, n)
	}
	return data
}

const (
	narrow = 0
	wide   = 1
)

func (b *builder) encodeWide(m int, cells []uint32) []byte {
	data := append(make([]byte, 0, 16*len(cells)), money.Places, wide)
	for _, at := range cells {
		hi, lo := b.cells[at][m].Binary()
		data = binary.BigEndian.AppendUint64(data, uint64(hi))
		data = binary.BigEndian.AppendUint64(data, lo)
	}
	return data
}
