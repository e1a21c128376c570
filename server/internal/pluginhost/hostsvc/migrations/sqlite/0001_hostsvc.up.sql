-- Keys and values of plugins. Times are Unix milliseconds, 0 = never.
CREATE TABLE hostsvc_values (
  plugin     TEXT NOT NULL,
  key        TEXT NOT NULL,             -- in the order of bytes
  value      BLOB NOT NULL,
  version    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (plugin, key)
);
CREATE INDEX hostsvc_values_expiry ON hostsvc_values (plugin, expires_at) WHERE expires_at > 0;

-- One row per plugin that ever wrote; each write begins here, so writes of one plugin queue on it.
CREATE TABLE hostsvc_usage (
  plugin  TEXT PRIMARY KEY,
  bytes   BIGINT NOT NULL,              -- of keys and values
  version BIGINT NOT NULL               -- the last that was given out
);

CREATE TABLE hostsvc_locks (
  plugin     TEXT NOT NULL,
  name       TEXT NOT NULL,
  lease      TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (plugin, name)
);

CREATE TABLE hostsvc_audit (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       BIGINT NOT NULL,
  plugin   TEXT NOT NULL,
  event    TEXT NOT NULL,
  severity TEXT NOT NULL,
  failed   INTEGER NOT NULL,
  actor    TEXT NOT NULL,
  meta     TEXT NOT NULL                -- JSON object
);
CREATE INDEX hostsvc_audit_plugin ON hostsvc_audit (plugin, id);
