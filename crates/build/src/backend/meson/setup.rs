// SPDX-License-Identifier: Apache-2.0
//! Setting a build folder up: from nothing, again with other options, or not at all when nothing
//! changed. What a folder was set up with is kept in it, because Meson itself merges old and new.

use super::introspect;
use crate::backend::contract::{Job, NOT_CONFIGURED, explain};
use crate::environment::Environment;
use crate::options::python_quote;
use crate::settings::Settings;
use crate::state::State;
use crate::toolchain::Cache;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt, Tool};

/// The caller's variables that Meson reads once, when it sets a folder up.
const READ_ONCE: [&str; 7] = ["CC", "CXX", "AR", "CC_LD", "CXX_LD", "PKG_CONFIG", "CPPFLAGS"];

/// Options that have an input of their own.
const INPUTS: [(&str, &str); 3] = [("prefix", "prefix"), ("buildtype", "build-type"), ("b_coverage", "coverage")];

/// Where the cross file is in the build folder.
const CROSS_FILE: &str = "vaccel-build.cross";

/// Everything that decides what a build folder is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    source: PathBuf,
    arguments: Vec<String>,
    options: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    /// The text of the cross file.
    #[serde(default)]
    cross: Option<String>,
}

/// The variables that name compilers, and what Meson takes without them.
const COMPILERS: [(&str, [&str; 3]); 2] = [("CC", ["cc", "gcc", "clang"]), ("CXX", ["c++", "g++", "clang++"])];

/// Compilers that Meson must be told of, because of the cache that is wanted or not. It looks for
/// caches by itself where it is told nothing.
fn compilers(settings: &Settings, outer: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    if settings.cross.is_some() {
        return Vec::new();
    }
    let is_cache = |word: &str| Cache::PROGRAMS.iter().any(|name| word.rsplit('/').next() == Some(name));
    let told = COMPILERS.iter().filter_map(|(variable, defaults)| {
        let given = outer(variable).map(|value| {
            let bare = value.split_once(' ').filter(|(first, _)| is_cache(first)).map(|(_, rest)| rest.to_owned());
            (bare.is_some(), bare.unwrap_or(value))
        });
        let compiler = match (settings.cache, given) {
            (Cache::Program(cache), Some((false, compiler))) => format!("{cache} {compiler}"),
            (Cache::Off, Some((_, compiler))) => compiler,
            (Cache::Off, None) => {
                let found = defaults.iter().find(|program| Tool { program, provided_by: "" }.find().is_ok());
                (*found?).to_owned()
            }
            _ => return None,
        };
        Some(((*variable).to_owned(), compiler))
    });
    told.collect()
}

/// What has to be done to a build folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Options,
    Everything,
}

impl Configuration {
    fn new(settings: &Settings, environment: &Environment, outer: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let given = &settings.options;
        for (option, input) in INPUTS {
            if given.get(option).is_some() {
                return Err(Failure::input(format!("the option `{option}` has an input of its own"))
                    .help(format!("set {input} instead")));
            }
        }
        let mut arguments =
            vec![format!("--prefix={}", settings.prefix), format!("--buildtype={}", settings.build_type)];
        let cross = settings.cross.as_ref().map(|cross| {
            arguments.push(format!("--cross-file={}", settings.build.join(CROSS_FILE).display()));
            cross.meson_file(&outer("PKG_CONFIG").unwrap_or_else(|| "pkg-config".to_owned()), settings.cache)
        });
        if settings.werror {
            arguments.push("--werror".to_owned());
        }
        if settings.coverage {
            arguments.push("-Db_coverage=true".to_owned());
        }
        // With relocatable pkg-config files the tree can be used where it is, before it is packaged.
        let mut options =
            BTreeMap::from([("libdir".into(), settings.libdir()), ("pkgconfig.relocatable".into(), "true".into())]);
        options.extend(given.iter().map(|option| (option.name.clone(), option.value.clone())));

        let ours = environment.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let found = READ_ONCE.iter().filter_map(|name| Some(((*name).to_owned(), outer(name)?)));
        let compilers = compilers(settings, &outer);
        // The commit's time changes nothing that Meson keeps.
        let environment = found.chain(ours).chain(compilers).filter(|(name, _)| name != "SOURCE_DATE_EPOCH").collect();
        Ok(Self { source: settings.source.clone(), arguments, options, environment, cross })
    }

    /// The variables that name compilers.
    fn compilers(&self) -> impl Iterator<Item = (&String, &String)> {
        self.environment.iter().filter(|(name, _)| COMPILERS.iter().any(|(variable, _)| variable == name))
    }

    /// What turns a folder set up as `old` into this. An option that is no longer given would keep
    /// its value, and compilers and flags are read only once.
    fn change_from(&self, old: Option<&Self>) -> Change {
        match old {
            Some(old) if old == self => Change::Nothing,
            Some(old)
                if old.source == self.source
                    && old.arguments == self.arguments
                    && old.environment == self.environment
                    && old.cross == self.cross
                    && old.options.keys().all(|name| self.options.contains_key(name)) =>
            {
                Change::Options
            }
            _ => Change::Everything,
        }
    }

    fn command_line(&self) -> impl Iterator<Item = String> {
        let options = self.options.iter().map(|(name, value)| format!("-D{name}={value}"));
        self.arguments.iter().cloned().chain(options)
    }
}

