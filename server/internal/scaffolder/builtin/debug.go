package builtin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

func debugLog() action.Action {
	type input struct {
		Message       string
		ListWorkspace any // true, "with-filenames" or "with-contents"
	}
	return define(repeatable(dryRunnable(describe("debug:log"))), func(_ context.Context, in input, r *run) error {
		var own bytes.Buffer
		if err := json.Indent(&own, r.Input, "", "  "); err != nil {
			return err
		}
		if err := r.info("%s", own.String()); err != nil {
			return err
		}
		if in.Message != "" {
			if err := r.info("%s", in.Message); err != nil {
				return err
			}
		}
		if in.ListWorkspace == nil || in.ListWorkspace == false {
			return nil
		}
		dir, err := r.files()
		if err != nil {
			return err
		}
		listing, err := listFiles(dir, in.ListWorkspace == "with-contents")
		if err != nil {
			return err
		}
		return r.info("Workspace:\n%s", listing)
	})
}

// maxListing bounds the contents that debug:log shows.
const maxListing = 1 << 20

func listFiles(dir *workspace.Dir, withContents bool) (string, error) {
	var lines []string
	left := maxListing
	err := dir.Walk(".", func(name string, entry fs.DirEntry) error {
		switch {
		case entry.IsDir():
		case !withContents:
			lines = append(lines, "  - "+name)
		default:
			data, err := dir.ReadFile(name)
			if left -= len(data); err != nil || left < 0 {
				lines = append(lines, fmt.Sprintf(" - %s: [skipped]", name))
				return nil //nolint:nilerr // a listing shows what can be shown
			}
			lines = append(lines, fmt.Sprintf(" - %s:\n\n  %s", name, cataloginfo.DecodeUTF8(data)))
		}
		return nil
	})
	return strings.Join(lines, "\n"), err
}

// maxWait is the longest that debug:wait waits.
const maxWait = 10 * time.Minute

func debugWait() action.Action {
	type input struct{ Minutes, Seconds, Milliseconds float64 }
	return define(repeatable(describe("debug:wait")), func(ctx context.Context, in input, _ *run) error {
		milliseconds := in.Minutes*60_000 + in.Seconds*1000 + in.Milliseconds
		if milliseconds > float64(maxWait.Milliseconds()) {
			return errors.New("Waiting duration is longer than the maximum threshold of 0 hours, 10 minutes, 0 seconds")
		}
		return action.Sleep(ctx, time.Duration(milliseconds*float64(time.Millisecond)))
	})
}
