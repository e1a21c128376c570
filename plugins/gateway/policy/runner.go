package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// TestResult is how one rule of a bundle's tests went.
type TestResult struct {
	Name string // "callboard.gateway_test.test_keys_end"
	Path string // file and line
	// Err says why it failed; nil = it passed.
	Err error
}

// errNotTrue is what a test says that fails.
var errNotTrue = errors.New("is false or has no value")

// Test runs a bundle's tests: the rules called test_… in its files called …_test.rego, each within the bounds of a
// decision. They give rules their input by "with input as". A bundle that does not compile is an InputError.
func Test(ctx context.Context, fsys fs.FS) ([]TestResult, error) {
	b, err := readFS(fsys)
	if err != nil {
		return nil, err
	}
	return b.test(ctx, time.Now())
}

func (b bundle) test(ctx context.Context, now time.Time) ([]TestResult, error) {
	if _, err := compile(b); err != nil {
		return nil, err
	}
	prog, err := link(b, b.modules(true))
	if err != nil {
		return nil, err
	}
	var results []TestResult
	for _, r := range prog.tests() {
		if ctx.Err() != nil {
			return results, context.Cause(ctx)
		}
		r.Err = prog.test(ctx, r.Name, now)
		results = append(results, r)
	}
	return results, nil
}

// tests are the tests in the order of files and lines.
func (p program) tests() []TestResult {
	var found []TestResult
	seen := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(p.compiler.Modules)) {
		if !strings.HasSuffix(file, "_test.rego") {
			continue
		}
		for _, rule := range p.compiler.Modules[file].Rules {
			name := strings.TrimPrefix(rule.Ref().GroundPrefix().String(), "data.")
			if strings.HasPrefix(rule.Head.Ref()[0].String(), "test_") && !seen[name] {
				seen[name] = true
				found = append(found, TestResult{Name: name, Path: fmt.Sprintf("%s:%d", file, rule.Location.Row)})
			}
		}
	}
	return found
}

func (p program) test(ctx context.Context, name string, now time.Time) error {
	query, qc, err := p.compileQuery("data." + name)
	if err != nil {
		return err
	}
	passed, err := bound(ctx, make(chan struct{}, 1), defaultLimits, func(ctx context.Context) (bool, error) {
		passed := false
		err := p.run(ctx, query, qc, ast.NewTerm(ast.NewObject()), now, func(answer) error {
			passed = true
			return nil
		})
		return passed, err
	})
	if err == nil && !passed {
		return errNotTrue
	}
	return err
}
