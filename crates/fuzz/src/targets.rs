// SPDX-License-Identifier: Apache-2.0
//! What reads: one function for each format. What it returns does not matter.

use artifact::runners::Runners;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;
use toolkit::{Runner, text, xml};
use vaccel_fetch::compression::Compression as Form;
use vaccel_fetch::unpack::Limits;
use vaccel_lint::definition::{Format, Read};
use vaccel_lint::read::Original;

/// A format.
pub struct Target {
    /// The name of its folder in the corpus.
    pub name: &'static str,
    /// Reads it.
    pub read: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "build-record", read: |bytes| drop(artifact::BuildRecord::parse(bytes)) },
    Target { name: "checkstyle", read: |bytes| linter_output(bytes, "checkstyle") },
    Target {
        name: "cobertura",
        read: |bytes| with_text(bytes, |text| drop(vaccel_build::coverage::Coverage::parse(text))),
    },
    Target { name: "compiler-output", read: compiler_output },
    Target { name: "diff", read: |bytes| linter_output(bytes, "diff") },
    Target { name: "dist-record", read: |bytes| drop(artifact::DistRecord::parse(bytes)) },
    Target { name: "elf", read: elf },
    Target { name: "examples-report", read: |bytes| drop(artifact::ExampleReport::parse(bytes)) },
    Target {
        name: "examples-toml",
        read: |bytes| with_text(bytes, |text| drop(vaccel_run_examples::manifest::Manifest::parse(text))),
    },
    Target { name: "json-diagnostics", read: |bytes| linter_output(bytes, "json") },
    Target { name: "clang-tidy", read: |bytes| linter_output(bytes, "clang-tidy") },
    Target { name: "formatted", read: |bytes| linter_output(bytes, "formatted") },
    Target { name: "junit", read: |bytes| with_text(bytes, |text| drop(vaccel_build::junit::parse(text))) },
    Target { name: "line-diagnostics", read: |bytes| linter_output(bytes, "regex") },
    Target { name: "manifest", read: |bytes| drop(artifact::Manifest::parse(bytes)) },
    Target { name: "minisign-key", read: |bytes| with_text(bytes, |text| drop(text.parse::<registry::PublicKey>())) },
    Target { name: "names", read: names },
    Target { name: "plan", read: |bytes| drop(serde_json::from_slice::<artifact::Plan>(bytes)) },
    Target { name: "runners-toml", read: runners },
    Target { name: "sarif", read: |bytes| linter_output(bytes, "sarif") },
    Target { name: "sha256sums", read: |bytes| with_text(bytes, |text| drop(artifact::sha256sums::parse(text))) },
    Target { name: "script-output", read: script_output },
    Target { name: "summary", read: summary },
    Target { name: "tar", read: tar },
    Target { name: "vaccel-ci-toml", read: settings },
    Target { name: "xml", read: |bytes| with_text(bytes, |text| drop(xml::parse(text))) },
];

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn with_text(bytes: &[u8], read: impl FnOnce(&str)) {
    read(&String::from_utf8_lossy(bytes));
}

/// What a linter prints, read by one of the definitions that have such a format.
fn linter_output(bytes: &[u8], format: &str) {
    static READS: LazyLock<Vec<Read>> = LazyLock::new(|| {
        let shipped = vaccel_lint::catalogue::merged(&BTreeMap::new()).unwrap_or_default();
        let own = ["checkstyle", "diff", "sarif"]
            .iter()
            .filter_map(|name| toml::from_str(&format!("format = '{name}'")).ok());
        shipped.into_iter().filter_map(|linter| linter.read).chain(own).collect()
    });
    let name = |read: &Read| match read.format {
        Format::Sarif => "sarif",
        Format::Json(_) => "json",
        Format::Regex { .. } => "regex",
        Format::Checkstyle => "checkstyle",
        Format::ClangTidy => "clang-tidy",
        Format::Diff => "diff",
        Format::Formatted => "formatted",
    };
    let reads: Vec<_> = READS.iter().filter(|read| name(read) == format).collect();
    // The same input always meets the same reader.
    let Some(read) = bytes.len().checked_rem(reads.len()).and_then(|at| reads.get(at)) else { return };
    let original = Original { path: Path::new("a.c"), bytes: b"int main(void) { return 0; }\n" };
    drop(vaccel_lint::read::read(read, bytes, bytes, Some(original)));
    drop(vaccel_lint::read::errors(read, bytes));
}

