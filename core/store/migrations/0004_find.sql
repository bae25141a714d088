-- Full-text search. `words` repeats what is searched, so that a hit can be shown with what stands around it.
CREATE VIRTUAL TABLE words USING fts5(body, kind UNINDEXED, ref UNINDEXED, at_us UNINDEXED, tokenize = 'unicode61 remove_diacritics 2');
CREATE TABLE words_log(run INTEGER PRIMARY KEY REFERENCES run(id), attempt INTEGER NOT NULL) STRICT;
INSERT INTO words(rowid, body, kind, ref, at_us)
  SELECT 4 * id, title || char(10) || coalesce(postmortem, ''), 'incident', id, detected_us FROM incident;
INSERT INTO words(rowid, body, kind, ref, at_us)
  SELECT 4 * seq + 1, json_extract(data, '$.text'), 'note', incident, at_us FROM event WHERE kind = 'incident.noted';
CREATE TRIGGER incident_words AFTER INSERT ON incident BEGIN
  INSERT INTO words(rowid, body, kind, ref, at_us)
    VALUES (4 * new.id, new.title || char(10) || coalesce(new.postmortem, ''), 'incident', new.id, new.detected_us);
END;
CREATE TRIGGER incident_words_again AFTER UPDATE OF title, postmortem ON incident BEGIN
  UPDATE words SET body = new.title || char(10) || coalesce(new.postmortem, '') WHERE rowid = 4 * new.id;
END;
CREATE TRIGGER note_words AFTER INSERT ON event WHEN new.kind = 'incident.noted' BEGIN
  INSERT INTO words(rowid, body, kind, ref, at_us)
    VALUES (4 * new.seq + 1, json_extract(new.data, '$.text'), 'note', new.incident, new.at_us);
END;
