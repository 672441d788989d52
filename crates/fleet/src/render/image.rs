// SPDX-License-Identifier: Apache-2.0
//! Images: a Containerfile and an installation script per tag, from what the tag provides.

use super::arc::RUNNER_UID;
use crate::pins::Pins;
use crate::sets::Sets;
use crate::yaml;
use artifact::Arch;
use artifact::runners::{Archive, Provided, Tag};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Where an image keeps its tools of `PyPI` and npm.
pub const TOOLS: &str = "/opt/vaccel-ci";

/// The Containerfile of a tag.
pub fn containerfile(sets: &Sets<'_>, name: &str, tag: &Tag) -> String {
    let registry = sets.fleet.image_registry.trim_end_matches('/');
    let base = match &tag.from {
        Some(from) => format!("{registry}/{from}:{}", sets.fleet.runner),
        None => format!("ghcr.io/actions/actions-runner:{}", sets.fleet.runner),
    };
    format!(
        r"# {origin}
# The image of the runners with the tag {name}. BASE_IMAGE names the newest
# runner or, better, the digest of one.
ARG BASE_IMAGE={base}
FROM ${{BASE_IMAGE}}
USER 0
COPY install.sh requirements.txt /tmp/vaccel-ci/
RUN sh /tmp/vaccel-ci/install.sh && rm -rf /tmp/vaccel-ci
COPY runners.toml {TOOLS}/runners.toml
ENV PATH={TOOLS}/bin:{TOOLS}/node/node_modules/.bin:$PATH \
    VACCEL_RUNNER_TAG={name} \
    XDG_RUNTIME_DIR=/run/user/{RUNNER_UID}
LABEL org.opencontainers.image.source=https://github.com/nubificus/vaccel-ci \
      org.opencontainers.image.title=vaccel-ci-{name}
USER {RUNNER_UID}
",
        origin = yaml::ORIGIN,
    )
}

/// What the tag itself adds, installed. It asks dpkg which architecture it is on.
pub fn install_script(sets: &Sets<'_>, tag: &Tag) -> String {
    let mut text = format!(
        "#!/bin/sh\n# {}\n# Installs what a runner has, as root, on Debian or Ubuntu.\nset -eu\n",
        yaml::ORIGIN.replace("from .github", "from\n# .github")
    );
    let added: Vec<_> = tag.adds.iter().filter_map(|name| Some((name, tag.provides.get(name)?))).collect();
    let mut system = String::new();
    let common = packages(added.iter().map(|(_, thing)| *thing).filter(|thing| thing.architectures.is_none()));
    if !common.is_empty() {
        let _ = writeln!(system, "packages='{}'", wrap(&common));
    }
    for arch in tag.labels.keys() {
        let of_arch = added
            .iter()
            .map(|(_, thing)| *thing)
            .filter(|thing| thing.architectures.iter().flatten().any(|name| name.get_ref().as_str() == arch.runner()));
        let mut own: BTreeSet<String> = packages(of_arch).into_iter().collect();
        if tag.from.is_none() {
            own.extend(cross_packages(sets, *arch, tag));
        }
        if !own.is_empty() {
            let own: Vec<_> = own.into_iter().collect();
            let _ =
                writeln!(system, "[ \"$arch\" != {} ] || packages=\"${{packages:-}} {}\"", arch.debian(), wrap(&own));
        }
    }
    if system.contains("$arch") || added.iter().any(|(_, thing)| thing.archive.is_some()) {
        text.push_str("arch=$(dpkg --print-architecture)\n");
    }
    if !system.is_empty() {
        text.push_str("export DEBIAN_FRONTEND=noninteractive\n");
        text.push_str(&system);
        text.push_str(
            "apt-get update -q\n# shellcheck disable=SC2086 # one word per package\napt-get install -yq --no-install-recommends ${packages:-}\nrm -rf /var/lib/apt/lists/*\n",
        );
    }
    let pip: Vec<_> = added.iter().flat_map(|(_, thing)| &thing.pip).collect();
    if !pip.is_empty() {
        let _ = write!(
            text,
            "\n[ -x {TOOLS}/bin/python3 ] || python3 -m venv {TOOLS}\n{TOOLS}/bin/python3 -m pip install --quiet --no-cache-dir \\\n  --disable-pip-version-check --require-hashes --only-binary :all: \\\n  --requirement \"$(dirname -- \"$0\")/requirements.txt\"\n"
        );
    }
    let npm: Vec<_> = added.iter().flat_map(|(_, thing)| thing.npm.iter().map(String::as_str)).collect();
    if !npm.is_empty() {
        let _ = write!(
            text,
            "\nmkdir -p {TOOLS}/node\nnpm install --prefix {TOOLS}/node --ignore-scripts --no-audit --no-fund \\\n  {}\n",
            npm.join(" \\\n  ")
        );
    }
    for (name, thing) in &added {
        if let Some(archive) = &thing.archive {
            text.push_str(&unpack(name, archive));
        }
    }
    // What programs that follow the XDG specification expect of a session.
    let _ = write!(
        text,
        "\nmkdir -p /run/user/{RUNNER_UID}\nchown {RUNNER_UID}:{RUNNER_UID} /run/user/{RUNNER_UID}\nchmod 0700 /run/user/{RUNNER_UID}\n"
    );
    text
}

