package git

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ignoreRule is one line of a .gitignore.
type ignoreRule struct {
	glob    string // for paths relative to the root, as doublestar reads it
	keep    bool   // "!pattern"
	folders bool   // "pattern/"
}

// ignoreRules are the lines of all .gitignore files on the way to a folder, the deepest last.
type ignoreRules []ignoreRule

// with adds the .gitignore text of the folder dir ("." = the root). The receiver is left as it was.
func (r ignoreRules) with(dir, text string) ignoreRules {
	prefix := ""
	if dir != "." {
		prefix = literal(dir) + "/"
	}
	all := slices.Clip(r)
	for line := range strings.Lines(text) {
		if rule, ok := parseIgnore(prefix, line); ok {
			all = append(all, rule)
		}
	}
	return all
}

// ignored reports whether the last rule that fits leaves name out. Its parents are asked before, since what is in a folder
// that is left out cannot be taken in again.
func (r ignoreRules) ignored(name string, folder bool) bool {
	for _, rule := range slices.Backward(r) {
		if rule.folders && !folder {
			continue
		}
		if ok, err := doublestar.Match(rule.glob, name); err == nil && ok {
			return !rule.keep
		}
	}
	return false
}

func parseIgnore(prefix, line string) (rule ignoreRule, ok bool) {
	line = trimBlanks(strings.TrimRight(line, "\r\n"))
	if strings.HasPrefix(line, "#") {
		return rule, false
	}
	line, rule.keep = strings.CutPrefix(line, "!")
	line, rule.folders = strings.CutSuffix(line, "/")
	if line == "" {
		return rule, false
	}
	anchored := strings.Contains(line, "/")
	line = asGlob(strings.TrimPrefix(line, "/"))
	if !anchored {
		line = "**/" + line
	}
	if strings.HasSuffix(line, "/**") {
		line += "/*" // what is in the folder, not the folder
	}
	rule.glob = prefix + line
	return rule, doublestar.ValidatePattern(rule.glob)
}

// trimBlanks cuts the blanks at the end, but not one after a backslash.
func trimBlanks(line string) string {
	cut := strings.TrimRight(line, " ")
	escapes := len(cut) - len(strings.TrimRight(cut, `\`))
	if escapes%2 == 1 && len(cut) < len(line) {
		cut += " "
	}
	return cut
}

// asGlob takes the meaning from braces, which have none in .gitignore.
func asGlob(pattern string) string {
	var b strings.Builder
	escaped := false
	for _, c := range []byte(pattern) {
		if !escaped && (c == '{' || c == '}') {
			b.WriteByte('\\')
		}
		escaped = c == '\\' && !escaped
		b.WriteByte(c)
	}
	return b.String()
}

// literal is the pattern that fits name alone.
func literal(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if strings.IndexByte(`\*?[]{}`, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
