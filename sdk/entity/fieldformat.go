package entity

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// The longest a name, kind, label value, tag or DNS label may be, and the longest DNS subdomain.
const (
	MaxNameLength      = 63
	MaxSubdomainLength = 253
)

// ValidAPIVersion reports whether s is "<suffix>" or "<dns subdomain>/<suffix>", the suffix being 1-63 letters or digits.
func ValidAPIVersion(s string) bool {
	return prefixed(s, func(v string) bool { return lengthOK(v) && all(v, isAlnum) })
}

// ValidKind reports whether s is a letter followed by letters and digits, at most 63 in all.
func ValidKind(s string) bool { return lengthOK(s) && isLetter(s[0]) && all(s, isAlnum) }

// ValidName reports whether s may be a metadata.name: it begins and ends with a letter or digit, holds letters, digits,
// '-', '_' and '.', and is at most 63 characters long. The case is free.
func ValidName(s string) bool {
	return lengthOK(s) && isAlnum(s[0]) && isAlnum(s[len(s)-1]) &&
		all(s, func(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '.' })
}

// ValidNamespace reports whether s may be a metadata.namespace, which is a DNS label.
func ValidNamespace(s string) bool { return ValidDNSLabel(s) }

// ValidDNSLabel reports whether s is lower-case letters and digits with dashes inside, at most 63 characters.
func ValidDNSLabel(s string) bool {
	return lengthOK(s) && s[0] != '-' && s[len(s)-1] != '-' &&
		all(s, func(c byte) bool { return isLowerAlnum(c) || c == '-' })
}

// ValidDNSSubdomain reports whether s is DNS labels joined by dots, at most 253 characters.
func ValidDNSSubdomain(s string) bool {
	if len(s) < 1 || len(s) > MaxSubdomainLength {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !ValidDNSLabel(label) {
			return false
		}
	}
	return true
}

// ValidLabelKey reports whether s is a name, or "<dns subdomain>/<name>".
func ValidLabelKey(s string) bool { return prefixed(s, ValidName) }

// ValidLabelValue reports whether s is empty or a name.
func ValidLabelValue(s string) bool { return s == "" || ValidName(s) }

// ValidAnnotationKey follows the rule of label keys.
func ValidAnnotationKey(s string) bool { return ValidLabelKey(s) }

// ValidTag reports whether s is words of lower-case letters, digits, ':', '+' and '#', joined by single dashes, at most
// 63 characters. (The reference's error text leaves out the ':' which its rule allows.)
func ValidTag(s string) bool {
	if !lengthOK(s) || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	return all(s, func(c byte) bool { return isLowerAlnum(c) || strings.IndexByte(":+#-", c) >= 0 })
}

// formatRule is one of the rules that a field value obeys, with the words an error describes it by.
type formatRule struct {
	expects string
	valid   func(string) bool
}

// The rules, with the reference's words.
var (
	ruleAPIVersion  = formatRule{"a valid prefix and/or suffix", ValidAPIVersion}
	ruleKind        = formatRule{"a string that is a sequence of [a-zA-Z][a-z0-9A-Z], at most 63 characters in total", ValidKind}
	ruleName        = formatRule{expectsName, ValidName}
	ruleNamespace   = formatRule{"a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total", ValidNamespace}
	ruleLabelKey    = formatRule{"a valid prefix and/or suffix", ValidLabelKey}
	ruleLabelValue  = formatRule{expectsName, ValidLabelValue}
	ruleAnnotation  = formatRule{"a valid prefix and/or suffix", ValidAnnotationKey}
	ruleAnyString   = formatRule{"a string", func(string) bool { return true }}
	ruleTag         = formatRule{"a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total", ValidTag}
	ruleURL         = formatRule{"a string that is a valid url", ValidURL}
	ruleNotBlank    = formatRule{"a non empty string", notBlank}
	expectsName     = "a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total"
	learnMoreFormat = "To learn more about catalog file format, visit: " +
		"https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md"
)

// FieldProblem is one field whose value breaks its format rule.
type FieldProblem struct {
	// Field is the name the reference calls it by, such as "metadata.name", "labels.<key>" or "links.0.url".
	Field string
	// Pointer is the JSON pointer of the value, or of the entry when it is the key that is wrong.
	Pointer string
	Message string
}

