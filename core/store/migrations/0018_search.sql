-- Searches for hyperparameters: what was asked of each run, and its trials as they ended, so that it goes on after a crash.
CREATE TABLE search(
  run INTEGER PRIMARY KEY REFERENCES run(id), spec TEXT NOT NULL CHECK(json_valid(spec)), stopped TEXT,
  importance TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(importance)), created_us INTEGER NOT NULL) STRICT;
CREATE TABLE search_trial(
  run INTEGER NOT NULL REFERENCES search(run), number INTEGER NOT NULL, params TEXT NOT NULL CHECK(json_valid(params)),
  state TEXT NOT NULL CHECK(state IN ('complete','pruned','failed')), value REAL,
  points TEXT NOT NULL CHECK(json_valid(points)), error TEXT, cpu_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
  PRIMARY KEY(run, number)) STRICT, WITHOUT ROWID;
