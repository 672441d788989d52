// SPDX-License-Identifier: Apache-2.0
//! What an action says and where: to GitHub's runner through its protocol, or to a person.
//!
//! Under GitHub everything goes to standard output, the only stream whose order against commands
//! is certain. Elsewhere the story goes to standard error and results to standard output.

use crate::command::Command;
use crate::guard::Guard;
use crate::supervisor::{self, Supervisor, Survivors};
use crate::text::{visible, visible_or_coloured};
use crate::{Annotation, Failure, Outputs, Result, ResultExt, file_command};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// GitHub shows at most this much of one step's summary.
const SUMMARY_LIMIT: usize = 1024 * 1024;

/// Why code of the repository could not be kept apart from the runner.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The guard could not be set up.
    #[error("failed to prepare for code of the repository")]
    Prepare(#[source] io::Error),
    /// The runner's files could not be restored.
    #[error("failed to restore the runner's files")]
    Restore(#[source] io::Error),
    /// Later steps would start something else.
    #[error("code of the repository changed what later steps start: {}", .0.join(", "))]
    Programs(Vec<String>),
    /// A process goes on.
    #[error(transparent)]
    Survivors(#[from] Survivors),
}

/// The runner that executes this step, or the person who runs it by hand.
pub struct Runner {
    github: bool,
    colour: bool,
    environment: BTreeMap<String, String>,
    story: Mutex<Box<dyn Write + Send>>,
    /// Closed as soon as code of the repository runs.
    guard: Mutex<Option<Guard>>,
}

impl Runner {
    /// The surroundings of this process.
    pub fn detect() -> Self {
        // Variables that are not UTF-8 are none of the protocol's.
        let environment: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let github = environment.get("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let colour = !github && io::stderr().is_terminal() && !environment.contains_key("NO_COLOR");
        let story: Box<dyn Write + Send> = if github { Box::new(io::stdout()) } else { Box::new(io::stderr()) };
        Self { github, colour, environment, story: Mutex::new(story), guard: Mutex::default() }
    }

    /// A runner for tests: this environment, and the story in the returned buffer.
    pub fn recording<const N: usize>(environment: [(&str, &str); N]) -> (Self, Recording) {
        let environment: BTreeMap<String, String> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let recording = Recording::default();
        let github = environment.get("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let story: Box<dyn Write + Send> = Box::new(recording.clone());
        (Self { github, colour: false, environment, story: Mutex::new(story), guard: Mutex::default() }, recording)
    }

    /// Whether this is a step of GitHub Actions (or of act).
    pub fn is_github(&self) -> bool {
        self.github
    }

    /// Whether a person watches a terminal, so that progress may be drawn.
    pub fn is_terminal(&self) -> bool {
        !self.github && io::stderr().is_terminal()
    }

    /// Whether text may be coloured: a person watches a terminal, and did not set `NO_COLOR`.
    pub fn has_colour(&self) -> bool {
        self.colour
    }

    /// A variable of the environment; an empty one counts as absent, as GitHub means it.
    pub fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Writes bytes of a program's output, as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut story = self.story.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that went away must not end the work.
        let _ = story.write_all(bytes).and_then(|()| story.flush());
    }

    fn line(&self, text: &str) {
        self.raw(format!("{text}\n").as_bytes());
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Sends a workflow command; a person sees nothing.
    pub fn command(&self, command: &Command) {
        if self.github {
            // The order of markers is the order of lines.
            let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
            match guard.as_mut().map(|guard| guard.wrap(command)) {
                Some(Some(wrapped)) => self.raw(wrapped.as_bytes()),
                // Without random numbers the commands stay off; the text is not lost.
                Some(None) => self.line(&format!("| {command}")),
                None => self.line(&command.to_string()),
            }
        }
    }

    /// Does work that runs code of the repository: from here to the end of the step output is not read as commands,
    /// except for our own. Afterwards nothing that the code started is left, and the runner's files are as they were.
    pub fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, GuardError> {
        let session = Supervisor::start().map_err(GuardError::Prepare)?;
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        if self.github && guard.is_none() {
            let (closed, line) = Guard::close(|name| self.env(name)).map_err(GuardError::Prepare)?;
            self.raw(line.as_bytes());
            *guard = Some(closed);
        }
        drop(guard);
        let result = work();
        self.restore(session.finish())?;
        Ok(result)
    }

    /// Reports what was left behind, and undoes what happened to the runner's files.
    fn restore(&self, swept: Result<Vec<String>, Survivors>) -> Result<(), GuardError> {
        let (left, survivors) = swept.map_or_else(|survivors| (Vec::new(), Some(survivors)), |left| (left, None));
        if !left.is_empty() {
            let (what, were) = if left.len() == 1 { ("a process", "was") } else { ("processes", "were") };
            let left = left.join(", ");
            self.warning(&format!("code of the repository left {what} behind, which {were} terminated: {left}"));
        }
        let guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = guard.as_ref().map_or_else(|| Ok(Vec::new()), Guard::restore).map_err(GuardError::Restore)?;
        let programs = guard.as_ref().map(Guard::changed_programs).unwrap_or_default();
        drop(guard);
        for name in changed {
            self.warning(&format!("code of the repository wrote to the runner's command file {name}; that was undone"));
        }
        match survivors {
            Some(survivors) => Err(survivors.into()),
            None if programs.is_empty() => Ok(()),
            None => Err(GuardError::Programs(programs)),
        }
    }

    /// The end of an action: nothing of the repository is left, and nobody but us has written to the runner's files.
    pub(crate) fn finish(&self) -> Result<(), GuardError> {
        if supervisor::is_unused() {
            return Ok(());
        }
        let session = Supervisor::start().map_err(GuardError::Prepare)?;
        self.restore(session.finish())
    }

    /// Appends to one of the runner's files.
    fn append(&self, file: &Path, text: &str) -> Result<(), file_command::FileCommandError> {
        file_command::append(file, text)?;
        if let Some(guard) = self.guard.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            guard.appended(file, text);
        }
        Ok(())
    }

    /// Tells something. A line that would be a workflow command is defused.
    pub fn info(&self, text: &str) {
        for line in visible_or_coloured(text, self.colour).lines() {
            let command = self.github && (line.trim_start().starts_with("::") || line.contains("##["));
            // The runner takes commands at the start of a line only; `##[` anywhere.
            self.line(&if command { format!("| {}", line.replace("##[", "#_[")) } else { line.to_owned() });
        }
    }

    /// Names the step that begins.
    pub fn step(&self, text: &str) {
        self.info(&self.styled("1", &format!("==> {}", visible(text))));
    }

    /// Folds what follows under a title until the returned value is dropped.
    pub fn group(&self, title: &str) -> Group<'_> {
        if self.github {
            self.command(&Command::new("group", title));
        } else {
            self.step(title);
        }
        Group(self)
    }

    /// Shows an annotation.
    pub fn annotate(&self, annotation: &Annotation) {
        if self.github {
            self.command(&annotation.command());
        } else {
            let code = match annotation.level {
                crate::Level::Error => "31",
                crate::Level::Warning => "33",
                crate::Level::Notice => "36",
            };
            self.line(&self.styled(code, &annotation.to_string()));
        }
    }

    /// A warning about no particular place.
    pub fn warning(&self, message: &str) {
        self.annotate(&Annotation::warning(message));
    }

    /// Masks a value in the log, line by line.
    pub fn mask(&self, secret: &str) {
        for line in secret.lines().filter(|line| !line.trim().is_empty()) {
            self.command(&Command::new("add-mask", line));
        }
    }

    /// Appends Markdown to the job summary; a person reads it on standard error.
    pub fn summary(&self, markdown: &str) -> Result<()> {
        let Some(file) = self.command_file("GITHUB_STEP_SUMMARY") else {
            if !self.github {
                self.line(&format!("\n{}", visible(markdown.trim_end())));
            }
            return Ok(());
        };
        let written = std::fs::metadata(&file).map_or(0, |meta| usize::try_from(meta.len()).unwrap_or(usize::MAX));
        let room = SUMMARY_LIMIT.saturating_sub(written);
        let text = format!("{}\n\n", visible(markdown.trim_end()));
        if text.len() > room {
            self.warning("the job summary is full; a part of it was left out");
            return Ok(());
        }
        self.append(&file, &text).context("failed to write the job summary")
    }

    /// Sets an environment variable for the steps that follow.
    pub fn set_env(&self, name: &str, value: &str) -> Result<()> {
        match self.command_file("GITHUB_ENV") {
            Some(file) => Ok(self.append(&file, &file_command::value(name, value)?)?),
            None => Ok(()),
        }
    }

    /// Puts a folder in front of `PATH` for the steps that follow.
    pub fn add_path(&self, folder: &Path) -> Result<()> {
        match self.command_file("GITHUB_PATH") {
            Some(file) => Ok(self.append(&file, &file_command::line(&folder.display().to_string())?)?),
            None => Ok(()),
        }
    }

    /// Writes the outputs: to the runner's file, or as a table for a person.
    pub fn outputs(&self, outputs: &impl Outputs) -> Result<()> {
        let values = outputs.values();
        if let Some(file) = self.command_file("GITHUB_OUTPUT") {
            for (name, value) in values {
                let text = file_command::value(&name, &value).with_context(|| format!("output {name}"))?;
                self.append(&file, &text).with_context(|| format!("output {name}"))?;
            }
        } else if !self.github {
            let width = values.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            for (name, value) in values {
                self.print(&format!("{name:width$}  {}", value.replace('\n', &format!("\n{:width$}  ", ""))));
            }
        }
        Ok(())
    }

    /// A result for standard output.
    pub fn print(&self, text: &str) {
        if self.github {
            self.info(text);
        } else {
            let _ = writeln!(io::stdout(), "{}", visible(text));
        }
    }

    /// Ends the story of a failed action.
    pub fn fail(&self, title: &str, failure: &Failure) {
        if self.github {
            self.annotate(&Annotation::error(failure.to_string()).title(failure.get_title().unwrap_or(title)));
        } else {
            let text = failure.to_string();
            self.line(&format!("{} {}", self.styled("1;31", "error:"), visible(&text)));
        }
    }

    fn command_file(&self, name: &str) -> Option<PathBuf> {
        if self.github { self.env(name).map(PathBuf::from) } else { None }
    }
}

/// An open group of log lines; dropping it ends the group.
pub struct Group<'a>(&'a Runner);

impl Drop for Group<'_> {
    fn drop(&mut self) {
        self.0.command(&Command::new("endgroup", ""));
    }
}

