package proxy

import (
	"regexp"
	"strings"
)

// mountPath is where configured expressions expect a path to begin.
const mountPath = "/api/proxy"

// rule is one line of pathRewrite.
type rule struct {
	expression  *regexp.Regexp
	replacement string
}

// rewrite applies the first rule that matches, once, to the path with its query.
func rewrite(rules []rule, target string) string {
	for _, r := range rules {
		if at := r.expression.FindStringSubmatchIndex(target); at != nil {
			return target[:at[0]] + r.expand(target, at) + target[at[1]:]
		}
	}
	return target
}

// expand fills in the replacement as JavaScript does: $1 to $99, $&, $$, $<name>; any other dollar is one.
func (r rule) expand(target string, at []int) string {
	var b strings.Builder
	group := func(n int) {
		if at[2*n] >= 0 {
			b.WriteString(target[at[2*n]:at[2*n+1]])
		}
	}
	for text := r.replacement; text != ""; {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			break
		}
		switch n, length := r.groupNumber(after); {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			after = after[1:]
		case strings.HasPrefix(after, "&"):
			group(0)
			after = after[1:]
		case length > 0:
			group(n)
			after = after[length:]
		default:
			b.WriteByte('$')
		}
		text = after
	}
	return b.String()
}

// groupNumber reads the number or name of a group at the beginning of text; length 0 = there is none that exists.
func (r rule) groupNumber(text string) (n, length int) {
	if name, ok := strings.CutPrefix(text, "<"); ok {
		if name, _, ok = strings.Cut(name, ">"); ok && r.expression.SubexpIndex(name) > 0 {
			return r.expression.SubexpIndex(name), len(name) + 2
		}
		return 0, 0
	}
	for i := 0; i < min(2, len(text)) && text[i] >= '0' && text[i] <= '9'; i++ {
		if next := n*10 + int(text[i]-'0'); next <= r.expression.NumSubexp() {
			n, length = next, i+1
		} else {
			break
		}
	}
	if n == 0 {
		return 0, 0
	}
	return n, length
}
