package git

import (
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/apierror"
)

// CheckBranch refuses what git does not take for a branch (git check-ref-format), and names that begin with a dash.
func CheckBranch(name string) error {
	if reason := wrongRef(name); reason != "" {
		return apierror.Inputf("%q cannot be the name of a branch: it %s", name, reason)
	}
	return nil
}

func wrongRef(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > 200:
		return "is longer than 200 bytes"
	case name == "@" || strings.Contains(name, "@{"):
		return `must not be "@" and not hold "@{"`
	case name == "HEAD":
		return `must not be "HEAD"`
	case strings.HasPrefix(name, "-"):
		return "must not begin with a dash"
	case strings.HasSuffix(name, "."):
		return "must not end with a dot"
	case strings.Contains(name, ".."):
		return "must not hold two dots in a row"
	case strings.ContainsAny(name, " ~^:?*[\\\x7f") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return `must not hold blanks, control characters or any of ~ ^ : ? * [ \`
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			return "must not begin or end with a slash or hold two in a row"
		}
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return "must not have a part that begins with a dot or ends with .lock"
		}
	}
	return ""
}

// checkPath refuses names that git, or a file system on which somebody clones, takes for git's own.
func checkPath(name string, link bool) error {
	if !utf8.ValidString(name) {
		return apierror.Inputf("the file name %q is not UTF-8", name)
	}
	if strings.ContainsAny(name, "\x00\n") {
		return apierror.Inputf("the file name %q must not hold a line end", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		plain := asOnOtherSystems(part)
		if plain == ".git" || plain == "git~1" {
			return apierror.NotAllowedf("the file %q cannot be published: %q is git's own folder on some systems", name, part)
		}
		if link && strings.HasPrefix(plain, ".git") {
			return apierror.NotAllowedf("%q cannot be published: git reads it, so it must be a file and not a link", name)
		}
	}
	return nil
}

// asOnOtherSystems is the name that part stands for on file systems that ignore case, trailing dots and blanks, streams
// (NTFS), or some invisible characters (HFS+).
func asOnOtherSystems(part string) string {
	part, _, _ = strings.Cut(part, ":")
	part = strings.Map(func(r rune) rune {
		switch {
		case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x206a && r <= 0x206f, r == 0xfeff:
			return -1
		case r == '\\': // a separator on Windows
			return '/'
		}
		return r
	}, part)
	part = strings.ToLower(part)
	for piece := range strings.SplitSeq(part, "/") {
		if p := strings.TrimRight(piece, ". "); p == ".git" || p == "git~1" {
			return p
		}
	}
	return strings.TrimRight(part, ". ")
}
