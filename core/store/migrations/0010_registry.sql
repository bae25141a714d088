-- What the registry decides by: evaluations, declared gates and their results, waivers, aliases, the cards' own words.
CREATE TABLE IF NOT EXISTS evaluation(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, snapshot_id INTEGER, purpose TEXT NOT NULL,
  report TEXT NOT NULL CHECK(json_valid(report)), created_us INTEGER NOT NULL) STRICT;
CREATE TABLE gates(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL REFERENCES model(name), number INTEGER NOT NULL, sha256 TEXT NOT NULL,
  spec TEXT NOT NULL CHECK(json_valid(spec)), actor TEXT NOT NULL, created_us INTEGER NOT NULL, UNIQUE(model, number)) STRICT;
CREATE TABLE gate_result(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, artefact TEXT NOT NULL, gates TEXT NOT NULL,
  passed INTEGER NOT NULL CHECK(passed IN (0, 1)), results TEXT NOT NULL CHECK(json_valid(results)), until_us INTEGER,
  actor TEXT NOT NULL, created_us INTEGER NOT NULL,
  FOREIGN KEY(model, version) REFERENCES model_version(model, version)) STRICT;
CREATE INDEX gate_result_by_version ON gate_result(model, version, id);
CREATE TABLE waiver(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL,
  until_us INTEGER NOT NULL, created_us INTEGER NOT NULL,
  FOREIGN KEY(model, version) REFERENCES model_version(model, version)) STRICT;
CREATE INDEX waiver_by_version ON waiver(model, version, until_us);
CREATE TABLE alias(
  model TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(model, name),
  FOREIGN KEY(model, version) REFERENCES model_version(model, version)) STRICT, WITHOUT ROWID;
CREATE TABLE card_notes(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL REFERENCES model(name), number INTEGER NOT NULL, text TEXT NOT NULL, actor TEXT NOT NULL,
  created_us INTEGER NOT NULL, UNIQUE(model, number)) STRICT;
