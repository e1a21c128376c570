package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// stored is a segment that can be read.
type stored struct {
	id            int64
	source        string
	period        string
	series, cells int
	first, last   Day
}

// between lists the segments with charges of some days, the newest period first.
func between(ctx context.Context, tx *sql.Tx, from, to Day) ([]stored, error) {
	rows, err := tx.QueryContext(ctx, `SELECT s.id, p.source, p.period, s.series, s.cells, s.first_day, s.last_day
		FROM segments s JOIN partitions p ON p.id = s.partition_id
		WHERE s.last_day >= ? AND s.first_day < ? ORDER BY p.period DESC, p.source, s.id`, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []stored
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.id, &s.source, &s.period, &s.series, &s.cells, &s.first, &s.last); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// snapshot is one state of the ledger, from which goroutines read one after the other.
type snapshot struct {
	ctx context.Context //nolint:containedctx // of one transaction
	mu  sync.Mutex
	tx  *sql.Tx
}

// column is a column's bytes; nil when the segment has none of it.
func (s *snapshot) column(segment int64, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var data []byte
	err := s.tx.QueryRowContext(s.ctx, "SELECT data FROM columns WHERE segment_id = ? AND name = ?", segment, name).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

// view reads a segment's dimensions as they are asked for. It is for one goroutine.
type view struct {
	from  *snapshot
	seg   stored
	known map[Dimension]*values
}

// values are what a dimension is for each series: texts[codes[series]], or texts[0] for all where codes is nil.
type values struct {
	texts []string
	codes []uint32
}

func (v *values) of(series int) string { return v.texts[v.code(series)] }

func (v *values) code(series int) uint32 {
	if v.codes == nil {
		return 0
	}
	return v.codes[series]
}

var errBroken = errors.New("the stored charges are broken; import them again")

// dimension is what the segment's series are by d. ByRule is not known here.
func (v *view) dimension(d Dimension) (*values, error) {
	if known := v.known[d]; known != nil {
		return known, nil
	}
	found, err := v.read(d)
	if err != nil {
		return nil, fmt.Errorf("column %s of %s, %s: %w", d, v.seg.source, v.seg.period, err)
	}
	if v.known == nil {
		v.known = map[Dimension]*values{}
	}
	v.known[d] = found
	return found, nil
}

func (v *view) read(d Dimension) (*values, error) {
	switch d {
	case Source:
		return &values{texts: []string{v.seg.source}}, nil
	case BillingPeriod:
		return &values{texts: []string{v.seg.period}}, nil
	}
	if key, ok := d.TagKey(); ok {
		sets, err := v.dimension(tagColumn)
		if err != nil {
			return nil, err
		}
		return sets.tag(key), nil
	}
	data, err := v.from.column(v.seg.id, string(d))
	if err != nil {
		return nil, err
	}
	return decodeValues(data, v.seg.series)
}

func decodeValues(data []byte, series int) (*values, error) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)) {
		return nil, errBroken
	}
	rest := string(data[size:])
	v := &values{texts: make([]string, n)}
	for i := range v.texts {
		v.texts[i], rest = cutText(rest)
	}
	if n == 1 {
		return v, nil
	}
	v.codes = make([]uint32, series)
	codes := data[len(data)-len(rest):]
	for i := range v.codes {
		code, size := binary.Uvarint(codes)
		if size <= 0 || code >= n {
			return nil, errBroken
		}
		v.codes[i], codes = uint32(code), codes[size:]
	}
	return v, nil
}

// tag is the values of one tag, of values that are whole sets.
func (v *values) tag(key string) *values {
	found := &values{}
	places := map[string]uint32{}
	recode := make([]uint32, len(v.texts))
	for i, encoded := range v.texts {
		value, _ := Tags{encoded}.Get(key)
		place, known := places[value]
		if !known {
			place = uint32(len(found.texts))
			places[value] = place
			found.texts = append(found.texts, value)
		}
		recode[i] = place
	}
	if v.codes == nil || len(found.texts) == 1 {
		return found
	}
	found.codes = make([]uint32, len(v.codes))
	for i, code := range v.codes {
		found.codes[i] = recode[code]
	}
	return found
}

// matching tells for each text whether a term holds for it.
func (t *Term) matching(v *values) []bool {
	match := make([]bool, len(v.texts))
	wanted := t.set()
	for i, text := range v.texts {
		match[i] = t.holds(text, wanted)
	}
	return match
}

// holds reports whether the term holds for a value. wanted is t.set().
func (t *Term) holds(value string, wanted map[string]bool) bool {
	var found bool
	switch {
	case len(t.Values) == 0:
		found = value != ""
	case wanted != nil:
		found = wanted[value]
	default:
		found = slices.Contains(t.Values, value)
	}
	return found != t.Not
}

// set is the values for a quick search where they are many.
func (t *Term) set() map[string]bool {
	if len(t.Values) <= 8 {
		return nil
	}
	set := make(map[string]bool, len(t.Values))
	for _, value := range t.Values {
		set[value] = true
	}
	return set
}
