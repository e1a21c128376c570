-- value is the JSON text as it came: type json would refuse escaped NULs, jsonb would reorder and round.
CREATE TABLE usersettings_values (
  user_entity_ref TEXT NOT NULL,
  bucket TEXT NOT NULL,
  "key" TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (user_entity_ref, bucket, "key")
);
