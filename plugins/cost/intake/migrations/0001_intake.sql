CREATE TABLE jobs (
	id      TEXT PRIMARY KEY,
	started INTEGER NOT NULL, -- milliseconds
	state   TEXT NOT NULL,
	job     TEXT NOT NULL -- JSON
);
CREATE INDEX jobs_started ON jobs (started);

CREATE TABLE rejects (
	job    TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
	number INTEGER NOT NULL,
	reject TEXT NOT NULL, -- JSON
	PRIMARY KEY (job, number)
) WITHOUT ROWID;

-- What was found in watched places, and what became of it.
CREATE TABLE deliveries (
	place       TEXT NOT NULL,
	name        TEXT NOT NULL,
	source      TEXT NOT NULL,
	fingerprint TEXT NOT NULL, -- of names, sizes and times: tells cheaply that nothing has changed
	content     TEXT NOT NULL, -- of the bytes
	periods     TEXT NOT NULL, -- JSON, those that it brought
	job         TEXT NOT NULL,
	problem     TEXT NOT NULL,
	seen        INTEGER NOT NULL, -- milliseconds
	gone        INTEGER NOT NULL, -- milliseconds; 0 while it is there
	PRIMARY KEY (place, name)
) WITHOUT ROWID;
