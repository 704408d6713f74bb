//! Lines of log groups: `FilterLogEvents`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use deployer_core::{Cause, Failure};
use deployer_engine::{Cursor, Found, Line, LogPage, LogQuery, Logs, Order, Result};
use deployer_kinds::LogGroup;
use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::Aws;
use crate::logs;
use crate::missing::Required;
use crate::send::unless_gone;

/// Where lines are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) group: String,
    pub(crate) streams: Streams,
}

/// Which streams of a log group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Streams {
    All,
    /// Those whose names begin like this.
    Beginning(String),
    /// This one, which is there as soon as something has been written to it.
    Named(String),
}

/// A log group knows no tasks, only streams; those that ECS writes say which task and container.
impl Logs<Aws> for LogGroup {
    async fn log(aws: &Aws, live: &Found<Self>, query: &LogQuery) -> Result<LogPage> {
        let source = Source { group: live.output.id.clone(), streams: Streams::All };
        let mut page = page(aws, &[source], query).await?;
        page.lines.retain(|line| {
            let is_of_task = query.tasks.is_empty()
                || line.task.as_ref().is_some_and(|task| query.tasks.contains(task));
            is_of_task && (query.container.is_none() || line.container == query.container)
        });
        Ok(page)
    }
}

/// One page of each source that has more, together in the order that is asked for.
pub(crate) async fn page(aws: &Aws, sources: &[Source], query: &LogQuery) -> Result<LogPage> {
    let tokens = match &query.after {
        Some(cursor) => read(cursor)?,
        None => (0..sources.len()).map(|source| (source, None)).collect(),
    };
    let pages = tokens.into_iter().filter_map(|(at, token)| {
        let source = sources.get(at)?;
        Some(async move { Ok((at, of_source(aws, source, query, token).await?)) })
    });
    let (mut lines, mut next) = (Vec::new(), Tokens::new());
    for (at, (found, token)) in try_join_all(pages).await? {
        lines.extend(found);
        next.extend(token.map(|token| (at, Some(token))));
    }
    match query.order {
        Order::OldestFirst => lines.sort_by_key(|line| line.at),
        Order::NewestFirst => lines.sort_by_key(|line| Reverse(line.at)),
    }
    Ok(LogPage { lines, next: (!next.is_empty()).then(|| write(&next)) })
}

/// CloudWatch's token of each source that has more lines; none before its first page.
type Tokens = BTreeMap<usize, Option<String>>;

fn write(tokens: &Tokens) -> Cursor {
    Cursor(serde_json::to_string(tokens).expect("numbers and texts have a JSON form"))
}

fn read(cursor: &Cursor) -> Result<Tokens> {
    serde_json::from_str(&cursor.0).map_err(|error| {
        Failure::new(Cause::Refused, "find the place to go on from", error.to_string())
    })
}

/// A page of one source, and the token of the next. An empty page may have a next one.
async fn of_source(
    aws: &Aws,
    source: &Source,
    query: &LogQuery,
    token: Option<String>,
) -> Result<(Vec<Line>, Option<String>)> {
    let mut request = aws
        .logs
        .filter_log_events()
        .log_group_name(&source.group)
        .set_start_time(query.since.map(Timestamp::as_millisecond))
        .set_end_time(query.until.map(Timestamp::as_millisecond))
        .set_filter_pattern(query.containing.as_deref().map(pattern))
        .set_limit(query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
        .set_next_token(token);
    if query.order == Order::NewestFirst {
        request = request.start_from_head(false);
    }
    request = match &source.streams {
        Streams::All => request,
        Streams::Beginning(prefix) => request.log_stream_name_prefix(prefix),
        Streams::Named(stream) => request.log_stream_names(stream),
    };
    let answer =
        aws.send(&logs::FILTER_LOG_EVENTS, "read the log", || request.clone().send()).await;
    let answer = match &source.streams {
        // There is none before the first line.
        Streams::Named(_) => unless_gone(answer)?,
        Streams::All | Streams::Beginning(_) => Some(answer?),
    };
    let Some(answer) = answer else { return Ok((Vec::new(), None)) };
    let lines = answer.events().iter().map(line).collect::<Result<_>>()?;
    Ok((lines, answer.next_token.filter(|token| !token.is_empty())))
}

/// A pattern that a line fits which contains the text as it is (CloudWatch Logs user guide, "Filter
/// pattern syntax": in double quotes, with a backslash before those of the text).
fn pattern(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn line(event: &FilteredLogEvent) -> Result<Line> {
    let at = event.timestamp().and_then(|at| Timestamp::from_millisecond(at).ok());
    let stream = event.log_stream_name().required("the stream of a line")?;
    let (container, task) = writer(stream).unzip();
    Ok(Line {
        id: event.event_id().required("the id of a line")?.to_owned(),
        at: at.required("the time of a line")?,
        task,
        container,
        stream: stream.to_owned(),
        text: event.message().unwrap_or_default().trim_end_matches(['\r', '\n']).to_owned(),
    })
}

/// Container and task whose stream it is: `prefix/container/task` where ECS writes it. The ids of
/// tasks are 32 hexadecimal digits (ECS developer guide, "Amazon Resource Names and IDs").
fn writer(stream: &str) -> Option<(String, String)> {
    let (rest, task) = stream.rsplit_once('/')?;
    let (_, container) = rest.rsplit_once('/')?;
    let is_id = task.len() == 32 && task.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| (container.to_owned(), task.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_ecs_says_who_wrote_it_and_others_do_not() {
        let id = "0123456789abcdef0123456789abcdef";
        let found = writer(&format!("a/b/web/{id}"));
        assert_eq!(found, Some(("web".to_owned(), id.to_owned())));
        for other in ["2026/08/02/[$LATEST]0123456789abcdef0123456789abcdef", id, "a/b/c"] {
            assert_eq!(writer(other), None, "{other}");
        }
    }

    #[test]
    fn a_text_is_looked_for_as_it_is() {
        assert_eq!(pattern(r#"say "a\b" -x ?"#), r#""say \"a\\b\" -x ?""#);
    }

    #[test]
    fn the_place_to_go_on_from_is_written_and_read_again() {
        let tokens = Tokens::from([(0, Some("one".to_owned())), (3, None)]);
        assert_eq!(read(&write(&tokens)), Ok(tokens));
        assert!(read(&Cursor("nonsense".to_owned())).is_err());
    }
}
