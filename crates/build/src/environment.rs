// SPDX-License-Identifier: Apache-2.0
//! The environment of the build system and its compilers: the caller's, with additions.

use crate::dependencies::search_path;
use crate::settings::Settings;
use crate::toolchain::Cache;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use toolkit::{Program, Result};

/// Variables and flags that every step of a build sees.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Variables to set.
    pub variables: BTreeMap<&'static str, String>,
    /// Flags for C and C++ compilers.
    pub compile_flags: Vec<String>,
    /// Flags for linking.
    pub link_flags: Vec<String>,
    /// `LD_LIBRARY_PATH` for programs that were built; build tools do not see it.
    pub library_path: Option<OsString>,
    /// `SOURCE_DATE_EPOCH`, in seconds, if it is the caller's or the commit's.
    pub time: Option<u64>,
}

impl Environment {
    /// Adds what the settings need to the caller's variables, which `outer` looks up.
    pub fn new(settings: &Settings, time: Option<i64>, outer: impl Fn(&str) -> Option<String>) -> Result<Self> {
        // Coverage is told about files by their real names.
        let compile_flags = if settings.coverage { Vec::new() } else { prefix_maps(settings) };
        let libraries = &settings.dependencies.libraries;
        // The linker looks up what a dependency depends on itself; that may be in another root.
        let link_flags: Vec<_> =
            libraries.iter().map(|folder| format!("-Wl,-rpath-link,{}", folder.display())).collect();

        // Messages are parsed and must come in English; file names may still be UTF-8.
        let mut variables = BTreeMap::from([("LC_ALL", "C.UTF-8".to_owned())]);
        if settings.cache == Cache::Off {
            // A compiler can be a link to ccache.
            variables.insert("CCACHE_DISABLE", "1".to_owned());
        }
        let given = outer("SOURCE_DATE_EPOCH");
        if let Some(time) = time
            && given.is_none()
        {
            variables.insert("SOURCE_DATE_EPOCH", time.to_string());
        }
        for (name, flags) in [("CFLAGS", &compile_flags), ("CXXFLAGS", &compile_flags), ("LDFLAGS", &link_flags)] {
            if !flags.is_empty() {
                let own = flags.iter().map(|flag| shell_quote(flag));
                let all: Vec<_> = outer(name).into_iter().chain(own).collect();
                variables.insert(name, all.join(" "));
            }
        }
        let pkgconfig = &settings.dependencies.pkgconfig;
        // What the caller's path names is made for this machine.
        let outer_path = outer("PKG_CONFIG_PATH").filter(|_| settings.cross.is_none());
        if !pkgconfig.is_empty() || settings.cross.is_some() {
            let path = search_path(pkgconfig, outer_path)?;
            variables.insert("PKG_CONFIG_PATH", path.to_string_lossy().into_owned());
        }
        let library_path = match libraries.as_slice() {
            [] => None,
            folders => Some(search_path(folders, outer("LD_LIBRARY_PATH").filter(|_| settings.cross.is_none()))?),
        };
        let time = given.map_or_else(|| time.and_then(|time| time.try_into().ok()), |given| given.parse().ok());
        Ok(Self { variables, compile_flags, link_flags, library_path, time })
    }

    /// A program of the build with its variables, except those that it has itself.
    pub fn apply<'a>(&self, program: Program<'a>) -> Program<'a> {
        self.variables.iter().fold(program, |program, (name, value)| program.env_default(name, value))
    }

    /// A program that runs what was built: it finds the libraries of fetched dependencies.
    pub fn with_libraries<'a>(&self, program: Program<'a>) -> Program<'a> {
        match &self.library_path {
            Some(path) => program.env("LD_LIBRARY_PATH", path),
            None => program,
        }
    }
}

/// Flags that keep this machine's folders out of what is built, so that equal sources give equal
/// bytes wherever they lie. The last flag that matches a path counts.
fn prefix_maps(settings: &Settings) -> Vec<String> {
    let Settings { source, build, .. } = settings;
    // The source tree as the compiler is given it, relative to the build folder.
    let relative = relative(build, source);
    let own = [source, build, &relative].map(|folder| format!("-ffile-prefix-map={}=.", folder.display()));
    own.into_iter().chain(dependency_maps(settings)).collect()
}

/// The same for the headers of fetched dependencies.
pub fn dependency_maps(settings: &Settings) -> impl Iterator<Item = String> {
    settings.dependencies.roots.iter().map(|root| format!("-ffile-prefix-map={}=dependency", root.display()))
}

/// The way from one absolute folder to another.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// A word as a shell is given it.
pub fn shell_quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+.,/:@%".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_source_is_what_a_compiler_is_given() {
        let cases = [("/p/build", "/p", ".."), ("/b", "/p/q", "../p/q"), ("/p/out/debug", "/p/src", "../../src")];
        for (build, source, way) in cases {
            assert_eq!(relative(Path::new(build), Path::new(source)), Path::new(way), "{build} {source}");
        }
    }

    #[test]
    fn flags_survive_the_shell_s_rules() {
        assert_eq!(shell_quote("-Wl,-rpath-link,/a/b"), "-Wl,-rpath-link,/a/b");
        assert_eq!(shell_quote("-ffile-prefix-map=/it's here=."), r"'-ffile-prefix-map=/it'\''s here=.'");
    }
}
