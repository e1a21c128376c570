package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// stem reduces a lower-case English token to its stem by Porter's algorithm ("An algorithm for suffix stripping", 1980),
// with the one change that the reference has: a final y becomes i only behind a consonant. Tokens of one or two letters
// are left alone; what is no vowel of English counts as a consonant.
func stem(token string) string {
	if len(token) < 3 {
		return token
	}
	if strings.IndexFunc(token, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return stemForeign(token)
	}
	return stemLetters(token)
}

func stemLetters(token string) string {
	w := plural(token)
	w = pastOrGerund(w)
	if n := len(w) - 1; n > 1 && w[n] == 'y' && !isVowel(w[n-1]) {
		w = w[:n] + "i"
	}
	w = replaceSuffix(w, derivational, 0)
	w = replaceSuffix(w, adjectival, 0)
	w = dropResidue(w)
	return dropFinal(w)
}

// stemForeign stems a token with letters beyond ASCII, each of which counts as a consonant: they are bytes of their own
// meanwhile.
func stemForeign(token string) string {
	var letters []rune
	short := make([]byte, 0, len(token))
	for _, r := range token {
		if r < utf8.RuneSelf {
			short = append(short, byte(r))
			continue
		}
		i := slices.Index(letters, r)
		if i < 0 {
			i, letters = len(letters), append(letters, r)
		}
		if i >= utf8.RuneSelf {
			return token
		}
		short = append(short, byte(utf8.RuneSelf+i))
	}
	if len(short) < 3 {
		return token
	}
	var b strings.Builder
	for _, c := range []byte(stemLetters(string(short))) {
		if c >= utf8.RuneSelf {
			b.WriteRune(letters[c-utf8.RuneSelf])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// plural is step 1a.
func plural(w string) string {
	switch {
	case strings.HasSuffix(w, "sses") && len(w) > 4, strings.HasSuffix(w, "ies") && len(w) > 3:
		return w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss"):
		return w[:len(w)-1]
	}
	return w
}

// pastOrGerund is step 1b.
func pastOrGerund(w string) string {
	if root, ok := strings.CutSuffix(w, "eed"); ok && root != "" {
		if measure(root) > 0 {
			return w[:len(w)-1]
		}
		return w
	}
	root, ok := strings.CutSuffix(w, "ed")
	if !ok {
		root, ok = strings.CutSuffix(w, "ing")
	}
	if !ok || !hasVowel(root) {
		return w
	}
	n := len(root)
	switch {
	case strings.HasSuffix(root, "at"), strings.HasSuffix(root, "bl"), strings.HasSuffix(root, "iz"):
		return root + "e"
	case n > 1 && root[n-1] == root[n-2] && strings.IndexByte("aeiouylsz", root[n-1]) < 0:
		return root[:n-1]
	case isShort(root):
		return root + "e"
	}
	return root
}

// derivational and adjectival are steps 2 and 3: endings and what takes their place behind a root of one or more
// syllables.
var (
	derivational = [][2]string{
		{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"bli", "ble"},
		{"alli", "al"}, {"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"},
		{"ator", "ate"}, {"alism", "al"}, {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},
		{"iviti", "ive"}, {"biliti", "ble"}, {"logi", "log"},
	}
	adjectival = [][2]string{
		{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""},
	}
	// residual is step 4: endings that go altogether behind a longer root.
	residual = [][2]string{
		{"al", ""}, {"ance", ""}, {"ence", ""}, {"er", ""}, {"ic", ""}, {"able", ""}, {"ible", ""}, {"ant", ""},
		{"ement", ""}, {"ment", ""}, {"ent", ""}, {"ou", ""}, {"ism", ""}, {"ate", ""}, {"iti", ""}, {"ous", ""},
		{"ive", ""}, {"ize", ""}, {"sion", "s"}, {"tion", "t"},
	}
)

// replaceSuffix replaces the longest of the endings that w has, if the root in front of it measures more than m.
func replaceSuffix(w string, endings [][2]string, m int) string {
	best := [2]string{}
	for _, e := range endings {
		if len(e[0]) > len(best[0]) && len(w) > len(e[0]) && strings.HasSuffix(w, e[0]) {
			best = e
		}
	}
	if best[0] == "" {
		return w
	}
	if root := w[:len(w)-len(best[0])]; measure(root+keptOfRoot(best)) > m {
		return root + best[1]
	}
	return w
}

// keptOfRoot is the letter of "sion" and "tion" that belongs to the root.
func keptOfRoot(ending [2]string) string {
	if ending[0] == "sion" || ending[0] == "tion" {
		return ending[1]
	}
	return ""
}

func dropResidue(w string) string { return replaceSuffix(w, residual, 1) }

// dropFinal is step 5.
func dropFinal(w string) string {
	if root, ok := strings.CutSuffix(w, "e"); ok && root != "" {
		if m := measure(root); m > 1 || m == 1 && !isShort(root) {
			w = root
		}
	}
	if strings.HasSuffix(w, "ll") && measure(w) > 1 {
		w = w[:len(w)-1]
	}
	return w
}

func isVowel(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }

// isConsonant: a y counts as one at the beginning and behind a vowel.
func isConsonant(w string, i int) bool {
	if w[i] != 'y' {
		return !isVowel(w[i])
	}
	return i == 0 || !isConsonant(w, i-1)
}

func hasVowel(w string) bool {
	for i := range len(w) {
		if !isConsonant(w, i) {
			return true
		}
	}
	return false
}

// measure counts the vowel-consonant sequences of w.
func measure(w string) int {
	m, vowel := 0, false
	for i := range len(w) {
		consonant := isConsonant(w, i)
		if consonant && vowel {
			m++
		}
		vowel = !consonant
	}
	return m
}

// isShort: consonants, one vowel, one consonant that is not w, x or y.
func isShort(w string) bool {
	n := len(w)
	if n < 3 || strings.IndexByte("wxy", w[n-1]) >= 0 || !isConsonant(w, n-1) || isConsonant(w, n-2) || !isConsonant(w, n-3) {
		return false
	}
	return measure(w) == 1
}
