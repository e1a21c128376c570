package main

import (
	"context"
	"fmt"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/excerpt"
)

// meta is what an answer says about the data that it was made of.
type meta struct {
	// LastCompleteDate is the last day that no source is known to add to; "" when there is no data.
	LastCompleteDate string `json:"lastCompleteDate,omitempty"`
	// AgeDays is how many whole days have passed since.
	AgeDays  *int     `json:"ageDays,omitempty"`
	Sources  []source `json:"sources"`
	Warnings []string `json:"warnings"`
}

type source struct {
	Source           string    `json:"source"`
	FocusVersion     string    `json:"focusVersion,omitempty"`
	LastDate         string    `json:"lastDate"`
	LastCompleteDate string    `json:"lastCompleteDate"`
	ImportedAt       time.Time `json:"importedAt"`
	Stale            bool      `json:"stale,omitempty"`
}

// oldAfter is how many days may pass without complete data before an answer warns: bills come a day or two late.
const oldAfter = 3

func (c *plugin) meta(complete ledger.Day, sources []ledger.SourceState, warnings ...string) meta {
	m := meta{Sources: []source{}, Warnings: append([]string{}, warnings...)}
	if len(sources) == 0 {
		m.Warnings = append(m.Warnings, "no charges have been imported")
		return m
	}
	for _, s := range sources {
		m.Sources = append(m.Sources, source{
			s.Source, s.FocusVersion, s.LastDay.String(), s.LastCompleteDay.String(), s.Imported.UTC(), s.Stale,
		})
		if s.Stale {
			m.Warnings = append(m.Warnings, fmt.Sprintf("source %s has brought nothing after %s", excerpt.Short(s.Source), s.LastDay))
		}
	}
	age := max(0, int(ledger.DayOf(c.now())-complete)-1)
	m.LastCompleteDate, m.AgeDays = complete.String(), &age
	if age > oldAfter {
		m.Warnings = append(m.Warnings, fmt.Sprintf("the data is complete until %s, %d days ago", complete, age))
	}
	return m
}

// complete is the last day that no source is known to add to; 0 when there is no data.
func (c *plugin) complete(ctx context.Context) (ledger.Day, []ledger.SourceState, error) {
	list, err := c.ledger.Sources(ctx)
	if err != nil {
		return 0, nil, err
	}
	var last ledger.Day
	for _, s := range list {
		if !s.Stale && (last == 0 || s.LastCompleteDay < last) {
			last = s.LastCompleteDay
		}
	}
	return last, list, nil
}
