package pluginhost

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/config"
)

// redactor takes the secrets of one plugin out of texts. Secrets may change while it is used.
type redactor struct {
	mu      sync.RWMutex
	secrets map[string]bool
	replace *strings.Replacer
}

// shortestSecret: shorter values would tear every text apart, and are none.
const shortestSecret = 4

// add notes further secrets. Old ones are kept: a plugin may still hold them.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = map[string]bool{}
	}
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			r.secrets[form] = true
		}
	}
	var known []string
	for secret := range r.secrets {
		known = append(known, secret)
	}
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) }) // a secret within another one comes after it
	var pairs []string
	for _, secret := range known {
		pairs = append(pairs, secret, config.Secret)
	}
	r.replace = strings.NewReplacer(pairs...)
}

func (r *redactor) redact(text string) string {
	r.mu.RLock()
	replace := r.replace
	r.mu.RUnlock()
	if replace == nil {
		return text
	}
	return replace.Replace(text)
}

// forms are the ways in which a secret appears in texts: as it is, and as programs write texts into others.
func forms(secret string) []string {
	if len(secret) < shortestSecret {
		return nil
	}
	all := writings(secret)
	for line := range strings.SplitSeq(secret, "\n") { // a key in PEM form is written line by line
		if line = strings.TrimSpace(line); len(line) >= shortestSecret && line != secret && !strings.HasPrefix(line, "-----") {
			all = append(all, writings(line)...)
		}
	}
	return all
}

func writings(text string) []string {
	var all []string
	for _, once := range inQuotes(text) {
		all = append(all, inQuotes(once)...) // JSON in JSON, as in a log line that quotes a body
	}
	all = append(all, inAddresses(text)...)
	all = append(all, inBase64(text)...)
	return append(all, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))))
}

// inQuotes is a text as it is, and as it stands between the quotes of JSON, which may spare HTML and non-ASCII or not, and
// of Go.
func inQuotes(text string) []string {
	inJSON := string(jsvalue.Quote(text))
	html, _ := json.Marshal(text)
	all := []string{inJSON, string(html), inASCII(inJSON), inASCII(string(html)), strconv.Quote(text), strconv.QuoteToASCII(text)}
	for i, quoted := range all {
		all[i] = quoted[1 : len(quoted)-1]
	}
	return append(all, text)
}

func inASCII(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x7f {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// inAddresses is a text as Go, JavaScript and Python write it into the address of a request.
func inAddresses(text string) []string {
	query := url.QueryEscape(text)
	path := strings.ReplaceAll(query, "+", "%20")
	return []string{query, path, url.PathEscape(text), strings.ReplaceAll(path, "%2F", "/"),
		strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(path)}
}

// inBase64 is a text in Base64 and, if it is long enough to be told by that, the characters that it alone decides where
// others stand around it, as in the header of Basic authentication.
func inBase64(text string) []string {
	all := []string{base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text))}
	if len(text) < 2*shortestSecret {
		return all
	}
	for before := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(append(make([]byte, before), text...))
			all = append(all, encoded[(before*8+5)/6:(before+len(text))*8/6])
		}
	}
	return all
}