// FieldProblems are all violations of the format rules, in the order in which the reference checks; the keys of labels
// and annotations are visited in byte order. The entity must already have passed the schema of the envelope.
func FieldProblems(e Entity) []FieldProblem {
	c := fieldChecker{}
	meta := e.Metadata()
	c.require("apiVersion", "/apiVersion", e["apiVersion"], ruleAPIVersion)
	c.require("kind", "/kind", e["kind"], ruleKind)
	c.require("metadata.name", "/metadata/name", meta["name"], ruleName)
	c.optional("metadata.namespace", "/metadata/namespace", meta, "namespace", ruleNamespace)
	c.keyed("labels", obj(meta["labels"]), ruleLabelKey, ruleLabelValue)
	c.keyed("annotations", obj(meta["annotations"]), ruleAnnotation, ruleAnyString)
	tags, _ := meta["tags"].([]any)
	for i, tag := range tags {
		if s, ok := tag.(string); ok && ValidTag(s) {
			continue
		}
		c.require(fmt.Sprintf("tags.%d", i), fmt.Sprintf("/metadata/tags/%d", i), tag, ruleTag)
	}
	links, _ := meta["links"].([]any)
	for i, l := range links {
		index, link := strconv.Itoa(i), obj(l)
		field, pointer := "links."+index+".", "/metadata/links/"+index+"/"
		c.require(field+"url", pointer+"url", link["url"], ruleURL)
		c.optional(field+"title", pointer+"title", link, "title", ruleNotBlank)
		c.optional(field+"icon", pointer+"icon", link, "icon", ruleNotBlank)
	}
	return c.problems
}

// CheckFields is the first of [FieldProblems] as an error, or nil.
func CheckFields(e Entity) error {
	if problems := FieldProblems(e); len(problems) > 0 {
		return apierror.New(apierror.Generic, problems[0].Message)
	}
	return nil
}

type fieldChecker struct{ problems []FieldProblem }

func (c *fieldChecker) require(field, pointer string, value any, rule formatRule) {
	if value == nil {
		c.report(field, pointer, field+" must have a value")
		return
	}
	if s, ok := value.(string); ok && rule.valid(s) {
		return
	}
	c.report(field, pointer, fmt.Sprintf(`"%s" is not valid; expected %s but found "%v". %s`,
		field, rule.expects, value, learnMoreFormat))
}

func (c *fieldChecker) optional(field, pointer string, parent map[string]any, key string, rule formatRule) {
	if v, ok := parent[key]; ok {
		c.require(field, pointer, v, rule)
	}
}

func (c *fieldChecker) keyed(name string, m map[string]any, keys, values formatRule) {
	valid := true
	for k, v := range m {
		s, ok := v.(string)
		valid = valid && ok && keys.valid(k) && values.valid(s)
	}
	if valid {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		field, pointer := name+"."+k, "/metadata/"+name+"/"+EscapePointer(k)
		c.require(field, pointer, k, keys)
		c.require(field, pointer, m[k], values)
	}
}

func (c *fieldChecker) report(field, pointer, message string) {
	c.problems = append(c.problems, FieldProblem{Field: field, Pointer: pointer, Message: message})
}

// EscapePointer makes key a segment of a JSON pointer.
func EscapePointer(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// prefixed splits "<dns subdomain>/<suffix>" at its only slash.
func prefixed(s string, suffixOK func(string) bool) bool {
	prefix, suffix, found := strings.Cut(s, "/")
	if !found {
		return suffixOK(s)
	}
	return ValidDNSSubdomain(prefix) && suffixOK(suffix)
}

// notBlank trims what JavaScript trims, which differs from unicode.IsSpace in two characters.
func notBlank(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool {
		switch r {
		case '\t', '\n', '\v', '\f', '\r', ' ', 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff:
			return true
		}
		return r >= 0x2000 && r <= 0x200a
	}) != ""
}

func lengthOK(s string) bool { return len(s) >= 1 && len(s) <= MaxNameLength }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool     { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool      { return c >= '0' && c <= '9' }
func isAlnum(c byte) bool      { return isLetter(c) || isDigit(c) }
func isLowerAlnum(c byte) bool { return c >= 'a' && c <= 'z' || isDigit(c) }
