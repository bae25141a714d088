-- Folders whose files are taken in as they are dropped there.
CREATE TABLE drop_folder(
  path TEXT PRIMARY KEY, dataset TEXT NOT NULL, quiet_us INTEGER NOT NULL, added_us INTEGER NOT NULL) STRICT;
