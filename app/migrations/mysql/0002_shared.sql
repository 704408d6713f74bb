CREATE TABLE sessions (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    content TEXT NOT NULL,
    expires_at BIGINT NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE counters (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    total BIGINT NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO counters (name, total) VALUES ('visitors', 0);
