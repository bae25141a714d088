-- Schedules that overlap or follow each other, pipelines, limits and quotas.
ALTER TABLE schedule ADD COLUMN overlap TEXT NOT NULL DEFAULT 'queue' CHECK(overlap IN ('queue','skip','cancel'));
ALTER TABLE schedule ADD COLUMN limits TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(limits));
ALTER TABLE schedule ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX schedule_due ON schedule(next_us) WHERE paused = 0;
CREATE INDEX schedule_by_trigger ON schedule(trigger);
ALTER TABLE run ADD COLUMN limits TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(limits));
ALTER TABLE run ADD COLUMN pipeline TEXT;
ALTER TABLE run ADD COLUMN step TEXT;
CREATE INDEX run_open ON run(schedule) WHERE state IN ('planned','claimed');
CREATE INDEX run_running ON run(schedule) WHERE state = 'claimed';
-- A run waits until every run it needs has succeeded.
CREATE TABLE need(
  run INTEGER NOT NULL REFERENCES run(id), needs INTEGER NOT NULL REFERENCES run(id), PRIMARY KEY(run, needs)) STRICT, WITHOUT ROWID;
-- What each model's jobs have used of each UTC day, attempts that crashed included.
CREATE TABLE cpu_spent(
  model TEXT NOT NULL, day_us INTEGER NOT NULL, cpu_ms INTEGER NOT NULL, PRIMARY KEY(model, day_us)) STRICT, WITHOUT ROWID;
-- While there is a row, nothing is planned: the clock has jumped, and a person is to say that it is right.
CREATE TABLE clock_jump(
  one INTEGER PRIMARY KEY CHECK(one = 1), from_us INTEGER NOT NULL, to_us INTEGER NOT NULL) STRICT;
