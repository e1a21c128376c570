package builtin

import (
	"cmp"
	"context"
	"fmt"
	"path"

	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

const here = "./" // where targetPath points when it is left out

type plainInput struct{ URL, TargetPath, Token string }

func fetchPlain(s sources) action.Action {
	return define(repeatable(dryRunnable(describe("fetch:plain"))), func(ctx context.Context, in plainInput, r *run) error {
		if err := r.info("Fetching plain content from remote URL"); err != nil {
			return err
		}
		dir, target, err := r.target(cmp.Or(in.TargetPath, here))
		if err != nil {
			return err
		}
		from, err := s.locate(ctx, r, in.URL, in.Token)
		if err != nil {
			return err
		}
		return s.tree(ctx, r, from, in.Token, dir, target)
	})
}

func fetchPlainFile(s sources) action.Action {
	return define(repeatable(dryRunnable(describe("fetch:plain:file"))), func(ctx context.Context, in plainInput, r *run) error {
		if err := r.info("Fetching plain content from remote URL"); err != nil {
			return err
		}
		dir, target, err := r.target(in.TargetPath)
		if err != nil {
			return err
		}
		from, err := s.locate(ctx, r, in.URL, in.Token)
		if err != nil {
			return err
		}
		data, mode, err := s.file(ctx, from, in.Token)
		if err != nil {
			return err
		}
		// As in the reference, only what comes by URL makes the folders above it.
		if from.url == "" {
			if _, err := dir.Stat(path.Dir(target)); err != nil {
				return fmt.Errorf("write %s: %w", in.TargetPath, err)
			}
		}
		return dir.WriteFile(target, data, mode)
	})
}
