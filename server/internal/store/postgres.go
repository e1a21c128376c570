package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/callboard/callboard/server/internal/config"
)

// PostgreSQL's error codes that this package acts on.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	invalidCatalogName   = "3D000" // the database does not exist
	duplicateDatabase    = "42P04"
	uniqueViolation      = "23505" // also how two who create the same thing at once find out
)

// defaultSchema holds all tables, so that the database may be shared with a Backstage backend.
const defaultSchema = "callboard"

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func openPostgres(ctx context.Context, section *config.Section) (*DB, error) {
	cfg, err := postgresConfig(section)
	if err != nil {
		return nil, fmt.Errorf("backend.database.connection: %w", err)
	}
	schema := section.String("schema", defaultSchema)
	if !schemaName.MatchString(schema) {
		return nil, fmt.Errorf("backend.database.schema: %q is not a lower-case identifier of at most 63 characters", schema)
	}
	description := fmt.Sprintf("PostgreSQL %s at %s:%d, schema %s", cfg.Database, cfg.Host, cfg.Port, schema)
	if err := ensureSchema(ctx, cfg, schema); err != nil {
		return nil, fmt.Errorf("backend.database: cannot open %s: %w", description, err)
	}
	cfg.RuntimeParams["search_path"] = schema
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(section.Int("knexConfig.pool.max", 16))
	pool.SetMaxIdleConns(4)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db := bun.NewDB(pool, pgdialect.New())
	return &DB{dialect: PostgreSQL, description: description, writer: db, reader: db,
		retryable: retryablePostgres, translate: func(err error) error { return err }}, nil
}

// postgresConfig reads backend.database.connection: a URL or keyword string, or the object form of Backstage.
func postgresConfig(section *config.Section) (*pgx.ConnConfig, error) {
	text, isText := section.Value("connection").(string)
	cfg, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("not a PostgreSQL connection string: %w", err)
	}
	if !isText {
		connection := section.Section("connection")
		cfg.Host = connection.String("host", cfg.Host)
		port := connection.Int("port", int(cfg.Port))
		if port < 1 || port > 65535 {
			return nil, errors.New("port " + strconv.Itoa(port) + " is not a port number")
		}
		cfg.Port = uint16(port)
		cfg.User = connection.String("user", cfg.User)
		cfg.Password = connection.String("password", cfg.Password)
		cfg.Database = connection.String("database", "callboard")
		if !connection.Has("ssl") || !connection.Bool("ssl", true) {
			cfg.TLSConfig = nil
		}
	}
	// bun writes the arguments into the statement, so prepared statements would never be used twice.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	return cfg, nil
}

// ensureSchema makes the database and the schema where they are missing, as Backstage does for its own.
func ensureSchema(ctx context.Context, cfg *pgx.ConnConfig, schema string) error {
	conn, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if code(err) == invalidCatalogName {
		if err = createDatabase(ctx, cfg); err != nil {
			return err
		}
		conn, err = pgx.ConnectConfig(ctx, cfg.Copy())
	}
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	// IF NOT EXISTS looks first and creates afterwards: of two replicas that start at once one would fail. The lock ends
	// with the connection.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", "callboard schema "+schema); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize())
	return err
}

func createDatabase(ctx context.Context, cfg *pgx.ConnConfig) error {
	admin := cfg.Copy()
	admin.Database = "postgres"
	conn, err := pgx.ConnectConfig(ctx, admin)
	if err != nil {
		return fmt.Errorf("database %s does not exist, and cannot be created: %w", cfg.Database, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{cfg.Database}.Sanitize()); err != nil && code(err) != duplicateDatabase && code(err) != uniqueViolation {
		return fmt.Errorf("create database %s: %w", cfg.Database, err)
	}
	return nil
}

func retryablePostgres(err error) bool {
	switch code(err) {
	case serializationFailure, deadlockDetected:
		return true
	}
	return errors.Is(err, sql.ErrConnDone)
}

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
