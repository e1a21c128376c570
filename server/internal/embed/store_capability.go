package embed

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
)

type capabilityRow struct {
	bun.BaseModel `bun:"table:embed_capabilities"`
	ID            string `bun:"id,pk"`
	SecretHash    string `bun:"secret_hash"`
	Widget        string `bun:"widget"`
	EntityRef     string `bun:"entity_ref"`
	Args          string `bun:"args"`
	OwnerKind     string `bun:"owner_kind"`
	Owner         string `bun:"owner"`
	Restrictions  string `bun:"restrictions"`
	CreatedAt     int64  `bun:"created_at"`
	ExpiresAt     *int64 `bun:"expires_at"`
}

// found makes nil of a row that there is none of.
func found[R any](row *R, err error) (*R, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}

// addCapability keeps one more, unless its owner has most of them.
func (d database) addCapability(ctx context.Context, row *capabilityRow, most int64) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Model((*capabilityRow)(nil)).Where("owner_kind = ?", row.OwnerKind).Where("owner = ?", row.Owner).Count(ctx)
		if err != nil {
			return err
		}
		if n >= most {
			return apierror.Conflictf("You have %d public pictures, which is the most: end some that nobody needs", n)
		}
		_, err = tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
}

func (d database) capabilityBySecret(ctx context.Context, hash string) (*capabilityRow, error) {
	var row capabilityRow
	return found(&row, d.db.Read().NewSelect().Model(&row).Where("secret_hash = ?", hash).Scan(ctx))
}

func (d database) capabilitiesOf(ctx context.Context, kind, owner string) (rows []capabilityRow, err error) {
	err = d.db.Read().NewSelect().Model(&rows).Where("owner_kind = ?", kind).Where("owner = ?", owner).Order("created_at", "id").Scan(ctx)
	return rows, err
}

// removeCapability reports whether there was one of that owner.
func (d database) removeCapability(ctx context.Context, kind, owner, id string) (removed bool, err error) {
	err = d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := tx.NewDelete().Model((*capabilityRow)(nil)).Where("id = ?", id).Where("owner_kind = ?", kind).Where("owner = ?", owner).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		removed = n > 0
		return err
	})
	return removed, err
}