fn compiler_output(bytes: &[u8]) {
    let mut diagnostics = vaccel_build::diagnostics::Diagnostics::new("/work", ["/work/build".into()]);
    with_text(bytes, |text| text.lines().for_each(|line| diagnostics.read(line)));
    diagnostics.annotate(&Runner::recording([("GITHUB_ACTIONS", "true")]).0);
}

/// TAP, traces and plain output, as a script of examples prints them.
#[expect(clippy::default_trait_access, reason = "the type has no public name")]
fn script_output(bytes: &[u8]) {
    use vaccel_run_examples::recorder::Source;
    use vaccel_run_examples::recorder::{Ending, Recorder};
    use vaccel_run_examples::trace::{Known, Tracer};
    let now = Instant::now();
    let tracer = Tracer::new(Path::new("/work"), Path::new("/work/install/usr"), &[], Default::default());
    let mut recorder = Recorder::new(now).with_tracer(tracer);
    with_text(bytes, |text| text.lines().for_each(|line| recorder.line(line, Source::Both, now, || 0)));
    let (script, ending) = (Default::default(), Ending::Status(1));
    let known = Known { script: &script, events: &[], ending: &ending, watched: None, blind: None };
    drop(recorder.finish("run-examples.sh", known, now));
}

fn elf(bytes: &[u8]) {
    if let Ok(mut file) = tempfile::tempfile()
        && file.write_all(bytes).and_then(|()| file.rewind()).is_ok()
    {
        drop(vaccel_stage_artifacts::tree::elf::Elf::read(file));
    }
}

fn tar(bytes: &[u8]) {
    let unpack = || -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let archive = folder.path().join("a.tar.gz");
        let mut encoder = GzEncoder::new(std::fs::File::create(&archive)?, Compression::none());
        encoder.write_all(bytes)?;
        encoder.finish()?;
        let limits = Limits { entries: 1000, bytes: 16 * 1024 * 1024 };
        drop(vaccel_fetch::unpack::unpack(&archive, Form::Gzip, &folder.path().join("target"), limits));
        Ok(())
    };
    drop(unpack());
}

fn runners(bytes: &[u8]) {
    with_text(bytes, |text| {
        if toolkit::check_toml(text).is_ok() {
            drop(Runners::parse("runners.toml", text));
        }
    });
}

fn settings(bytes: &[u8]) {
    with_text(bytes, |text| {
        if let Ok(settings) = vaccel_lint::settings::Settings::parse(text) {
            drop(format!("{settings:?}"));
        }
        if toolkit::check_toml(text).is_ok() {
            drop(text.parse::<toml::Table>());
        }
    });
}

/// Values that travel as inputs, file names and references.
fn names(bytes: &[u8]) {
    with_text(bytes, |text| {
        for line in text.lines() {
            drop(line.parse::<artifact::Version>());
            drop(artifact::Version::from_tag(line));
            drop(line.parse::<artifact::RefName>());
            drop(line.parse::<artifact::PackageName>());
            drop(line.parse::<artifact::FileName>());
            drop(line.parse::<artifact::Sha256>());
            drop(line.parse::<artifact::Timestamp>());
            drop(line.parse::<registry::Requirement>());
            drop(line.parse::<toolkit::PassEnv>());
        }
    });
}

/// Foreign text on its way to people.
fn summary(bytes: &[u8]) {
    with_text(bytes, |foreign| {
        let (runner, _) = Runner::recording([("GITHUB_ACTIONS", "true")]);
        runner.info(foreign);
        runner.warning(foreign);
        drop(text::visible(foreign));
        drop(toolkit::markdown::escape(foreign));
    });
}
