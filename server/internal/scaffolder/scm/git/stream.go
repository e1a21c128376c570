package git

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Person is an author.
type Person struct{ Name, Email string }

// clean takes out what would end a field of a commit.
func (p Person) clean() Person {
	clean := func(text string) string {
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if r == '<' || r == '>' || unicode.IsControl(r) {
				return -1
			}
			return r
		}, text))
	}
	return Person{clean(p.Name), clean(p.Email)}
}

// Commit is one commit without parents. Equal commits have equal hashes.
type Commit struct {
	Branch, Message string
	Author          Person
	When            time.Time // to the second
	Files           []File
}

// Normal is the commit as it will be: with a line end behind the message, and without what would end a field early.
func (c Commit) Normal() Commit {
	c.Author = c.Author.clean()
	c.Message = strings.TrimRight(strings.ReplaceAll(c.Message, "\x00", ""), "\n") + "\n"
	return c
}

// stream is the commit for git fast-import.
func (c Commit) stream() []byte {
	c = c.Normal()
	size := 4096 + len(c.Message)
	for _, f := range c.Files {
		size += len(f.Content) + len(f.Path) + 64
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	when := fmt.Sprintf("%s <%s> %d +0000", c.Author.Name, c.Author.Email, c.When.Unix())
	fmt.Fprintf(b, "commit refs/heads/%s\nauthor %s\ncommitter %s\ndata %d\n%s\n", c.Branch, when, when, len(c.Message), c.Message)
	for _, f := range c.Files {
		fmt.Fprintf(b, "M %s inline %s\ndata %d\n", f.Mode, quote(f.Path), len(f.Content))
		b.Write(f.Content)
		b.WriteByte('\n')
	}
	b.WriteString("done\n")
	return b.Bytes()
}

// quote writes a path so that nothing in it has a meaning for fast-import.
func quote(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(name) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
