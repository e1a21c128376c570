package verify

import (
	"fmt"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Refusal is one rule of the supply chain that a plugin breaks.
type Refusal struct {
	// Plugin is "" where it is not known yet.
	Plugin manifest.ID
	// File is what the rule is about: a path in the plugin, a package, the lock file.
	File string
	Rule string
}

func (r *Refusal) Error() string {
	if r.Plugin == "" {
		return r.File + " " + r.Rule
	}
	return "plugin " + string(r.Plugin) + ": " + r.File + " " + r.Rule
}

// Refusals are all that was found.
type Refusals []*Refusal //nolint:errname // as Refusal

func (r Refusals) Error() string { return strings.Join(r.Sentences(), "\n") }

// Sentences are the refusals one by one. After some, the rest is only counted: a folder of another plugin has nothing right.
func (r Refusals) Sentences() []string {
	const most = 20
	out := make([]string, 0, most+1)
	for i, one := range r {
		if i == most {
			return append(out, fmt.Sprintf("and %d more", len(r)-most))
		}
		out = append(out, one.Error())
	}
	return out
}

// Unwrap lets errors.As find the first of them.
func (r Refusals) Unwrap() []error {
	out := make([]error, len(r))
	for i, one := range r {
		out[i] = one
	}
	return out
}

func (r Refusals) or(err error) error {
	if err == nil && len(r) > 0 {
		return r
	}
	return err
}

// wholePlugin is the file of refusals that are about no file in particular.
const wholePlugin = "the plugin"

func refusef(file, format string, args ...any) *Refusal {
	return &Refusal{File: file, Rule: fmt.Sprintf(format, args...)}
}
