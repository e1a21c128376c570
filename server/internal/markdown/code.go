package markdown

import (
	"html"
	"strings"
	"unicode/utf8"
)

// Bounds of code that is told apart; what is beyond is plain, as is a language that nobody knows here.
const (
	mostCode   = 16 << 10 // bytes of one block
	mostCoded  = 64 << 10 // bytes on one page
	mostMarked = 20_000   // parts on one page
)

// Classes of parts of code. CodeStyle has a colour for each.
const (
	keyword  = "cb-md-k"
	literal  = "cb-md-n" // numbers, and words that are values
	quoted   = "cb-md-s"
	comment  = "cb-md-c"
	name     = "cb-md-a" // of members, attributes, sections
	inserted = "cb-md-i"
	deleted  = "cb-md-d"
)

// Code is a text in a language as HTML, its parts in spans of the classes above, and the whole escaped. The scanner reads
// each byte a bounded number of times, whatever is in the text: lexers made of regular expressions do not, and this text
// comes from strangers.
func (b *Budget) Code(text, lang string) string {
	text = Printable(text, true)
	l := languages[strings.ToLower(lang)]
	if l == nil || len(text) > mostCode || b.coded+len(text) > mostCoded || b.marked >= mostMarked {
		return html.EscapeString(text)
	}
	b.coded += len(text)
	s := &scanner{text: text, language: l, missed: map[string]int{}, left: mostMarked - b.marked}
	for s.at < len(text) && s.left > 0 {
		l.scan(s)
	}
	s.at = len(text)
	s.flush()
	b.marked = mostMarked - s.left
	return s.out.String()
}

// language is how a language is told apart.
type language struct {
	scan   func(*scanner)
	lines  []string    // what begins a comment that ends with its line
	blocks [][2]string // what begins and ends one over lines
	quotes string      // what begins and ends a text
	long   []string    // likewise, over lines
	raw    string      // of the quotes and long ones, those in which a backslash is one
	words  map[string]string
	folded bool // words are the same in capitals
}

// PygmentsClass is the class of a part of code that was told apart when a page was made, by the short name that Pygments and
// many others give it; "" = it has none.
func PygmentsClass(short string) string {
	switch short {
	case "kc", "l", "ld":
		return literal
	case "nt", "na", "nl", "gu", "gh":
		return name
	case "gi":
		return inserted
	case "gd":
		return deleted
	case "ow":
		return keyword
	}
	if len(short) == 0 || len(short) > 2 {
		return ""
	}
	return map[byte]string{'k': keyword, 's': quoted, 'm': literal, 'c': comment}[short[0]]
}

// scanner writes a text while it reads it.
type scanner struct {
	*language

	out    strings.Builder
	text   string
	at     int // what is read
	shown  int // what is written
	left   int // how many more parts may be marked
	missed map[string]int
}

func (s *scanner) rest() string { return s.text[s.at:] }

// flush writes what was passed over, as it is.
func (s *scanner) flush() {
	s.out.WriteString(html.EscapeString(s.text[s.shown:s.at]))
	s.shown = s.at
}

// mark writes the next n bytes as a part.
func (s *scanner) mark(class string, n int) {
	s.flush()
	s.at = min(len(s.text), s.at+n)
	s.out.WriteString(`<span class="` + class + `">` + html.EscapeString(s.text[s.shown:s.at]) + "</span>")
	s.shown = s.at
	s.left--
}

// line is how many bytes there are to the end of the line.
func (s *scanner) line() int {
	if i := strings.IndexByte(s.rest(), '\n'); i >= 0 {
		return i
	}
	return len(s.rest())
}

// fresh reports whether a word or a comment may begin here.
func (s *scanner) fresh() bool {
	if s.at == 0 {
		return true
	}
	r, _ := utf8.DecodeLastRuneInString(s.text[:s.at])
	return !inWord(r)
}

func inWord(r rune) bool {
	return r == '_' || r == '$' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= utf8.RuneSelf
}

// program scans what most languages are made of.
func program(s *scanner) {
	if s.comment() || s.long1() || s.quote(quoted) {
		return
	}
	c := s.text[s.at]
	switch {
	case c == '\\':
		s.at = min(len(s.text), s.at+2)
	case c >= '0' && c <= '9' && s.fresh():
		s.mark(literal, s.number())
	case inWord(rune(c)):
		s.word()
	default:
		s.at++
	}
}

func (s *scanner) comment() bool {
	for _, begin := range s.lines {
		if strings.HasPrefix(s.rest(), begin) && (begin != "#" || s.at == 0 || strings.IndexByte(" \t\n;", s.text[s.at-1]) >= 0) {
			s.mark(comment, s.line())
			return true
		}
	}
	for _, b := range s.blocks {
		if strings.HasPrefix(s.rest(), b[0]) {
			n := strings.Index(s.rest()[len(b[0]):], b[1])
			if n < 0 {
				n = len(s.text)
			}
			s.mark(comment, n+len(b[0])+len(b[1]))
			return true
		}
	}
	return false
}

