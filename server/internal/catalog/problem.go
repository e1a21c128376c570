package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// Problem is one thing that is wrong with what was read. The reference hides all of them but those of entities that
// were fine once.
type Problem struct {
	Location  string           `json:"location"`            // "file:/a/b.yaml" or "url:https://…"
	Line      int              `json:"line,omitempty"`      // 1-based; 0 = unknown
	Column    int              `json:"column,omitempty"`    // 1-based; 0 = unknown
	EntityRef entity.Canonical `json:"entityRef,omitempty"` // the entity that failed
	Field     string           `json:"field,omitempty"`     // "spec.type"; "" = not about one field
	Name      apierror.Name    `json:"name"`                // error name, "InputError"
	Message   string           `json:"message"`
	Since     time.Time        `json:"since"` // when this problem was first seen
}

func (p Problem) same(o Problem) bool {
	p.Since, o.Since, p.Line, o.Line, p.Column, o.Column = time.Time{}, time.Time{}, 0, 0, 0, 0
	return p == o
}

// problemChange is what a round changed in the problems of one entity.
type problemChange struct{ added, resolved []Problem }

// mergeProblems keeps the time at which a problem was first seen and tells what is new and what is gone.
func mergeProblems(before, after []Problem, now time.Time) ([]Problem, problemChange) {
	var change problemChange
	for i := range after {
		after[i].Since = now
		if j := slices.IndexFunc(before, after[i].same); j >= 0 {
			after[i].Since = before[j].Since
		} else {
			change.added = append(change.added, after[i])
		}
	}
	for _, p := range before {
		if !slices.ContainsFunc(after, p.same) {
			change.resolved = append(change.resolved, p)
		}
	}
	return after, change
}

// describe turns what went wrong with an entity into problems. doc is the entity as it was read, line where it starts.
func describe(failures []failure, location entity.Location, ref entity.Canonical, doc entity.Entity, line int) []Problem {
	problems := make([]Problem, 0, len(failures))
	for _, f := range failures {
		p := Problem{Location: location.String(), EntityRef: ref, Line: line, Name: apierror.NameOf(f.err), Message: messageOf(f.err)}
		if f.line != 0 {
			p.Line = f.line
		}
		if read, ok := errors.AsType[*cataloginfo.ReadError](f.err); ok {
			p.Location, p.Line, p.Column = read.Location, read.Line, read.Column
		} else if pointer := pointerOf(f.err, doc); pointer != "" {
			p.Field = pointerField.Replace(strings.TrimPrefix(pointer, "/"))
		}
		problems = append(problems, p)
	}
	return problems
}

func messageOf(err error) string {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

var (
	schemaPath      = regexp.MustCompile(`(?:^|[ ,])(/\S+|<root>) must `)
	missingProperty = regexp.MustCompile(`missingProperty: (\S+)`)
)

// pointerField writes a JSON pointer the way people name fields: metadata.annotations.a.b/c.
var pointerField = strings.NewReplacer("/", ".", "~1", "/", "~0", "~")

// pointerOf finds the field that an error is about: the texts of the schema validator name it, the format rules are
// asked again.
func pointerOf(err error, doc entity.Entity) string {
	text := err.Error()
	if m := schemaPath.FindStringSubmatch(text); m != nil {
		pointer := strings.TrimPrefix(m[1], "<root>")
		if missing := missingProperty.FindStringSubmatch(text); missing != nil {
			pointer += "/" + missing[1]
		}
		return pointer
	}
	if _, field, found := strings.Cut(text, "Unknown field "); found {
		return "/" + field
	}
	if strings.Contains(text, "Policy check failed") && cataloginfo.ValidateEntity(doc) == nil {
		if found := entity.FieldProblems(doc); len(found) > 0 {
			return found[0].Pointer
		}
	}
	return ""
}

// locate finds the lines of problems that are about a field of an entity in a file: when somebody looks, since the
// file may have been edited above the entity without changing it.
func locate(problems []Problem, limits cataloginfo.Limits) {
	byFile := map[string][]*Problem{}
	for i := range problems {
		p := &problems[i]
		if path, ok := strings.CutPrefix(p.Location, "file:"); ok && p.EntityRef != "" && p.Column == 0 {
			byFile[path] = append(byFile[path], p)
		}
	}
	for path, wanted := range byFile {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() > int64(limits.FileBytes) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for doc, err := range cataloginfo.Read(data, "file:"+path, limits) {
			if err == nil {
				locateIn(doc, wanted)
			}
		}
	}
}

func locateIn(doc *cataloginfo.Document, wanted []*Problem) {
	ref := doc.Entity.Ref().Canonical()
	for _, p := range wanted {
		if p.EntityRef == ref {
			p.Line, p.Column, _ = doc.Position(pointerOfField(doc.Entity, p.Field))
		}
	}
}

// pointerOfField turns "metadata.annotations.a.b/c" back into a pointer: keys may hold dots, so the document decides.
func pointerOfField(doc entity.Entity, field string) string {
	pointer := ""
	var at any = map[string]any(doc)
	for field != "" {
		m, ok := at.(map[string]any)
		key := field
		for ok && m[key] == nil && strings.Contains(key, ".") {
			key = key[:strings.LastIndexByte(key, '.')]
		}
		if !ok || m[key] == nil {
			return pointer + "/" + strings.ReplaceAll(field, ".", "/")
		}
		pointer += "/" + strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
		at, field = m[key], strings.TrimPrefix(strings.TrimPrefix(field, key), ".")
	}
	return pointer
}

// Problems lists everything that currently fails, sorted by location, line and entity.
func (e *Engine) Problems(ctx context.Context) ([]Problem, error) {
	problems, err := e.db.problems(ctx)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	for _, p := range e.troubles {
		problems = append(problems, p)
	}
	e.mu.Unlock()
	locate(problems, e.fileLimits)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Line, b.Line), cmp.Compare(a.EntityRef, b.EntityRef),
			cmp.Compare(a.Message, b.Message))
	})
	return problems, nil
}

