//! A panic ends the process at once, in whichever thread it happens. Others would wait for that
//! thread for ever; and what it did not look at could be what matters, so there is no verdict.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::Once;
use std::thread;

use raft_model::search::disk::DiskError;
use raft_model::search::peers::Silent;

use super::exit::Exit;

/// From now on.
pub(super) fn ends_the_process() {
    // Of several threads that panic the first is told of; the others wait here for the end.
    static FIRST: Once = Once::new();
    panic::set_hook(Box::new(|panic| {
        FIRST.call_once(|| {
            let (says, exit) = match lost_process(panic.payload()) {
                _ if let Some(error) = panic.payload().downcast_ref::<DiskError>() => {
                    (error.to_string(), Exit::Unusable)
                }
                Some(why) => (format!("{why}: there is no verdict"), Exit::NoVerdict),
                None => (told(panic), Exit::Panicked),
            };
            let over_the_progress = if io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
            let _ = writeln!(io::stderr(), "{over_the_progress}error: {says}");
            process::exit(exit as i32);
        });
    }));
}

/// Whether that is how a search learns that another process is gone, which is no mistake of ours.
fn lost_process(payload: &(dyn Any + Send)) -> Option<String> {
    if let Some(Silent { seconds }) = payload.downcast_ref() {
        return Some(format!("another process has been silent for {seconds} s"));
    }
    let why = words(payload)?.strip_prefix("timely communication error: ")?;
    Some(format!("another process is gone ({why})"))
}

fn words(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref().copied())
}

/// Where and why, and what that means.
fn told(panic: &PanicHookInfo) -> String {
    let why = words(panic.payload()).unwrap_or("it did not say why");
    let thread = thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let backtrace = Backtrace::capture();
    let way = match backtrace.status() {
        BacktraceStatus::Captured => backtrace.to_string(),
        _ => "Set RUST_BACKTRACE=1 to see the calls that led there.".to_owned(),
    };
    format!(
        "a panic, and so no verdict: {why}\n  at {place}, in the thread {thread}\n\
         This program has a mistake, or the protocol as it was edited.\n{way}"
    )
}
