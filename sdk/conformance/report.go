package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// Report is what came of a check.
type Report struct {
	Plugin, Version, License string
	Protocol                 int
	// Partial: not all rules were chosen, so nothing follows about conformance as a whole.
	Partial bool
	// Enclosure says in which surroundings the plugin ran: "none", or what the host's sandbox reached.
	Enclosure string
	Started   time.Time
	Took      time.Duration
	Results   []Result
}

// Conforms tells whether no MUST that was checked is broken, and at least one was checked.
func (r *Report) Conforms() bool {
	return r.count(Must, Failed) == 0 && r.count(Must, Passed) > 0
}

func (r *Report) count(level Level, status Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Rule.Level == level && result.Status == status {
			n++
		}
	}
	return n
}

// Summary is the report in a line.
func (r *Report) Summary() string {
	verdict := "conforms to protocol"
	switch {
	case !r.Conforms():
		verdict = "does not conform to protocol"
	case r.Partial:
		verdict = "keeps what was checked of protocol"
	}
	skipped := r.count(Must, Skipped) + r.count(Should, Skipped)
	return fmt.Sprintf("%s %s %s %d: %d MUST and %d SHOULD kept, %d MUST and %d SHOULD broken, %d not applicable (%s)", r.Plugin, r.Version, verdict, r.Protocol,
		r.count(Must, Passed), r.count(Should, Passed), r.count(Must, Failed), r.count(Should, Failed), skipped, r.Took.Round(100*time.Millisecond))
}

// Line writes one result for people: what is broken with what was seen and what to do.
func (r Result) Line(w io.Writer) error {
	mark := map[Status]string{Passed: "ok  ", Failed: "FAIL", Skipped: "-   "}[r.Status]
	if r.Status == Failed && r.Rule.Level == Should {
		mark = "warn"
	}
	_, err := fmt.Fprintf(w, "%s %-6s %-24s %s\n", mark, r.Rule.Level, r.Rule.ID, r.Rule.Sentence)
	if err == nil && r.Status == Failed {
		_, err = fmt.Fprintf(w, "     saw: %s\n", printable(r.Saw))
		if r.Do != "" && err == nil {
			_, err = fmt.Fprintf(w, "     do:  %s\n", printable(r.Do))
		}
	}
	return err
}

// printable keeps what a plugin wrote from steering the terminal, and on one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '\uFFFD'
	}, s)
}

// TAP writes version 14 of the Test Anything Protocol. A broken SHOULD is marked TODO, which does not fail a run.
func (r *Report) TAP(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "TAP version 14\n1..%d\n", len(r.Results))
	for i, result := range r.Results {
		ok, directive := "ok", ""
		switch result.Status {
		case Passed:
		case Skipped:
			directive = " # SKIP " + escapeTAP(result.Saw)
		case Failed:
			ok = "not ok"
			if result.Rule.Level == Should {
				directive = " # TODO should, not must"
			}
		}
		fmt.Fprintf(&out, "%s %d - %s: %s%s\n", ok, i+1, result.Rule.ID, escapeTAP(result.Rule.Sentence), directive)
		if result.Status == Failed {
			fmt.Fprintf(&out, "  ---\n  level: %s\n  saw: %s\n  do: %s\n  duration_ms: %d\n  ...\n",
				result.Rule.Level, quoteYAML(result.Saw), quoteYAML(result.Do), result.Took.Milliseconds())
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func escapeTAP(s string) string {
	return strings.NewReplacer("\\", "\\\\", "#", "\\#", "\n", " ", "\r", " ").Replace(s)
}

// quoteYAML: a JSON string is a YAML string.
func quoteYAML(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

// JUnit writes the XML that build servers read. A broken SHOULD is output, not a failure.
func (r *Report) JUnit(w io.Writer) error {
	suite := junitSuite{Name: "callboard plugin verify " + r.Plugin, Tests: len(r.Results), Failures: r.count(Must, Failed),
		Skipped: r.count(Must, Skipped) + r.count(Should, Skipped), Time: seconds(r.Took), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05")}
	for _, result := range r.Results {
		area, _, _ := strings.Cut(result.Rule.ID, ".")
		c := junitCase{Class: r.Plugin + "." + area, Name: result.Rule.ID + ": " + result.Rule.Sentence, Time: seconds(result.Took)}
		switch {
		case result.Status == Skipped:
			c.Skipped = &junitMessage{Message: validXML(result.Saw)}
		case result.Status == Failed && result.Rule.Level == Must:
			c.Failure = &junitMessage{Message: validXML(result.Saw), Text: validXML(result.Message())}
		case result.Status == Failed:
			c.Output = validXML("SHOULD: " + result.Message())
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuite struct {
	XMLName   xml.Name    `xml:"testsuite"`
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// validXML leaves out what XML cannot hold: control characters that a plugin may have written.
func validXML(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// Badge is the file that a package carries so that catalogues can show what it keeps.
type Badge struct {
	SchemaVersion int      `json:"schemaVersion"`
	Label         string   `json:"label"`
	Message       string   `json:"message"`
	Color         string   `json:"color"`
	Plugin        string   `json:"plugin"`
	Version       string   `json:"version"`
	Protocol      int      `json:"protocol"`
	Conforms      bool     `json:"conforms"`
	Kept          int      `json:"kept"`
	Broken        []string `json:"broken"`
	Enclosure     string   `json:"enclosure"`
	Checked       string   `json:"checked"`
}

// Badge sums the report up, in the form that badge services read with members of our own.
func (r *Report) Badge() Badge {
	b := Badge{SchemaVersion: 1, Label: "callboard plugin", Message: fmt.Sprintf("protocol %d", r.Protocol), Color: "brightgreen", Plugin: r.Plugin,
		Version: r.Version, Protocol: r.Protocol, Conforms: r.Conforms() && !r.Partial, Kept: r.count(Must, Passed) + r.count(Should, Passed), Broken: []string{},
		Enclosure: r.Enclosure, Checked: r.Started.UTC().Format(time.RFC3339)}
	for _, result := range r.Results {
		if result.Status == Failed {
			b.Broken = append(b.Broken, result.Rule.ID)
		}
	}
	switch {
	case !b.Conforms && r.Conforms():
		b.Message, b.Color = "partly checked", "lightgrey"
	case !b.Conforms:
		b.Message, b.Color = "does not conform", "red"
	case len(b.Broken) > 0:
		b.Color = "green"
	}
	return b
}
