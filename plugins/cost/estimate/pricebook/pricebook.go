// Package pricebook reads lists of prices: the CSV files from which estimates are made.
//
// # Format
//
// UTF-8 CSV (RFC 4180). The first line is "# callboard price book 1"; further lines that begin with # before the header are
// remarks, of which "# version: …" is required and says which state of the prices this is. Then a header, whose order is free:
//
//	provider   required; as Terraform calls it: aws, azurerm, google
//	region     required; as the provider spells it: eu-west-1, westeurope, us-central1; * = every region that has no row
//	item       required; what estimate/resources.yaml calls it: ec2/instance/t3.micro
//	unit       required; what the price is for one of, as in resources.yaml: hours, GB, 1M requests
//	price      required; a decimal number, not negative; at most 18 places are kept
//	currency   required; ISO 4217, and the same in every row
//	from       the quantity from which the price holds, 0 unless given; several rows of an item are its tiers, of which each
//	           is paid for the part of the quantity that lies in it
//
// Other columns are remarks.
package pricebook

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
)

// Bounds of a price book.
const (
	MaxBytes = 64 << 20
	MaxRows  = 100_000
)

// Book is a price book. It is not changed after it was read.
type Book struct {
	Version  string
	Currency string

	prices map[key][]Tier
}

type key struct{ provider, region, item string }

// Tier is a price, and the quantity from which it holds.
type Tier struct {
	From  money.Amount
	Price money.Amount
	Unit  string
}

// Find gives the tiers of an item, the first of which begins at 0: those of the region, else those of all regions.
func (b *Book) Find(provider, region, item string) ([]Tier, bool) {
	for _, r := range []string{region, "*"} {
		if tiers, ok := b.prices[key{provider, r, item}]; ok {
			return tiers, true
		}
	}
	return nil, false
}

// Len is the number of prices.
func (b *Book) Len() int {
	n := 0
	for _, tiers := range b.prices {
		n += len(tiers)
	}
	return n
}

//go:embed sample.csv
var sample []byte

// Sample is the price book that comes with the plugin: on-demand prices of common sizes in a few regions, near the providers'
// lists. It is there to show estimates, not to decide by.
func Sample() *Book { return readSample() }

var readSample = sync.OnceValue(func() *Book {
	b, err := Read(bytes.NewReader(sample))
	if err != nil {
		panic("sample price book: " + err.Error()) // it is a part of the program
	}
	return b
})

const format = "# callboard price book 1"

// Read reads a price book. Errors name the line and the rule.
func Read(r io.Reader) (*Book, error) {
	limited := &io.LimitedReader{R: r, N: MaxBytes + 1}
	text := bufio.NewReader(limited)
	b := &Book{prices: map[key][]Tier{}}
	lines, err := b.readHead(text)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(text)
	rows.Comment, rows.ReuseRecord = '#', true
	rd := &reader{book: b, rows: rows, before: lines}
	if err := rd.readAll(); err != nil {
		return nil, err
	}
	if limited.N <= 0 {
		return nil, apierror.Inputf("price book: it is longer than %d MiB", MaxBytes>>20)
	}
	return b, b.finish()
}

// readHead reads the remarks, and answers how many lines they are.
func (b *Book) readHead(text *bufio.Reader) (lines int, err error) {
	for {
		if next, err := text.Peek(1); err != nil || next[0] != '#' && lines > 0 {
			break
		}
		line, err := text.ReadString('\n')
		line = strings.TrimRight(strings.TrimPrefix(line, "\ufeff"), "\r\n")
		if lines == 0 && line != format {
			return 0, apierror.Inputf("price book: line 1 must be %q", format)
		}
		lines++
		if version, ok := strings.CutPrefix(line, "# version:"); ok {
			b.Version = strings.TrimSpace(version)
		}
		if err != nil {
			break
		}
	}
	switch {
	case lines == 0:
		return 0, apierror.Inputf("price book: it is empty")
	case b.Version == "" || len(b.Version) > 100:
		return 0, apierror.Inputf(`price book: a line "# version: …" of at most 100 characters must stand before the header`)
	}
	return lines, nil
}

type reader struct {
	book    *Book
	rows    *csv.Reader
	before  int // lines that the CSV reader has not seen
	columns map[string]int
	count   int
}

