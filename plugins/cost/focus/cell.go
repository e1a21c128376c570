package focus

import (
	"encoding/binary"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// leaf is where a column of Parquet goes, and how its values become texts that the rules read.
type leaf struct {
	field field
	part  part
	text  func(parquet.Value) string
}

// part is what of a field a leaf holds.
type part int

const (
	whole part = iota
	mapKey
	mapValue
)

// textOf is the text of values of a type: decimals as digits, times by RFC 3339, the rest as it is.
func textOf(t parquet.Type) func(parquet.Value) string {
	if logical := t.LogicalType(); logical != nil {
		switch known := logical.Value.(type) {
		case *format.DecimalType:
			return decimalText(known.Scale)
		case *format.TimestampType:
			return timeText(unitOf(known.Unit))
		case *format.DateType:
			return func(v parquet.Value) string { return instantText(time.Unix(int64(v.Int32())*86_400, 0)) }
		}
	}
	if converted := t.ConvertedType(); converted != nil {
		switch *converted {
		case deprecated.TimestampMillis:
			return timeText(time.Millisecond)
		case deprecated.TimestampMicros:
			return timeText(time.Microsecond)
		}
	}
	return plainText
}

func plainText(v parquet.Value) string {
	switch v.Kind() {
	case parquet.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case parquet.Float:
		return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32)
	case parquet.Int96:
		return int96Text(v.Int96())
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return string(v.ByteArray())
	}
	return v.String()
}

// decimalText writes digits and an exponent: 12345 of scale 2 is 12345e-2.
func decimalText(scale int32) func(parquet.Value) string {
	exponent := "e" + strconv.Itoa(-int(scale))
	return func(v parquet.Value) string {
		switch v.Kind() {
		case parquet.Int32:
			return strconv.FormatInt(int64(v.Int32()), 10) + exponent
		case parquet.Int64:
			return strconv.FormatInt(v.Int64(), 10) + exponent
		case parquet.ByteArray, parquet.FixedLenByteArray:
			return bigEndian(v.ByteArray()).String() + exponent
		}
		return plainText(v)
	}
}

// bigEndian is a number in two's complement.
func bigEndian(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func unitOf(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

func timeText(unit time.Duration) func(parquet.Value) string {
	perSecond := int64(time.Second / unit)
	return func(v parquet.Value) string {
		if v.Kind() != parquet.Int64 {
			return plainText(v)
		}
		n := v.Int64()
		return instantText(time.Unix(n/perSecond, n%perSecond*int64(unit)))
	}
}

// int96Text is the time of Spark's old form: nanoseconds of the day, then the Julian day.
func int96Text(n deprecated.Int96) string {
	const julianOf1970 = 2_440_588
	raw := slices.Concat(binary.LittleEndian.AppendUint32(nil, n[0]), binary.LittleEndian.AppendUint32(nil, n[1]))
	days := int64(n[2]) - julianOf1970
	return instantText(time.Unix(days*86_400, int64(binary.LittleEndian.Uint64(raw))))
}

func instantText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
