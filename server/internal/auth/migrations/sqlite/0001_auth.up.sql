-- Times are milliseconds since 1970.
CREATE TABLE auth_signing_keys (
  owner TEXT NOT NULL,
  kid TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (owner, kid)
);

--bun:split

CREATE TABLE auth_user_info (
  user_entity_ref TEXT NOT NULL PRIMARY KEY,
  user_info TEXT NOT NULL,
  updated_at INTEGER NOT NULL
);

--bun:split

CREATE TABLE auth_oidc_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL,
  client_name TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  scope TEXT,
  state TEXT,
  nonce TEXT,
  code_challenge TEXT NOT NULL,
  code_challenge_method TEXT NOT NULL,
  status TEXT NOT NULL,
  user_entity_ref TEXT,
  expires_at INTEGER NOT NULL
);

--bun:split

CREATE INDEX auth_oidc_sessions_expires ON auth_oidc_sessions (expires_at);

--bun:split

-- code_hash is the SHA-256 of the code: a copy of the database is not enough to redeem one.
CREATE TABLE auth_oidc_codes (
  code_hash TEXT NOT NULL PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES auth_oidc_sessions (id) ON DELETE CASCADE,
  used BOOLEAN NOT NULL,
  expires_at INTEGER NOT NULL
);

--bun:split

CREATE INDEX auth_oidc_codes_session ON auth_oidc_codes (session_id);
