-- The points of a run's curves: a loss by round, a value by trial; at most 500 of each name are kept.
CREATE TABLE run_point(
  run INTEGER NOT NULL REFERENCES run(id), step INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL,
  PRIMARY KEY(run, name, step)) STRICT, WITHOUT ROWID;
