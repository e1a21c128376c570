-- Times are milliseconds since 1970.
CREATE TABLE scaffolder_tasks (
  id TEXT NOT NULL PRIMARY KEY,
  spec TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  heartbeat_at BIGINT NOT NULL,
  ended_at BIGINT,
  created_by TEXT,
  -- Who started the run, as JSON, without credentials.
  initiator TEXT NOT NULL,
  strategy TEXT NOT NULL,
  -- Sealed; NULL = none, or wiped.
  secrets BYTEA,
  -- What the user entered is not there any more.
  wiped BOOLEAN NOT NULL DEFAULT FALSE,
  -- The number of the last event: events of a task count from 1 without a gap.
  last_event BIGINT NOT NULL DEFAULT 0,
  cancelled BOOLEAN NOT NULL DEFAULT FALSE,
  -- Who runs it and until when. Each claim is another attempt; writes of a run name worker and attempt.
  worker TEXT NOT NULL DEFAULT '',
  attempt BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL DEFAULT 0,
  -- How often a worker was lost since a step ended.
  losses INTEGER NOT NULL DEFAULT 0,
  -- The steps that ended left files in the workspace.
  files BOOLEAN NOT NULL DEFAULT FALSE
);

--bun:split

CREATE INDEX scaffolder_tasks_due ON scaffolder_tasks (created_at) WHERE status IN ('open', 'processing');

--bun:split

CREATE INDEX scaffolder_tasks_created ON scaffolder_tasks (created_at);

--bun:split

CREATE INDEX scaffolder_tasks_ended ON scaffolder_tasks (ended_at) WHERE ended_at IS NOT NULL;

--bun:split

CREATE INDEX scaffolder_tasks_owner ON scaffolder_tasks (created_by, created_at);

--bun:split

CREATE TABLE scaffolder_task_events (
  task_id TEXT NOT NULL REFERENCES scaffolder_tasks (id) ON DELETE CASCADE,
  id BIGINT NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (task_id, id)
);

--bun:split

-- What runs have reached: one row for each step and for each checkpoint. Names are hashed, the rest is sealed.
CREATE TABLE scaffolder_task_state (
  task_id TEXT NOT NULL REFERENCES scaffolder_tasks (id) ON DELETE CASCADE,
  slot TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (task_id, slot)
);

--bun:split

-- The workspace as it was when the last step ended: a sealed archive. None where there were no files, or too many.
CREATE TABLE scaffolder_task_files (
  task_id TEXT NOT NULL PRIMARY KEY REFERENCES scaffolder_tasks (id) ON DELETE CASCADE,
  sealed BYTEA NOT NULL
);
