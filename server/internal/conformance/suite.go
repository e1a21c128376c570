package conformance

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Suite is the description of one set of cases, from fixtures/suite.json.
type Suite struct {
	UpstreamPort     int                      `json:"upstreamPort"`
	Locations        map[string]SuiteLocation `json:"locations"`
	LateAreas        []string                 `json:"lateAreas"` // areas that change something: run last, in this order
	ExpectedEntities int                      `json:"expectedEntities"`
	SettleRefs       []string                 `json:"settleRefs"`
	ExpectedSearch   map[string]int           `json:"expectedSearch"`
}

// SuiteLocation is one configured location; its Location entity has a name made from both fields.
type SuiteLocation struct{ Type, Target string }

// generatedName is the name that the reference gives the Location entity of a configured location.
func (l SuiteLocation) generatedName(fixtures string) string {
	sum := sha1.Sum([]byte(l.Type + ":" + strings.ReplaceAll(l.Target, "${FIXTURES}", fixtures))) //nolint:gosec // the reference's names
	return hex.EncodeToString(sum[:])
}

// Case is one story: steps in order, then cleanup whatever happened.
type Case struct {
	ID      string
	Why     string // the rule that this case shows
	Area    string `json:"-"`
	Auth    string // guest (default), none, cookie, static:<token>, raw:<Authorization header>
	Steps   []Step
	Cleanup []Step
}

// Step is one request (or walk over pages, or WebSocket session, or change of a served file) with what is expected.
type Step struct {
	Request   any // a request object before variables are filled in
	Walk      *Walk
	WS        any
	Serve     any
	Sleep     int // milliseconds
	Auth      string
	Expect    *Expect
	Compare   Compare
	Capture   map[string]string
	Select    *string
	Decode    []Decode
	Until     *Until
	TimeoutMs int
	Stop      string
	Quiet     bool
}

// Expect is what was recorded. A nil header means absent; one that starts with "~" is a regular expression.
type Expect struct {
	Status  int
	Headers map[string]*string
	Body    json.RawMessage
}

// Compare says how bodies are compared; pointers know "*" (one level) and "**" (any depth).
type Compare struct {
	Mode                    string // exact (default), shape, contains, sse, sha256
	Unordered, Ignore, Drop []string
}

// Decode opens an encoded string in the body before it is compared.
type Decode struct{ Pointer, As string }

// Until repeats a request until its answer says what is wanted.
type Until struct {
	Status     int
	Pointer    string
	Equals     json.RawMessage
	In         []any
	MinLength  *int
	Exists     *bool
	Contains   *string
	TimeoutMs  int
	IntervalMs int
}

// Walk follows next links to the end, and previous links back when Back is set.
type Walk struct {
	Request    map[string]any
	Items, Key string
	Style      string // "link" = Link headers, else cursors
	Mount      string
	CursorPath string
	CursorBody map[string]any
	Post, Back bool
	MaxPages   int
}

// LoadSuite reads fixtures/suite.json.
func LoadSuite(fixtures string) (Suite, error) {
	var s Suite
	data, err := os.ReadFile(filepath.Join(fixtures, "suite.json"))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(data, &s)
}

// LoadCases reads every case of a folder. rewrite changes each line before it is read, for ports that differ.
func LoadCases(dir string, late []string, rewrite func(string) string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, file := range files {
		more, err := loadArea(file, rewrite)
		if err != nil {
			return nil, err
		}
		cases = append(cases, more...)
	}
	slices.SortStableFunc(cases, func(a, b Case) int { return slices.Index(late, a.Area) - slices.Index(late, b.Area) })
	return cases, nil
}

func loadArea(file string, rewrite func(string) string) ([]Case, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var cases []Case
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		c := Case{Area: strings.TrimSuffix(filepath.Base(file), ".jsonl")}
		if err := json.Unmarshal([]byte(rewrite(lines.Text())), &c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		cases = append(cases, c)
	}
	return cases, lines.Err()
}
