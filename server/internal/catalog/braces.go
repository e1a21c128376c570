package catalog

import (
	"regexp"
	"strconv"
	"strings"
)

// maxGlobs bounds what the braces of one target may stand for.
const maxGlobs = 10_000

// braceRange is the inside of "{1..9}", "{a..e}" or "{01..10..2}".
var braceRange = regexp.MustCompile(`^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$`)

// expandBraces lists the patterns that a pattern with braces stands for, as shells do: "{a,b}" and ranges expand,
// nested ones too; "{a}", "{}" and "${…}" are plain text.
func expandBraces(pattern string) []string {
	for from := 0; ; {
		open := strings.IndexByte(pattern[from:], '{')
		if open < 0 {
			return []string{pattern}
		}
		open += from
		shut, commas := matchingBrace(pattern, open)
		if shut < 0 || open > 0 && pattern[open-1] == '$' {
			from = open + 1
			continue
		}
		choices := choicesIn(pattern[open+1:shut], open+1, commas)
		if choices == nil {
			from = open + 1
			continue
		}
		var list []string
		rest := expandBraces(pattern[shut+1:])
		for _, choice := range choices {
			for _, middle := range expandBraces(choice) {
				for _, end := range rest {
					if list = append(list, pattern[:open]+middle+end); len(list) > maxGlobs {
						return list
					}
				}
			}
		}
		return list
	}
}

// matchingBrace finds the brace that closes the one at open, -1 when there is none, and the commas between them.
func matchingBrace(pattern string, open int) (shut int, commas []int) {
	depth := 0
	for i := open; i < len(pattern); i++ {
		switch pattern[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i, commas
			}
		case ',':
			if depth == 1 {
				commas = append(commas, i)
			}
		}
	}
	return -1, nil
}

// choicesIn lists what stands between braces; nil when they are plain text. start is where inside begins in the text
// that commas count in.
func choicesIn(inside string, start int, commas []int) []string {
	if len(commas) == 0 {
		return rangeIn(inside)
	}
	var choices []string
	from := 0
	for _, comma := range commas {
		choices = append(choices, inside[from:comma-start])
		from = comma - start + 1
	}
	return append(choices, inside[from:])
}

func rangeIn(inside string) []string {
	m := braceRange.FindStringSubmatch(inside)
	if m == nil {
		return nil
	}
	from, errFrom := strconv.Atoi(m[1])
	to, errTo := strconv.Atoi(m[2])
	letters := errFrom != nil && errTo != nil
	if letters {
		from, to = int(m[1][0]), int(m[2][0])
	} else if errFrom != nil || errTo != nil {
		return nil
	}
	step, _ := strconv.Atoi(m[3])
	if step = max(step, -step, 1); from > to {
		step = -step
	}
	width := 0
	if !letters && (padded(m[1]) || padded(m[2])) {
		width = max(len(m[1]), len(m[2]))
	}
	var choices []string
	for n := from; (n <= to) == (step > 0) || n == to; n += step {
		choice := pad(n, width)
		if letters {
			choice = string(rune(n))
		}
		if choices = append(choices, choice); len(choices) > maxGlobs {
			break
		}
	}
	return choices
}

func padded(number string) bool {
	digits := strings.TrimPrefix(number, "-")
	return len(digits) > 1 && digits[0] == '0'
}

func pad(n, width int) string {
	text := strconv.Itoa(n)
	sign, digits := "", text
	if n < 0 {
		sign, digits = "-", text[1:]
	}
	return sign + strings.Repeat("0", max(0, width-len(text))) + digits
}
