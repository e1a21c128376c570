package cataloginfo

import "strconv"

// Order is how the keys of an object, and of what is inside it, followed each other where they were written. Go's maps
// forget it, and it matters where people see it: the fields of a form come in this order. nil = nobody knows.
type Order struct {
	// Keys are those of an object, as written; a key that was written twice stands where it stood first.
	Keys []string
	// Inside is by key, or by the index of a list.
	Inside map[string]*Order
}

// Order is that of one member of the document.
func (d *Document) Order(member string) *Order {
	if d.root == nil {
		return nil
	}
	return orders{}.of(d.root.resolved().child(member))
}

// orders are by node: a node that many aliases refer to is looked at once.
type orders map[*node]*Order

func (o orders) of(n *node) *Order {
	if n == nil {
		return nil
	}
	if n = n.resolved(); n.kind == scalarNode {
		return nil
	}
	if known, ok := o[n]; ok {
		return known
	}
	order := &Order{Inside: map[string]*Order{}}
	o[n] = order
	if n.kind == listNode {
		for i, item := range n.children {
			order.set(strconv.Itoa(i), o.of(item))
		}
		return order
	}
	seen := make(map[string]bool, len(n.children)/2)
	for i := 0; i+1 < len(n.children); i += 2 {
		key := n.children[i].keyText()
		if !seen[key] {
			order.Keys = append(order.Keys, key)
		}
		seen[key] = true
		order.set(key, o.of(n.children[i+1]))
	}
	return order
}

func (o *Order) set(key string, inside *Order) {
	if inside != nil {
		o.Inside[key] = inside
	}
}
