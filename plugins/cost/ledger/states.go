package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// staleAfter is by how many days a source must be behind the newest one so as not to hold the last complete day back.
const staleAfter = 10

// settled is how long after a day's end its charges may still arrive.
const settled = 24 * time.Hour

// states tells how far the sources are that the query found charges of; all, when it found none.
func (p *plan) states(r *Result) error {
	list, err := states(p.from.ctx, p.from.tx)
	if err != nil {
		return err
	}
	r.Sources = slices.DeleteFunc(list, func(s SourceState) bool { return len(p.touched) > 0 && !p.touched[s.Source] })
	r.LastCompleteDay = complete(r.Sources)
	return nil
}

// Sources tells how far each source has come, by name.
func (l *Ledger) Sources(ctx context.Context) ([]SourceState, error) {
	var list []SourceState
	err := l.db.Read(ctx, func(tx *sql.Tx) (err error) {
		list, err = states(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	complete(list)
	return list, nil
}

func states(ctx context.Context, tx *sql.Tx) ([]SourceState, error) {
	parts, err := partitions(ctx, tx)
	if err != nil {
		return nil, err
	}
	bySource := map[string]SourceState{}
	for _, p := range parts {
		s, known := bySource[p.Source]
		if !known || p.Last >= s.LastDay {
			s = SourceState{Source: p.Source, FocusVersion: p.FocusVersion, LastDay: p.Last, Imported: p.Imported, LastCompleteDay: p.Last}
			if p.Imported.Before((p.Last + 1).Time().Add(settled)) {
				s.LastCompleteDay--
			}
		}
		bySource[p.Source] = s
	}
	return slices.SortedFunc(maps.Values(bySource), func(a, b SourceState) int {
		if a.Source < b.Source {
			return -1
		}
		return 1
	}), nil
}

// complete marks stale sources, and finds the day that all others have.
func complete(list []SourceState) Day {
	var newest Day
	for _, s := range list {
		newest = max(newest, s.LastDay)
	}
	last := newest
	for i := range list {
		if list[i].Stale = list[i].LastDay < newest-staleAfter; !list[i].Stale {
			last = min(last, list[i].LastCompleteDay)
		}
	}
	return last
}

// Values lists values of a dimension in months that have some of the given days, in order; empty ones are left out.
func (l *Ledger) Values(ctx context.Context, d Dimension, from, to Day, limit int) ([]string, error) {
	if !d.Valid() || d == ByRule {
		return nil, apierror.Inputf("there are no values of the dimension %q", excerpt.Short(string(d)))
	}
	return l.texts(ctx, d, from, to, limit, func(text string, found map[string]bool) { found[text] = true })
}

// TagKeys lists the keys of tags in months that have some of the given days, in order.
func (l *Ledger) TagKeys(ctx context.Context, from, to Day, limit int) ([]string, error) {
	return l.texts(ctx, tagColumn, from, to, limit, func(text string, found map[string]bool) {
		for key := range (Tags{text}).All() {
			found[key] = true
		}
	})
}

func (l *Ledger) texts(ctx context.Context, d Dimension, first, end Day, limit int, each func(string, map[string]bool)) ([]string, error) {
	found := map[string]bool{}
	err := l.db.Read(ctx, func(tx *sql.Tx) error {
		segments, err := between(ctx, tx, first, end)
		if err != nil {
			return err
		}
		from := &snapshot{ctx: ctx, tx: tx}
		for _, seg := range segments {
			v := &view{from: from, seg: seg}
			column, err := v.dimension(d)
			if err != nil {
				return err
			}
			for _, text := range column.texts {
				each(text, found)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list values of %s: %w", d, err)
	}
	delete(found, "")
	list := slices.Sorted(maps.Keys(found))
	return list[:min(len(list), max(limit, 0))], nil
}
