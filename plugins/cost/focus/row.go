package focus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// Reject is a row that breaks a rule. Only the first rule that it breaks is told.
type Reject struct {
	File   string `json:"file,omitempty"`
	Line   int64  `json:"line"` // of the text, from 1; in Parquet the number of the row
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Rule   string `json:"rule"`
}

func (r Reject) String() string {
	if r.Column == "" {
		return fmt.Sprintf("line %d: %s", r.Line, r.Rule)
	}
	return fmt.Sprintf("line %d, %s %q: %s", r.Line, r.Column, r.Value, r.Rule)
}

// texts are a row's fields; empty is null.
type texts [nFields]string

// violation is a rule that a field breaks.
type violation struct {
	field field
	rule  string
}

// rules check rows and make charges of them. What rows repeat is read once.
type rules struct {
	now        time.Time
	days       map[string]instant
	tags       map[string]ledger.Tags
	currencies map[string]bool
}

type instant struct {
	at  time.Time
	bad string
}

// cached bounds how many different texts of a kind are remembered.
const cached = 4096

// ahead is how far in the future a charge may begin: clocks differ, years do not.
const ahead = 48 * time.Hour

// longestText bounds names and ids, longestTags a row's tags.
const (
	longestText = 4096
	longestTags = 60 << 10
)

func newRules(now time.Time) *rules {
	return &rules{now: now, days: map[string]instant{}, tags: map[string]ledger.Tags{}, currencies: map[string]bool{}}
}

// charge makes a charge of a row, or says which rule it breaks. set is the row's tags where they are no text.
func (r *rules) charge(t *texts, set *ledger.Tags) (ledger.Charge, *violation) {
	c := ledger.Charge{
		BillingAccount: t[billingAccountID], BillingAccountName: t[billingAccountName], SubAccount: t[subAccountID], SubAccountName: t[subAccountName],
		Provider: first(t[serviceProviderName], t[providerName]), Service: t[serviceName], ServiceCategory: t[serviceCategory],
		Region: first(t[regionID], t[regionName]), Resource: t[resourceID], ResourceName: t[resourceName], ResourceType: t[resourceType],
		Category: t[chargeCategory], Class: t[chargeClass], Currency: t[billingCurrency],
	}
	if v := r.amounts(t, &c); v != nil {
		return c, v
	}
	if v := r.times(t, &c); v != nil {
		return c, v
	}
	if v := r.categories(t); v != nil {
		return c, v
	}
	if v := r.names(t, &c); v != nil {
		return c, v
	}
	if set != nil {
		c.Tags = *set
		return c, nil
	}
	return c, r.tag(t, &c)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// amounts reads the costs. Billed and effective cost are never null; list and contracted cost are in some exports, and then
// add nothing to sums of them.
func (r *rules) amounts(t *texts, c *ledger.Charge) *violation {
	for _, a := range []struct {
		field    field
		to       *money.Amount
		nullable bool
	}{{billedCost, &c.Billed, false}, {effectiveCost, &c.Effective, false}, {listCost, &c.List, true}, {contractedCost, &c.Contracted, true}, {carbon, &c.Carbon, true}} {
		if t[a.field] == "" {
			if !a.nullable {
				return &violation{a.field, "must not be null"}
			}
			continue
		}
		amount, err := money.Parse(t[a.field])
		if err != nil {
			return &violation{a.field, "must be a decimal number such as -12.5 or 1.5e-7"}
		}
		if amount.Abs().Cmp(largest) > 0 {
			return &violation{a.field, "must be less than a quadrillion"}
		}
		*a.to = amount
	}
	c.HasCarbon = t[carbon] != ""
	return r.currency(t)
}

// largest bounds an amount, so that sums of any number of rows stay in range.
var largest = money.FromUnits(1_000_000_000_000_000)

func (r *rules) currency(t *texts) *violation {
	code := t[billingCurrency]
	if r.currencies[code] {
		return nil
	}
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return &violation{billingCurrency, "must be a currency's code of ISO 4217, three capital letters"}
	}
	r.currencies[code] = true
	return nil
}

