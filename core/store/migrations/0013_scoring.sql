-- Batch scoring. `request` is the hash of what the output depends on and of how it is cut: an open one is gone on with.
CREATE TABLE score(id INTEGER PRIMARY KEY, request TEXT NOT NULL, run_id INTEGER, model TEXT NOT NULL,
  version INTEGER NOT NULL, snapshot_id INTEGER NOT NULL REFERENCES snapshot(id), rows INTEGER NOT NULL,
  chunk INTEGER NOT NULL, keep TEXT NOT NULL CHECK(json_valid(keep)), blob TEXT, cpu_ms INTEGER NOT NULL DEFAULT 0,
  wall_ms INTEGER NOT NULL DEFAULT 0, created_us INTEGER NOT NULL, ended_us INTEGER,
  FOREIGN KEY(model, version) REFERENCES model_version(model, version)) STRICT;
CREATE UNIQUE INDEX score_open ON score(request) WHERE blob IS NULL;
CREATE INDEX score_run ON score(run_id);
-- The parts that are whole on disk; gone once they are joined.
CREATE TABLE score_part(score INTEGER NOT NULL REFERENCES score(id), part INTEGER NOT NULL, rows INTEGER NOT NULL,
  sha256 TEXT NOT NULL, PRIMARY KEY(score, part)) STRICT, WITHOUT ROWID;
