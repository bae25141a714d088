-- When a person last said that a queued change is still meant; NULL where nobody had to.
ALTER TABLE outbox ADD COLUMN confirmed_us INTEGER;
