package console

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxShown is how many problems the page shows; the JSON has them all.
const maxShown = 200

// view is an [Overview] in the words and groups of the page.
type view struct {
	Overview
	// Failed tells that the facts could not be read.
	Failed bool
	Now    time.Time

	Uptime  string
	Total   int
	Bars    []bar
	Files   []problemFile
	Hidden  int // problems that are not shown
	Summary string
	Ill     int // plugins that need a look
	Shown   []shownPlugin
}

// bar is one kind with the width of its bar, 0-100.
type bar struct {
	Kind
	Width int
}

// problemFile groups problems by where they are.
type problemFile struct {
	Name     string
	Problems []shownProblem
}

type shownProblem struct {
	Problem
	Place string // "12:3", "12" or ""
	Age   string
}

func newView(o Overview, now time.Time) view {
	v := view{Overview: o, Now: now.UTC(), Uptime: ago(now.Sub(o.Started))}
	v.Bars, v.Total = bars(o.Kinds)
	shown := o.Problems
	if len(shown) > maxShown {
		shown, v.Hidden = shown[:maxShown], len(shown)-maxShown
	}
	v.Files = groupByFile(shown, now)
	v.Summary, v.Ill = summary(o), o.ill()
	return v
}

func bars(kinds []Kind) (out []bar, total int) {
	largest := 1
	for _, k := range kinds {
		total += k.Count
		largest = max(largest, k.Count)
	}
	sorted := slices.Clone(kinds)
	slices.SortFunc(sorted, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
	for _, k := range sorted {
		width := k.Count * 100 / largest
		if k.Count > 0 {
			width = max(width, 1)
		}
		out = append(out, bar{k, width})
	}
	return out, total
}

// groupByFile keeps the order in which files first come and sorts by line within each.
func groupByFile(problems []Problem, now time.Time) []problemFile {
	var files []problemFile
	for _, p := range problems {
		name := strings.TrimPrefix(strings.TrimPrefix(p.Location, "file:"), "url:")
		if name == "" {
			name = "Unknown place"
		}
		i := slices.IndexFunc(files, func(f problemFile) bool { return f.Name == name })
		if i < 0 {
			i = len(files)
			files = append(files, problemFile{Name: name})
		}
		files[i].Problems = append(files[i].Problems, shownProblem{Problem: p, Place: place(p), Age: age(p.Since, now)})
	}
	for _, f := range files {
		slices.SortStableFunc(f.Problems, func(a, b shownProblem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
	}
	return files
}

func place(p Problem) string {
	switch {
	case p.Line == 0:
		return ""
	case p.Column == 0:
		return strconv.Itoa(p.Line)
	default:
		return fmt.Sprintf("%d:%d", p.Line, p.Column)
	}
}

func age(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	return ago(now.Sub(since))
}

// ago writes a span in its two largest units.
func ago(d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
}

// summary is the sentence under the title: what a person should know first.
func summary(o Overview) string {
	errors := 0
	for _, note := range o.ConfigNotes {
		if note.Severity == "error" {
			errors++
		}
	}
	var parts []string
	if n := len(o.Problems); n > 0 {
		parts = append(parts, count(n, "catalog problem"))
	}
	if errors > 0 {
		parts = append(parts, count(errors, "configuration error"))
	}
	ill := o.ill()
	if ill > 0 {
		parts = append(parts, count(ill, "plugin"))
	}
	switch {
	case len(parts) > 0 && len(o.Problems)+errors+ill == 1:
		return "Running, and " + parts[0] + " needs a look."
	case len(parts) > 2:
		return "Running, and " + parts[0] + ", " + parts[1] + " and " + parts[2] + " need a look."
	case len(parts) > 0:
		return "Running, and " + strings.Join(parts, " and ") + " need a look."
	case !o.Ready:
		return "Starting: the catalog is being read for the first time."
	case o.Pending > 0:
		return "Running. " + count(o.Pending, "entit") + " still being processed."
	default:
		return "Running, and everything it was given could be read."
	}
}

func count(n int, noun string) string {
	one, many := noun, noun+"s"
	if noun == "entit" {
		one, many = "entity is", "entities are"
	}
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// ill counts plugins that need a look.
func (o Overview) ill() int {
	n := 0
	for _, p := range o.Plugins {
		if t := tone(p.State); t == "warn" || t == "bad" || p.BuildOutput != "" {
			n++
		}
	}
	return n
}
