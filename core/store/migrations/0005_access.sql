-- Who may do what, who asked for what, and who has approved what.
CREATE TABLE actor(
  name TEXT PRIMARY KEY, role TEXT NOT NULL CHECK(role IN ('viewer','operator','approver','admin')),
  granted_by TEXT NOT NULL, granted_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE approval(
  model TEXT NOT NULL, version INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, at_us INTEGER NOT NULL,
  PRIMARY KEY(model, version, actor), FOREIGN KEY(model, version) REFERENCES model_version(model, version)) STRICT, WITHOUT ROWID;
ALTER TABLE schedule ADD COLUMN asked_by TEXT;
ALTER TABLE run ADD COLUMN asked_by TEXT;
ALTER TABLE sample ADD COLUMN sealed TEXT CHECK(sealed IS NULL OR json_valid(sealed));
ALTER TABLE sample ADD COLUMN sealed_key INTEGER;
CREATE INDEX sample_by_key ON sample(sealed_key) WHERE sealed_key IS NOT NULL;
