-- The blob that keeps refused rows that came as no single file; NULL where it is the file itself, by its sha256.
ALTER TABLE quarantine ADD COLUMN blob TEXT;
