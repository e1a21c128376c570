package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

const (
	// minLength of a secret; one character would blacken every text.
	minLength = 2
	// minDerived is the least length of a secret whose encodings are looked for, and of these: shorter ones are in every text.
	minDerived = 4
	// maxDerived bounds the secrets whose encodings are looked for: longer ones are whole files.
	maxDerived = 64 << 10
	// minLine is the least length of a line that is looked for by itself, of a secret of several lines.
	minLine = 8
)

// forms are the texts that give a secret away: itself, its lines, and how encoders write it. Letter case, and the two
// alphabets of base64, are left to [fold].
func forms(secret string) []string {
	secret = strings.TrimSpace(secret)
	if len(secret) < minLength {
		return nil
	}
	all := []string{secret}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= minLine && len(line) < len(secret) {
			all = append(all, line)
		}
	}
	if len(secret) < minDerived || len(secret) > maxDerived {
		return all
	}
	all = append(all, strings.ToLower(secret), strings.ToUpper(secret), reversed(secret), hex.EncodeToString([]byte(secret)))
	all = append(all, inBase64(secret)...)
	all = append(all, inURLs(secret)...)
	all = append(all, quoted(secret)...)
	return append(all, inMarkup(secret)...)
}

func reversed(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// inBase64 is what base64 of any text around s has in common: one text for each place within three bytes at which s may
// start, without the characters that its neighbours have a part in. Padding is beyond these, whether there or not.
func inBase64(s string) []string {
	var all []string
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), s...))
		first := (before*8 + 5) / 6
		last := (before + len(s)) * 8 / 6
		if last-first >= minDerived {
			all = append(all, encoded[first:last])
		}
	}
	return all
}

func inURLs(s string) []string {
	query := url.QueryEscape(s)
	var every strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&every, "%%%02X", s[i])
	}
	return []string{
		query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(s), (&url.URL{Path: s}).EscapedPath(), url.UserPassword("", s).String()[1:],
		componentMarks.Replace(strings.ReplaceAll(query, "+", "%20")), every.String(), url.QueryEscape(query),
	}
}

// componentMarks are what JavaScript's encodeURIComponent leaves alone.
var componentMarks = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// quoted is s within the quotes of JSON, once and twice, and of Go and Python.
func quoted(s string) []string {
	plain := inJSON(s)
	marked, _ := json.Marshal(s) // a string always marshals
	inGo, ascii := strconv.Quote(s), strconv.QuoteToASCII(s)
	return []string{
		plain, string(marked[1 : len(marked)-1]), inASCII(plain), inJSON(plain), strings.ReplaceAll(plain, "/", `\/`),
		inGo[1 : len(inGo)-1], ascii[1 : len(ascii)-1], strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s), strings.ReplaceAll(s, `'`, `'\''`),
	}
}

func inJSON(s string) string {
	quoted := jsvalue.Quote(s)
	return string(quoted[1 : len(quoted)-1])
}

// inASCII writes \u escapes for everything else, as many encoders of JSON do.
func inASCII(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// inMarkup is s in HTML and XML, by the names and by the numbers of its marks.
func inMarkup(s string) []string {
	return []string{
		html.EscapeString(s),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;", "`", "&#x60;", "=", "&#x3D;", "/", "&#x2F;").Replace(s),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s),
	}
}

// fold makes letters lower and the two alphabets of base64 one.
var fold = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
	}
	for c := 'A'; c <= 'Z'; c++ {
		table[c] = byte(c - 'A' + 'a')
	}
	table['-'], table['_'] = '+', '/'
	return table
}()