fn packages<'a>(things: impl Iterator<Item = &'a Provided>) -> Vec<String> {
    things.flat_map(|thing| thing.apt.iter().cloned()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Compilers for the architectures that are built on this one, and what runs their programs.
fn cross_packages(sets: &Sets<'_>, arch: Arch, tag: &Tag) -> Vec<String> {
    let foreign: Vec<_> = sets.runners.built_on(arch).filter(|other| tag.architectures.contains(other)).collect();
    let mut packages: Vec<_> = foreign
        .iter()
        .flat_map(|other| {
            let triple = other.triple();
            [format!("gcc-{triple}"), format!("g++-{triple}"), format!("libc6-dev-{}-cross", other.debian())]
        })
        .collect();
    if !foreign.is_empty() {
        packages.push("qemu-user-static".to_owned());
    }
    packages
}

fn unpack(name: &str, archive: &Archive) -> String {
    let mut text = format!("\n# {name}\ncase $arch in\n");
    for (arch, url) in &archive.url {
        let debian = Arch::from_runner(arch).map_or_else(|| arch.clone(), |arch| arch.debian().to_owned());
        let digest = archive.sha256.get(arch).map(ToString::to_string).unwrap_or_default();
        let _ = write!(text, "{debian})\n  url='{url}'\n  sha256='{digest}'\n  ;;\n");
    }
    let Archive { to, strip, url, .. } = archive;
    let is_zip =
        url.values().all(|url| std::path::Path::new(url).extension().is_some_and(|extension| extension == "zip"));
    let unpack = if is_zip {
        format!("unzip -q /tmp/archive -d {to}")
    } else {
        format!("tar -x --strip-components={strip} -f /tmp/archive -C {to}")
    };
    let _ = write!(
        text,
        "*) url='' ;;\nesac\nif [ -n \"$url\" ]; then\n  curl -fsSL --retry 5 -o /tmp/archive \"$url\"\n  echo \"$sha256  /tmp/archive\" | sha256sum -c -\n  mkdir -p {to}\n  {unpack}\n  rm /tmp/archive\nfi\n"
    );
    text
}

/// The pinned Python packages that a tag adds, with digests, and whatever they need.
///
/// # Errors
/// A sentence that names the package that has no pin.
pub fn requirements(tag: &Tag, pins: &Pins<'_>) -> Result<String, String> {
    let things: BTreeMap<_, _> = tag.adds.iter().filter_map(|name| Some((name, tag.provides.get(name)?))).collect();
    let wanted: Vec<_> = things.values().flat_map(|thing| thing.pip.iter().map(String::as_str)).collect();
    let origin = yaml::ORIGIN;
    Ok(format!("# {origin}\n{}", pins.closure(&wanted)?))
}

/// Words in lines that people can read.
fn wrap(words: &[String]) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < 60 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines.join("\n  ")
}
