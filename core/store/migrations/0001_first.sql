-- The first schema: four kinds of truth in one file.
-- catalogue ---------------------------------------------------------------
CREATE TABLE contract(
  id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, version INTEGER NOT NULL, spec TEXT NOT NULL CHECK(json_valid(spec)),
  created_us INTEGER NOT NULL, UNIQUE(dataset, version)) STRICT;
CREATE TABLE snapshot(
  id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, number INTEGER NOT NULL, sha256 TEXT NOT NULL, blob TEXT NOT NULL, source TEXT NOT NULL,
  rows INTEGER NOT NULL, columns TEXT NOT NULL CHECK(json_valid(columns)), profile TEXT NOT NULL CHECK(json_valid(profile)),
  time_column TEXT, time_from_us INTEGER, time_to_us INTEGER, contract_id INTEGER REFERENCES contract(id),
  created_us INTEGER NOT NULL, UNIQUE(dataset, sha256), UNIQUE(dataset, number)) STRICT;
CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT NOT NULL,
  created_us INTEGER NOT NULL, released_us INTEGER) STRICT;
CREATE TABLE model(
  name TEXT PRIMARY KEY, task TEXT NOT NULL, label TEXT NOT NULL, critical INTEGER NOT NULL DEFAULT 0, created_us INTEGER NOT NULL) STRICT;
CREATE TABLE model_version(
  model TEXT NOT NULL REFERENCES model(name), version INTEGER NOT NULL, stage TEXT NOT NULL
    CHECK(stage IN ('candidate','staging','production','archived','retired')),
  artefact TEXT NOT NULL, snapshot_id INTEGER REFERENCES snapshot(id), run_id INTEGER, code TEXT NOT NULL,
  environment TEXT NOT NULL CHECK(json_valid(environment)), parameters TEXT NOT NULL CHECK(json_valid(parameters)),
  metrics TEXT NOT NULL CHECK(json_valid(metrics)), created_us INTEGER NOT NULL, PRIMARY KEY(model, version)) STRICT;
