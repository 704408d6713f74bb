//! Logs on standard output: a JSON object a line, or lines for people.

use tracing_subscriber::EnvFilter;

use crate::settings::LogSettings;

/// Starts to log. A second call in one process changes nothing.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::new(&settings.filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let started = if settings.text {
        lines.try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging had been started before");
    }
}