func (r *reader) readAll() error {
	for {
		row, err := r.rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			return apierror.Inputf("price book: line %d: %v", r.before+wrong.Line, wrong.Err)
		}
		if err == nil && r.columns == nil {
			err = r.header(row)
		} else if err == nil {
			err = r.row(row)
		}
		if err != nil {
			return err
		}
	}
	if r.count == 0 {
		return apierror.Inputf("price book: it has no prices")
	}
	return nil
}

func (r *reader) wrongf(format string, args ...any) error {
	line, _ := r.rows.FieldPos(0)
	return apierror.Inputf("price book: line %d: "+format, append([]any{r.before + line}, args...)...)
}

func (r *reader) header(row []string) error {
	r.columns = map[string]int{}
	for i, name := range row {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := r.columns[name]; twice {
			return r.wrongf("column %q is there twice", name)
		}
		r.columns[name] = i
	}
	for _, name := range []string{"provider", "region", "item", "unit", "price", "currency"} {
		if _, ok := r.columns[name]; !ok {
			return r.wrongf("column %s is missing", name)
		}
	}
	return nil
}

// cell is a value of a row; "" where there is no such column.
func (r *reader) cell(row []string, name string) string {
	if i, ok := r.columns[name]; ok {
		return strings.TrimSpace(strings.Clone(row[i]))
	}
	return ""
}

var (
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
	// highest is more than anything costs an hour or a month: what is above is a mistake of units.
	highest = money.FromUnits(1_000_000_000)
)

func (r *reader) row(row []string) error {
	if r.count++; r.count > MaxRows {
		return apierror.Inputf("price book: it has more than %d rows", MaxRows)
	}
	k := key{r.cell(row, "provider"), r.cell(row, "region"), r.cell(row, "item")}
	t := Tier{Unit: r.cell(row, "unit")}
	for _, required := range [...][2]string{{"provider", k.provider}, {"region", k.region}, {"item", k.item}, {"unit", t.Unit}} {
		if required[1] == "" {
			return r.wrongf("%s is empty", required[0])
		}
	}
	if err := r.currency(r.cell(row, "currency")); err != nil {
		return err
	}
	var err error
	if t.Price, err = r.number("price", r.cell(row, "price")); err != nil {
		return err
	}
	if from := r.cell(row, "from"); from != "" {
		if t.From, err = r.number("from", from); err != nil {
			return err
		}
	}
	r.book.prices[k] = append(r.book.prices[k], t)
	return nil
}

func (r *reader) currency(code string) error {
	switch {
	case !currencyForm.MatchString(code):
		return r.wrongf("currency %q is no code of ISO 4217", code)
	case r.book.Currency == "":
		r.book.Currency = code
	case r.book.Currency != code:
		return r.wrongf("currency %s after rows in %s: a price book has one currency", code, r.book.Currency)
	}
	return nil
}

func (r *reader) number(name, text string) (money.Amount, error) {
	a, err := money.Parse(text)
	switch {
	case err != nil:
		return a, r.wrongf("%s: %v", name, err)
	case a.Sign() < 0:
		return a, r.wrongf("%s %s is negative", name, a)
	case name == "price" && a.Cmp(highest) > 0:
		return a, r.wrongf("price %s is above %s, which nothing costs", a, highest)
	}
	return a, nil
}

// finish orders tiers, and refuses those that leave a gap or contradict each other.
func (b *Book) finish() error {
	for k, tiers := range b.prices {
		slices.SortFunc(tiers, func(x, y Tier) int { return x.From.Cmp(y.From) })
		if !tiers[0].From.IsZero() {
			return apierror.Inputf("price book: %s of %s in %s has no price from 0", k.item, k.provider, k.region)
		}
		for i, t := range tiers[1:] {
			if t.From == tiers[i].From {
				return apierror.Inputf("price book: %s of %s in %s has two prices from %s", k.item, k.provider, k.region, t.From)
			}
			if t.Unit != tiers[0].Unit {
				return apierror.Inputf("price book: %s of %s in %s has the units %s and %s", k.item, k.provider, k.region, tiers[0].Unit, t.Unit)
			}
		}
	}
	return nil
}
