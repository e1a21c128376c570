package focus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
)

// stringRow is a bill of which everything is text, as some converters write it.
type stringRow struct {
	BilledCost, EffectiveCost, ListCost, ContractedCost, BillingCurrency, BillingPeriodStart, BillingPeriodEnd string
	ChargePeriodStart, ChargePeriodEnd, ChargeCategory, ProviderName                                           string

	BillingAccountID   string `parquet:"BillingAccountId"`
	BillingAccountName string
	SubAccountID       string `parquet:"SubAccountId"`
	SubAccountName     string
	ServiceName        string
	ServiceCategory    string
	RegionID           string `parquet:"RegionId"`
	ResourceID         string `parquet:"ResourceId"`
	ResourceName       string
	ResourceType       string
	ChargeClass, Tags  *string
}

func stringRowOf(fields []string) stringRow {
	at := func(column string) string { return fields[slices.Index(header, column)] }
	tags := at("Tags")
	return stringRow{
		at("BilledCost"), at("EffectiveCost"), at("ListCost"), at("ContractedCost"), at("BillingCurrency"), at("BillingPeriodStart"), at("BillingPeriodEnd"),
		at("ChargePeriodStart"), at("ChargePeriodEnd"), at("ChargeCategory"), at("ProviderName"), at("BillingAccountId"), at("BillingAccountName"),
		at("SubAccountId"), at("SubAccountName"), at("ServiceName"), at("ServiceCategory"), at("RegionId"), at("ResourceId"), at("ResourceName"), at("ResourceType"),
		nil, &tags,
	}
}

// typedRow is a bill with the types that AWS and Azure write: doubles, timestamps, and tags as a map.
type typedRow struct {
	BilledCost         float64           `parquet:"BilledCost"`
	EffectiveCost      [16]byte          `parquet:"EffectiveCost,decimal(10:38)"`
	ListCost           int64             `parquet:"ListCost,decimal(2:18)"`
	ContractedCost     *float64          `parquet:"ContractedCost,optional"`
	BillingCurrency    string            `parquet:"BillingCurrency,dict"`
	BillingPeriodStart time.Time         `parquet:"BillingPeriodStart,timestamp(millisecond)"`
	ChargePeriodStart  int64             `parquet:"ChargePeriodStart,timestamp(microsecond)"`
	ChargePeriodEnd    deprecated.Int96  `parquet:"ChargePeriodEnd"`
	ChargeCategory     string            `parquet:"ChargeCategory"`
	ServiceProvider    string            `parquet:"ServiceProviderName"`
	BillingAccountID   string            `parquet:"BillingAccountId"`
	ServiceName        string            `parquet:"ServiceName"`
	SubAccountName     *string           `parquet:"SubAccountName,optional"`
	Tags               map[string]string `parquet:"Tags"`
	Operation          string            `parquet:"x_Operation"`
	Discounts          map[string]string `parquet:"x_Discounts"`
}

func int96Of(t time.Time) deprecated.Int96 {
	day := t.Unix() / 86_400
	b := binary.LittleEndian.AppendUint64(nil, uint64(t.Unix()%86_400*1e9))
	return deprecated.Int96{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), uint32(day + 2_440_588)}
}

