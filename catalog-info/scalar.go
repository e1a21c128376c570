package cataloginfo

import (
	"math/big"
	"strconv"
	"strings"
)

// resolvePlain gives an unquoted scalar its value by the YAML 1.2 core schema, as the reference reads it: numbers are
// JavaScript's, so large integers are rounded; dates, "yes", "1_000" and "0b11" are texts; "0777" is 777.
// Infinite values and NaN are float64 here; JSON has no word for them (see jsonNumber).
func resolvePlain(s string) any {
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
		if f, ok := resolveNumber(s); ok {
			return f
		}
	}
	return s
}

func resolveNumber(s string) (float64, bool) {
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
		return parseSpecial("NaN"), true
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return parseSpecial("+Inf"), true
	case "-.inf", "-.Inf", "-.INF":
		return parseSpecial("-Inf"), true
	}
	return 0, false
}

func parseSpecial(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
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
