package cataloginfo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
)

// File is a file to lint: its name for messages, and its text.
type File struct {
	Name string
	Data []byte
}

// Severity tells what the catalog refuses from what it merely should not be given.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Diagnostic is one finding of [Lint].
type Diagnostic struct {
	File         string
	Line, Column int // from 1; 0 = the file as a whole
	Entity       string
	// Field is the dotted path of what is concerned, such as "metadata.name"; "" = the document.
	Field    string
	Severity Severity
	// Rule is a stable word: "syntax", "schema", "format", "kind", "root", "reference", "duplicate", "case", "link", or the
	// name of a limit.
	Rule    string
	Message string
	// Next is what to do about it.
	Next string
}

// String is one line: "file:line:column: error: message (field) [rule]; next".
func (d Diagnostic) String() string {
	place := d.File
	if d.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
	}
	text := fmt.Sprintf("%s: %s: %s", place, d.Severity, d.Message)
	if d.Field != "" && !strings.Contains(d.Message, d.Field) {
		text += " (" + d.Field + ")"
	}
	text += " [" + d.Rule + "]"
	if d.Next != "" {
		text += "; " + d.Next
	}
	return text
}

// Lint reports everything that is wrong with the files, not only the first fault of each entity as ingestion does, and what
// ingestion accepts but a reader should know: references without a kind, links that run script, keys that differ
// in case only, the same entity twice. The result is sorted by file, in the order given, and place.
//
// Placeholders ($text and the like) stand for values that are not known here; nothing is said about those.
func Lint(registry Registry, limits Limits, files ...File) []Diagnostic {
	l := &linter{registry: registry, seen: map[entity.Canonical]Diagnostic{}}
	for _, f := range files {
		first := len(l.found)
		l.file = f.Name
		for doc, err := range Read(f.Data, "file:"+f.Name, limits) {
			if err != nil {
				l.readError(err)
				continue
			}
			l.document(doc)
		}
		slices.SortStableFunc(l.found[first:], func(a, b Diagnostic) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
	}
	return l.found
}

type linter struct {
	registry Registry
	file     string
	doc      *Document
	ref      string
	found    []Diagnostic
	seen     map[entity.Canonical]Diagnostic
}

func (l *linter) readError(err error) {
	d := Diagnostic{File: l.file, Severity: SeverityError, Rule: "syntax", Message: err.Error()}
	if read, ok := errors.AsType[*ReadError](err); ok {
		d.Line, d.Column, d.Rule, d.Message = read.Line, read.Column, read.Rule, read.Message
	}
	switch d.Rule {
	case "syntax":
		d.Next = "correct the YAML; the catalog takes nothing from a file while one of its documents is broken"
	case "root":
		d.Next = "begin the document with apiVersion, kind and metadata"
	case "encoding":
		d.Next = "save the file as UTF-8"
	default:
		d.Next = "split the file, or raise the limit"
	}
	l.found = append(l.found, d)
}

// report adds a finding about the value that pointer names.
func (l *linter) report(severity Severity, rule, pointer, message, next string) {
	line, column, _ := l.doc.Position(pointer)
	l.found = append(l.found, Diagnostic{
		File: l.file, Line: line, Column: column, Entity: l.ref, Field: dotted(pointer),
		Severity: severity, Rule: rule, Message: message, Next: next,
	})
}

func dotted(pointer string) string {
	segments := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return strings.Join(segments, ".")
}

func (l *linter) document(doc *Document) {
	l.doc, l.ref = doc, ""
	e, placeholders := withoutPlaceholders(doc.Entity)
	if bad := envelopeSchema().validate(map[string]any(e)); len(bad) > 0 {
		l.violations(bad, nil)
		return
	}
	l.ref = e.Ref().String()
	bad := entitySchema().validate(map[string]any(e))
	l.violations(bad, placeholders)
	for _, field := range sortedKeys(e) {
		if field == "relations" || field == "status" {
			l.report(SeverityError, "root", "/"+field, "Unknown field "+field, "remove it, the catalog writes it")
		}
	}
	if len(bad) == 0 {
		for _, p := range entity.FieldProblems(e) {
			message, _, _ := strings.Cut(p.Message, " To learn more")
			l.report(SeverityError, "format", p.Pointer, message, "change the value to that form")
		}
	}
	l.kind(e, bad, placeholders)
	l.references(e)
	l.links(e)
	l.keyCase("", map[string]any(e))
	l.duplicate(e)
}

// violations reports what a schema has against the entity.
func (l *linter) violations(bad []violation, placeholders []string) {
	for _, v := range bad {
		if slices.Contains(placeholders, v.path) {
			continue
		}
		pointer := v.path
		_, detail, _ := strings.Cut(v.params, ": ")
		if v.keyword == "required" || v.keyword == "additionalProperties" {
			pointer += "/" + entity.EscapePointer(detail)
		}
		l.report(SeverityError, "schema", pointer, v.where()+" "+v.message, nextStep(v, dotted(pointer), detail))
	}
}

func nextStep(v violation, field, detail string) string {
	switch v.keyword {
	case "required":
		return "add " + field
	case "additionalProperties":
		return "remove " + detail + ", or move it below spec or metadata.annotations"
	case "type":
		if detail == "string" {
			return "write a text, in quotes if it looks like a number, a boolean or nothing"
		}
		return "write a value of that type"
	case "enum":
		return "use one of " + strings.ReplaceAll(detail, ",", ", ")
	case "minLength":
		return "write a value, or leave the field out"
	}
	return ""
}

// kind asks every processor of the registry for all that it has against the entity.
func (l *linter) kind(e entity.Entity, already []violation, placeholders []string) {
	known := false
	for _, k := range l.registry {
		bad, concerned := k.violations(e)
		known = known || concerned
		bad = slices.DeleteFunc(slices.Clone(bad), func(v violation) bool { return slices.Contains(already, v) })
		l.violations(bad, placeholders)
	}
	if known {
		return
	}
	pointer, next := "/kind", "use a kind that the catalog knows, or install the plugin that brings it"
	for _, k := range l.registry {
		for _, kind := range k.All() {
			switch {
			case kind.Name == e.Kind():
				pointer, next = "/apiVersion", "use "+strings.Join(kind.APIVersions, " or ")
			case strings.EqualFold(kind.Name, e.Kind()):
				next = "write " + kind.Name
			}
		}
	}
	l.report(SeverityError, "kind", pointer, "No processor recognizes kind "+e.Kind()+" of "+e.APIVersion(), next)
}

// duplicate reports an entity that stands in the files already; of two, ingestion keeps one.
func (l *linter) duplicate(e entity.Entity) {
	ref := e.Ref().Canonical()
	if first, ok := l.seen[ref]; ok {
		l.report(SeverityError, "duplicate", "/metadata/name", fmt.Sprintf("%s is defined already, at %s:%d", ref, first.File, first.Line),
			"rename one of them, or move it to another namespace")
		return
	}
	line, _, _ := l.doc.Position("/metadata/name")
	l.seen[ref] = Diagnostic{File: l.file, Line: line}
}

// keyCase reports keys that differ in case only: the search index cannot hold both, and the entity stays invisible.
func (l *linter) keyCase(pointer string, v any) {
	switch v := v.(type) {
	case map[string]any:
		lower := map[string]string{}
		for _, k := range sortedKeys(v) {
			at := pointer + "/" + entity.EscapePointer(k)
			if other, ok := lower[strings.ToLower(k)]; ok {
				l.report(SeverityError, "case", at, fmt.Sprintf("the keys %s and %s differ in case only", other, k), "rename one of them")
			}
			lower[strings.ToLower(k)] = k
			l.keyCase(at, v[k])
		}
	case []any:
		for i, x := range v {
			l.keyCase(fmt.Sprintf("%s/%d", pointer, i), x)
		}
	}
}

// links reports URLs that would run script where they are shown.
func (l *linter) links(e entity.Entity) {
	links, _ := e.Metadata()["links"].([]any)
	for i, link := range links {
		if u, _ := asObject(link)["url"].(string); entity.UnsafeLink(u) {
			l.unsafe(fmt.Sprintf("/metadata/links/%d/url", i))
		}
	}
	for _, key := range []string{entity.AnnotationViewURL, entity.AnnotationEditURL} {
		if entity.UnsafeLink(e.Annotation(key)) {
			l.unsafe("/metadata/annotations/" + entity.EscapePointer(key))
		}
	}
}

func (l *linter) unsafe(pointer string) {
	l.report(SeverityWarning, "link", pointer, "the link would run script in the page that shows it", "use an https address")
}

// withoutPlaceholders replaces objects such as {$text: ./api.yaml} by a text, and names where they stood.
func withoutPlaceholders(e entity.Entity) (entity.Entity, []string) {
	var pointers []string
	var walk func(pointer string, v any) any
	walk = func(pointer string, v any) any {
		switch v := v.(type) {
		case map[string]any:
			if isPlaceholder(v) {
				pointers = append(pointers, pointer)
				return "placeholder"
			}
			m := make(map[string]any, len(v))
			for k, x := range v {
				m[k] = walk(pointer+"/"+entity.EscapePointer(k), x)
			}
			return m
		case []any:
			list := make([]any, len(v))
			for i, x := range v {
				list[i] = walk(fmt.Sprintf("%s/%d", pointer, i), x)
			}
			return list
		}
		return v
	}
	out, _ := walk("", map[string]any(e)).(map[string]any)
	return out, pointers
}

func isPlaceholder(m map[string]any) bool {
	for k, v := range m {
		_, text := v.(string)
		return len(m) == 1 && text && len(k) > 1 && k[0] == '$'
	}
	return false
}
