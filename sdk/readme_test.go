package sdk_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// block is a piece of code in the README.
type block struct {
	language string
	file     string // the name in "```go main.go": a file of the plugin in the first section
	text     string
}

var fenced = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

func readmeBlocks(t *testing.T) []block {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, block{m[1], m[2], m[3]})
	}
	return blocks
}

// TestREADME_ShowsCodeThatRuns: what is no file of the first plugin stands, line by line, in snippets_test.go, where it is
// run.
func TestREADME_ShowsCodeThatRuns(t *testing.T) {
	snippets, err := os.ReadFile("snippets_test.go")
	if err != nil {
		t.Fatal(err)
	}
	run := trimmed(string(snippets))
	seen := 0
	for _, b := range readmeBlocks(t) {
		if b.language != "go" || b.file != "" {
			continue
		}
		seen++
		if !strings.Contains(run, trimmed(b.text)) {
			t.Errorf("this code of the README is not in snippets_test.go:\n%s", b.text)
		}
	}
	if seen < 10 {
		t.Errorf("only %d pieces of code were found", seen)
	}
}

// trimmed leaves indentation out of the comparison.
func trimmed(text string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		out.WriteString(strings.TrimSpace(line) + "\n")
	}
	return out.String()
}
