"""Data from a file to an immutable snapshot: read, profile, hold against the contract, keep or quarantine."""
