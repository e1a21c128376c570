package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const usage = `usage: gateway policy check BUNDLE             says what is wrong with a bundle
       gateway policy test BUNDLE              runs its tests: rules test_… in files …_test.rego
       gateway policy decide BUNDLE INPUT.json shows what it decides

A bundle is a folder or a .tar.gz archive; "default" is the one that applies without any.
`

// Main is the command line of operators who write policies. It answers the exit status: 0, 1 where the bundle or a test
// fails, 2 where it does not understand its arguments.
func Main(args []string, stdout, stderr io.Writer) int {
	err := errUsage
	switch {
	case len(args) == 2 && args[0] == "check":
		err = check(args[1], stdout)
	case len(args) == 2 && args[0] == "test":
		err = testCommand(args[1], stdout)
	case len(args) == 3 && args[0] == "decide":
		err = decideCommand(args[1], args[2], stdout)
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(stderr, usage)
		return 2
	case err != nil:
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

var errUsage = errors.New("usage")

func check(path string, stdout io.Writer) error {
	b, err := readNamed(path)
	if err != nil {
		return err
	}
	p, err := compile(b)
	if err == nil {
		fmt.Fprintln(stdout, "ok", p.Digest())
	}
	return err
}

func testCommand(path string, stdout io.Writer) error {
	b, err := readNamed(path)
	if err != nil {
		return err
	}
	results, err := b.test(context.Background(), time.Now())
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		if r.Err == nil {
			fmt.Fprintln(stdout, "ok  ", r.Name)
			continue
		}
		failed++
		fmt.Fprintf(stdout, "FAIL %s (%s): %v\n", r.Name, r.Path, r.Err)
	}
	switch {
	case len(results) == 0:
		return errors.New("there are no tests: rules test_… in files …_test.rego")
	case failed > 0:
		return fmt.Errorf("%d of %d tests failed", failed, len(results))
	}
	return nil
}

func decideCommand(path, input string, stdout io.Writer) error {
	b, err := readNamed(path)
	if err != nil {
		return err
	}
	p, err := compile(b)
	if err != nil {
		return err
	}
	file, err := os.Open(input)
	if err != nil {
		return err
	}
	defer file.Close()
	in := Input{Now: time.Now()}
	dec := json.NewDecoder(io.LimitReader(file, maxInput))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return fmt.Errorf("%s: %w", input, err)
	}
	decision, err := p.Decide(context.Background(), in)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(decision, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s\n", text)
	return nil
}

func readNamed(path string) (bundle, error) {
	if path == "default" {
		folder, err := defaultFolder()
		if err != nil {
			return nil, err
		}
		return readFS(folder)
	}
	return readPath(path)
}
