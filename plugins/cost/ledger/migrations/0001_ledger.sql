CREATE TABLE imports (
	id         INTEGER PRIMARY KEY,
	source     TEXT NOT NULL,
	run        TEXT NOT NULL,
	charges    INTEGER NOT NULL,
	partitions TEXT NOT NULL, -- JSON, as the import left them
	started    INTEGER NOT NULL, -- milliseconds
	ended      INTEGER NOT NULL
);

CREATE TABLE partitions (
	id            INTEGER PRIMARY KEY,
	source        TEXT NOT NULL,
	period        TEXT NOT NULL,
	run           TEXT NOT NULL,
	focus_version TEXT NOT NULL,
	charges       INTEGER NOT NULL,
	cells         INTEGER NOT NULL,
	first_day     INTEGER NOT NULL,
	last_day      INTEGER NOT NULL,
	currencies    TEXT NOT NULL, -- JSON
	content       TEXT NOT NULL,
	imported      INTEGER NOT NULL, -- milliseconds
	UNIQUE (source, period)
);

-- A segment without a partition is staged: it belongs to an import that has not ended.
CREATE TABLE segments (
	id           INTEGER PRIMARY KEY,
	partition_id INTEGER REFERENCES partitions (id) ON DELETE CASCADE,
	staging      TEXT NOT NULL,
	period       TEXT NOT NULL,
	series       INTEGER NOT NULL,
	cells        INTEGER NOT NULL,
	first_day    INTEGER NOT NULL,
	last_day     INTEGER NOT NULL
);
CREATE INDEX segments_partition ON segments (partition_id);
CREATE INDEX segments_staging ON segments (staging) WHERE partition_id IS NULL;

CREATE TABLE columns (
	segment_id INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	data       BLOB NOT NULL,
	PRIMARY KEY (segment_id, name)
);
