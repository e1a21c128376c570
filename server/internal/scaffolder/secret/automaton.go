package secret

// automaton finds any of many patterns in one pass (Aho and Corasick). It is of our own making because it must be stopped
// and resumed between pieces of text and must tell how much of a pattern it has seen, so that no more than that is held
// back; libraries and strings.Replacer do neither. Nodes have lists of children and no tables: patterns are long and share
// little, so that memory stays near twenty bytes for each byte of a pattern.
type automaton struct {
	nodes []node
	root  [256]int32 // of the first bytes, which most text does not get beyond
}

// node is a prefix of a pattern. Node 0 is the empty one; there 0 as a link means none.
type node struct {
	child, sibling int32
	fail           int32 // the longest shorter suffix that is a prefix as well
	depth          int32
	ends           int32 // length of the longest pattern that ends here, 0 = none
	label          byte
}

func newAutomaton(patterns map[string]bool) *automaton {
	a := &automaton{nodes: make([]node, 1)}
	for p := range patterns {
		a.insert(p)
	}
	a.link()
	return a
}

func (a *automaton) insert(pattern string) {
	at := int32(0)
	for i := range len(pattern) {
		next := a.step(at, pattern[i])
		if next == 0 {
			next = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{label: pattern[i], sibling: a.nodes[at].child, depth: int32(i + 1)})
			a.nodes[at].child = next
			if at == 0 {
				a.root[pattern[i]] = next
			}
		}
		at = next
	}
	a.nodes[at].ends = int32(len(pattern))
}

// link sets where to go on when a prefix does not go on, nearest to the root first.
func (a *automaton) link() {
	queue := make([]int32, 0, len(a.nodes))
	queue = append(queue, 0)
	for i := 0; i < len(queue); i++ {
		parent := queue[i]
		for c := a.nodes[parent].child; c != 0; c = a.nodes[c].sibling {
			queue = append(queue, c)
			if parent != 0 {
				fail := a.next(a.nodes[parent].fail, a.nodes[c].label)
				a.nodes[c].fail = fail
				a.nodes[c].ends = max(a.nodes[c].ends, a.nodes[fail].ends)
			}
		}
	}
}

func (a *automaton) step(at int32, b byte) int32 {
	if at == 0 {
		return a.root[b]
	}
	for c := a.nodes[at].child; c != 0; c = a.nodes[c].sibling {
		if a.nodes[c].label == b {
			return c
		}
	}
	return 0
}

// next is where b leads from at.
func (a *automaton) next(at int32, b byte) int32 {
	for {
		if to := a.step(at, b); to != 0 || at == 0 {
			return to
		}
		at = a.nodes[at].fail
	}
}
