CREATE TABLE jobs (
    name VARCHAR(200) NOT NULL PRIMARY KEY,
    run_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    attempts BIGINT NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX jobs_by_time ON jobs (run_at);

ALTER TABLE notebooks ADD COLUMN digest TEXT;

CREATE INDEX notes_by_edit ON notes (updated_at);
