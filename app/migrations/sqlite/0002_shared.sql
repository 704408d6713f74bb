CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    total BIGINT NOT NULL
);

INSERT INTO counters (name, total) VALUES ('visitors', 0);
