package index

// table is a persistent hash table from a hash to document numbers: open addressing over pages that are copied when
// they change. It stores four bytes per slot; the strings it is asked about are compared through the caller.
type table struct {
	pages []*tablePage
	used  int // filled slots, removed ones included
}

const tablePageSize = 256

type tablePage [tablePageSize]uint32

// Slot contents other than a document number plus slotOffset.
const (
	slotEmpty   = 0
	slotRemoved = 1
	slotOffset  = 2
)

// find returns the first number with that hash for which equal holds.
func (t *table) find(hash uint64, equal func(doc uint32) bool) (uint32, bool) {
	if len(t.pages) == 0 {
		return 0, false
	}
	mask := uint64(len(t.pages)*tablePageSize - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch slot := t.pages[i/tablePageSize][i%tablePageSize]; slot {
		case slotEmpty:
			return 0, false
		case slotRemoved:
		default:
			if equal(slot - slotOffset) {
				return slot - slotOffset, true
			}
		}
	}
}

// tableEdit changes a table without disturbing who reads the old one.
type tableEdit struct {
	table
	owned  []bool // pages made by this edit
	hashOf func(doc uint32) uint64
}

func (t *table) edit(hashOf func(doc uint32) uint64) *tableEdit {
	return &tableEdit{
		table: table{pages: append([]*tablePage(nil), t.pages...), used: t.used},
		owned: make([]bool, len(t.pages)), hashOf: hashOf,
	}
}

func (e *tableEdit) set(i uint64, slot uint32) {
	p := i / tablePageSize
	if !e.owned[p] {
		page := *e.pages[p]
		e.pages[p], e.owned[p] = &page, true
	}
	e.pages[p][i%tablePageSize] = slot
}

func (e *tableEdit) insert(doc uint32) {
	if (e.used+1)*4 > len(e.pages)*tablePageSize*3 {
		e.grow()
	}
	mask := uint64(len(e.pages)*tablePageSize - 1)
	i := e.hashOf(doc) & mask
	for e.pages[i/tablePageSize][i%tablePageSize] > slotRemoved {
		i = (i + 1) & mask
	}
	if e.pages[i/tablePageSize][i%tablePageSize] == slotEmpty {
		e.used++
	}
	e.set(i, doc+slotOffset)
}

func (e *tableEdit) remove(doc uint32) {
	if len(e.pages) == 0 {
		return
	}
	mask := uint64(len(e.pages)*tablePageSize - 1)
	for i := e.hashOf(doc) & mask; ; i = (i + 1) & mask {
		switch e.pages[i/tablePageSize][i%tablePageSize] {
		case doc + slotOffset:
			e.set(i, slotRemoved)
			return
		case slotEmpty:
			return
		}
	}
}

// grow rehashes into a table with room for twice what is really there, dropping removed slots.
func (e *tableEdit) grow() {
	old := e.pages
	live := 0
	for _, page := range old {
		for _, slot := range page {
			if slot >= slotOffset {
				live++
			}
		}
	}
	pages := 1
	for pages*tablePageSize < (live+1)*2 {
		pages *= 2
	}
	e.pages, e.owned, e.used = make([]*tablePage, pages), make([]bool, pages), 0
	for i := range e.pages {
		e.pages[i], e.owned[i] = new(tablePage), true
	}
	for _, page := range old {
		for _, slot := range page {
			if slot >= slotOffset {
				e.insert(slot - slotOffset)
			}
		}
	}
}
