-- Aggregates of feature views: what was materialised offline (Parquet blobs) and the recent values of each key online.
CREATE TABLE materialisation(
  view TEXT NOT NULL, version INTEGER NOT NULL, aggregate TEXT NOT NULL, from_us INTEGER NOT NULL,
  to_us INTEGER NOT NULL CHECK(to_us > from_us), blob TEXT NOT NULL, rows INTEGER NOT NULL, late INTEGER NOT NULL,
  newest_us INTEGER, created_us INTEGER NOT NULL, PRIMARY KEY(view, version, aggregate, to_us),
  FOREIGN KEY(view, version) REFERENCES feature_view(name, version)) STRICT;
CREATE TABLE online_value(
  view TEXT NOT NULL, version INTEGER NOT NULL, aggregate TEXT NOT NULL, key TEXT NOT NULL,
  history TEXT NOT NULL CHECK(json_valid(history)), PRIMARY KEY(view, version, aggregate, key)) STRICT, WITHOUT ROWID;
