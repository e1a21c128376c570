package config

import (
	"regexp"
	"strings"
	"unicode"
)

// Secret is what masked values are printed as.
const Secret = "<secret>"

// secretWords end the names of keys whose values are secret: clientSecret, GITHUB_TOKEN, private-key.
var secretWords = map[string]bool{
	"password": true, "passwd": true, "pass": true, "passphrase": true, "secret": true, "secrets": true, "token": true,
	"tokens": true, "key": true, "pat": true, "pin": true, "authorization": true, "cookie": true, "dsn": true,
	"salt": true, "signature": true, "jwt": true, "apikey": true, "privatekey": true, "secretkey": true, "pem": true,
	"connectionstring": true,
}

// secretKey reports whether a key looks as if its value were secret.
func secretKey(key string) bool {
	words := splitWords(key)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	if secretWords[last] {
		return true
	}
	return len(words) > 1 && last == "string" && words[len(words)-2] == "connection"
}

// splitWords splits camelCase, snake_case and kebab-case into lower-case words.
func splitWords(key string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = nil
		}
	}
	previousLower := false
	for _, r := range key {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			previousLower = false
			continue
		case unicode.IsUpper(r) && previousLower:
			flush()
		}
		word = append(word, r)
		previousLower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	flush()
	return words
}

// Secrets inside of longer texts. The part to hide is what stands between the first and the last group.
var secretText = []*regexp.Regexp{
	regexp.MustCompile(`(\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#:@]*:)[^\s/?#]+(@)`),
	regexp.MustCompile(`(?i)(\b(?:password|passwd|pwd|secret|token|access_token|api[_-]?key|accountkey|sharedaccesskey|sig)=)(?:'[^']*'|"[^"]*"|[^\s&;,'"]+)()`),
	regexp.MustCompile(`(?i)(\b(?:bearer|basic) +)[a-z0-9._~+/=-]{8,}()`),
	regexp.MustCompile(`()\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|AKIA|ASIA)[A-Za-z0-9_-]{12,}()`),
	regexp.MustCompile(`()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*()`),
	regexp.MustCompile(`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*()`),
}

// maskText hides what is recognisably secret in a text: passwords in connection URLs, well-known kinds of tokens, keys.
func maskText(text string) string {
	for _, pattern := range secretText {
		text = pattern.ReplaceAllString(text, "${1}"+Secret+"${2}")
	}
	return text
}

// mask is n without its secrets. hidden tells that a key above looks secret.
func mask(n *node, hidden bool) *node {
	switch n.kind {
	case stringKind, numberKind:
		if hidden || n.secret {
			return &node{kind: stringKind, text: Secret, at: n.at}
		}
		if n.kind == stringKind {
			if masked := maskText(n.text); masked != n.text {
				return &node{kind: stringKind, text: masked, at: n.at}
			}
		}
		return n
	case listKind:
		out := &node{kind: listKind, at: n.at}
		for _, item := range n.items {
			out.items = append(out.items, mask(item, hidden))
		}
		return out
	case objectKind:
		out := newObject(n.at)
		for _, key := range n.keys {
			out.set(key, mask(n.fields[key], hidden || secretKey(key)))
		}
		return out
	default:
		return n
	}
}
