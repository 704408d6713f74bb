-- What a search looks at. An older version, which knows nothing of it, leaves it out.
ALTER TABLE notes ADD COLUMN folded TEXT;
