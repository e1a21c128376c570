package cataloginfo

// node is one value in a document's syntax tree. It knows where it stands by the offset in the file.
type node struct {
	kind   nodeKind
	style  scalarStyle
	offset int
	// tag is resolved: "tag:yaml.org,2002:int", "!local", "!" or "" for none.
	tag string
	// value is the text of a scalar, quotes and folding undone, or the name that an alias refers to.
	value string
	// children are the items of a list, or the keys and values of a map in turn.
	children []*node
	target   *node // of an alias
	absent   bool  // an empty value without the ":" that would announce it
	extent   extent
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
	aliasNode
)

type scalarStyle uint8

const (
	plainStyle scalarStyle = iota
	singleQuoted
	doubleQuoted
	blockStyle
)

// extent is the size of what a node stands for, aliases followed.
type extent struct {
	nodes, depth int
	// aliases and uses give the reference's measure of what an anchor costs: its uses times the aliases inside of it.
	aliases, uses int
	open          bool // still being read: an alias to it would be endless
}

// resolved follows an alias, which leads to a value and never to another alias.
func (n *node) resolved() *node {
	if n.kind == aliasNode {
		return n.target
	}
	return n
}

// flowText prints a list or map that is used as a key, as the reference does to have a text for it.
func (n *node) flowText() string {
	var parts string
	switch n.kind {
	case aliasNode:
		return "*" + n.value
	case listNode:
		for i, x := range n.children {
			parts += separator(i) + x.flowText()
		}
		return bracketed("[", parts, "]")
	case mapNode:
		for i := 0; i+1 < len(n.children); i += 2 {
			parts += separator(i) + n.children[i].flowText()
			switch v := n.children[i+1]; {
			case v.absent:
			case v.kind == scalarNode && v.style == plainStyle && v.value == "":
				parts += ":"
			default:
				parts += ": " + v.flowText()
			}
		}
		return bracketed("{", parts, "}")
	}
	switch n.style {
	case doubleQuoted, blockStyle:
		return `"` + n.value + `"`
	case singleQuoted:
		return "'" + n.value + "'"
	}
	return n.value
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

func bracketed(open, inner, end string) string {
	if inner == "" {
		return open + end
	}
	return open + " " + inner + " " + end
}
