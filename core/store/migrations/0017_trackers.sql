-- Servers that are told of versions; what is to be told waits in the outbox, whose line is then `tracking/NAME`.
CREATE TABLE tracker(
  name TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, token_ref TEXT NOT NULL, experiment TEXT NOT NULL,
  added_us INTEGER NOT NULL, seen_us INTEGER, error TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE outbox_line(
  id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, key TEXT NOT NULL UNIQUE, action TEXT NOT NULL, body TEXT NOT NULL CHECK(json_valid(body)),
  deployment INTEGER REFERENCES deployment(id), state TEXT NOT NULL CHECK(state IN ('waiting','claimed','done','dead')), attempts INTEGER NOT NULL DEFAULT 0,
  next_us INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_us INTEGER, created_us INTEGER NOT NULL, done_us INTEGER, error TEXT,
  confirmed_us INTEGER) STRICT;
INSERT INTO outbox_line SELECT id, endpoint, key, action, body, deployment, state, attempts, next_us, fence, owner, lease_us, created_us, done_us, error,
  confirmed_us FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_line RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox(endpoint, id) WHERE state IN ('waiting','claimed');
