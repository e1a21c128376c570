CREATE TABLE days (
	source   TEXT NOT NULL,
	day      INTEGER NOT NULL,
	charges  BLOB NOT NULL, -- JSON
	imported INTEGER NOT NULL, -- whether the ledger has them
	PRIMARY KEY (source, day)
);
