package focus

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/excerpt"
)

var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// columns of a small bill, and a row that breaks no rule.
var (
	header = []string{
		"BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
		"ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory", "ChargeClass", "ProviderName", "BillingAccountId", "BillingAccountName",
		"SubAccountId", "SubAccountName", "ServiceName", "ServiceCategory", "RegionId", "ResourceId", "ResourceName", "ResourceType", "Tags",
	}
	valid = []string{
		"1.50", "1.25", "2", "1.5", "EUR", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "Usage", "",
		"AWS", "100", "Marram Line", "200", "booking", "Amazon EC2", "Compute", "eu-north-1", "i-1", "booking-1", "Instance", `{"team":"booking-crew"}`,
	}
)

// with is the valid row with a field changed.
func with(column, value string) []string {
	row := slices.Clone(valid)
	row[slices.Index(header, column)] = value
	return row
}

// table writes CSV.
func table(rows ...[]string) string {
	var b strings.Builder
	for _, row := range rows {
		for i, field := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			if strings.ContainsAny(field, "\",\n") {
				field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
			}
			b.WriteString(field)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

type outcome struct {
	charges []ledger.Charge
	rejects []Reject
	reader  *Reader
	err     error
}

func read(t *testing.T, r io.Reader, o Options) (got outcome) {
	t.Helper()
	o.Now = func() time.Time { return today }
	o.TempDir = t.TempDir()
	o.Reject = func(r Reject) { got.rejects = append(got.rejects, r) }
	got.reader, got.err = Open(r, o)
	if got.err != nil {
		return got
	}
	for c, err := range got.reader.Charges() {
		if err != nil {
			got.err = err
			break
		}
		got.charges = append(got.charges, c)
	}
	if err := got.reader.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
		t.Errorf("%s was left behind", left[0].Name())
	}
	return got
}

func readText(t *testing.T, text string) outcome {
	t.Helper()
	return read(t, strings.NewReader(text), Options{})
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

var wantCharge = ledger.Charge{
	Period: "2026-11", Day: ledger.Date(2026, 11, 20), Provider: "AWS", BillingAccount: "100", BillingAccountName: "Marram Line", SubAccount: "200",
	SubAccountName: "booking", Service: "Amazon EC2", ServiceCategory: "Compute", Region: "eu-north-1", Resource: "i-1", ResourceName: "booking-1",
	ResourceType: "Instance", Category: "Usage", Currency: "EUR", Tags: ledger.TagsOf(map[string]string{"team": "booking-crew"}),
	Effective: money.MustParse("1.25"), Billed: money.MustParse("1.5"), List: money.FromUnits(2), Contracted: money.MustParse("1.5"),
}

func TestReader_ReadsCSVHoweverItIsWritten(t *testing.T) {
	plain := table(header, valid)
	quoted := table(header, with("BillingAccountName", "Marram\r\nLine, \"Ltd\""))
	lower := strings.ToLower(strings.SplitN(plain, "\n", 2)[0]) + "\n" + strings.SplitN(plain, "\n", 2)[1]
	for name, text := range map[string]string{
		"plain": plain, "byte order mark": byteOrderMark + plain, "CRLF": strings.ReplaceAll(plain, "\n", "\r\n"), "no line end": strings.TrimSuffix(plain, "\n"),
		"lower case": lower, "spaced header": strings.Replace(plain, "BilledCost,", " BilledCost ,", 1), "gzip": string(zipped(plain)),
		"two gzip members": string(zipped(table(header))) + string(zipped(table(valid))), "empty lines": strings.ReplaceAll(plain, "\n", "\n\n"),
		"nameless columns": table(append(slices.Clone(header), "", ""), append(slices.Clone(valid), "", "")),
		"custom columns":   table(append(slices.Clone(header), "x_Discounts", "x_Operation"), append(slices.Clone(valid), "{}", "Run")),
	} {
		got := readText(t, text)
		if got.err != nil || len(got.rejects) != 0 || len(got.charges) != 1 || got.charges[0] != wantCharge {
			t.Errorf("%s: %+v, rejected %v, %v", name, got.charges, got.rejects, got.err)
		}
	}
	got := read(t, iotest.OneByteReader(strings.NewReader(quoted)), Options{})
	if got.err != nil || len(got.charges) != 1 || got.charges[0].BillingAccountName != "Marram\nLine, \"Ltd\"" {
		t.Errorf("quoted: %+v, %v", got.charges, got.err)
	}
}

func TestReader_TellsTheVersionByColumns(t *testing.T) {
	renamed := slices.Clone(header)
	renamed[slices.Index(header, "ProviderName")] = "ServiceProviderName"
	both := append(slices.Clone(header), "ServiceProviderName")
	for _, c := range []struct {
		header       []string
		row          []string
		version      string
		wantProvider string
	}{
		{header, valid, "1.0", "AWS"},
		{append(slices.Clone(header), "SkuMeter"), append(slices.Clone(valid), ""), "1.1", "AWS"},
		{append(slices.Clone(header), "InvoiceId"), append(slices.Clone(valid), "7"), "1.2", "AWS"},
		{renamed, valid, "1.3", "AWS"},
		{both, append(slices.Clone(valid), "Amazon Web Services"), "1.3", "Amazon Web Services"},
		{both, append(slices.Clone(valid), ""), "1.3", "AWS"},
	} {
		got := readText(t, table(c.header, c.row))
		if got.err != nil || got.reader.Version() != c.version || len(got.charges) != 1 || got.charges[0].Provider != c.wantProvider {
			t.Errorf("%v: version %s, %+v, %v", c.header[len(header)-1:], got.reader.Version(), got.charges, got.err)
		}
	}
}

func TestReader_RejectsRowsThatBreakARule(t *testing.T) {
	for _, c := range []struct{ column, value, rule string }{
		{"BilledCost", "", "must not be null"},
		{"BilledCost", "NaN", "decimal number"},
		{"EffectiveCost", "Infinity", "decimal number"},
		{"EffectiveCost", "1,25", "decimal number"},
		{"ListCost", "1e400", "decimal number"},
		{"ContractedCost", "-1000000000000001", "quadrillion"},
		{"BillingCurrency", "", "ISO 4217"},
		{"BillingCurrency", "Eur", "ISO 4217"},
		{"BillingCurrency", "€", "ISO 4217"},
		{"BillingPeriodStart", "", "must not be null"},
		{"BillingPeriodStart", "11/01/2026", "ISO 8601"},
		{"BillingPeriodEnd", "2026-11-01T00:00:00Z", "later than BillingPeriodStart"},
		{"ChargePeriodStart", "-2026-11-20T00:00:00Z", "ISO 8601"},
		{"ChargePeriodStart", "1969-12-31T00:00:00Z", "between the years"},
		{"ChargePeriodStart", "2026-11-31T00:00:00Z", "ISO 8601"},
		{"ChargePeriodEnd", "2026-11-19T00:00:00Z", "later than ChargePeriodStart"},
		{"ChargePeriodEnd", "soon", "ISO 8601"},
		{"ChargeCategory", "", "must not be null"},
		{"ChargeCategory", "Discount", "Usage, Purchase, Tax, Credit or Adjustment"},
		{"ChargeClass", "Refund", "null or Correction"},
		{"ServiceName", "", "must not be null"},
		{"BillingAccountId", "", "must not be null"},
		{"ServiceName", "EC\xff2", "must be UTF-8"},
		{"ResourceId", strings.Repeat("x", 5000), "at most 4096 bytes"},
		{"Tags", "team=booking", "object in JSON"},
		{"Tags", `["team"]`, "object in JSON"},
		{"Tags", `{"a":"b"} {"c":"d"}`, "object in JSON"},
	} {
		got := readText(t, table(header, valid, with(c.column, c.value), valid))
		if got.err != nil || len(got.charges) != 2 || len(got.rejects) != 1 {
			t.Errorf("%s %q: %d charges, rejected %v, %v", c.column, excerpt.Short(c.value), len(got.charges), got.rejects, got.err)
			continue
		}
		if r := got.rejects[0]; r.Line != 3 || r.Column != c.column || !strings.Contains(r.Rule, c.rule) || r.Value != excerpt.Short(c.value) {
			t.Errorf("%s %q: rejected as %s", c.column, excerpt.Short(c.value), r)
		}
	}
}

func TestReader_RejectsChargesOfTheFuture(t *testing.T) {
	row := with("ChargePeriodStart", "2026-11-25T00:00:00Z")
	row[slices.Index(header, "ChargePeriodEnd")] = "2026-11-26T00:00:00Z"
	next := with("BillingPeriodStart", "2027-01-01T00:00:00Z")
	next[slices.Index(header, "BillingPeriodEnd")] = "2027-02-01T00:00:00Z"
	got := readText(t, table(header, row, next))
	if len(got.charges) != 0 || len(got.rejects) != 2 || !strings.Contains(got.rejects[0].Rule, "future") || got.rejects[1].Column != "BillingPeriodStart" {
		t.Errorf("%d charges, rejected %v", len(got.charges), got.rejects)
	}
}

func TestReader_NamesLinesWhereFieldsHaveSeveral(t *testing.T) {
	long := with("BillingAccountName", "a\nb\nc")
	bad := with("BillingAccountName", "a\nb\nc")
	bad[slices.Index(header, "Tags")] = "no object"
	short := valid[:5]
	got := readText(t, table(header, long, bad, short)+"\"torn\" quote\n"+table(valid))
	want := []string{
		`line 7, Tags "no object": must be an object in JSON, such as {"team":"payments"}`,
		"line 8: must have 23 fields, as the header has; there are 5",
		`line 9: must be CSV: extraneous or missing " in quoted-field`,
	}
	var lines []string
	for _, r := range got.rejects {
		lines = append(lines, r.String())
	}
	if got.err != nil || !slices.Equal(lines, want) || len(got.charges) != 2 || got.reader.Rows() != 5 || got.reader.Rejects() != 3 {
		t.Errorf("%d charges of %d rows, %v, rejected %q", len(got.charges), got.reader.Rows(), got.err, lines)
	}
}

func TestReader_TakesNullsAndTagsAsTheyAre(t *testing.T) {
	row := with("Tags", `{"a":"","spot":true,"n":1.50,"none":null,"o":{"x":1},"u":"é"}`)
	for _, column := range []string{"ListCost", "ContractedCost", "SubAccountId", "RegionId", "ResourceId", "BillingPeriodEnd", "ChargePeriodEnd"} {
		row[slices.Index(header, column)] = ""
	}
	got := readText(t, table(header, row, with("Tags", ""), with("Tags", "null"), with("ChargePeriodStart", "2026-11-20 00:30:00 UTC"), with("ChargePeriodStart", "2026-11-20T01:00:00+02:00")))
	if got.err != nil || len(got.charges) != 5 {
		t.Fatalf("%d charges, rejected %v, %v", len(got.charges), got.rejects, got.err)
	}
	want := ledger.TagsOf(map[string]string{"a": "", "spot": "true", "n": "1.50", "none": "", "o": `{"x":1}`, "u": "é"})
	if c := got.charges[0]; c.Tags != want || !c.List.IsZero() || c.Region != "" {
		t.Errorf("charge is %+v, tags %v", c, c.Tags.Map())
	}
	if got.charges[1].Tags != (ledger.Tags{}) || got.charges[2].Tags != (ledger.Tags{}) {
		t.Error("no tags are some")
	}
	if got.charges[3].Day != ledger.Date(2026, 11, 20) || got.charges[4].Day != ledger.Date(2026, 11, 19) {
		t.Errorf("days are %s and %s", got.charges[3].Day, got.charges[4].Day)
	}
}

func TestReader_ReadsCarbonWhereThereIsSome(t *testing.T) {
	for _, column := range []string{"x_CarbonKgCO2e", "x_OurCarbon"} {
		text := table(append(slices.Clone(header), column), append(slices.Clone(valid), "0.125"), append(slices.Clone(valid), ""), append(slices.Clone(valid), "much"))
		got := read(t, strings.NewReader(text), Options{CarbonColumns: []string{"x_OurCarbon"}})
		if len(got.charges) != 2 || !got.charges[0].HasCarbon || got.charges[0].Carbon != money.MustParse("0.125") || got.charges[1].HasCarbon || len(got.rejects) != 1 || got.rejects[0].Column != "carbon" {
			t.Errorf("%s: %+v, rejected %v, %v", column, got.charges, got.rejects, got.err)
		}
	}
}

func TestOpen_SaysWhatAFileIsThatIsNoBill(t *testing.T) {
	plain := table(header, valid)
	for want, content := range map[string]string{
		"is empty":               "",
		"empty":                  byteOrderMark + "\n\n",
		"HTML page":              "\n<!DOCTYPE html><html><title>Sign in</title>",
		"AccessDenied":           `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`,
		"this is JSON":           `{"message":"not found"}`,
		"ZIP archive":            "PK\x03\x04rest",
		"Zstandard":              "\x28\xb5\x2f\xfdrest",
		"UTF-16":                 "\xff\xfeB\x00i\x00",
		"binary file":            "\x7fELF\x00\x00",
		"truncated":              string(zipped(strings.Repeat(plain, 50))[:20]),
		"gzip file is broken":    "\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"compressed twice":       string(zipped(string(zipped(plain)))),
		"it lacks the columns":   "a,b,c\n1,2,3\n",
		"ServiceProviderName":    table(slices.DeleteFunc(slices.Clone(header), func(s string) bool { return s == "ProviderName" })),
		"lacks the columns Bill": strings.Replace(plain, "BilledCost", "Cost", 1),
		"is there twice":         strings.Replace(plain, "ListCost", "billedcost", 1),
		"separated by commas":    strings.ReplaceAll(plain, ",", ";"),
		"Cost and Usage Report":  "identity/LineItemId,lineItem/UnblendedCost\n",
		"Azure":                  "Date,CostInBillingCurrency\n",
		"commitments":            "ContractCommitmentId,BillingCurrency\n",
		"quotation mark":         `"` + strings.Repeat("x", 5<<20),
		"2000":                   strings.Repeat("a,", 2500) + "a\n",
		"Parquet file is broken": "PAR1 and nothing else",
		"Parquet":                "PAR1" + strings.Repeat("\x00", 100) + "\x10\x00\x00\x00PAR1",
	} {
		got := read(t, strings.NewReader(content), Options{Name: "bill.csv"})
		if !errors.Is(got.err, sdk.ErrInput) || !strings.Contains(got.err.Error(), want) || !strings.HasPrefix(got.err.Error(), "bill.csv: ") {
			t.Errorf("error is %v, want one about %q", got.err, want)
		}
	}
}

func TestReader_EndsWithAnErrorWhereAFileBreaksOff(t *testing.T) {
	var rows strings.Builder
	rows.WriteString(table(header))
	for i := range 4_000 {
		rows.WriteString(table(with("ResourceId", fmt.Sprint("i-", i*7919))))
	}
	whole := zipped(rows.String())
	flipped := slices.Clone(whole)
	flipped[len(flipped)-5] ^= 0xff // of the checksum
	for name, c := range map[string]struct {
		content []byte
		options Options
		want    string
	}{
		"truncated gzip":  {whole[:len(whole)/2], Options{}, "truncated"},
		"broken checksum": {flipped, Options{}, "broken"},
		"too large":       {[]byte(rows.String()), Options{MaxBytes: 90_000}, "larger than 90000 bytes"},
		"unpacks too far": {whole, Options{MaxBytes: 900_000}, "unpacks to more than 900000 bytes"},
		"unclosed quote":  {[]byte(table(header, valid) + `"` + strings.Repeat("x,\n", 1600<<10)), Options{}, "quotation mark"},
	} {
		got := read(t, bytes.NewReader(c.content), c.options)
		if !errors.Is(got.err, sdk.ErrInput) || !strings.Contains(got.err.Error(), c.want) {
			t.Errorf("%s: %v after %d charges", name, got.err, len(got.charges))
		}
	}
	broken := read(t, io.MultiReader(strings.NewReader(table(header, valid)), iotest.ErrReader(io.ErrUnexpectedEOF)), Options{})
	if !errors.Is(broken.err, sdk.ErrInput) {
		t.Errorf("a connection that broke off: %v", broken.err)
	}
}

func TestReader_StopsAtADecompressionBomb(t *testing.T) {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = io.WriteString(w, table(header, valid))
	zeros := make([]byte, 1<<20)
	for range 24 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	if size := b.Len(); size > 150_000 {
		t.Fatalf("the bomb has %d bytes", size)
	}
	got := read(t, bytes.NewReader(b.Bytes()), Options{})
	if !errors.Is(got.err, sdk.ErrInput) || len(got.charges) != 1 {
		t.Errorf("%d charges, then %v", len(got.charges), got.err)
	}
	unpacked, err := unzip(&b, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, unpacked); err == nil || !strings.Contains(err.Error(), "times its size") || n > growthFloor+1<<20 {
		t.Errorf("%d bytes were unpacked, then %v", n, err)
	}
}

func TestOpen_ReadsFilesWithoutCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bill.csv")
	if err := os.WriteFile(path, []byte(table(header, valid)), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := read(t, f, Options{}); got.err != nil || len(got.charges) != 1 || got.reader.Format() != "csv" {
		t.Errorf("%+v", got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(table(header, valid)))
	f.Add([]byte(byteOrderMark + strings.ReplaceAll(table(header, with("Tags", `{"a":1}`)), "\n", "\r\n")))
	f.Add(zipped(table(header, valid)))
	f.Add([]byte(table(header, with("BilledCost", "NaN")) + "\"\n\"\"\n"))
	f.Add(parquetFile(f, []stringRow{stringRowOf(valid)}))
	f.Fuzz(func(t *testing.T, content []byte) {
		reader, err := Open(bytes.NewReader(content), Options{Now: func() time.Time { return today }, MaxBytes: 1 << 20, TempDir: t.TempDir()})
		if err != nil {
			return
		}
		defer reader.Close()
		for c, err := range reader.Charges() {
			if err != nil {
				return
			}
			if !c.Day.Valid() || c.Period.First() == 0 || len(c.Currency) != 3 || c.Provider == "" || c.Billed.Err() != nil {
				t.Fatalf("charge is %+v", c)
			}
		}
	})
}
