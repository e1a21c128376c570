package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Level says how much a rule matters, in the words of RFC 2119.
type Level string

const (
	// Must is for what the host relies on; a plugin that breaks it does not conform.
	Must Level = "MUST"
	// Should is for what people will notice, though nothing breaks.
	Should Level = "SHOULD"
)

// Rule is one sentence that holds for every plugin.
type Rule struct {
	// ID is stable: scripts may name it. The part before the dot is the area.
	ID       string
	Level    Level
	Sentence string

	check func(ctx context.Context, b *bench) error
	// timed: the rule gives a time. It is checked once more before it counts as broken, because the machine may be busy.
	timed bool
}

// Rules lists all rules in the order in which they are checked.
func Rules() []Rule { return rules() }

func rules() []Rule {
	var all []Rule
	for _, area := range [][]Rule{
		startRules, describeRules, configRules, wireRules, httpRules, catalogRules, capabilityRules, loadRules, stopRules, tallyRules,
	} {
		all = append(all, area...)
	}
	return all
}

func ruleIDs() []string {
	var ids []string
	for _, r := range rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// Status is how a rule came out.
type Status string

// The ways in which a rule comes out.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what came of one rule.
type Result struct {
	Rule   Rule
	Status Status
	// Saw is what was seen, or why the rule was skipped; Do is what to do about it. Sentences.
	Saw, Do string
	Took    time.Duration
}

// Message is what was seen and what to do.
func (r Result) Message() string { return strings.TrimSpace(r.Saw + " " + r.Do) }

// finding is how a check says that the plugin breaks its rule.
type finding struct{ saw, do string }

func (f *finding) Error() string { return strings.TrimSpace(f.saw + " " + f.do) }

// found makes a finding: do is the advice, the rest says what was seen.
func found(do, format string, args ...any) error {
	return &finding{saw: sentence(fmt.Sprintf(format, args...)), do: do}
}

// skip is how a check says that its rule does not apply.
type skip string

func (s skip) Error() string { return string(s) }

func skipf(format string, args ...any) error { return skip(sentence(fmt.Sprintf(format, args...))) }

func sentence(s string) string {
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// checkTime bounds one rule, whatever the plugin does.
const checkTime = 90 * time.Second

// check runs one rule. A process that ends meanwhile, and should not have, is a finding of its own: it is what explains
// the rest.
func (b *bench) check(ctx context.Context, rule Rule) (r Result) {
	r = Result{Rule: rule, Status: Passed}
	started := time.Now()
	defer func() { r.Took = time.Since(started) }()
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err := rule.check(ctx, b)
	var first *finding
	if rule.timed && errors.As(err, &first) {
		err = rule.check(ctx, b)
	}
	if died := b.died(); died != nil && err == nil {
		err = died
	}
	var f *finding
	var s skip
	switch {
	case err == nil:
	case errors.As(err, &s):
		r.Status, r.Saw = Skipped, string(s)
	case errors.As(err, &f):
		r.Status, r.Saw, r.Do = Failed, f.saw, f.do
	default:
		r.Status, r.Saw = Failed, sentence(err.Error())
	}
	r.Saw, r.Do = b.canaries.clean(r.Saw), b.canaries.clean(r.Do)
	return r
}
