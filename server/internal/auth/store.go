package auth

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// database is the auth feature's tables.
type database struct{ db *store.DB }

type signingKeyRow struct {
	bun.BaseModel `bun:"table:auth_signing_keys"`
	Owner         keyOwner `bun:"owner,pk"`
	KeyID         string   `bun:"kid,pk"`
	Public        string   `bun:"public_jwk"`
	CreatedAt     int64    `bun:"created_at"`
	ExpiresAt     int64    `bun:"expires_at"`
}

type userInfoRow struct {
	bun.BaseModel `bun:"table:auth_user_info"`
	Ref           string `bun:"user_entity_ref,pk"`
	Info          string `bun:"user_info"`
	UpdatedAt     int64  `bun:"updated_at"`
}

type oidcSessionRow struct {
	bun.BaseModel   `bun:"table:auth_oidc_sessions"`
	ID              string  `bun:"id,pk"`
	ClientID        string  `bun:"client_id"`
	ClientName      string  `bun:"client_name"`
	RedirectURI     string  `bun:"redirect_uri"`
	Scope           *string `bun:"scope"`
	State           *string `bun:"state"`
	Nonce           *string `bun:"nonce"`
	Challenge       string  `bun:"code_challenge"`
	ChallengeMethod string  `bun:"code_challenge_method"`
	Status          string  `bun:"status"`
	User            *string `bun:"user_entity_ref"`
	ExpiresAt       int64   `bun:"expires_at"`
}

type oidcCodeRow struct {
	bun.BaseModel `bun:"table:auth_oidc_codes"`
	Hash          string `bun:"code_hash,pk"`
	SessionID     string `bun:"session_id"`
	Used          bool   `bun:"used"`
	ExpiresAt     int64  `bun:"expires_at"`
}

func (d *database) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	return d.db.Migrate(ctx, "auth", files)
}

func (d *database) addKey(ctx context.Context, owner keyOwner, k publicKey) error {
	jwk, err := json.Marshal(k.jwk)
	if err != nil {
		return err
	}
	row := &signingKeyRow{Owner: owner, KeyID: k.jwk.KeyID, Public: string(jwk), CreatedAt: k.created.UnixMilli(), ExpiresAt: k.expires.UnixMilli()}
	return d.insert(ctx, row)
}

func (d *database) keys(ctx context.Context, owner keyOwner, now time.Time) ([]publicKey, error) {
	var rows []signingKeyRow
	err := d.db.Read().NewSelect().Model(&rows).Where("owner = ?", owner).Where("expires_at > ?", now.UnixMilli()).
		Order("created_at", "kid").Scan(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]publicKey, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Public), &keys[i].jwk); err != nil || !keys[i].jwk.IsPublic() {
			return nil, fmt.Errorf("key %s in auth_signing_keys is not a public JWK: %w", r.KeyID, err)
		}
		keys[i].created, keys[i].expires = time.UnixMilli(r.CreatedAt), time.UnixMilli(r.ExpiresAt)
	}
	return keys, nil
}

func (d *database) removeKeys(ctx context.Context, owner keyOwner) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*signingKeyRow)(nil)).Where("owner = ?", owner).Exec(ctx)
		return err
	})
}

func (d *database) removeExpired(ctx context.Context, now time.Time) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*signingKeyRow)(nil)).Where("expires_at <= ?", now.UnixMilli()).Exec(ctx)
		return err
	})
}

// saveUserInfo replaces what is known about a user.
func (d *database) saveUserInfo(ctx context.Context, info UserInfo, now time.Time) error {
	text, err := json.Marshal(info)
	if err != nil {
		return err
	}
	row := &userInfoRow{Ref: info.Claims.Subject, Info: string(text), UpdatedAt: now.UnixMilli()}
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(row).On("CONFLICT (user_entity_ref) DO UPDATE").
			Set("user_info = EXCLUDED.user_info").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		return err
	})
}

// userInfo is what was saved last about that user; false when the user never signed in.
func (d *database) userInfo(ctx context.Context, ref string) (info UserInfo, found bool, err error) {
	var row userInfoRow
	err = d.db.Read().NewSelect().Model(&row).Where("user_entity_ref = ?", ref).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return info, false, nil
	}
	if err != nil {
		return info, false, err
	}
	return info, true, json.Unmarshal([]byte(row.Info), &info)
}

func (d *database) addSession(ctx context.Context, s *oidcSessionRow) error { return d.insert(ctx, s) }

func (d *database) session(ctx context.Context, id string) (*oidcSessionRow, error) {
	if strings.ContainsRune(id, 0) || !utf8.ValidString(id) { // no database holds such a text
		return nil, nil
	}
	var row oidcSessionRow
	err := d.db.Read().NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &row, err
}

// decide moves a pending session to status, with the code that approves it, if any. False: it was no longer pending.
func (d *database) decide(ctx context.Context, id, status, user string, code *oidcCodeRow) (decided bool, err error) {
	err = d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := tx.NewUpdate().Model((*oidcSessionRow)(nil)).Set("status = ?", status).Set("user_entity_ref = ?", user).
			Where("id = ?", id).Where("status = ?", sessionPending).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if decided = n == 1; err != nil || !decided || code == nil {
			return err
		}
		_, err = tx.NewInsert().Model(code).Exec(ctx)
		return err
	})
	return decided && err == nil, err
}

func (d *database) code(ctx context.Context, hash string) (*oidcCodeRow, error) {
	var row oidcCodeRow
	err := d.db.Read().NewSelect().Model(&row).Where("code_hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &row, err
}

// useCode marks a code as used; false when another request was quicker.
func (d *database) useCode(ctx context.Context, hash string) (first bool, err error) {
	err = d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		r, err := tx.NewUpdate().Model((*oidcCodeRow)(nil)).Set("used = ?", true).
			Where("code_hash = ?", hash).Where("used = ?", false).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		first = n == 1
		return err
	})
	return first && err == nil, err
}

// removeExpiredSessions forgets sessions that ended before now, and their codes.
func (d *database) removeExpiredSessions(ctx context.Context, now time.Time) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		old := tx.NewSelect().Model((*oidcSessionRow)(nil)).Column("id").Where("expires_at <= ?", now.UnixMilli())
		if _, err := tx.NewDelete().Model((*oidcCodeRow)(nil)).Where("session_id IN (?)", old).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewDelete().Model((*oidcSessionRow)(nil)).Where("expires_at <= ?", now.UnixMilli()).Exec(ctx)
		return err
	})
}

func (d *database) insert(ctx context.Context, row any) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
}

var (
	_ keyStore = (*database)(nil)
	_ keyStore = (*memoryKeys)(nil)
)
