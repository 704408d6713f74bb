CREATE TABLE jobs (
    name TEXT NOT NULL PRIMARY KEY,
    run_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);

CREATE INDEX jobs_by_time ON jobs (run_at);

ALTER TABLE notebooks ADD COLUMN digest TEXT;

CREATE INDEX notes_by_edit ON notes (updated_at);
