package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// longestText bounds the text of a charge, all its tags included.
const longestText = 64 << 10

// builder rolls charges of one partition up to cells, until they become a segment. A series is a combination of texts; a
// cell is a series' sums of a day.
type builder struct {
	codes   [nColumns]map[string]uint32
	texts   [nColumns][]string
	size    int // of texts
	series  map[seriesKey]uint32
	keys    []seriesKey
	places  map[cellKey]uint32 // of a cell
	cells   []cell
	order   []cellKey // of cells, as they came
	charges int64
}

const nColumns = 15

// seriesKey is a series' code in each column.
type seriesKey [nColumns]uint32

type cellKey struct {
	series uint32
	day    Day
}

type cell [nMetrics]money.Amount

const nMetrics = 5

func newBuilder() *builder {
	b := &builder{series: map[seriesKey]uint32{}, places: map[cellKey]uint32{}}
	for i := range b.codes {
		b.codes[i] = map[string]uint32{}
	}
	return b
}

func (b *builder) add(c *Charge) error {
	var key seriesKey
	for i := range columns {
		text := columns[i].of(c)
		code, known := b.codes[i][text]
		if !known {
			if len(text) > longestText || !utf8.ValidString(text) {
				return apierror.Inputf("charge of %s: %s is longer than %d bytes, or no UTF-8", c.Day, columns[i].name, longestText)
			}
			text = strings.Clone(text) // it may be a part of a long row
			code = uint32(len(b.texts[i]))
			b.codes[i][text] = code
			b.texts[i] = append(b.texts[i], text)
			b.size += len(text)
		}
		key[i] = code
	}
	at := cellKey{b.seriesOf(key), c.Day}
	place, known := b.places[at]
	if !known {
		place = uint32(len(b.cells))
		b.places[at] = place
		b.cells, b.order = append(b.cells, cell{}), append(b.order, at)
	}
	b.charges++
	return b.cells[place].add(c)
}

func (b *builder) seriesOf(key seriesKey) uint32 {
	s, known := b.series[key]
	if !known {
		s = uint32(len(b.keys))
		b.series[key] = s
		b.keys = append(b.keys, key)
	}
	return s
}

func (s *cell) add(c *Charge) error {
	for i, a := range [nMetrics]money.Amount{c.Effective, c.Billed, c.List, c.Contracted, c.Carbon} {
		s[i] = s[i].Add(a)
		if err := s[i].Err(); err != nil {
			return apierror.Inputf("charges of %s: %s of %s: %v", c.Day, metrics[i], c.Service, err)
		}
	}
	return nil
}

// weight is about how many bytes of memory the builder takes.
func (b *builder) weight() int { return len(b.cells)*180 + len(b.keys)*150 + b.size }

// segment is the built cells in an order that does not depend on the one in which charges came: texts, then series, then
// days are sorted.
func (b *builder) segment() segment {
	recode := b.sortTexts()
	for i := range b.keys {
		for c := range b.keys[i] {
			b.keys[i][c] = recode[c][b.keys[i][c]]
		}
	}
	series := sortedIndex(b.keys, func(x, y seriesKey) int { return slices.Compare(x[:], y[:]) })
	rank := make([]uint32, len(series))
	for at, s := range series {
		rank[s] = uint32(at)
	}
	for i := range b.order {
		b.order[i].series = rank[b.order[i].series]
	}
	cells := sortedIndex(b.order, func(x, y cellKey) int {
		return cmp.Or(cmp.Compare(x.series, y.series), cmp.Compare(x.day, y.day))
	})
	return b.encode(series, cells)
}

// sortTexts puts each column's texts in order, and tells where each code went.
func (b *builder) sortTexts() [nColumns][]uint32 {
	var recode [nColumns][]uint32
	for c := range b.texts {
		order := sortedIndex(b.texts[c], cmp.Compare)
		sorted := make([]string, len(order))
		recode[c] = make([]uint32, len(order))
		for at, code := range order {
			sorted[at], recode[c][code] = b.texts[c][code], uint32(at)
		}
		b.texts[c] = sorted
	}
	return recode
}

// sortedIndex is the places of a list's items in their order.
func sortedIndex[T any](list []T, compare func(a, b T) int) []uint32 {
	index := make([]uint32, len(list))
	for i := range index {
		index[i] = uint32(i)
	}
	slices.SortFunc(index, func(i, j uint32) int { return compare(list[i], list[j]) })
	return index
}

// currencies are those of the charges so far.
func (b *builder) currencies() []string {
	return slices.Sorted(maps.Keys(b.codes[columnOf(Currency)]))
}

// check says whether the ledger can keep a charge.
func (c *Charge) check() error {
	switch {
	case !c.Day.Valid():
		return fmt.Errorf("charge of %s: the day lies before 1970 or after 2199: %w", c.Day, errCharge)
	case c.Currency == "":
		return fmt.Errorf("charge of %s: it has no currency: %w", c.Day, errCharge)
	case c.Period.First() == 0:
		return fmt.Errorf("charge of %s: %q is no billing period: %w", c.Day, excerpt.Short(string(c.Period)), errCharge)
	}
	return nil
}

var errCharge = apierror.New(apierror.Input, "charge cannot be kept")
