-- One row per known entity, whether or not it ever became visible. Times are Unix milliseconds.
CREATE TABLE catalog_refresh_state (
  entity_id          TEXT PRIMARY KEY,           -- becomes metadata.uid
  entity_ref         TEXT NOT NULL UNIQUE,
  unprocessed_entity TEXT NOT NULL,
  unprocessed_hash   TEXT NOT NULL,
  source_line        INTEGER NOT NULL DEFAULT 0, -- where the document starts in its file, 0 = unknown
  location_key       TEXT,                       -- who may change this row; NULL = anybody
  processed_entity   TEXT,                       -- the last good result; NULL = never processed successfully
  errors             TEXT,                       -- serialised errors of the last round; NULL = none
  result_hash        TEXT NOT NULL DEFAULT '',   -- '' = whatever the next round brings is new
  cache              TEXT,
  children           INTEGER NOT NULL DEFAULT 0, -- references that the last good round left
  conflicts          INTEGER NOT NULL DEFAULT 0, -- children it could not have
  polled             INTEGER NOT NULL DEFAULT 1, -- 1 = its result depends on something that is read
  next_update_at     BIGINT NOT NULL
);
CREATE INDEX catalog_refresh_state_due ON catalog_refresh_state (next_update_at);

-- Who brought an entity: a provider (source_key) or another entity (source_entity_ref), exactly one of them.
CREATE TABLE catalog_references (
  source_key        TEXT,
  source_entity_ref TEXT,
  target_entity_ref TEXT NOT NULL
);
CREATE INDEX catalog_references_key ON catalog_references (source_key) WHERE source_key IS NOT NULL;
CREATE INDEX catalog_references_source ON catalog_references (source_entity_ref) WHERE source_entity_ref IS NOT NULL;
CREATE INDEX catalog_references_target ON catalog_references (target_entity_ref);

CREATE TABLE catalog_relations (
  originating_entity_id TEXT NOT NULL,
  source_entity_ref     TEXT NOT NULL,
  type                  TEXT NOT NULL,
  target_entity_ref     TEXT NOT NULL
);
CREATE INDEX catalog_relations_originator ON catalog_relations (originating_entity_id);
CREATE INDEX catalog_relations_source ON catalog_relations (source_entity_ref);
CREATE INDEX catalog_relations_target ON catalog_relations (target_entity_ref);

CREATE TABLE catalog_refresh_keys (
  entity_id TEXT NOT NULL,
  key       TEXT NOT NULL
);
CREATE INDEX catalog_refresh_keys_entity ON catalog_refresh_keys (entity_id);
CREATE INDEX catalog_refresh_keys_key ON catalog_refresh_keys (key);

-- Entities whose final form must be made again. A higher ticket means that more has changed since it was looked at.
CREATE TABLE catalog_stitch_queue (
  entity_ref TEXT PRIMARY KEY,
  ticket     INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

-- What everybody sees.
CREATE TABLE catalog_final_entities (
  entity_id    TEXT PRIMARY KEY,
  entity_ref   TEXT NOT NULL UNIQUE,
  final_entity TEXT NOT NULL,
  hash         TEXT NOT NULL
);

-- Every change of catalog_final_entities, in the order of commits. Old rows are pruned.
CREATE TABLE catalog_changelog (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  entity_id TEXT NOT NULL,
  op        TEXT NOT NULL -- 'u' upserted, 'd' deleted
);

-- What is wrong, for people. stage tells rounds apart that succeed independently.
CREATE TABLE catalog_problems (
  entity_ref TEXT NOT NULL,
  stage      TEXT NOT NULL, -- process, stitch, provider
  problems   TEXT NOT NULL,
  PRIMARY KEY (entity_ref, stage)
) WITHOUT ROWID;

CREATE TABLE catalog_locations (
  id                  TEXT PRIMARY KEY,
  type                TEXT NOT NULL,
  target              TEXT NOT NULL,
  presence            TEXT NOT NULL DEFAULT '',
  location_entity_ref TEXT NOT NULL,
  UNIQUE (type, target)
);

CREATE TABLE catalog_meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO catalog_meta (key, value) VALUES ('writer', '');
