package markdown

import "strings"

// Bounds of what is read as Markdown.
const (
	mostDescription = 64 << 10
	mostRead        = 256 << 10 // bytes of descriptions on one page
	mostDocument    = 512 << 10
	mostNesting     = 24    // markers of quotes and lists before the text of one line
	mostIndent      = 100   // columns before a marker
	mostBrackets    = 2_000 // in one block
	mostMarks       = 4_000 // of emphasis in one block
	mostCells       = 20_000
	mostHeadings    = 2_000
)

// costly holds for texts that are made to keep a parser busy. Inline markup is matched within one block, and no block
// that has any goes on behind an empty line. Each row of a table gets as many cells as its first one has.
func costly(text string) bool {
	brackets, marks, cells := 0, 0, 0
	columns, lines := 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" {
			cells += columns * lines
			brackets, marks, columns, lines = 0, 0, 0, 0
			continue
		}
		brackets += strings.Count(line, "[")
		marks += strings.Count(line, "*") + strings.Count(line, "_")
		columns = max(columns, strings.Count(line, "|"))
		lines++
		if brackets > mostBrackets || marks > mostMarks || cells+columns*lines > mostCells || nested(line) {
			return true
		}
	}
	return false
}

// nested holds for a line that opens more quotes and lists than anybody reads.
func nested(line string) bool {
	text := strings.TrimLeft(line, " \t>-+*0123456789.)")
	before := line[:len(line)-len(text)]
	markers := strings.Map(func(r rune) rune {
		if strings.ContainsRune(">-+*.)", r) {
			return r
		}
		return -1
	}, before)
	rule := text == "" && (strings.Trim(markers, "-") == "" || strings.Trim(markers, "*") == "")
	indent := len(before) - len(strings.TrimLeft(before, " \t"))
	return !rule && (len(markers) > mostNesting || markers != "" && indent > mostIndent)
}

// Marked reports whether a text holds anything that Markdown reads otherwise than as letters.
func Marked(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" {
		return false
	}
	if strings.ContainsAny(text, "\n*_`[]<>&\\|~#") || strings.Contains(text, "://") || strings.Contains(text, "www.") {
		return true
	}
	first := text[0]
	return first == '-' || first == '+' || first == '=' || first >= '0' && first <= '9'
}

// Printable drops what HTML cannot hold and what turns the direction of the text around it: code that reads otherwise
// than it runs. lines keeps line breaks and tabs.
func Printable(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			if lines {
				return r
			}
			return ' '
		case r < ' ', r >= 0x7f && r <= 0x9f, r == 0x200e, r == 0x200f, r == 0xfffe, r == 0xffff,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}
