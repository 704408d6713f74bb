//! The repository, on any of the SQL databases.

use std::{iter, path::PathBuf};

use async_trait::async_trait;
use sqlx::error::DatabaseError;

use super::{
    migrations,
    model::{Added, Body, IdempotencyKey, Note, Notebook, Page, PageRequest, Title},
    repository::{DataError, Repository, SOME},
    sql::{Pool, Value},
};
use crate::clock;

/// Stores notes in a SQL database.
#[derive(Debug, Clone)]
pub struct SqlRepository {
    pub(super) pool: Pool,
    /// The file behind the pool, when there is one: beside it lies the lock for migrations.
    file: Option<PathBuf>,
}

impl SqlRepository {
    pub(super) fn new(pool: Pool, file: Option<PathBuf>) -> Self {
        Self { pool, file }
    }
}

type NoteRow = (String, String, String, i64, i64);
type NotebookRow = (String, String, i64, Option<String>);

fn note((id, notebook_id, body, created_at, updated_at): NoteRow) -> Note {
    Note { id, notebook_id, body, created_at, updated_at }
}

fn notebook((id, title, created_at, digest): NotebookRow) -> Notebook {
    Notebook { id, title, created_at, digest }
}

/// Sorts after every id, so that "before this" means all.
const END: &str = "g";

#[async_trait]
impl Repository for SqlRepository {
    async fn migrate(&self) -> Result<(), DataError> {
        migrations::run(&self.pool, self.file.as_deref()).await
    }

    async fn ready(&self) -> Result<(), DataError> {
        // MySQL notes a migration before it is done.
        let sql = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
        let newest: Vec<(i64,)> = self.pool.fetch(sql, &[]).await?;
        let found = newest.first().map_or(0, |(version,)| *version);
        let needed = migrations::newest(&self.pool);
        if found >= needed {
            return Ok(());
        }
        Err(DataError::Unavailable(format!("it is at migration {found}, {needed} is needed")))
    }

    async fn create_notebook(&self, title: &Title) -> Result<Notebook, DataError> {
        let new = Notebook::new(title);
        let sql = "INSERT INTO notebooks (id, title, created_at) VALUES ($1, $2, $3)";
        let values = [new.id.as_str().into(), new.title.as_str().into(), new.created_at.into()];
        self.pool.execute(sql, &values).await?;
        Ok(new)
    }

    async fn notebook(&self, id: &str) -> Result<Option<Notebook>, DataError> {
        let sql = "SELECT id, title, created_at, digest FROM notebooks WHERE id = $1";
        Ok(self.pool.fetch(sql, &[id.into()]).await?.into_iter().next().map(notebook))
    }

    async fn notebooks(&self, ids: &[String]) -> Result<Vec<Notebook>, DataError> {
        let sql = "SELECT id, title, created_at, digest FROM notebooks \
                   WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        // No id is empty, so what fills the statement up finds nothing.
        let filled = ids.iter().map(String::as_str).chain(iter::repeat(""));
        let values: Vec<_> = filled.take(SOME).map(Value::from).collect();
        Ok(self.pool.fetch(sql, &values).await?.into_iter().map(notebook).collect())
    }

    async fn notes(&self, notebook: &str, request: &PageRequest) -> Result<Page, DataError> {
        let sql = "SELECT id, notebook_id, body, created_at, updated_at FROM notes \
                   WHERE notebook_id = $1 AND id < $2 \
                   AND COALESCE(folded, LOWER(body)) LIKE $3 ESCAPE '!' \
                   ORDER BY id DESC LIMIT $4";
        let values = [
            notebook.into(),
            request.before.as_deref().unwrap_or(END).into(),
            pattern(&folded(request.search.as_deref().unwrap_or_default())).as_str().into(),
            // One more than asked for tells whether there is more.
            (i64::from(request.limit) + 1).into(),
        ];
        let mut notes: Vec<Note> =
            self.pool.fetch(sql, &values).await?.into_iter().map(note).collect();
        let more = notes.len() > usize::from(request.limit);
        notes.truncate(request.limit.into());
        let next = notes.last().filter(|_| more).map(|note| note.id.clone());
        Ok(Page { notes, next })
    }

    async fn note(&self, notebook: &str, id: &str) -> Result<Option<Note>, DataError> {
        let sql = "SELECT id, notebook_id, body, created_at, updated_at FROM notes \
                   WHERE notebook_id = $1 AND id = $2";
        let rows = self.pool.fetch(sql, &[notebook.into(), id.into()]).await?;
        Ok(rows.into_iter().next().map(note))
    }

    async fn add_note(
        &self,
        notebook: &str,
        body: &Body,
        key: Option<&IdempotencyKey>,
    ) -> Result<Added, DataError> {
        let new = Note::new(notebook, body);
        let key = key.map(IdempotencyKey::as_str);
        let sql = "INSERT INTO notes \
                   (id, notebook_id, body, folded, created_at, updated_at, idempotency_key) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = [
            new.id.as_str().into(),
            notebook.into(),
            new.body.as_str().into(),
            folded(&new.body).as_str().into(),
            new.created_at.into(),
            new.updated_at.into(),
            key.into(),
        ];
        let Err(error) = self.pool.execute(sql, &values).await else {
            return Ok(Added::New(new));
        };
        let reason = error.as_database_error();
        if reason.is_some_and(DatabaseError::is_foreign_key_violation) {
            return Ok(Added::NoNotebook);
        }
        if reason.is_some_and(DatabaseError::is_unique_violation) {
            let sql = "SELECT id, notebook_id, body, created_at, updated_at FROM notes \
                       WHERE notebook_id = $1 AND idempotency_key = $2";
            let rows = self.pool.fetch(sql, &[notebook.into(), key.into()]).await?;
            if let Some(row) = rows.into_iter().next() {
                return Ok(Added::Before(note(row)));
            }
        }
        Err(error.into())
    }

    async fn edit_note(
        &self,
        notebook: &str,
        id: &str,
        body: &Body,
        seen: Option<i64>,
    ) -> Result<bool, DataError> {
        let sql = "UPDATE notes SET body = $1, folded = $2, updated_at = $3 \
                   WHERE notebook_id = $4 AND id = $5 AND updated_at BETWEEN $6 AND $7";
        let values = [
            body.as_str().into(),
            folded(body.as_str()).as_str().into(),
            clock::now().into(),
            notebook.into(),
            id.into(),
            seen.unwrap_or(i64::MIN).into(),
            seen.unwrap_or(i64::MAX).into(),
        ];
        Ok(self.pool.execute(sql, &values).await? > 0)
    }

    async fn delete_note(&self, notebook: &str, id: &str) -> Result<bool, DataError> {
        let sql = "DELETE FROM notes WHERE notebook_id = $1 AND id = $2";
        Ok(self.pool.execute(sql, &[notebook.into(), id.into()]).await? > 0)
    }

    async fn save_digest(&self, notebook: &str, digest: &str) -> Result<(), DataError> {
        let sql = "UPDATE notebooks SET digest = $1 WHERE id = $2";
        self.pool.execute(sql, &[digest.into(), notebook.into()]).await?;
        Ok(())
    }

    async fn forget_notes(&self, before: i64) -> Result<u64, DataError> {
        let sql = "DELETE FROM notes WHERE updated_at < $1";
        Ok(self.pool.execute(sql, &[before.into()]).await?)
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

/// Writes a text as it is searched. Databases disagree about what capitals are outside ASCII, so
/// they are not asked.
fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Makes a `LIKE` pattern that finds the text anywhere, taking each of its signs literally.
fn pattern(text: &str) -> String {
    let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{literal}%")
}