// decimalOf is a number of 10⁻¹⁰ in 16 bytes of two's complement.
func decimalOf(n int64) (b [16]byte) {
	x := big.NewInt(n)
	if n < 0 {
		x.Add(x, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	x.FillBytes(b[:])
	return b
}

func typed(day int) typedRow {
	at := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
	name := "booking"
	return typedRow{
		BilledCost: 0.1, EffectiveCost: decimalOf(-12_500_000_000), ListCost: 12345, BillingCurrency: "USD",
		BillingPeriodStart: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), ChargePeriodStart: at.UnixMicro(), ChargePeriodEnd: int96Of(at.AddDate(0, 0, 1)),
		ChargeCategory: "Credit", ServiceProvider: "AWS", BillingAccountID: "100", ServiceName: "Amazon EC2", SubAccountName: &name,
		Tags: map[string]string{"team": "booking-crew", "empty": ""}, Operation: "Run", Discounts: map[string]string{"edp": "1"},
	}
}

func parquetFile[T any](t testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReader_ReadsParquetOfText(t *testing.T) {
	content := parquetFile(t, []stringRow{stringRowOf(valid), stringRowOf(with("BilledCost", "NaN")), stringRowOf(valid)})
	for name, got := range map[string]outcome{
		"file":   read(t, bytes.NewReader(content), Options{}),
		"stream": read(t, bytes.NewBuffer(content), Options{}),
	} {
		if got.err != nil || len(got.charges) != 2 || got.charges[0] != wantCharge || got.reader.Format() != "parquet" || got.reader.Version() != "1.0" {
			t.Errorf("%s: %+v, rejected %v, %v", name, got.charges, got.rejects, got.err)
		}
		if len(got.rejects) != 1 || got.rejects[0].Line != 2 || got.rejects[0].Column != "BilledCost" || got.rejects[0].Value != "NaN" {
			t.Errorf("%s: rejected %v", name, got.rejects)
		}
	}
}

func TestReader_ReadsParquetWithTheTypesOfClouds(t *testing.T) {
	bare := typed(2)
	bare.SubAccountName, bare.Tags, bare.BilledCost = nil, nil, 1e-7
	infinite := typed(3)
	infinite.BilledCost = math.Inf(-1)
	rows := []typedRow{typed(1), bare, infinite, typed(20)}
	for name, option := range map[string]parquet.WriterOption{"zstd": parquet.Compression(&parquet.Zstd), "snappy": parquet.Compression(&parquet.Snappy), "row groups": parquet.MaxRowsPerRowGroup(1)} {
		got := read(t, bytes.NewReader(parquetFile(t, rows, option)), Options{})
		if got.err != nil || len(got.charges) != 3 || got.reader.Version() != "1.3" {
			t.Fatalf("%s: %d charges, rejected %v, %v", name, len(got.charges), got.rejects, got.err)
		}
		if len(got.rejects) != 1 || got.rejects[0].Line != 3 || got.rejects[0].Column != "BilledCost" {
			t.Errorf("%s: rejected %v", name, got.rejects)
		}
		want := ledger.Charge{
			Period: "2026-11", Day: ledger.Date(2026, 11, 1), Provider: "AWS", BillingAccount: "100", Service: "Amazon EC2", SubAccountName: "booking",
			Category: "Credit", Currency: "USD", Tags: ledger.TagsOf(map[string]string{"team": "booking-crew", "empty": ""}),
			Billed: money.MustParse("0.1"), Effective: money.MustParse("-1.25"), List: money.MustParse("123.45"),
		}
		if got.charges[0] != want {
			t.Errorf("%s: charge is %+v", name, got.charges[0])
		}
		if c := got.charges[1]; c.SubAccountName != "" || c.Tags != (ledger.Tags{}) || c.Billed != money.MustParse("0.0000001") || c.Day != ledger.Date(2026, 11, 2) {
			t.Errorf("%s: charge is %+v", name, c)
		}
	}
}

func TestReader_ReadsTagsThatAreAListInParquet(t *testing.T) {
	type pair struct {
		Value string `parquet:"value"`
		Key   string `parquet:"key"`
	}
	type listRow struct {
		BilledCost, EffectiveCost                              float64
		BillingCurrency, BillingPeriodStart, ChargePeriodStart string
		ChargeCategory, ServiceProviderName                    string

		BillingAccountID string `parquet:"BillingAccountId"`
		ServiceName      string
		Tags             []pair
	}
	row := listRow{1, 1, "EUR", "2026-11-01", "2026-11-05", "Usage", "Google Cloud", "1", "BigQuery", []pair{{"booking-crew", "team"}, {"", "spot"}}}
	got := read(t, bytes.NewReader(parquetFile(t, []listRow{row})), Options{})
	if got.err != nil || len(got.charges) != 1 || got.charges[0].Tags != ledger.TagsOf(map[string]string{"team": "booking-crew", "spot": ""}) {
		t.Errorf("%+v, rejected %v, %v", got.charges, got.rejects, got.err)
	}
}

func TestReader_SaysWhatIsWrongWithParquet(t *testing.T) {
	type listed struct {
		stringRow

		ServiceNames []string
	}
	type other struct{ A, B int }
	whole := parquetFile(t, slices.Repeat([]stringRow{stringRowOf(valid)}, 2000))
	damaged := slices.Clone(whole)
	for i := 100; i < len(damaged)/3; i++ {
		damaged[i] ^= 0x5a
	}
	for want, content := range map[string][]byte{
		"it lacks the columns": parquetFile(t, []other{{1, 2}}),
		"truncated":            whole[:len(whole)/2],
		"broken":               damaged,
		"unpacks to more than": whole,
	} {
		o := Options{}
		if strings.HasPrefix(want, "unpacks") {
			o.MaxBytes = 1000
		}
		if got := read(t, bytes.NewReader(content), o); !errors.Is(got.err, sdk.ErrInput) || !strings.Contains(got.err.Error(), want) {
			t.Errorf("error is %v after %d charges, want one about %q", got.err, len(got.charges), want)
		}
	}
	if got := read(t, bytes.NewReader(parquetFile(t, []listed{{stringRow: stringRowOf(valid)}})), Options{}); got.err != nil || len(got.charges) != 1 {
		t.Errorf("a list that FOCUS does not have: %+v", got)
	}
}
