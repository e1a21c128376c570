package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	// The words of the JavaScript library that the reference reads durations with, all in any case.
	plainDuration = regexp.MustCompile(`(?i)^(-?\d*\.?\d+) *(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|years?|yrs?|y)?$`)
	isoDuration   = regexp.MustCompile(`^P(?:(-?\d{1,20}(?:\.\d{1,20})?)Y)?(?:(-?\d{1,20}(?:\.\d{1,20})?)M)?(?:(-?\d{1,20}(?:\.\d{1,20})?)W)?(?:(-?\d{1,20}(?:\.\d{1,20})?)D)?` +
		`(?:T(?:(-?\d{1,20}(?:\.\d{1,20})?)H)?(?:(-?\d{1,20}(?:\.\d{1,20})?)M)?(?:(-?\d{1,20}(?:[.,]\d{1,20})?)S)?)?$`)
)

const (
	day   = 24 * time.Hour
	month = 30 * day
	year  = 365 * day
)

// units of the object form and their lengths, the ones of ISO 8601 first and in its order.
var units = []struct {
	name   string
	length time.Duration
}{
	{"years", year}, {"months", month}, {"weeks", 7 * day}, {"days", day},
	{"hours", time.Hour}, {"minutes", time.Minute}, {"seconds", time.Second}, {"milliseconds", time.Millisecond},
}

// ParseDuration reads the text forms: ISO 8601 ("PT1H") when it starts with P, else a number and a unit ("1h", "2 days").
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "P") {
		return parseISODuration(text)
	}
	return parsePlainDuration(text)
}

func parsePlainDuration(text string) (time.Duration, error) {
	if strings.Trim(text, "0123456789") == "" && text != "" {
		return 0, errors.New("a plain number has no unit; write for example '30s' or '5 minutes'")
	}
	m := plainDuration.FindStringSubmatch(text)
	if m == nil || len(text) > 100 {
		return 0, errors.New("must be a duration such as '30s', '5 minutes', 'PT1H' or {hours: 1}")
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, errors.New("must not be negative")
	}
	return scale(n, unitOf(strings.ToLower(m[2])))
}

func unitOf(word string) time.Duration {
	switch {
	case word == "" || word == "ms" || strings.HasPrefix(word, "milli") || strings.HasPrefix(word, "msec"):
		return time.Millisecond
	case word[0] == 's':
		return time.Second
	case word[0] == 'm':
		return time.Minute
	case word[0] == 'h':
		return time.Hour
	case word[0] == 'd':
		return day
	case word[0] == 'w':
		return 7 * day
	default:
		return year
	}
}

func parseISODuration(text string) (time.Duration, error) {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || strings.Join(m[1:], "") == "" {
		return 0, errors.New("is not an ISO 8601 duration; write for example 'P2DT6H' or 'PT1M'")
	}
	var total time.Duration
	for i, digits := range m[1:] {
		if digits == "" {
			continue
		}
		n, err := strconv.ParseFloat(strings.Replace(digits, ",", ".", 1), 64)
		if err != nil {
			return 0, err
		}
		part, err := scale(n, units[i].length)
		if err != nil {
			return 0, err
		}
		if total, err = add(total, part); err != nil {
			return 0, err
		}
	}
	if total < 0 {
		return 0, errors.New("must not be negative")
	}
	return total, nil
}

var errLong = errors.New("is longer than 290 years")

func scale(n float64, unit time.Duration) (time.Duration, error) {
	f := math.Round(n * float64(unit))
	if math.Abs(f) >= math.MaxInt64 {
		return 0, errLong
	}
	return time.Duration(f), nil
}

func add(a, b time.Duration) (time.Duration, error) {
	if f := float64(a) + float64(b); math.Abs(f) >= math.MaxInt64 {
		return 0, errLong
	}
	return a + b, nil
}

// objectDuration reads {hours: 1, minutes: 30}.
func objectDuration(s *Section) (time.Duration, error) {
	var total time.Duration
	known := 0
	for _, unit := range units {
		n := s.node.field(unit.name)
		if n == nil || n.kind == nullKind {
			continue
		}
		known++
		value, err := numberOf(n, unit.name)
		if err != nil {
			return 0, fmt.Errorf("%s %w", unit.name, err)
		}
		part, err := scale(value, unit.length)
		if err != nil {
			return 0, err
		}
		if total, err = add(total, part); err != nil {
			return 0, err
		}
	}
	if known == 0 || known < len(s.Keys()) {
		return 0, errors.New("must be an object of years, months, weeks, days, hours, minutes, seconds, milliseconds, at least one of them and nothing else")
	}
	if total < 0 {
		return 0, errors.New("must not be negative")
	}
	return total, nil
}
