-- Schedules that nobody can read, and what work costs.
-- Why a schedule was set aside by the planner; NULL where it was not.
ALTER TABLE schedule ADD COLUMN trouble TEXT;
-- Millionths of the currency that all attempts of a run have cost, at the price of their time; NULL before the first.
ALTER TABLE run ADD COLUMN cost_micros INTEGER;
ALTER TABLE cpu_spent ADD COLUMN cost_micros INTEGER NOT NULL DEFAULT 0;