// serializedErrors is the form that errors have in an entity's status.
func serializedErrors(failures []failure) string {
	list := make([]any, len(failures))
	for i, f := range failures {
		list[i] = serializedError(f.err)
	}
	return string(appendCanonical(nil, list))
}

func serializedError(err error) map[string]any {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return map[string]any{"name": string(apierror.Generic), "message": err.Error()}
	}
	m := map[string]any{"name": string(e.Name), "message": e.Message}
	if e.Cause != nil {
		m["cause"] = serializedError(e.Cause)
	}
	return m
}

func decodeProblems(data string) []Problem {
	var problems []Problem
	if err := json.Unmarshal([]byte(data), &problems); err != nil {
		return nil
	}
	return problems
}

// problemsLogged bounds the lines that one write may bring; the rest is counted, and listed by [Engine.Problems].
const problemsLogged = 20

// logProblems reports what has changed, once.
func (e *Engine) logProblems(changes []problemChange) {
	var added, resolved []Problem
	for _, c := range changes {
		added, resolved = append(added, c.added...), append(resolved, c.resolved...)
	}
	shown := added[:min(len(added), problemsLogged)]
	locate(shown, e.fileLimits)
	for _, p := range shown {
		e.log.Warn("catalog problem", "location", p.Location, "line", p.Line, "column", p.Column,
			"entity", string(p.EntityRef), "field", p.Field, "error", string(p.Name), "message", p.Message)
	}
	if n := len(added) - len(shown); n > 0 {
		e.log.Warn("more catalog problems", "count", n)
	}
	if len(resolved) > 0 {
		e.log.Info("catalog problems resolved", "count", len(resolved), "first", resolved[0].Message)
	}
}

// trouble keeps a fault of the engine's surroundings among the problems, and logs it when it comes and goes. nil ends it.
func (e *Engine) trouble(about string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, had := e.troubles[about]
	if err == nil {
		if had {
			delete(e.troubles, about)
			level := slog.LevelInfo
			if before.Name == apierror.ServiceUnavailable {
				level = slog.LevelDebug
			}
			e.log.Log(context.Background(), level, "catalog trouble is over", "about", about, "was", before.Message)
		}
		return
	}
	if had && before.Message == err.Error() {
		return
	}
	e.troubles[about] = Problem{Location: about, Name: apierror.NameOf(err), Message: err.Error(), Since: e.now().UTC()}
	level := slog.LevelError
	if apierror.Has(err, apierror.ServiceUnavailable) {
		level = slog.LevelDebug // of a service that is down for a moment, its own supervisor tells
	}
	e.log.Log(context.Background(), level, "catalog trouble", "about", about, "error", err)
}

// troubled reports whether there are any troubles.
func (e *Engine) troubled() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.troubles) > 0
}

// endTroubles forgets that entities could not be stored, now that they could.
func (e *Engine) endTroubles(stored []*result) {
	for i, some := 0, e.troubled(); some && i < len(stored); i++ {
		e.trouble(entityTrouble(stored[i]), nil)
	}
}

func entityTrouble(r *result) string { return "entity " + string(r.ref) }
