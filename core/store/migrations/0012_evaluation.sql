-- What was measured of a version, as it was told: one row a report, never changed.
CREATE TABLE evaluation(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, snapshot_id INTEGER REFERENCES snapshot(id),
  purpose TEXT NOT NULL CHECK(purpose IN ('holdout','later','seen','parity')), report TEXT NOT NULL CHECK(json_valid(report)), created_us INTEGER NOT NULL,
  FOREIGN KEY(model, version) REFERENCES model_version(model, version)) STRICT;
CREATE INDEX evaluation_of_version ON evaluation(model, version, id);
