-- Times are milliseconds since 1970.
CREATE TABLE embed_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  app TEXT NOT NULL,
  minter TEXT NOT NULL,
  viewer TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  revoked_at BIGINT
);

--bun:split

CREATE INDEX embed_sessions_ends ON embed_sessions (ends_at);

--bun:split

CREATE INDEX embed_sessions_revoked ON embed_sessions (revoked_at) WHERE revoked_at IS NOT NULL;

--bun:split

-- Tokens of an earlier epoch of their app are worthless.
CREATE TABLE embed_epochs (
  app TEXT NOT NULL PRIMARY KEY,
  epoch BIGINT NOT NULL
);

--bun:split

-- secret_hash is the SHA-256 of what the address holds: a copy of the database is not enough to see a picture.
CREATE TABLE embed_capabilities (
  id TEXT NOT NULL PRIMARY KEY,
  secret_hash TEXT NOT NULL UNIQUE,
  widget TEXT NOT NULL,
  entity_ref TEXT NOT NULL,
  args TEXT NOT NULL,
  owner_kind TEXT NOT NULL,
  owner TEXT NOT NULL,
  restrictions TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);

--bun:split

CREATE INDEX embed_capabilities_owner ON embed_capabilities (owner, created_at);

--bun:split

CREATE INDEX embed_capabilities_expires ON embed_capabilities (expires_at) WHERE expires_at IS NOT NULL;
