CREATE TABLE usersettings_values (
  user_entity_ref TEXT NOT NULL,
  bucket TEXT NOT NULL,
  "key" TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (user_entity_ref, bucket, "key")
) WITHOUT ROWID;