func (r *rules) times(t *texts, c *ledger.Charge) *violation {
	billed, v := r.span(t, billingPeriodStart, billingPeriodEnd)
	if v != nil {
		return v
	}
	charged, v := r.span(t, chargePeriodStart, chargePeriodEnd)
	if v != nil {
		return v
	}
	const future = "lies in the future; is the clock of the exporter, or of this host, wrong?"
	if billed.Sub(r.now) > ahead {
		return &violation{billingPeriodStart, future}
	}
	if charged.Sub(r.now) > ahead {
		return &violation{chargePeriodStart, future}
	}
	c.Day = ledger.DayOf(charged)
	c.Period = ledger.DayOf(billed).Period()
	return nil
}

// span reads when a period begins, which must be before it ends. Its end may be missing.
func (r *rules) span(t *texts, start, end field) (time.Time, *violation) {
	if t[start] == "" {
		return time.Time{}, &violation{start, "must not be null"}
	}
	from := r.instant(t[start])
	if from.bad != "" || t[end] == "" {
		return from.at, violated(start, from.bad)
	}
	to := r.instant(t[end])
	if to.bad == "" && !to.at.After(from.at) {
		to.bad = "must be later than " + names[start]
	}
	return from.at, violated(end, to.bad)
}

func violated(f field, rule string) *violation {
	if rule == "" {
		return nil
	}
	return &violation{f, rule}
}

// forms are how exports write instants, beside RFC 3339: some leave out the zone, which is UTC then.
var forms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999 UTC", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z", time.DateOnly}

func (r *rules) instant(s string) instant {
	if known, ok := r.days[s]; ok {
		return known
	}
	i := instant{bad: "must be a date and time of ISO 8601 in UTC, such as 2026-11-01T00:00:00Z"}
	for _, form := range forms {
		if t, err := time.Parse(form, s); err == nil {
			i = instant{at: t.UTC()}
			break
		}
	}
	if i.bad == "" && (i.at.Year() < 2000 || i.at.Year() > 2199) {
		i.bad = "must be between the years 2000 and 2199"
	}
	if len(r.days) >= cached {
		clear(r.days)
	}
	r.days[strings.Clone(s)] = i
	return i
}

func (r *rules) categories(t *texts) *violation {
	switch t[chargeCategory] {
	case "Usage", "Purchase", "Tax", "Credit", "Adjustment":
	case "":
		return &violation{chargeCategory, "must not be null"}
	default:
		return &violation{chargeCategory, "must be Usage, Purchase, Tax, Credit or Adjustment"}
	}
	if t[chargeClass] != "" && t[chargeClass] != "Correction" {
		return &violation{chargeClass, "must be null or Correction"}
	}
	return nil
}

func (r *rules) names(t *texts, c *ledger.Charge) *violation {
	for f := serviceProviderName; f < tags; f++ {
		if len(t[f]) > longestText {
			return &violation{f, fmt.Sprintf("must have at most %d bytes", longestText)}
		}
		if !utf8.ValidString(t[f]) {
			return &violation{f, "must be UTF-8"}
		}
	}
	const null = "must not be null"
	switch "" {
	case c.Provider:
		return &violation{serviceProviderName, null}
	case c.BillingAccount:
		return &violation{billingAccountID, null}
	case c.Service:
		return &violation{serviceName, null}
	}
	return nil
}

// tag reads the tags, an object in JSON.
func (r *rules) tag(t *texts, c *ledger.Charge) *violation {
	text := t[tags]
	if text == "" {
		return nil
	}
	if known, ok := r.tags[text]; ok {
		c.Tags = known
		return nil
	}
	if len(text) > longestTags || !utf8.ValidString(text) {
		return &violation{tags, fmt.Sprintf("must be UTF-8 of at most %d bytes", longestTags)}
	}
	found, ok := parseTags(text)
	if !ok {
		return &violation{tags, `must be an object in JSON, such as {"team":"payments"}`}
	}
	if len(r.tags) >= cached {
		clear(r.tags)
	}
	c.Tags = ledger.TagsOf(found)
	r.tags[strings.Clone(text)] = c.Tags
	return nil
}

// parseTags reads an object. Values other than strings keep the text that they have in JSON; null is an empty one.
func parseTags(text string) (map[string]string, bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var object map[string]json.RawMessage
	if err := decoder.Decode(&object); err != nil || object == nil && strings.TrimSpace(text) != "null" {
		return nil, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	found := make(map[string]string, len(object))
	for key, raw := range object {
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			value = string(bytes.TrimSpace(raw))
		}
		found[key] = value
	}
	return found, true
}
