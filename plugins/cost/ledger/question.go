package ledger

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
)

// Query asks for sums of one metric.
type Query struct {
	Metric      Metric      // Effective when empty
	Currency    string      // only charges in it; when empty, all that match must have the same
	From, To    Day         // To is the day after the last
	Granularity Granularity // Total when empty
	GroupBy     []Dimension // none: one series
	Filter      Filter
	Rules       []Rule // what the dimension ByRule is told from
	Limit       int    // so many series with the highest sums, and the rest as one more; 0: all, up to MaxSeries
}

// MaxSeries bounds what a query without a limit, and one with it, may answer.
const MaxSeries = 10_000

// maxDays bounds a query's range.
const maxDays = 20 * 366

// Granularity is how long the time is that a point stands for.
type Granularity string

// The granularities. Months are those of the calendar, by the days of charges.
const (
	Daily   Granularity = "day"
	Monthly Granularity = "month"
	Total   Granularity = "total"
)

// Filter selects charges that meet every term of All, and at least one filter of Any if there are any. The zero value selects
// all.
type Filter struct {
	All []Term
	Any []Filter
}

// Term holds for charges whose dimension has one of the values. Without values it holds when there is any; the value "" is
// that there is none. Not turns it around. Values are compared exactly.
type Term struct {
	Dimension Dimension
	Values    []string
	Not       bool
}

// Is is a term for one dimension's values.
func Is(d Dimension, values ...string) Term { return Term{Dimension: d, Values: values} }

// IsNot is the opposite of Is.
func IsNot(d Dimension, values ...string) Term { return Term{Dimension: d, Values: values, Not: true} }

// Where is a filter of terms that all hold.
func Where(terms ...Term) Filter { return Filter{All: terms} }

// Rule gives a name to what a filter selects. Rules have an order: a charge is of the first that it meets, so that charges of
// all rules, and those of none, add up to the whole.
type Rule struct {
	Name   string
	Filter Filter
}

// Result is what a query found.
type Result struct {
	Currency        string // empty for carbon, and when nothing was found
	Series          []Series
	Total           money.Amount // of all series
	LastCompleteDay Day          // the last day that no source is known to add to; see [Source]
	Sources         []SourceState
}

// Series is the sums of one group.
type Series struct {
	Keys   map[Dimension]string // by GroupBy
	Other  bool                 // it stands for all groups beyond the limit, and has no keys
	Groups int                  // how many it stands for
	Points []Point              // one for each day or month of the query's range, in order; a single one for Total
	Total  money.Amount
}

// Point is a sum. Day is the first of its time that lies in the query's range.
type Point struct {
	Day    Day
	Amount money.Amount
}

// SourceState is how far a source has come.
type SourceState struct {
	Source          string
	FocusVersion    string
	LastDay         Day // with charges
	LastCompleteDay Day // LastDay if it had been over for a day when it was imported, else the day before
	Imported        time.Time
	Stale           bool // its last day is so old that it does not hold LastCompleteDay back
}

// Batch is what an import replaces.
type Batch struct {
	Source       string // who sends; up to 200 bytes
	Period       Period // the only period that charges may be of; when empty, each period that they are of is replaced
	Run          string // the export's name of this delivery, for people
	FocusVersion string
}

// Import is what Replace has done.
type Import struct {
	ID         int64
	Source     string
	Run        string
	Charges    int64
	Partitions []Partition // in the order of periods
	Started    time.Time
	Ended      time.Time
}

// Partition is the charges of one source and billing period. It is replaced as a whole.
type Partition struct {
	Source       string
	Period       Period
	Run          string
	FocusVersion string
	Charges      int64
	Cells        int64    // sums by day that the charges were rolled up to
	First, Last  Day      // of charges
	Currencies   []string // more than one is legal, but cannot be summed
	Content      string   // hash of what is kept
	Imported     time.Time
	Unchanged    bool // in an [Import]: the content was there already
}

// ErrMixedCurrencies is matched by a MixedCurrenciesError.
var ErrMixedCurrencies = errors.New("charges are in several currencies")

// MixedCurrenciesError refuses to sum charges of several currencies.
type MixedCurrenciesError struct{ Currencies []string }

func (e *MixedCurrenciesError) Error() string {
	return fmt.Sprintf("charges are in several currencies, which cannot be added: %s; choose one", strings.Join(e.Currencies, ", "))
}

// Unwrap makes it an input error for callers.
func (e *MixedCurrenciesError) Unwrap() []error {
	return []error{ErrMixedCurrencies, apierror.New(apierror.Input, e.Error())}
}
