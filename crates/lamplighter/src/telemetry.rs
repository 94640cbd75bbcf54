//! Logs, to standard error: journald and container runtimes take them from there.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Starts logging. `RUST_LOG` sets the levels; the SDK's own layers never log below `info`, because their debug
/// output holds requests, and requests may hold secrets.
pub(crate) fn start(format: LogFormat, default_level: &str) {
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level));
    for quiet in ["aws_config", "aws_runtime", "aws_smithy_runtime", "aws_smithy_http_client", "hyper", "h2"]
    {
        if let Ok(directive) = format!("{quiet}=info").parse() {
            filter = filter.add_directive(directive);
        }
    }
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_coloured())
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}

/// Colours are escape sequences: a journal or a file would keep them as dirt.
fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
