-- Keys that make a process an actor (only their codes), and whether a home asks for one.
CREATE TABLE access_key(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, actor TEXT NOT NULL, code TEXT NOT NULL, made_by TEXT NOT NULL,
  made_us INTEGER NOT NULL, expires_us INTEGER, used_us INTEGER, revoked_us INTEGER) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX access_key_in_force ON access_key(name) WHERE revoked_us IS NULL;
CREATE TABLE access_rule(
  name TEXT PRIMARY KEY CHECK(name = 'require_key'), set_by TEXT NOT NULL, set_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
