package insight

import (
	"regexp"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
)

// Budget is what something may cost in a calendar month (UTC).
type Budget struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// EntityRef or Filter says whose costs count; with neither it is everybody's.
	EntityRef string `json:"entityRef,omitempty"`
	Filter    string `json:"filter,omitempty"`
	// Metric is which amounts count.
	Metric   string       `json:"metric"`
	Currency string       `json:"currency"`
	Amount   money.Amount `json:"amount"`
	// Thresholds are percentages of the amount, rising; the owner is told when one is crossed.
	Thresholds []int `json:"thresholds"`
	// Notify is who is told; none = the owner of the entity.
	Notify    []string  `json:"notify,omitempty"`
	UpdatedBy string    `json:"updatedBy,omitempty"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
}

var (
	budgetID   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	currency   = regexp.MustCompile(`^[A-Z]{3}$`)
	entityForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*:[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$`)
)

const (
	longestName    = 200
	mostThresholds = 10
	mostNotified   = 20
	mostPercent    = 1000
)

// Check fills in what has a default and says what is wrong with the rest.
func (b *Budget) Check() error {
	if b.Name == "" {
		b.Name = b.ID
	}
	if b.Metric == "" {
		b.Metric = "effective"
	}
	if b.Thresholds == nil {
		b.Thresholds = []int{80, 100}
	}
	slices.Sort(b.Thresholds)
	b.Thresholds = slices.Compact(b.Thresholds)
	switch {
	case !budgetID.MatchString(b.ID):
		return apierror.Inputf("id: %q must be 1 to 63 of a-z, 0-9 and . _ -, and begin with a letter or digit", b.ID)
	case len(b.Name) > longestName:
		return apierror.Inputf("name: it must have at most %d bytes", longestName)
	case b.EntityRef != "" && b.Filter != "":
		return apierror.Inputf("filter: a budget is for an entityRef or for a filter, not for both")
	case b.EntityRef != "" && !entityForm.MatchString(b.EntityRef):
		return apierror.Inputf("entityRef: %q must be kind:namespace/name", b.EntityRef)
	case !currency.MatchString(b.Currency):
		return apierror.Inputf("currency: %q must be a code of three capital letters, such as USD", b.Currency)
	case b.Amount.Sign() <= 0:
		return apierror.Inputf("amount: %s must be more than 0", b.Amount)
	}
	return b.checkLists()
}

func (b *Budget) checkLists() error {
	if len(b.Thresholds) > mostThresholds {
		return apierror.Inputf("thresholds: there must be at most %d", mostThresholds)
	}
	for _, t := range b.Thresholds {
		if t < 1 || t > mostPercent {
			return apierror.Inputf("thresholds: %d must be a percentage from 1 to %d", t, mostPercent)
		}
	}
	if len(b.Notify) > mostNotified {
		return apierror.Inputf("notify: there must be at most %d", mostNotified)
	}
	for _, ref := range b.Notify {
		if !entityForm.MatchString(ref) {
			return apierror.Inputf("notify: %q must be kind:namespace/name", ref)
		}
	}
	return nil
}

// BudgetStatus is how a budget is doing.
type BudgetStatus string

// The statuses, from good to bad.
const (
	// WithinBudget: no threshold is crossed, and none of the amount is expected to be missing at the end of the month.
	WithinBudget BudgetStatus = "ok"
	// OverrunForecast: the month is expected to cost more than the amount.
	OverrunForecast BudgetStatus = "overrun-forecast"
	// ThresholdCrossed: a threshold below the amount is crossed.
	ThresholdCrossed BudgetStatus = "threshold-crossed"
	// Exceeded: more than the amount is spent.
	Exceeded BudgetStatus = "exceeded"
)

// BudgetState is a budget at one time.
type BudgetState struct {
	Status BudgetStatus `json:"status"`
	// Month is the calendar month, "2026-11".
	Month string       `json:"month"`
	Spent money.Amount `json:"spent"`
	// Ratio is what share of the amount is spent, to four places.
	Ratio money.Amount `json:"ratio"`
	// Crossed are the thresholds that are reached.
	Crossed []int `json:"crossed"`
	// Expected is what the month is expected to cost in the end; nil when there is too little data to tell.
	Expected *money.Amount `json:"expected,omitempty"`
	// Overrun is by how much that is more than the amount; nil when it is not.
	Overrun *money.Amount `json:"overrun,omitempty"`
}

// StateOf judges a budget by what was spent in the month and what the month is expected to cost, nil = unknown.
func (b *Budget) StateOf(month string, spent money.Amount, expected *money.Amount) BudgetState {
	s := BudgetState{Status: WithinBudget, Month: month, Spent: spent, Ratio: spent.Quo(b.Amount).Round(4), Crossed: []int{}, Expected: expected}
	for _, percent := range b.Thresholds {
		if spent.Mul(money.FromUnits(100)).Cmp(b.Amount.Mul(money.FromUnits(int64(percent)))) >= 0 {
			s.Crossed = append(s.Crossed, percent)
		}
	}
	if expected != nil && expected.Cmp(b.Amount) > 0 {
		s.Overrun = new(expected.Sub(b.Amount))
		s.Status = OverrunForecast
	}
	if len(s.Crossed) > 0 {
		s.Status = ThresholdCrossed
	}
	if spent.Cmp(b.Amount) > 0 {
		s.Status = Exceeded
	}
	return s
}
