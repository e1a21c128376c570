-- One row per task that any host ever heard of. Times are Unix milliseconds, 0 = never.
CREATE TABLE schedule_tasks (
  plugin        TEXT NOT NULL,
  task          TEXT NOT NULL,
  rhythm        TEXT NOT NULL,             -- interval or cron that next_start_at was made of
  next_start_at BIGINT NOT NULL,
  ticket        TEXT NOT NULL DEFAULT '',  -- of the run in progress, '' = none
  lease_until   BIGINT NOT NULL DEFAULT 0, -- when the run counts as dead unless its host renews
  started_at    BIGINT NOT NULL DEFAULT 0,
  ended_at      BIGINT NOT NULL DEFAULT 0,
  error         TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (plugin, task)
);
