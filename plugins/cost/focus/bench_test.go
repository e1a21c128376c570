package focus_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus"
	"github.com/callboard/callboard/plugins/cost/focus/sample"
)

func BenchmarkReader(b *testing.B) {
	o := sample.Options{Rows: 50_000, From: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), Days: 60, Seed: 1}
	for name, write := range map[string]func(io.Writer, sample.Options) error{"csv": sample.WriteCSV, "gzip": sample.WriteGzip, "parquet": sample.WriteParquet} {
		b.Run(name, func(b *testing.B) {
			var file bytes.Buffer
			if err := write(&file, o); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				reader, err := focus.Open(bytes.NewReader(file.Bytes()), focus.Options{})
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for _, err := range reader.Charges() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != o.Rows {
					b.Fatalf("%d charges", n)
				}
			}
			b.ReportMetric(float64(o.Rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
