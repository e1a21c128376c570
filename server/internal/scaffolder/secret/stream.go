package secret

// blank reports what the scanner does not see: a wrapped line has breaks and indentation within a secret.
func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// scanner looks for patterns in text that comes in pieces. It reads it in two ways: as it is, and without what quoting in
// JSON and the like adds, however often. They are one until there is a backslash, and again when neither is in a pattern.
type scanner struct {
	machine *automaton
	end     int // offset behind everything that was fed
	plain   reading
	bare    reading // without escapes
	apart   bool    // bare is not where plain is
	escapes unescaper
	found   []span // in order, apart from each other
}

// reading is how far one way to read the text has come.
type reading struct {
	node int32
	at   []int // offsets of the bytes that led to node, and maybe of some before them
}

func (s *scanner) feed(text string) {
	for i := range len(text) {
		c, offset := text[i], s.end+i
		if c == '\\' && !s.apart {
			s.apart, s.bare.node = true, s.plain.node
			s.bare.at = append(s.bare.at[:0], s.plain.at...)
		}
		s.advance(&s.plain, c, offset, offset)
		if !s.apart {
			continue
		}
		text, from := s.escapes.next(c, offset)
		for _, c := range text {
			s.advance(&s.bare, c, from, offset)
		}
		s.apart = s.plain.node != 0 || s.bare.node != 0 || s.escapes.within()
	}
	s.end += len(text)
}

// advance takes one byte, which begins with its escape at from.
func (s *scanner) advance(r *reading, c byte, from, offset int) {
	if blank(c) {
		return
	}
	r.node = s.machine.next(r.node, fold[c])
	if r.node == 0 {
		r.at = r.at[:0]
		return
	}
	r.remember(from, int(s.machine.nodes[r.node].depth))
	if n := int(s.machine.nodes[r.node].ends); n > 0 {
		s.mark(span{r.at[len(r.at)-n], offset + 1})
	}
}

// remember adds an offset, and forgets old ones once most are not needed.
func (r *reading) remember(offset, depth int) {
	if len(r.at) > 1024 && len(r.at) > 4*depth {
		r.at = append(r.at[:0], r.at[len(r.at)-depth+1:]...) // the last byte of the prefix is the one that is added
	}
	r.at = append(r.at, offset)
}

// mark adds a span that ends behind all others, and merges those that it overlaps.
func (s *scanner) mark(m span) {
	for len(s.found) > 0 && s.found[len(s.found)-1].to > m.from {
		m.from = min(m.from, s.found[len(s.found)-1].from)
		s.found = s.found[:len(s.found)-1]
	}
	s.found = append(s.found, m)
}

// depth is how much of a pattern the text ends with.
func (s *scanner) depth() int {
	depth := s.machine.nodes[s.plain.node].depth
	if s.apart {
		depth = max(depth, s.machine.nodes[s.bare.node].depth)
	}
	return int(depth)
}

// settled is the offset before which nothing that may come changes what was found.
func (s *scanner) settled() int {
	settled := min(s.end, s.begun(&s.plain))
	if s.apart {
		settled = min(settled, s.begun(&s.bare))
	}
	for i := len(s.found) - 1; i >= 0 && s.found[i].to > settled; i-- {
		settled = min(settled, s.found[i].from)
	}
	return settled
}

// begun is where the pattern begins that a reading is in.
func (s *scanner) begun(r *reading) int {
	if d := int(s.machine.nodes[r.node].depth); d > 0 {
		return r.at[len(r.at)-d]
	}
	return s.end
}

// minHeld is how much of a secret a message must end with to be held back. Shorter endings are in every other message;
// they go out, and the rest of the secret is still taken out of the next one.
const minHeld = 3

// Messages redacts messages that follow each other, such as lines of a log, as if they were one text, so that a secret
// that is split over several of them is found. Not for concurrent use.
type Messages struct {
	redactor *Redactor
	scan     scanner
	pending  []message
}

type message struct {
	text string
	from int // offset
}

// Messages begins a sequence.
func (r *Redactor) Messages() *Messages { return &Messages{redactor: r} }

// Add gives the next message and returns those that are ready, in order: mostly this one alone. One that ends with what
// may be the beginning of a secret is held back until the next one tells.
func (m *Messages) Add(text string) (ready []string) {
	if machine := m.redactor.automaton(); machine != m.scan.machine { // it knows more secrets now
		m.scan = scanner{machine: machine}
		for i := range m.pending {
			m.pending[i].from = m.scan.end
			m.scan.feed(m.pending[i].text)
		}
	}
	m.pending = append(m.pending, message{text, m.scan.end})
	m.scan.feed(text)
	if m.scan.depth() < minHeld {
		return m.Flush()
	}
	return m.take(m.scan.settled())
}

// Flush returns what was held back: no message follows for some time, or ever.
func (m *Messages) Flush() (ready []string) { return m.take(m.scan.end) }

// take returns the messages that end before offset.
func (m *Messages) take(offset int) (ready []string) {
	for len(m.pending) > 0 {
		first := m.pending[0]
		end := first.from + len(first.text)
		if end > offset {
			break
		}
		ready = append(ready, mask(first.text, m.within(first.from, end)))
		m.pending = m.pending[1:]
	}
	from := m.scan.end
	if len(m.pending) > 0 {
		from = m.pending[0].from
	}
	for len(m.scan.found) > 0 && m.scan.found[0].to <= from {
		m.scan.found = m.scan.found[1:]
	}
	return ready
}

// within is what was found between two offsets, counted from the first.
func (m *Messages) within(from, to int) []span {
	var clipped []span
	for _, s := range m.scan.found {
		if s.from < to && s.to > from {
			clipped = append(clipped, span{max(s.from, from) - from, min(s.to, to) - from})
		}
	}
	return clipped
}
