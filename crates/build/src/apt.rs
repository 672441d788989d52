// SPDX-License-Identifier: Apache-2.0
//! Debian packages that a build needs, as the repository lists them.

use crate::settings::Settings;
use artifact::{Arch, SETTINGS};
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner, Tool, on_path};

const APT: Tool = Tool { program: "apt-get", provided_by: "what is missing in another way: this is not Debian" };
const DPKG: Tool = Tool { program: "dpkg-query", provided_by: "the Debian package dpkg" };

/// What stands for the architecture that is built for, in `libfoo-dev:target`.
const TARGET: &str = ":target";

/// Installs what is listed and missing: as root, or on a runner that lets its user become root. Elsewhere one message
/// names the command.
pub fn provide(settings: &Settings, runner: &Runner) -> Result<()> {
    let listed = names(&settings.section.apt, settings.arch)?;
    if listed.is_empty() {
        return Ok(());
    }
    let mut missing = Vec::new();
    for name in listed {
        if !is_installed(&name)? {
            missing.push(name);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let foreign = settings.cross.is_some() && settings.section.apt.iter().any(|name| name.ends_with(TARGET));
    let foreign = foreign.then(|| settings.arch.debian());
    let list = missing.join(" ");
    let Some(sudo) = become_root(runner) else {
        let add = foreign.map_or_else(String::new, |name| format!("sudo dpkg --add-architecture {name} && "));
        return Err(Failure::work(format!("the build needs Debian packages that are not installed: {list}"))
            .title("packages are missing")
            .help(format!("{add}sudo apt-get update && sudo apt-get install {list}")));
    };
    let _group = runner.group(&format!("Install {list}"));
    let apt = APT.find()?.display().to_string();
    if let Some(name) = foreign {
        as_root(sudo, &["dpkg", "--add-architecture", name]).run(runner)?;
    }
    as_root(sudo, &[&apt, "update", "-q"]).run(runner).context("failed to update the lists of Debian packages")?;
    let words = [&apt, "install", "-yq", "--no-install-recommends", "--"].map(str::to_owned);
    let words: Vec<_> = words.into_iter().chain(missing).collect();
    let mut unknown = Vec::new();
    let install = as_root(sudo, &words).on_line(|line| {
        unknown.extend(
            line.strip_prefix("E: ").filter(|text| text.contains("Unable to locate package")).map(str::to_owned),
        );
    });
    match install.run(runner) {
        Ok(_) => Ok(()),
        Err(error @ RunError::Failed { .. }) if !unknown.is_empty() => {
            Err(Failure::input(format!("failed to install {list}: {}", unknown.join(", ")))
                .because(error)
                .help(format!("correct `apt` of [build] in {SETTINGS}")))
        }
        Err(error) => Err(error).context(format!("failed to install {list}")),
    }
}

/// The packages, none of which apt could take as an option or a file.
fn names(listed: &[String], arch: Arch) -> Result<Vec<String>> {
    let fits = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.:".contains(c))
    };
    let full = |name: &String| match name.strip_suffix(TARGET) {
        Some(name) => format!("{name}:{}", arch.debian()),
        None => name.clone(),
    };
    match listed.iter().find(|name| !fits(name)) {
        None => Ok(listed.iter().map(full).collect()),
        Some(name) => Err(Failure::input(format!("`{name}` in `apt` of [build] is not a valid package")).help(
            format!("name Debian packages in {SETTINGS}, such as libcurl4-openssl-dev or libcurl4-openssl-dev:target"),
        )),
    }
}

fn is_installed(name: &str) -> Result<bool> {
    let program = Program::new(DPKG.find()?).args(["--show", "--showformat=${db:Status-Status}", "--", name]);
    match program.capture() {
        Ok(status) => Ok(status == "installed"),
        // It knows no such package yet.
        Err(RunError::Failed { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a command has to be called through sudo; none if it cannot be called as root at all.
fn become_root(runner: &Runner) -> Option<bool> {
    let user = Program::new("id").arg("-u").capture().ok()?;
    if user.trim() == "0" {
        return Some(false);
    }
    // On a person's own machine nothing is installed behind their back.
    let may = runner.is_github() && on_path("sudo").is_some();
    (may && Program::new("sudo").args(["-n", "true"]).capture().is_ok()).then_some(true)
}

/// Scripts of packages run, which the repository picked.
fn as_root<S: AsRef<str>>(sudo: bool, words: &[S]) -> Program<'static> {
    let words = words.iter().map(AsRef::as_ref);
    let noninteractive = ["env", "DEBIAN_FRONTEND=noninteractive"];
    let all: Vec<&str> =
        sudo.then_some(["sudo", "-n"]).into_iter().flatten().chain(noninteractive).chain(words).collect();
    let (program, arguments) = all.split_first().unwrap_or((&"false", &[]));
    Program::new(program).args(arguments).repository_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_packages_are_taken() {
        let read = |name: &str| names(&[name.to_owned()], Arch::Armv7l).map(|names| names.join(" "));
        assert_eq!(read("libcurl4-openssl-dev").unwrap(), "libcurl4-openssl-dev");
        assert_eq!(read("libcurl4-openssl-dev:target").unwrap(), "libcurl4-openssl-dev:armhf");
        assert_eq!(read("g++:arm64").unwrap(), "g++:arm64");
        for bad in ["-oDir=/", "./evil.deb", "a b", "", "Upper", "a;b", "a/b"] {
            assert_eq!(read(bad).unwrap_err().status().code(), 2, "{bad}");
        }
    }
}
