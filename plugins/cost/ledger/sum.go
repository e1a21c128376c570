package ledger

import (
	"encoding/binary"
	"fmt"
	"maps"
	"runtime"

	"github.com/callboard/callboard/plugins/cost/money"
)

// matrix is the sums of slots by time.
type matrix struct {
	width   int
	time    buckets
	sums    []money.Amount // slot by slot
	touched []bool         // slots with any charge
}

func (m *matrix) make() {
	m.sums, m.touched = make([]money.Amount, m.width*len(m.time.starts)), make([]bool, m.width)
}

func (m *matrix) total(slot int) money.Amount {
	var total money.Amount
	n := len(m.time.starts)
	for _, a := range m.sums[slot*n : (slot+1)*n] {
		total = total.Add(a)
	}
	return total
}

// fold adds the rows of another matrix up to those of their slots.
func (m *matrix) fold(other *matrix, slots []int) {
	m.make()
	n := len(m.time.starts)
	for row, slot := range slots {
		if slot < 0 {
			continue
		}
		m.touched[slot] = m.touched[slot] || other.touched[row]
		for i := range n {
			m.sums[slot*n+i] = m.sums[slot*n+i].Add(other.sums[row*n+i])
		}
	}
}

// sum adds the cells of all segments to the slots of their groups. Where sums are few, each processor has its own.
func (p *plan) sum(m *matrix, slots []int) error {
	m.make()
	workers := runtime.GOMAXPROCS(0)
	if len(m.sums) > mostOwnSums {
		workers = 1
	}
	own := make([]*tally, min(workers, len(p.segments)))
	for i := range own {
		own[i] = newTally(*m)
		if workers > 1 {
			own[i].make()
		}
	}
	err := atOnce(p.from.ctx, len(p.segments), workers, func(worker, i int) error {
		s := &p.segments[i]
		if err := p.sumSegment(own[worker], slots, s); err != nil {
			return fmt.Errorf("charges of %s, %s: %w", s.source, s.period, err)
		}
		return nil
	})
	for _, t := range own {
		if workers > 1 {
			m.add(&t.matrix)
		}
		maps.Copy(p.currencies, t.currencies)
		maps.Copy(p.touched, t.sources)
	}
	return err
}

// mostOwnSums bounds the memory of a query on a machine with many processors.
const mostOwnSums = 1 << 17

// tally is what one goroutine has summed.
type tally struct {
	matrix

	currencies, sources map[string]bool
}

// newTally has the sums of m until it makes its own.
func newTally(m matrix) *tally {
	return &tally{matrix: m, currencies: map[string]bool{}, sources: map[string]bool{}}
}

func (m *matrix) add(other *matrix) {
	for i, touched := range other.touched {
		m.touched[i] = m.touched[i] || touched
	}
	for i, a := range other.sums {
		m.sums[i] = m.sums[i].Add(a)
	}
}

func (p *plan) sumSegment(t *tally, slots []int, s *planned) error {
	data, err := p.from.column(s.id, daysColumn)
	if err != nil {
		return err
	}
	days := numbers{data: data}
	if data, err = p.from.column(s.id, string(p.query.Metric)); err != nil {
		return err
	}
	amounts, err := newAmounts(data)
	if err != nil {
		return err
	}
	for series, group := range s.groups {
		slot := -1
		if group >= 0 {
			slot = slots[group]
		}
		if addSeries(&t.matrix, slot, s.first, &days, amounts) {
			t.touch(s, series)
		}
	}
	if days.broken || amounts.broken() {
		return errBroken
	}
	return nil
}

// addSeries reads the cells of one series, and reports whether any counted.
func addSeries(m *matrix, slot int, day Day, days *numbers, amounts *amounts) bool {
	n := days.next()
	if slot < 0 {
		for range n {
			days.next()
		}
		amounts.skip(n)
		return false
	}
	row := m.sums[slot*len(m.time.starts):]
	counted := false
	for range n {
		day += Day(days.next())
		amount := amounts.next()
		at := int(day) - int(m.time.from)
		if at < 0 || at >= len(m.time.of) {
			continue
		}
		bucket := m.time.of[at]
		row[bucket] = row[bucket].Add(amount)
		counted = true
	}
	m.touched[slot] = m.touched[slot] || counted
	return counted
}

// touch notes what a series that counted is of.
func (t *tally) touch(s *planned, series int) {
	if s.currency != nil {
		t.currencies[s.currency.of(series)] = true
	}
	t.sources[s.source] = true
}

// numbers reads varints. Beyond the end, which is noted, all are 0.
type numbers struct {
	data   []byte
	at     int // a place rather than a shorter slice: it is written for every number
	broken bool
}

func (n *numbers) next() uint64 {
	if at := n.at; at < len(n.data) && n.data[at] < 0x80 {
		n.at++
		return uint64(n.data[at])
	}
	x, size := binary.Uvarint(n.data[n.at:])
	if size <= 0 {
		n.broken, n.at = true, len(n.data)
		return 0
	}
	n.at += size
	return x
}

// amounts reads a metric's column.
type amounts struct {
	numbers

	none, wide bool
	places     int
}

func newAmounts(data []byte) (*amounts, error) {
	if data == nil {
		return &amounts{none: true}, nil
	}
	if len(data) < 2 || data[0] > money.Places || data[1] > wide {
		return nil, errBroken
	}
	return &amounts{numbers: numbers{data: data[2:]}, places: int(data[0]), wide: data[1] == wide}, nil
}

func (a *amounts) broken() bool { return a.numbers.broken }

func (a *amounts) next() money.Amount {
	switch {
	case a.none:
		return money.Amount{}
	case !a.wide:
		n := a.numbers.next()
		return money.FromScaled(int64(n>>1)^-int64(n&1), a.places)
	case len(a.data)-a.at < 16:
		a.numbers.broken, a.at = true, len(a.data)
		return money.Amount{}
	}
	hi, lo := binary.BigEndian.Uint64(a.data[a.at:]), binary.BigEndian.Uint64(a.data[a.at+8:])
	a.at += 16
	return money.FromBinary(int64(hi), lo, money.Places)
}

func (a *amounts) skip(n uint64) {
	switch {
	case a.none:
	case a.wide:
		for range n {
			a.next()
		}
	default:
		for range n {
			a.numbers.next()
		}
	}
}