/// Sets the build folder up; says what that took.
pub fn configure(meson: &Path, job: &mut Job) -> Result<String> {
    let build = &job.settings.build;
    let wanted = Configuration::new(job.settings, job.environment, |name| job.runner.env(name))?;
    let is_set_up = build.join("meson-private/coredata.dat").is_file();
    let mut state = State::load(build)?;
    if is_set_up && !state.exists {
        return Err(Failure::input(format!("{} was set up by something else", build.display()))
            .help("remove it, or choose another build-path; its options are not known here"));
    }
    let change = if is_set_up { wanted.change_from(state.configuration().as_ref()) } else { Change::Everything };
    if change == Change::Nothing {
        return Ok("nothing changed".to_owned());
    }
    if change == Change::Everything && is_set_up {
        std::fs::remove_dir_all(build).with_context(|| format!("could not clear {}", build.display()))?;
    }
    // Until Meson is done, nobody knows what the folder holds.
    state.forget_configuration();
    state.save(build)?;
    if let Some(text) = &wanted.cross {
        let file = build.join(CROSS_FILE);
        toolkit::write_file(&file, text.as_bytes())?;
    }
    let mode: &[&str] = if change == Change::Options { &["--reconfigure"] } else { &[] };
    if let Cache::Program(name) = job.settings.cache {
        job.runner.info(&format!("compilers are called through {name}"));
    }
    run(meson, job, &wanted, mode.iter().map(|&argument| argument.to_owned()).chain(wanted.command_line()))?;
    add_missing_flags(meson, job, &wanted)?;
    state.set_configuration(&wanted)?;
    state.save(build)?;
    Ok(match (change, is_set_up) {
        (Change::Options, _) => "options changed".to_owned(),
        (_, true) => "set up again".to_owned(),
        (_, false) => "set up".to_owned(),
    })
}

/// `CFLAGS` and the like lose against the project's own defaults and against options, so what of
/// our flags did not arrive is appended to what won.
fn add_missing_flags(meson: &Path, job: &mut Job, wanted: &Configuration) -> Result<()> {
    let build = &job.settings.build;
    let environment = job.environment;
    let known = introspect::list_options(build)?;
    let flags = [
        ("c_args", &environment.compile_flags),
        ("cpp_args", &environment.compile_flags),
        ("c_link_args", &environment.link_flags),
        ("cpp_link_args", &environment.link_flags),
    ];
    let mut missing = Vec::new();
    for (option, flags) in flags {
        let Some(values) = known.get(option) else { continue };
        if !flags.iter().all(|flag| values.contains(flag)) {
            let all: Vec<_> = values.iter().chain(flags).map(|value| python_quote(value)).collect();
            missing.push(format!("-D{option}=[{}]", all.join(",")));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    run(meson, job, wanted, std::iter::once("--reconfigure".to_owned()).chain(missing))
}

fn run(meson: &Path, job: &mut Job, wanted: &Configuration, arguments: impl Iterator<Item = String>) -> Result<()> {
    let Settings { source, build, .. } = job.settings;
    // Meson prints paths relative to the folder it runs in.
    let program = Program::new(meson).arg("setup").args(arguments).arg(build).arg(source).dir(source);
    let program = wanted.compilers().fold(program, |program, (name, value)| program.env(name, value));
    job.run(program).map_err(|error| {
        let failure = explain(job, error, NOT_CONFIGURED);
        let unknown = job.diagnostics.shown().any(|diagnostic| diagnostic.message.starts_with("Unknown option"));
        if unknown { failure.help(introspect::describe_options(meson, job)) } else { failure }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(options: &[(&str, &str)], cflags: &str) -> Configuration {
        Configuration {
            source: "/p".into(),
            arguments: vec!["--prefix=/usr".into()],
            options: options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            environment: BTreeMap::from([("CFLAGS".to_owned(), cflags.to_owned())]),
            cross: None,
        }
    }

    #[test]
    fn a_folder_is_set_up_again_only_as_far_as_needed() {
        let old = configuration(&[("a", "1")], "-g");
        let cases = [
            ("the same", configuration(&[("a", "1")], "-g"), Change::Nothing),
            ("another value", configuration(&[("a", "2")], "-g"), Change::Options),
            ("one more", configuration(&[("a", "1"), ("b", "1")], "-g"), Change::Options),
            ("one less", configuration(&[], "-g"), Change::Everything),
            ("other flags", configuration(&[("a", "1")], ""), Change::Everything),
            ("another tree", Configuration { source: "/q".into(), ..old.clone() }, Change::Everything),
        ];
        for (name, new, change) in cases {
            assert_eq!(new.change_from(Some(&old)), change, "{name}");
        }
        assert_eq!(old.change_from(None), Change::Everything);
    }

    #[test]
    fn compilers_are_named_where_meson_would_take_another() {
        let told = |cache, cc: Option<&str>| {
            let settings = Settings { cache, ..Settings::plain("/p", "/p/build", "/p/install") };
            compilers(&settings, |name| cc.filter(|_| name == "CC").map(str::to_owned))
                .into_iter()
                .find(|(name, _)| name == "CC")
                .map(|(_, value)| value)
        };
        let cases = [
            (Cache::Absent, None, None),
            (Cache::Absent, Some("ccache gcc"), None),
            (Cache::Program("ccache"), None, None),
            (Cache::Program("ccache"), Some("gcc -m32"), Some("ccache gcc -m32")),
            (Cache::Program("ccache"), Some("/usr/bin/sccache gcc"), None),
            (Cache::Off, None, Some("cc")),
            (Cache::Off, Some("clang -x"), Some("clang -x")),
            (Cache::Off, Some("/usr/bin/ccache clang"), Some("clang")),
        ];
        for (cache, cc, value) in cases {
            assert_eq!(told(cache, cc).as_deref(), value, "{cache:?} {cc:?}");
        }
    }

    #[test]
    fn list_values_are_written_in_meson_s_language() {
        assert_eq!(python_quote(r"-DX='\n'"), r"'-DX=\'\\n\''");
    }
}
