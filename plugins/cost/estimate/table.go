package estimate

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/plugins/cost/money"
)

// Table is the estimate as people read it, in the manner of Infracost's.
func (d *Document) Table() string {
	t := &table{}
	for _, p := range d.Projects {
		t.project(p)
	}
	var b strings.Builder
	t.write(&b, d.Currency)
	total(&b, "Before", *d.PastTotalMonthlyCost, d.Currency)
	total(&b, "Difference", *d.DiffTotalMonthlyCost, d.Currency)
	total(&b, "Total a month", *d.TotalMonthlyCost, d.Currency)
	d.Summary.write(&b)
	if d.Metadata.PriceBook != "" {
		fmt.Fprintf(&b, "Prices: %s\n", d.Metadata.PriceBook)
	}
	return b.String()
}

func total(b *strings.Builder, what string, a money.Amount, currency string) {
	fmt.Fprintf(b, " %-14s %14s %s\n", what, rounded(a), currency)
}

// table collects rows before it writes them, as columns are as wide as their widest value.
type table struct{ rows [][4]string }

func (t *table) add(name, quantity, unit, cost string) {
	t.rows = append(t.rows, [4]string{name, quantity, unit, cost})
}

func (t *table) project(p Project) {
	t.add("Project: "+p.Name, "", "", "")
	t.add("", "", "", "")
	for _, r := range p.Breakdown.Resources {
		if len(r.CostComponents)+len(r.Subresources) > 0 {
			t.add(r.Name, "", "", "")
			t.parts(r, "")
			t.add("", "", "", "")
		}
	}
}

func (t *table) parts(r Resource, indent string) {
	left := len(r.CostComponents) + len(r.Subresources)
	branch := func() (string, string) {
		if left--; left == 0 {
			return indent + "└─ ", indent + "   "
		}
		return indent + "├─ ", indent + "│  "
	}
	for _, c := range r.CostComponents {
		mark, _ := branch()
		t.add(mark+c.Name, quantity(c.MonthlyQuantity), c.Unit, c.shown())
	}
	for _, s := range r.Subresources {
		mark, inner := branch()
		t.add(mark+s.Name, "", "", "")
		t.parts(s, inner)
	}
}

func (c CostComponent) shown() string {
	switch {
	case c.PriceNotFound:
		return "no price"
	case c.MonthlyCost == nil:
		return fmt.Sprintf("%s per %s", c.Price, c.Unit)
	}
	return rounded(*c.MonthlyCost)
}

func quantity(a *money.Amount) string {
	if a == nil {
		return ""
	}
	return grouped(a.Round(2).String())
}

func (t *table) write(b *strings.Builder, currency string) {
	rows := append([][4]string{{"Name", "Monthly Qty", "Unit", "Monthly cost (" + currency + ")"}, {}}, t.rows...)
	var widths [4]int
	for _, r := range rows {
		for i, cell := range r {
			if !strings.HasPrefix(cell, "Project: ") {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	for _, r := range rows {
		line := " " + padded(r[0], widths[0], false) + "  " + padded(r[1], widths[1], true) + "  " + padded(r[2], widths[2], false) + "  " + padded(r[3], widths[3], true)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func padded(text string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
	if right {
		return space + text
	}
	return text + space
}

func (s Summary) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n%d resources: %d with prices", s.TotalDetectedResources, s.TotalSupportedResources)
	for _, one := range []struct {
		n    int
		what string
	}{
		{s.TotalUsageBasedResources, "depend on usage"}, {s.TotalNoPriceResources, "free"}, {s.TotalUnpricedResources, "lack a price"},
		{s.TotalUnsupportedResources, "not supported"},
	} {
		if one.n > 0 {
			fmt.Fprintf(b, ", %d %s", one.n, one.what)
		}
	}
	b.WriteString("\n")
	for _, m := range s.UnpricedResources {
		fmt.Fprintf(b, "No price: %s: %s\n", m.Name, m.Reason)
	}
	for _, m := range s.UnsupportedResources {
		fmt.Fprintf(b, "Not supported: %s\n", m.Name)
	}
}

// rounded writes an amount as people read it: 1,234.50.
func rounded(a money.Amount) string { return grouped(places(a)) }

// places writes an amount with two places: 1234.50.
func places(a money.Amount) string {
	whole, cents, _ := strings.Cut(a.Round(2).String(), ".")
	return whole + "." + cents + strings.Repeat("0", 2-len(cents))
}

// grouped puts commas between thousands.
func grouped(number string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	whole, fraction, point := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + fraction
	}
	return sign + whole
}
