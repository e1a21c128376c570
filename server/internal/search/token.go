package search

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a piece of a text, in bytes.
type span struct{ from, to int }

// spans yields the runs of letters and numbers of text: the tokens, before they are lower-cased.
func spans(text string) iter.Seq[span] {
	return func(yield func(span) bool) {
		start := -1
		for i, r := range text {
			if isTokenRune(r) {
				if start < 0 {
					start = i
				}
				continue
			}
			if start >= 0 && !yield(span{start, i}) {
				return
			}
			start = -1
		}
		if start >= 0 {
			yield(span{start, len(text)})
		}
	}
}

func isTokenRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// tokens are the lower-case tokens of text.
func tokens(text string) []string {
	var all []string
	for s := range spans(text) {
		all = append(all, strings.ToLower(text[s.from:s.to]))
	}
	return all
}

// typable is a term without the letters at its ends that are not ASCII; "" when nothing or a stop word is left. The
// reference indexes no more than that, so that mistyped words are near to it alone. Here the whole word can be found
// too, by its stem and its beginning.
func typable(term string) string {
	if term == "" || term[0] < utf8.RuneSelf && term[len(term)-1] < utf8.RuneSelf {
		return term
	}
	term = strings.TrimFunc(term, func(r rune) bool { return r >= utf8.RuneSelf })
	if isStopWord(term) {
		return ""
	}
	return term
}

func typables(terms []string) []string {
	all := make([]string, len(terms))
	for i, term := range terms {
		all[i] = typable(term)
	}
	return all
}

// isStopWord reports whether a token is too common to be indexed.
func isStopWord(token string) bool {
	_, ok := stopWords[token]
	return ok
}

// stopWords are the words that the reference leaves out of its index.
var stopWords = wordSet(`
	a able about across after all almost also am among an and any are as at be because been but by can cannot could
	dear did do does either else ever every for from get got had has have he her hers him his how however i if in into
	is it its just least let like likely may me might most must my neither no nor not of off often on only or other our
	own rather said say says she should since so some than that the their them then there these they this tis to too
	twas us wants was we were what when where which while who whom why will with would yet you your`)

func wordSet(words string) map[string]struct{} {
	set := map[string]struct{}{}
	for w := range strings.FieldsSeq(words) {
		set[w] = struct{}{}
	}
	return set
}
