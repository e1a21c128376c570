package task

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
)

func placeOfFiles(id string) string { return "files of task " + id }

// putFiles replaces what is known of a task's workspace.
func (s *Store) putFiles(ctx context.Context, tx bun.Tx, id string, files *snapshot) error {
	if _, err := s.exec(ctx, tx, "UPDATE scaffolder_tasks SET files = ? WHERE id = ?", files.any, id); err != nil {
		return err
	}
	if files.archive == nil {
		_, err := s.exec(ctx, tx, "DELETE FROM scaffolder_task_files WHERE task_id = ?", id)
		return err
	}
	_, err := s.exec(ctx, tx, `INSERT INTO scaffolder_task_files (task_id, sealed) VALUES (?, ?)
		ON CONFLICT (task_id) DO UPDATE SET sealed = EXCLUDED.sealed`, id, s.sealer.Seal(files.archive, placeOfFiles(id)))
	return err
}

// archive is the workspace as it was when the last step ended, nil = it was not kept.
func (s *Store) archive(ctx context.Context, id string) (archive []byte, err error) {
	err = s.each(ctx, s.db.Read(), func(rows *sql.Rows) error {
		var sealed []byte
		if err := rows.Scan(&sealed); err != nil {
			return err
		}
		archive, err = s.sealer.Open(sealed, placeOfFiles(id))
		return err
	}, "SELECT sealed FROM scaffolder_task_files WHERE task_id = ?", id)
	return archive, err
}

// hasItsFiles reports whether the workspace can be made again: there were no files, or they are kept.
func (s *Store) hasItsFiles(ctx context.Context, tx bun.Tx, id string) (has bool, err error) {
	err = s.one(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&has) },
		"SELECT NOT t.files OR f.task_id IS NOT NULL FROM scaffolder_tasks AS t LEFT JOIN scaffolder_task_files AS f ON f.task_id = t.id WHERE t.id = ?", id)
	return has, err
}
