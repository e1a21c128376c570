package gotext

import (
	"text/template"
	"text/template/parse"
)

// Names that templates cannot use, because no text that contains reserved is rendered.
const (
	reserved  = "callboardMeterǃ"
	stepName  = reserved + "Step"
	enterName = reserved + "Enter"
	leaveName = reserved + "Leave"
	valueName = reserved + "Value"
)

// rewrite makes all templates of t call the meter: at their beginning and end, in each round of a loop, and with every
// value that is printed or kept. What else there is in a template ends with its text, or is a call.
func rewrite(t *template.Template, functions template.FuncMap) error {
	for _, each := range t.Templates() {
		if each.Tree == nil || each.Root == nil {
			continue
		}
		enter, err := call(enterName, functions)
		if err != nil {
			return err
		}
		leave, err := call(leaveName, functions)
		if err != nil {
			return err
		}
		if err := list(each.Root, functions); err != nil {
			return err
		}
		each.Root.Nodes = append(append([]parse.Node{enter}, each.Root.Nodes...), leave)
	}
	return nil
}

// call is the node of {{ name }}.
func call(name string, functions template.FuncMap) (parse.Node, error) {
	trees, err := parse.Parse("meter", "{{"+name+"}}", "", "", functions)
	if err != nil {
		return nil, err
	}
	return trees["meter"].Root.Nodes[0], nil
}

func list(l *parse.ListNode, functions template.FuncMap) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.ActionNode:
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier(valueName).SetPos(n.Pos)},
			})
		case *parse.IfNode:
			err = branches(&n.BranchNode, functions)
		case *parse.WithNode:
			err = branches(&n.BranchNode, functions)
		case *parse.RangeNode:
			err = branches(&n.BranchNode, functions)
			if err == nil {
				var step parse.Node
				step, err = call(stepName, functions)
				n.List.Nodes = append([]parse.Node{step}, n.List.Nodes...)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func branches(b *parse.BranchNode, functions template.FuncMap) error {
	if err := list(b.List, functions); err != nil {
		return err
	}
	return list(b.ElseList, functions)
}
