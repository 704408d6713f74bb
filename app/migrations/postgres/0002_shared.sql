CREATE TABLE sessions (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    content TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE counters (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    total BIGINT NOT NULL
);

INSERT INTO counters (name, total) VALUES ('visitors', 0);
