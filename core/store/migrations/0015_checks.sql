-- Who changed a contract and why; the report of a refused file, and who let it in or dropped it.
ALTER TABLE contract ADD COLUMN saved_by TEXT NOT NULL DEFAULT '';
ALTER TABLE contract ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE quarantine ADD COLUMN report TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(report));
ALTER TABLE quarantine ADD COLUMN ended TEXT CHECK(json_valid(ended));
ALTER TABLE snapshot ADD COLUMN waived TEXT CHECK(json_valid(waived));
ALTER TABLE quarantine ADD COLUMN delimiter TEXT;