CREATE TABLE endpoint(
  name TEXT PRIMARY KEY, adapter TEXT NOT NULL, url TEXT NOT NULL, token_ref TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'active'
    CHECK(state IN ('active','paused')), added_us INTEGER NOT NULL, seen_us INTEGER, error TEXT, skew_us INTEGER,
  boot TEXT, cursor INTEGER NOT NULL DEFAULT 0, breaker_failures INTEGER NOT NULL DEFAULT 0, breaker_until_us INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE deployment(
  id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL REFERENCES endpoint(name), model TEXT NOT NULL, version INTEGER NOT NULL,
  previous INTEGER, kind TEXT NOT NULL CHECK(kind IN ('deploy','rollback')), state TEXT NOT NULL
    CHECK(state IN ('queued','applied','failed','superseded')),
  reason TEXT NOT NULL DEFAULT '', automatic INTEGER NOT NULL DEFAULT 0, incident INTEGER,
  requested_us INTEGER NOT NULL, applied_us INTEGER, error TEXT) STRICT;
CREATE INDEX deployment_by_target ON deployment(endpoint, model, id);
CREATE TABLE slo(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT NOT NULL, measure TEXT NOT NULL
    CHECK(measure IN ('availability','latency','quality','missing')),
  target TEXT NOT NULL, window_us INTEGER NOT NULL, calendar TEXT, critical INTEGER NOT NULL DEFAULT 0,
  spec TEXT NOT NULL CHECK(json_valid(spec)), created_us INTEGER NOT NULL, retired_us INTEGER) STRICT;
CREATE UNIQUE INDEX slo_in_force ON slo(name) WHERE retired_us IS NULL;
-- ledger ------------------------------------------------------------------
CREATE TABLE event(
  seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, recorded_us INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
  model TEXT, version INTEGER, endpoint TEXT, incident INTEGER, data TEXT NOT NULL CHECK(json_valid(data)),
  prev TEXT NOT NULL, hash TEXT NOT NULL, mac TEXT NOT NULL) STRICT;
CREATE INDEX event_by_time ON event(at_us);
CREATE INDEX event_by_incident ON event(incident, seq) WHERE incident IS NOT NULL;
CREATE INDEX event_by_model ON event(model, at_us) WHERE model IS NOT NULL;
CREATE TRIGGER event_never_updated BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER event_never_deleted BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
-- counts ------------------------------------------------------------------
CREATE TABLE series(
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL, endpoint TEXT NOT NULL, name TEXT NOT NULL,
  UNIQUE(model, endpoint, kind, version, name)) STRICT;
CREATE TABLE count_window(
  series INTEGER NOT NULL REFERENCES series(id), grain INTEGER NOT NULL, start_us INTEGER NOT NULL, vec BLOB NOT NULL,
  PRIMARY KEY(series, grain, start_us)) STRICT, WITHOUT ROWID;
CREATE TABLE prediction(
  model TEXT NOT NULL, request_id TEXT NOT NULL, endpoint TEXT NOT NULL, version INTEGER NOT NULL, at_us INTEGER NOT NULL, score REAL NOT NULL,
  PRIMARY KEY(model, request_id)) STRICT, WITHOUT ROWID;
CREATE INDEX prediction_by_time ON prediction(at_us);
CREATE TABLE label(
  model TEXT NOT NULL, request_id TEXT NOT NULL, value INTEGER NOT NULL, at_us INTEGER NOT NULL, joined_us INTEGER,
  PRIMARY KEY(model, request_id)) STRICT, WITHOUT ROWID;
CREATE INDEX label_waiting ON label(model) WHERE joined_us IS NULL;
CREATE TABLE sample(
  id INTEGER PRIMARY KEY, model TEXT NOT NULL, endpoint TEXT NOT NULL, version INTEGER NOT NULL, request_id TEXT NOT NULL, at_us INTEGER NOT NULL,
  score REAL, inputs TEXT NOT NULL CHECK(json_valid(inputs)), UNIQUE(model, request_id)) STRICT;
CREATE INDEX sample_by_time ON sample(model, at_us);
CREATE TABLE slice(
  slo INTEGER NOT NULL REFERENCES slo(id), start_us INTEGER NOT NULL, good INTEGER, value REAL, n INTEGER NOT NULL,
  PRIMARY KEY(slo, start_us)) STRICT, WITHOUT ROWID;
CREATE TABLE verdict(
  model TEXT NOT NULL, endpoint TEXT NOT NULL, version INTEGER NOT NULL, day_us INTEGER NOT NULL, verdict TEXT NOT NULL,
  data TEXT NOT NULL CHECK(json_valid(data)), PRIMARY KEY(model, endpoint, version, day_us)) STRICT, WITHOUT ROWID;
-- operations (states folded from the ledger, kept for speed) ------------------
CREATE TABLE alert(
  id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, slo INTEGER REFERENCES slo(id), rule TEXT NOT NULL, family TEXT NOT NULL,
  severity TEXT NOT NULL CHECK(severity IN ('page','ticket')), state TEXT NOT NULL CHECK(state IN ('firing','resolved')),
  model TEXT NOT NULL, endpoint TEXT NOT NULL, summary TEXT NOT NULL, data TEXT NOT NULL CHECK(json_valid(data)),
  started_us INTEGER NOT NULL, seen_us INTEGER NOT NULL, resolved_us INTEGER, incident INTEGER, repeats INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE UNIQUE INDEX alert_open ON alert(fingerprint) WHERE state = 'firing';
CREATE TABLE incident(
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, title TEXT NOT NULL, severity INTEGER NOT NULL, state TEXT NOT NULL
    CHECK(state IN ('triage','active','mitigated','monitoring','resolved','postmortem','closed','cancelled','merged')),
  model TEXT NOT NULL, endpoint TEXT NOT NULL, family TEXT NOT NULL, class TEXT, class_evidence TEXT,
  impact_us INTEGER NOT NULL, impact_origin TEXT NOT NULL, detected_us INTEGER NOT NULL, notified_us INTEGER, acked_us INTEGER, acked_by TEXT,
  mitigated_us INTEGER, resolved_us INTEGER, closed_us INTEGER, runbook TEXT, merged_into INTEGER, postmortem TEXT) STRICT;
CREATE UNIQUE INDEX incident_open ON incident(key) WHERE state IN ('triage','active','mitigated','monitoring');
CREATE TABLE suspect(
  incident INTEGER NOT NULL REFERENCES incident(id), rank INTEGER NOT NULL, event INTEGER, kind TEXT NOT NULL, title TEXT NOT NULL,
  score REAL NOT NULL, at_us INTEGER NOT NULL, evidence TEXT NOT NULL CHECK(json_valid(evidence)), PRIMARY KEY(incident, rank)) STRICT, WITHOUT ROWID;
CREATE TABLE walk(
  id INTEGER PRIMARY KEY, runbook TEXT NOT NULL, sha256 TEXT NOT NULL, incident INTEGER, inputs TEXT NOT NULL CHECK(json_valid(inputs)),
  state TEXT NOT NULL CHECK(state IN ('walking','done','escalated','left')), step TEXT, actor TEXT NOT NULL, started_us INTEGER NOT NULL, ended_us INTEGER) STRICT;
CREATE TABLE walk_step(
  walk INTEGER NOT NULL REFERENCES walk(id), number INTEGER NOT NULL, step TEXT NOT NULL, state TEXT NOT NULL
    CHECK(state IN ('intent','passed','failed','skipped','unknown')), intent_us INTEGER NOT NULL, done_us INTEGER, output TEXT, PRIMARY KEY(walk, number)) STRICT, WITHOUT ROWID;
CREATE TABLE trust(sha256 TEXT PRIMARY KEY, runbook TEXT NOT NULL, actor TEXT NOT NULL, at_us INTEGER NOT NULL) STRICT;
-- work --------------------------------------------------------------------
CREATE TABLE schedule(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, args TEXT NOT NULL CHECK(json_valid(args)), trigger TEXT NOT NULL,
  catch_up TEXT NOT NULL CHECK(catch_up IN ('all','latest','skip')), paused INTEGER NOT NULL DEFAULT 0, next_us INTEGER, created_us INTEGER NOT NULL) STRICT;
CREATE TABLE run(
  id INTEGER PRIMARY KEY, schedule INTEGER REFERENCES schedule(id), due_us INTEGER NOT NULL, request TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  args TEXT NOT NULL CHECK(json_valid(args)), state TEXT NOT NULL CHECK(state IN ('planned','claimed','succeeded','failed','cancelled','dead')),
  attempt INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL DEFAULT 3, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_us INTEGER,
  next_us INTEGER NOT NULL, cancel INTEGER NOT NULL DEFAULT 0, pid INTEGER, pid_start TEXT, progress REAL, started_us INTEGER, ended_us INTEGER,
  cpu_ms INTEGER, max_rss_kb INTEGER, exit INTEGER, error TEXT, result TEXT, log TEXT, UNIQUE(schedule, due_us)) STRICT;
CREATE INDEX run_waiting ON run(state, next_us);
CREATE TABLE outbox(
  id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL REFERENCES endpoint(name), key TEXT NOT NULL UNIQUE, action TEXT NOT NULL, body TEXT NOT NULL CHECK(json_valid(body)),
  deployment INTEGER REFERENCES deployment(id), state TEXT NOT NULL CHECK(state IN ('waiting','claimed','done','dead')), attempts INTEGER NOT NULL DEFAULT 0,
  next_us INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_us INTEGER, created_us INTEGER NOT NULL, done_us INTEGER, error TEXT) STRICT;
CREATE INDEX outbox_waiting ON outbox(endpoint, id) WHERE state IN ('waiting','claimed');
CREATE TABLE heartbeat(name TEXT PRIMARY KEY, at_us INTEGER NOT NULL, pid INTEGER NOT NULL, detail TEXT NOT NULL DEFAULT '') STRICT;
