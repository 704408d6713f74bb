CREATE TABLE notebooks (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    title VARCHAR(200) NOT NULL,
    created_at BIGINT NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE notes (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    notebook_id VARCHAR(64) NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    idempotency_key VARCHAR(100),
    FOREIGN KEY (notebook_id) REFERENCES notebooks (id) ON DELETE CASCADE,
    INDEX notes_by_notebook (notebook_id, id),
    UNIQUE INDEX notes_by_key (notebook_id, idempotency_key)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO notebooks (id, title, created_at) VALUES ('home', 'Notes for everyone', 0);
