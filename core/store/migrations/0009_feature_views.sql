-- Declared feature views: each saved content is a version, never changed.
CREATE TABLE feature_view(
  name TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, spec TEXT NOT NULL CHECK(json_valid(spec)),
  created_us INTEGER NOT NULL, PRIMARY KEY(name, version), UNIQUE(name, sha256)) STRICT;