/// What a recording runner said.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(environment: [(&str, &str); 1]) -> String {
        let (runner, recording) = Runner::recording(environment);
        runner.mask("one\n\ntwo");
        runner.step("Compile");
        {
            let _group = runner.group("Log");
            runner.info("::add-path::/tmp\n ::set-output name=a::b\nplain ##[error]x");
        }
        runner.annotate(&Annotation::warning("unused, or not").at("src/a.c", 3, Some(7)).title("gcc: x"));
        runner.fail("build", &Failure::work("could not compile").help("read above"));
        recording.text()
    }

    #[test]
    fn github_gets_commands() {
        insta::assert_snapshot!(story([("GITHUB_ACTIONS", "true")]), @r"
        ::add-mask::one
        ::add-mask::two
        ==> Compile
        ::group::Log
        | ::add-path::/tmp
        |  ::set-output name=a::b
        | plain #_[error]x
        ::endgroup::
        ::warning file=src/a.c,line=3,col=7,title=gcc%3A x::unused, or not
        ::error title=build::could not compile%0Ahelp: read above
        ");
    }

    #[test]
    fn a_person_gets_sentences() {
        insta::assert_snapshot!(story([("GITHUB_ACTIONS", "")]), @r"
        ==> Compile
        ==> Log
        ::add-path::/tmp
         ::set-output name=a::b
        plain ##[error]x
        src/a.c:3:7: warning: unused, or not
        error: could not compile
        help: read above
        ");
    }

    #[test]
    fn an_empty_variable_is_absent() {
        let (runner, _) = Runner::recording([("GITHUB_HEAD_REF", "")]);
        assert_eq!(runner.env("GITHUB_HEAD_REF"), None);
    }
}
