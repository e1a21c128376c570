-- Times are milliseconds since 1970.
CREATE TABLE notifications_direct (
  id TEXT NOT NULL PRIMARY KEY,
  user_entity_ref TEXT NOT NULL,
  origin TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  link TEXT,
  topic TEXT,
  severity TEXT NOT NULL,
  scope TEXT,
  icon TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT,
  read_at BIGINT,
  saved_at BIGINT
);

--bun:split

CREATE INDEX notifications_direct_user ON notifications_direct (user_entity_ref, created_at);

--bun:split

CREATE INDEX notifications_direct_created ON notifications_direct (created_at);

--bun:split

-- A second notification with the same scope replaces the first.
CREATE UNIQUE INDEX notifications_direct_scope ON notifications_direct (user_entity_ref, origin, scope) WHERE scope IS NOT NULL;

--bun:split

CREATE TABLE notifications_broadcasts (
  id TEXT NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  link TEXT,
  topic TEXT,
  severity TEXT NOT NULL,
  scope TEXT,
  icon TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT
);

--bun:split

CREATE INDEX notifications_broadcasts_created ON notifications_broadcasts (created_at);

--bun:split

CREATE UNIQUE INDEX notifications_broadcasts_scope ON notifications_broadcasts (origin, scope) WHERE scope IS NOT NULL;

--bun:split

CREATE TABLE notifications_broadcast_status (
  broadcast_id TEXT NOT NULL REFERENCES notifications_broadcasts (id) ON DELETE CASCADE,
  user_entity_ref TEXT NOT NULL,
  read_at BIGINT,
  saved_at BIGINT,
  PRIMARY KEY (broadcast_id, user_entity_ref)
);

--bun:split

-- An empty topic is the setting of the origin, an empty origin that of the channel.
CREATE TABLE notifications_settings (
  user_entity_ref TEXT NOT NULL,
  channel TEXT NOT NULL,
  origin TEXT NOT NULL,
  topic TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  PRIMARY KEY (user_entity_ref, channel, origin, topic)
);
