package embed

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/principal"
)

// narrowed is what r asks for, which the app must allow all of.
func (a App) narrowed(r Request) (principal.Embed, error) {
	e := principal.Embed{App: a.ID, Args: r.Args}
	var err error
	if e.Widgets, err = within("widgets", r.Widgets, a.Widgets, plain); err != nil {
		return e, err
	}
	if e.Entities, err = within("entities", r.Entities, a.Entities, entityPattern); err != nil {
		return e, err
	}
	if e.Origins, err = among("origins", r.Origins, a.Origins, originOf); err != nil {
		return e, err
	}
	if e.Features, err = among("features", r.Features, a.Features, func(text string) string { return text }); err != nil {
		return e, err
	}
	for name, value := range r.Args {
		if name == "" || !json.Valid(value) {
			return e, apierror.Inputf("args: must be an object of arguments by name")
		}
	}
	return e, nil
}

func plain(text string) (string, error) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' }) {
		return "", apierror.Inputf("must be ids such as cost/summary, or cost/*")
	}
	return text, nil
}

// within reads patterns of which none may be wider than what the app has; none at all = all that it has.
func within(field string, asked, most []string, read func(string) (string, error)) ([]string, error) {
	if asked == nil {
		return most, nil
	}
	if len(asked) > mostNames {
		return nil, apierror.Inputf("%s: must be at most %d", field, mostNames)
	}
	all := []string{}
	for _, text := range asked {
		pattern, err := read(text)
		if err != nil {
			return nil, apierror.Inputf("%s: %q: %s", field, excerpt.Short(text), apierror.Describe(err))
		}
		if !principal.MatchAny(most, pattern) {
			return nil, apierror.NotAllowedf("%s: the app may not show %q", field, excerpt.Short(text))
		}
		all = append(all, pattern)
	}
	return all, nil
}

// among reads names that must be some of the app's; none at all = all that it has.
func among(field string, asked, most []string, read func(string) string) ([]string, error) {
	if asked == nil {
		return most, nil
	}
	all := []string{}
	for _, text := range asked {
		name := read(text)
		if !slices.Contains(most, name) {
			return nil, apierror.NotAllowedf("%s: the app does not have %q", field, excerpt.Short(text))
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all, nil
}

// bounded is e within what the app allows now; false = nothing is left of it.
func (a App) bounded(e principal.Embed) (principal.Embed, bool) {
	keep := func(list []string, holds func(string) bool) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !holds(s) })
	}
	e.Widgets = keep(e.Widgets, func(s string) bool { return principal.MatchAny(a.Widgets, s) })
	e.Entities = keep(e.Entities, func(s string) bool { return principal.MatchAny(a.Entities, s) })
	e.Origins = keep(e.Origins, func(s string) bool { return slices.Contains(a.Origins, s) })
	e.Features = keep(e.Features, func(s string) bool { return slices.Contains(a.Features, s) })
	return e, len(e.Widgets) > 0
}

// serves reports whether the app may still have tokens of that origin: whoever got the first one may get another.
func (a App) serves(minter, viewer string) bool {
	if minter == viewer {
		return a.Users
	}
	return slices.Contains(a.Services, minter) && (viewer == "" || a.MayNameViewers)
}
