// Package jsvalue reads and prints values as JavaScript has them: the reference reads YAML and JSON into its values, and
// their texts stand in messages, keys and answers.
package jsvalue

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Plain gives an unquoted YAML scalar its value by the YAML 1.2 core schema: nil, a bool, a float64 or s itself. Numbers
// are JavaScript's, so large integers are rounded; dates, "yes", "1_000" and "0b11" are texts; "0777" is 777. A number
// may be infinite or NaN, for which JSON has no word.
func Plain(s string) any {
	if s == "" {
		return nil
	}
	switch c := s[0]; {
	case c == '~', c == 'n', c == 'N':
		switch s {
		case "~", "null", "Null", "NULL":
			return nil
		}
	case c == 't', c == 'T':
		switch s {
		case "true", "True", "TRUE":
			return true
		}
	case c == 'f', c == 'F':
		switch s {
		case "false", "False", "FALSE":
			return false
		}
	case c >= '0' && c <= '9', c == '.', c == '-', c == '+':
		if f, ok := plainNumber(s); ok {
			return f
		}
	}
	return s
}

func plainNumber(s string) (float64, bool) {
	if strings.HasPrefix(s, "0o") {
		return radixNumber(s[2:], 8)
	}
	if strings.HasPrefix(s, "0x") {
		return radixNumber(s[2:], 16)
	}
	if f, ok := specialNumber(s); ok {
		return f, true
	}
	if !isDecimal(s) {
		return 0, false
	}
	// Out of range gives an infinity, as in JavaScript.
	f, _ := strconv.ParseFloat(s, 64)
	return f, true
}

func specialNumber(s string) (float64, bool) {
	switch s {
	case ".nan", ".NaN", ".NAN":
		return math.NaN(), true
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1), true
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1), true
	}
	return 0, false
}

func radixNumber(digits string, base int) (float64, bool) {
	if digits == "" || digits[0] == '+' || digits[0] == '-' || strings.Contains(digits, "_") {
		return 0, false
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return 0, false
	}
	f, _ := new(big.Float).SetInt(n).Float64()
	return f, true
}

// isDecimal matches [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
func isDecimal(s string) bool {
	s = trimSign(s)
	whole := digitsIn(s)
	s = s[whole:]
	fraction := 0
	if strings.HasPrefix(s, ".") {
		fraction = digitsIn(s[1:])
		s = s[1+fraction:]
	}
	if whole == 0 && fraction == 0 {
		return false
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = trimSign(s[1:])
	return s != "" && digitsIn(s) == len(s)
}

func trimSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

func digitsIn(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// ParseNumber is what the unary plus makes of a text; false for NaN and what is infinite. A text of blanks is 0.
func ParseNumber(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, true
	}
	if len(text) > 2 && text[0] == '0' && strings.IndexByte("xXoObB", text[1]) >= 0 && !strings.Contains(text, "_") {
		n, err := strconv.ParseUint(text, 0, 53)
		return float64(n), err == nil
	}
	if !isDecimal(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Number is the text of a number.
func Number(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0" // -0 too
	}
	text, _ := json.Marshal(f) // finite, so it cannot fail; the encoder follows ECMAScript
	return string(text)
}
