-- Requests that wait for somebody to agree to them. Hashes alone: of the token, of all that would be sent, of who asks.
-- expires_at is in milliseconds since 1970.
CREATE TABLE apidocs_confirmations (
  token_hash TEXT NOT NULL PRIMARY KEY,
  request_hash TEXT NOT NULL,
  asker TEXT NOT NULL,
  expires_at BIGINT NOT NULL
) WITHOUT ROWID;

--bun:split

CREATE INDEX apidocs_confirmations_expires ON apidocs_confirmations (expires_at);

--bun:split

CREATE INDEX apidocs_confirmations_asker ON apidocs_confirmations (asker, expires_at);
