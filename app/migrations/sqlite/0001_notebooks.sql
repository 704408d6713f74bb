CREATE TABLE notebooks (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE notes (
    id TEXT NOT NULL PRIMARY KEY,
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    idempotency_key TEXT
);

CREATE INDEX notes_by_notebook ON notes (notebook_id, id);
CREATE UNIQUE INDEX notes_by_key ON notes (notebook_id, idempotency_key);

INSERT INTO notebooks (id, title, created_at) VALUES ('home', 'Notes for everyone', 0);
