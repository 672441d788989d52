// SPDX-License-Identifier: Apache-2.0
//! Which files of a bundle are wanted, and under which names.

use crate::Install;
use crate::compression::Compression;
use artifact::{FileKind, FileName, Manifest};
use glob::Pattern;
use toolkit::{Failure, Result, ResultExt};

/// A file that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: FileName,
    /// The same with `latest` instead of the version, if that is in it.
    pub latest: Option<FileName>,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
}

impl Offer {
    /// The files of a manifest.
    pub fn all(manifest: &Manifest) -> Vec<Self> {
        let offer = |file: &artifact::FileEntry| Self {
            name: file.name.clone(),
            latest: manifest.latest_name(&file.name),
            kind: file.kind,
            size: file.size,
        };
        manifest.files.iter().map(offer).collect()
    }

    /// Whether it is an archive of the install tree that can be unpacked.
    fn is_archive(&self) -> bool {
        self.kind == FileKind::Archive && Compression::of(self.name.as_str()).is_some()
    }

    fn wanted(&self) -> Wanted {
        Wanted { name: self.name.clone(), save_as: self.name.clone() }
    }
}

/// A file that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its name.
    pub name: FileName,
    /// The name that it gets: its own, or the one with `latest` that was asked for.
    pub save_as: FileName,
}

/// The files that the patterns and the installation ask for. A pattern that nothing matches is an error unless
/// `allow_missing` is set.
pub fn choose(
    offers: &[Offer],
    patterns: Option<&[String]>,
    install: Install,
    allow_missing: bool,
) -> Result<Vec<Wanted>> {
    let mut wanted = match (patterns, install) {
        (Some(patterns), _) => matching(offers, patterns, allow_missing)?,
        (None, Install::None) => {
            offers.iter().filter(|offer| offer.kind != FileKind::DebugDeb).map(Offer::wanted).collect()
        }
        // Nothing else is of use to who installs.
        (None, _) => Vec::new(),
    };
    for offer in needed(offers, install, &wanted)? {
        if !wanted.iter().any(|one| one.name == offer.name) {
            wanted.push(offer.wanted());
        }
    }
    wanted.sort();
    Ok(wanted)
}

/// The files that are installed: every Debian package, or one archive, the smallest of those that were asked for if any.
fn needed<'a>(offers: &'a [Offer], install: Install, asked: &[Wanted]) -> Result<Vec<&'a Offer>> {
    let found: Vec<&Offer> = match install {
        Install::None => return Ok(Vec::new()),
        Install::Deb => offers.iter().filter(|offer| offer.kind == FileKind::Deb).collect(),
        Install::Prefix => {
            let is_asked = |offer: &Offer| asked.iter().any(|one| one.name == offer.name);
            let archives = offers.iter().filter(|offer| offer.is_archive());
            archives.min_by_key(|offer| (!is_asked(offer), offer.size)).into_iter().collect()
        }
    };
    if !found.is_empty() {
        return Ok(found);
    }
    let what = match install {
        Install::Prefix => {
            let endings = Compression::ENDINGS.map(|(ending, _)| ending);
            format!("archive that can be unpacked ({})", endings.join(", "))
        }
        _ => "Debian package".to_owned(),
    };
    Err(Failure::work(format!("the bundle has no {what}, which install needs"))
        .help(format!("it has {}", names(offers))))
}

fn matching(offers: &[Offer], patterns: &[String], allow_missing: bool) -> Result<Vec<Wanted>> {
    let mut found: Vec<Wanted> = Vec::new();
    for text in patterns {
        let pattern = Pattern::new(text).input(format!("{text:?} in files is not a valid pattern"))?;
        let matches = |name: &&FileName| pattern.matches(name.as_str());
        let mut is_missing = true;
        for offer in offers {
            let Some(name) = Some(&offer.name).filter(matches).or(offer.latest.as_ref().filter(matches)) else {
                continue;
            };
            is_missing = false;
            match found.iter_mut().find(|one| one.name == offer.name) {
                // Its own name counts, whichever pattern comes first.
                Some(one) if *name == offer.name => one.save_as = name.clone(),
                Some(_) => {}
                None => found.push(Wanted { name: offer.name.clone(), save_as: name.clone() }),
            }
        }
        if is_missing && !allow_missing {
            return Err(Failure::work(format!("no file of the bundle matches {text:?}"))
                .help(format!("it has {}", names(offers))));
        }
    }
    Ok(found)
}

fn names(offers: &[Offer]) -> String {
    offers.iter().map(|offer| offer.name.to_string()).collect::<Vec<_>>().join(", ")
}
