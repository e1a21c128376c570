package usersettings

import (
	"context"
	"embed"
	"io/fs"
	"slices"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// table is where the values are.
type table struct{ db *store.DB }

type row struct {
	bun.BaseModel `bun:"table:usersettings_values,alias:v"`
	User          string `bun:"user_entity_ref,pk"`
	Bucket        string `bun:"bucket,pk"`
	Key           string `bun:"key,pk"`
	Value         string `bun:"value"`
}

func (t table) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return t.db.Migrate(ctx, "usersettings", files)
}

// find reads all keys of one bucket in as few queries as the number of arguments allows.
func (t table) find(ctx context.Context, user string, byBucket map[string][]string) (map[Name]string, error) {
	const keysPerQuery = 500
	found := map[Name]string{}
	for bucket, keys := range byBucket {
		for part := range slices.Chunk(keys, keysPerQuery) {
			var rows []row
			err := t.db.Read().NewSelect().Model(&rows).
				Where("user_entity_ref = ?", user).Where("bucket = ?", bucket).Where("? IN (?)", bun.Ident("key"), bun.List(part)).
				Scan(ctx)
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				found[Name{r.Bucket, r.Key}] = r.Value
			}
		}
	}
	return found, nil
}

func (t table) set(ctx context.Context, user string, n Name, value string) error {
	return t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		changed, err := tx.NewUpdate().Model(&row{User: user, Bucket: n.Bucket, Key: n.Key, Value: value}).WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		if count, err := changed.RowsAffected(); err != nil || count > 0 {
			return err
		}
		kept, err := tx.NewSelect().Model((*row)(nil)).Where("user_entity_ref = ?", user).Count(ctx)
		if err != nil {
			return err
		}
		if kept >= maxValues {
			return apierror.Inputf("A user may keep %d settings at most", maxValues)
		}
		// Two requests may insert the same name at once: the later one wins, as with updates.
		_, err = tx.NewInsert().Model(&row{User: user, Bucket: n.Bucket, Key: n.Key, Value: value}).
			On("CONFLICT (user_entity_ref, bucket, ?) DO UPDATE", bun.Ident("key")).Set("value = EXCLUDED.value").Exec(ctx)
		return err
	})
}

func (t table) delete(ctx context.Context, user string, n Name) error {
	return t.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model(&row{User: user, Bucket: n.Bucket, Key: n.Key}).WherePK().Exec(ctx)
		return err
	})
}