// long1 is a text over lines.
func (s *scanner) long1() bool {
	for _, q := range s.language.long {
		if strings.HasPrefix(s.rest(), q) {
			if n := s.closing(q, len(s.text)); n > 0 {
				s.mark(quoted, n)
				return true
			}
		}
	}
	return false
}

// quote is a text on one line.
func (s *scanner) quote(class string) bool {
	c := s.text[s.at]
	if strings.IndexByte(s.quotes, c) < 0 {
		return false
	}
	n := s.closing(string(c), s.at+s.line())
	if n > 0 {
		s.mark(class, n)
	}
	return n > 0
}

// closing is the length of a text in quotes that ends before end, 0 = it does not. Where one was not closed, the next ones
// up to there are not looked at: a text of quotes alone would take a look at all others for each.
func (s *scanner) closing(q string, end int) int {
	if s.at < s.missed[q] {
		return 0
	}
	escapes := !strings.Contains(s.raw, q[:1])
	for i := s.at + len(q); i < end; i++ {
		switch {
		case s.text[i] == '\\' && escapes:
			i++
		case strings.HasPrefix(s.text[i:end], q):
			return i + len(q) - s.at
		}
	}
	s.missed[q] = end
	return 0
}

func (s *scanner) number() int {
	n := 1
	for n < len(s.rest()) && (inWord(rune(s.rest()[n])) || s.rest()[n] == '.') {
		n++
	}
	return n
}

func (s *scanner) word() {
	n := 0
	for n < len(s.rest()) && inWord(rune(s.rest()[n])) {
		n++
	}
	text := s.rest()[:n]
	if s.folded {
		text = strings.ToUpper(text)
	}
	if class := s.words[text]; class != "" {
		s.mark(class, n)
		return
	}
	s.at += n
}

// object scans JSON: a text before a colon is a name.
func object(s *scanner) {
	if s.text[s.at] == '"' {
		if n := s.closing(`"`, s.at+s.line()); n > 0 {
			class := quoted
			if strings.HasPrefix(strings.TrimLeft(s.text[s.at+n:], " \t"), ":") {
				class = name
			}
			s.mark(class, n)
			return
		}
	}
	program(s)
}

// settings scans languages in which a line begins with a name: YAML, TOML, INI.
func settings(s *scanner) {
	if s.at == 0 || s.text[s.at-1] == '\n' {
		line := s.rest()[:s.line()]
		begin := len(line) - len(strings.TrimLeft(line, " \t-"))
		n := strings.IndexFunc(line[begin:], func(r rune) bool { return !inWord(r) && !strings.ContainsRune("-./", r) })
		after := ""
		if n > 0 {
			after = strings.TrimLeft(line[begin+n:], " \t")
		}
		switch {
		case strings.HasPrefix(after, ":") || strings.HasPrefix(after, "="):
			s.at += begin
			s.mark(name, n)
			return
		case strings.HasPrefix(line, "[") && strings.Contains(line, "]"):
			s.mark(name, strings.LastIndexByte(line, ']')+1)
			return
		}
	}
	program(s)
}

// tags scans XML and HTML.
func tags(s *scanner) {
	if s.comment() {
		return
	}
	n := strings.IndexByte(s.rest(), '<')
	switch {
	case n != 0:
		s.at += max(1, n)
		if n < 0 {
			s.at = len(s.text)
		}
		return
	case len(s.rest()) < 2 || strings.IndexByte("/!?", s.rest()[1]) < 0 && !inWord(rune(s.rest()[1])):
		s.at++
		return
	}
	s.at++
	if !inWord(rune(s.text[s.at])) {
		s.at++
	}
	s.mark(keyword, s.tagName())
	for s.at < len(s.text) && s.text[s.at] != '>' && s.left > 0 {
		switch n := s.tagName(); {
		case n > 0:
			s.mark(name, n)
		case s.text[s.at] == '<':
			return // it was no tag
		case !s.long1():
			s.at++
		}
	}
}

func (s *scanner) tagName() int {
	n := strings.IndexFunc(s.rest(), func(r rune) bool { return !inWord(r) && !strings.ContainsRune("-.:@", r) })
	if n < 0 {
		return len(s.rest())
	}
	return n
}

// changes scans differences of files.
func changes(s *scanner) {
	n := s.line()
	switch line := s.rest()[:n]; {
	case strings.HasPrefix(line, "+"):
		s.mark(inserted, n)
	case strings.HasPrefix(line, "-"):
		s.mark(deleted, n)
	case strings.HasPrefix(line, "@@"):
		s.mark(name, n)
	default:
		s.at += n
	}
	if s.at < len(s.text) {
		s.at++
	}
}
