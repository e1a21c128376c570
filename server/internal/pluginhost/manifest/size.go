package manifest

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as "10MiB".
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

var errSize = errors.New(`must be a size such as "10MiB"`)

// ParseSize reads a whole or decimal number with a unit; a number alone counts bytes.
func ParseSize(text string) (Size, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if number == "" || strings.Trim(number, "0123456789.") != "" {
		return 0, errSize
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n*float64(unit) > math.MaxInt64/2 {
		return 0, errSize
	}
	return Size(n * float64(unit)), nil
}

// String is the shortest exact form in binary units.
func (s Size) String() string {
	for _, u := range sizeUnits[:4] {
		if int64(s) >= u.bytes && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText is for YAML and JSON.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is for YAML and JSON.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := ParseSize(string(text))
	if err == nil {
		*s = n
	}
	return err
}
