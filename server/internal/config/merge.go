package config

// merge lays high over low: objects merge key by key, everything else replaces. A null stays as a marker, so that it
// also hides what a third, lower configuration has; [prune] removes the markers at the end. merge is associative.
//
// Keys keep the order in which the files bring them, the lower file first.
func merge(low, high *node) *node {
	if low == nil {
		return high
	}
	if high == nil {
		return low
	}
	if high.kind != objectKind || high.sealed {
		return high
	}
	if low.kind != objectKind {
		sealed := *high
		sealed.sealed = true
		return &sealed
	}
	out := newObject(high.at)
	out.sealed = low.sealed
	for _, key := range low.keys {
		out.set(key, merge(low.fields[key], high.fields[key]))
	}
	for _, key := range high.keys {
		if _, seen := low.fields[key]; !seen {
			out.set(key, high.fields[key])
		}
	}
	return out
}

// prune removes keys that are null, in objects only: what a list holds is replaced as a whole and stays as written.
func prune(n *node) *node {
	if n == nil || n.kind != objectKind {
		return n
	}
	out := newObject(n.at)
	out.secret = n.secret
	for _, key := range n.keys {
		if child := n.fields[key]; child.kind != nullKind {
			out.set(key, prune(child))
		}
	}
	return out
}
