//! What all instances share, in Redis or Valkey.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use redis::{
    AsyncCommands, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{
    repository::DataError,
    shared::{Claim, SESSION_LIFETIME, Session, Shared},
};
use crate::{
    clock::{self, millis},
    settings::CacheSettings,
};

const VISITORS: &str = "notes:visitors";
/// The names of the jobs, sorted by when they may run.
const JOBS: &str = "notes:jobs";
/// How often each job was asked for.
const VERSIONS: &str = "notes:jobs:versions";
/// How often each job was tried.
const ATTEMPTS: &str = "notes:jobs:attempts";

const PATIENCE: Duration = Duration::from_secs(2);

const PUSH: &str = "redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])";

const CLAIM: &str =
    "local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)
if #names == 0 then return false end
redis.call('ZADD', KEYS[1], 'XX', ARGV[2], names[1])
local attempts = redis.call('HINCRBY', KEYS[3], names[1], 1)
return {names[1], tonumber(redis.call('HGET', KEYS[2], names[1]) or 0), attempts}";

const FINISH: &str = "redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2] then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], 'XX', ARGV[3], ARGV[1])
end";

/// Stores what all instances share in a Redis server; reconnects by itself.
pub struct RedisShared {
    client: Client,
    connection: Mutex<ConnectionManager>,
}

impl RedisShared {
    /// Makes the store; the connection is opened when it is needed.
    pub fn new(settings: &CacheSettings) -> Result<Self, DataError> {
        let (host, port) = (settings.host.clone(), settings.port);
        let address = if settings.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut login = RedisConnectionInfo::default();
        if let Some(user) = &settings.user {
            login = login.set_username(user);
        }
        if let Some(password) = &settings.password {
            login = login.set_password(password.reveal());
        }
        let client = Client::open(address.into_connection_info()?.set_redis_settings(login))?;
        Ok(Self { connection: Mutex::new(connection(&client)?), client })
    }

    fn connection(&self) -> ConnectionManager {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands on an answer. When none came in time the connection may be a dead one that nobody
    /// closed, which the library does not notice: the next request gets a new one.
    fn answer<T>(&self, answer: Result<T, RedisError>) -> Result<T, DataError> {
        if answer.as_ref().is_err_and(RedisError::is_timeout) {
            let new = connection(&self.client)?;
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = new;
        }
        Ok(answer?)
    }
}

/// Makes a connection that is opened when it is needed.
fn connection(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

#[async_trait]
impl Shared for RedisShared {
    async fn reachable(&self) -> Result<(), DataError> {
        let answer = redis::cmd("PING").query_async(&mut self.connection()).await;
        self.answer::<String>(answer).map(drop)
    }

    async fn session(&self, id: &str) -> Result<Option<Session>, DataError> {
        let content = self.connection().get(session_key(id)).await;
        let content: Option<String> = self.answer(content)?;
        Ok(content.and_then(|content| serde_json::from_str(&content).ok()))
    }

    async fn save_session(&self, id: &str, session: &Session) -> Result<(), DataError> {
        let content = serde_json::to_string(session)
            .map_err(|error| DataError::Refused(error.to_string()))?;
        let seconds = SESSION_LIFETIME.as_secs();
        self.answer(self.connection().set_ex(session_key(id), content, seconds).await)
    }

    async fn forget_sessions(&self) -> Result<u64, DataError> {
        // Each key carries its own end.
        Ok(0)
    }

    async fn add_visitors(&self, number: i64) -> Result<i64, DataError> {
        self.answer(self.connection().incr(VISITORS, number).await)
    }

    async fn push(&self, job: &str) -> Result<(), DataError> {
        let script = Script::new(PUSH);
        let mut call = script.key(JOBS);
        call.key(VERSIONS).arg(job).arg(clock::now());
        self.answer(call.invoke_async(&mut self.connection()).await)
    }

    async fn claim(&self, lease: Duration) -> Result<Option<Claim>, DataError> {
        let now = clock::now();
        let script = Script::new(CLAIM);
        let mut call = script.key(JOBS);
        call.key(VERSIONS).key(ATTEMPTS).arg(now).arg(now + millis(lease));
        let claimed = call.invoke_async(&mut self.connection()).await;
        let claimed: Option<(String, i64, i64)> = self.answer(claimed)?;
        Ok(claimed.map(|(name, version, attempts)| Claim { name, version, attempts }))
    }

    async fn finish(&self, claim: &Claim) -> Result<(), DataError> {
        let script = Script::new(FINISH);
        let mut call = script.key(JOBS);
        call.key(VERSIONS).key(ATTEMPTS);
        call.arg(&claim.name).arg(claim.version).arg(clock::now());
        self.answer(call.invoke_async(&mut self.connection()).await)
    }

    async fn jobs(&self) -> Result<i64, DataError> {
        self.answer(self.connection().zcard(JOBS).await)
    }
}

fn session_key(id: &str) -> String {
    format!("notes:session:{id}")
}

impl From<RedisError> for DataError {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
                Self::Refused(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
