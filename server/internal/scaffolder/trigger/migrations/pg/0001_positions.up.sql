-- How far each trigger has read the catalog's change log.
CREATE TABLE scaffolder_trigger_positions (
  trigger_id TEXT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL
);
