package search

// maxEdits is how far a term may be from what was typed.
const maxEdits = 2

// maxTokenRunes bounds the tokens that edit distance is measured for; longer ones match by prefix and stem only.
const maxTokenRunes = 128

// withinEdits reports whether term can be made from token by at most [maxEdits] insertions, deletions, substitutions and
// swaps of neighbours; between the two swapped letters others may be edited.
//
// It is the usual row-by-row distance, with a second row for the states inside a swap: swap[i] is the cost of having
// read token[i+1] first and still owing token[i]. Rows are cut off as soon as nothing within reach is left.
func withinEdits(token []rune, term string) bool {
	n := len(token)
	if n > maxTokenRunes {
		return false
	}
	const far = maxEdits + 1
	var rows [2][maxTokenRunes + 1]uint8
	var swaps [2][maxTokenRunes + 1]uint8
	plain, swap := rows[0][:n+1], swaps[0][:n+1]
	for i := range plain {
		plain[i], swap[i] = uint8(min(i, far)), far
	}
	nextPlain, nextSwap := rows[1][:n+1], swaps[1][:n+1]
	for _, r := range term {
		best := uint8(far)
		for j := range n + 1 {
			cost := min(plain[j]+1, far)
			if j > 0 {
				cost = min(cost, plain[j-1]+differ(token[j-1], r), nextPlain[j-1]+1)
			}
			if j > 1 {
				cost = min(cost, swap[j-2]+differ(token[j-2], r), nextSwap[j-2]+1)
			}
			held := min(swap[j]+1, far)
			if j+1 < n && token[j+1] == r {
				held = min(held, plain[j]+1)
			}
			nextPlain[j], nextSwap[j] = min(cost, far), min(held, far)
			best = min(best, nextPlain[j], nextSwap[j])
		}
		if best == far {
			return false
		}
		plain, nextPlain = nextPlain, plain
		swap, nextSwap = nextSwap, swap
	}
	return plain[n] <= maxEdits
}

func differ(a, b rune) uint8 {
	if a == b {
		return 0
	}
	return 1
}
