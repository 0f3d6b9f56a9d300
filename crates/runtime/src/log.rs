//! The log: to standard error one plain line for what a user should know, to a file lines as runc writes them.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::command_line::{Global, LogFormat};
use crate::error::{Error, Trying};

/// Where the log goes, and how: what a child process needs to write to the same one.
#[derive(Debug)]
pub(crate) struct Log {
    file: Option<Arc<File>>,
    options: Options,
}

/// The part of [`Log`] that is not a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Options {
    /// Also what only helps to find a fault.
    debug: bool,
    /// Whether the log goes to a file.
    to_file: bool,
    /// Whether lines in a file are JSON.
    json: bool,
}

impl Options {
    /// Whether the log goes to a file, and not to standard error.
    pub(crate) fn to_file(self) -> bool {
        self.to_file
    }
}

impl Log {
    /// Whether the log does not go to standard error.
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// What a child must be told.
    pub(crate) fn options(&self) -> Options {
        self.options
    }

    /// The file, for a child.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(|file| file.as_fd())
    }
}

/// Starts logging in the runtime's own process.
pub(crate) fn start(global: &Global) -> Result<Log, Error> {
    let file = match &global.log {
        None => None,
        Some(path) => {
            Some(Arc::new(OpenOptions::new().append(true).create(true).open(path).trying_on("open", path)?))
        }
    };
    // What guests call is logged at the level of debugging.
    let debug = global.debug || global.strace;
    let options = Options { debug, to_file: file.is_some(), json: global.log_format == LogFormat::Json };
    install(file.clone(), options, "casemate");
    Ok(Log { file, options })
}

/// Starts logging in a child, to the file that it was handed.
pub(crate) fn resume(options: Options, file: Option<OwnedFd>, process: &'static str) {
    install(file.map(|fd| Arc::new(File::from(fd))), options, process);
}

fn install(file: Option<Arc<File>>, options: Options, process: &'static str) {
    let level = match (options.debug, options.to_file) {
        (true, _) => LevelFilter::DEBUG,
        (false, true) => LevelFilter::INFO,
        (false, false) => LevelFilter::WARN,
    };
    let style = match (options.to_file, options.json) {
        (false, _) => Style::Plain,
        (true, false) => Style::Text,
        (true, true) => Style::Json,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).event_format(Lines { style, process });
    // Fails only if something was installed before, which then goes on.
    let _ = match file {
        Some(file) => tracing::subscriber::set_global_default(builder.with_writer(file).finish()),
        None => tracing::subscriber::set_global_default(builder.with_writer(std::io::stderr).finish()),
    };
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Text,
    Json,
}

struct Lines {
    style: Style,
    process: &'static str,
}

/// The message, with all other fields appended as ` name=value`.
#[derive(Default)]
struct Sentence(String);

impl Visit for Sentence {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        _ => "debug",
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut sentence = Sentence::default();
        event.record(&mut sentence);
        let level = level_name(*event.metadata().level());
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        match self.style {
            Style::Plain if level == "debug" => writeln!(out, "{}: {}", self.process, sentence.0),
            Style::Plain => writeln!(out, "{}: {level}: {}", self.process, sentence.0),
            Style::Text => {
                writeln!(out, "time={time:?} level={level} process={} msg={:?}", self.process, sentence.0)
            }
            Style::Json => {
                let line = serde_json::json!({
                    "time": time, "level": level, "process": self.process, "msg": sentence.0,
                });
                writeln!(out, "{line}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(style: Style) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let lines = Lines { style, process: "sentry" };
        let file = Arc::new(File::create(&path).unwrap());
        let subscriber = tracing_subscriber::fmt().event_format(lines).with_writer(file).finish();
        tracing::subscriber::with_default(subscriber, || tracing::warn!(fd = 3, "odd \"thing\""));
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn lines_are_as_runc_writes_them() {
        let json: serde_json::Value = serde_json::from_str(&logged(Style::Json)).unwrap();
        assert_eq!(json["level"], "warning");
        assert_eq!(json["msg"], "odd \"thing\" fd=3");
        assert!(json["time"].as_str().unwrap().ends_with('Z'));
        assert!(logged(Style::Text).contains(r#"level=warning process=sentry msg="odd \"thing\" fd=3""#));
    }

    #[test]
    fn standard_error_gets_plain_lines() {
        assert_eq!(logged(Style::Plain), "sentry: warning: odd \"thing\" fd=3\n");
    }
}
