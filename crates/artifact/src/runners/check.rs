// SPDX-License-Identifier: Apache-2.0
//! From the text of a registry to the registry: every fault is one error with its place.

use super::document::{Architecture, Document, Host, Provided, TagEntry};
use super::error::{RunnersError, Source};
use super::fleet::Fleet;
use super::registry::{Runners, Tag};
use super::size::Size;
use crate::Arch;
use std::collections::BTreeMap;
use toml::Spanned;

/// What the chart of the scale sets accepts as a name, which is the label.
const LABEL_LENGTH: usize = 45;

type Result<T> = std::result::Result<T, RunnersError>;

impl Runners {
    /// Reads a registry; `file` is what errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        registry(Source { file, text })
    }
}

fn registry(source: Source<'_>) -> Result<Runners> {
    let document: Document = toml::from_str(source.text).map_err(|error| source.malformed(&error))?;
    let pattern = document.label.get_ref();
    if !pattern.contains("{tag}") || !pattern.contains("{arch}") {
        let message = format!("label = {pattern:?} needs both {{tag}} and {{arch}}, or two runners have one label");
        return Err(source.error(Some(document.label.span()), message));
    }
    let (mut builds_on, mut nodes) = (BTreeMap::new(), BTreeMap::new());
    // GitHub's runner no longer exists for 32-bit Arm.
    builds_on.insert(Arch::Armv7l, vec![Arch::X86_64, Arch::Aarch64]);
    for (name, entry) in &document.architectures {
        let arch = architecture(source, name)?;
        if let Some(node) = &entry.node {
            nodes.insert(arch, node.clone());
        }
        if let Some(places) = places(source, name, arch, entry)? {
            builds_on.insert(arch, places);
        }
    }
    let fleet = document.fleet.as_ref().map(|fleet| checked_fleet(source, fleet)).transpose()?;
    let mut resolver = Resolver { source, document: &document, builds_on: &builds_on, fleet: fleet.as_ref() };
    let tags = resolver.tags()?;
    if let Some(fleet) = &fleet {
        metal(source, &document, &tags, fleet)?;
    }
    Ok(Runners { fleet, tags, builds_on, nodes })
}

fn architecture(source: Source<'_>, name: &Spanned<String>) -> Result<Arch> {
    Arch::from_runner(name.get_ref()).ok_or_else(|| {
        let message = format!("{:?} is not a valid architecture; there are amd64, arm64 and arm", name.get_ref());
        source.error(Some(name.span()), message)
    })
}

fn places(source: Source<'_>, name: &Spanned<String>, arch: Arch, entry: &Architecture) -> Result<Option<Vec<Arch>>> {
    let places = entry.builds_on.iter().map(|place| {
        let found = architecture(source, place)?;
        if found == arch {
            let message = format!("{} builds on itself; leave builds-on out for runners of its own", name.get_ref());
            return Err(source.error(Some(place.span()), message));
        }
        Ok(found)
    });
    let places: Vec<_> = places.collect::<Result<_>>()?;
    Ok((!places.is_empty()).then_some(places))
}

fn checked_fleet(source: Source<'_>, fleet: &Spanned<Fleet>) -> Result<Fleet> {
    let value = fleet.get_ref();
    let wrong = |message: String| Err(source.error(Some(fleet.span()), message));
    if value.organization.is_some() != value.repositories.is_empty() {
        return wrong("[fleet] needs either organization or repositories".to_owned());
    }
    if let Some(repository) = value.repositories.iter().find(|name| name.split('/').count() != 2) {
        return wrong(format!("{repository:?} is not a valid repository; write owner/name"));
    }
    if let Some(fault) = value.size.as_ref().and_then(Size::fault) {
        return wrong(format!("[fleet] size: {fault}"));
    }
    if !value.k3s.server.starts_with("https://") {
        return wrong(format!("{:?} is not a valid K3s server; write https://<host>:6443", value.k3s.server));
    }
    if !value.k3s.token_file.starts_with('/') {
        return wrong(format!("token-file = {:?} is not an absolute path", value.k3s.token_file));
    }
    Ok(value.clone())
}

/// Every architecture that the fleet itself serves needs metal and a K3s executable.
fn metal(source: Source<'_>, document: &Document, tags: &BTreeMap<String, Tag>, fleet: &Fleet) -> Result<()> {
    for (name, tag) in tags {
        let own = tag.labels.keys().filter(|arch| !tag.foreign.contains(arch));
        for arch in own {
            let on = arch.runner();
            let message = if tag.host == Host::Vm && !fleet.incus.remotes.contains_key(on) {
                format!(
                    "the tag {name} needs metal for {on}; add {on} to [fleet.incus.remotes], or set host = \"bare\""
                )
            } else if !fleet.k3s.sha256.contains_key(on) {
                let version = &fleet.k3s.version;
                format!(
                    "K3s {version} has no digest for {on}; add it to [fleet.k3s] sha256, from sha256sum-{on}.txt of its release"
                )
            } else {
                continue;
            };
            let place = document.tags.keys().find(|key| key.get_ref() == name).map(Spanned::span);
            return Err(source.error(place, message));
        }
    }
    Ok(())
}

/// Resolves what tags inherit.
struct Resolver<'a> {
    source: Source<'a>,
    document: &'a Document,
    builds_on: &'a BTreeMap<Arch, Vec<Arch>>,
    fleet: Option<&'a Fleet>,
}

impl Resolver<'_> {
    fn tags(&mut self) -> Result<BTreeMap<String, Tag>> {
        let mut tags = BTreeMap::new();
        for name in self.document.tags.keys() {
            self.resolve(name, &mut tags, &mut Vec::new())?;
        }
        let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, tag) in &tags {
            for (arch, label) in &tag.labels {
                // GitHub's own runners may serve several tags.
                if tag.foreign.contains(arch) {
                    continue;
                }
                if let Some(other) = labels.insert(label, name) {
                    let place = self.entry(name).map(|(key, _)| key.span());
                    let message = format!("the tags {other} and {name} have one label, {label}; rename one");
                    return Err(self.source.error(place, message));
                }
            }
        }
        Ok(tags)
    }

    fn entry(&self, name: &str) -> Option<(&Spanned<String>, &TagEntry)> {
        self.document.tags.iter().find(|(key, _)| key.get_ref() == name)
    }

    /// Puts a tag, after the one that it starts from, into `tags`.
    fn resolve(&self, name: &Spanned<String>, tags: &mut BTreeMap<String, Tag>, path: &mut Vec<String>) -> Result<()> {
        let key = name.get_ref();
        if tags.contains_key(key) {
            return Ok(());
        }
        let Some((place, entry)) = self.entry(key) else {
            let known: Vec<_> = self.document.tags.keys().map(|name| name.get_ref().as_str()).collect();
            let message = format!("from = {key:?} is not a tag; there are {}", known.join(", "));
            return Err(self.source.error(Some(name.span()), message));
        };
        path.push(key.clone());
        if path.iter().filter(|on_path| *on_path == key).count() > 1 {
            return Err(self
                .source
                .error(Some(name.span()), format!("tags start from each other: {}", path.join(" → "))));
        }
        if let Some(from) = &entry.from {
            self.resolve(from, tags, path)?;
        }
        path.pop();
        let parent = entry.from.as_ref().and_then(|from| tags.get(from.get_ref()));
        let tag = self.tag(place, entry, parent)?;
        tags.insert(key.clone(), tag);
        Ok(())
    }

    fn tag(&self, name: &Spanned<String>, entry: &TagEntry, parent: Option<&Tag>) -> Result<Tag> {
        let source = self.source;
        let architectures = match (&entry.architectures, parent) {
            (Some(names), _) => names.iter().map(|name| architecture(source, name)).collect::<Result<Vec<_>>>()?,
            (None, Some(parent)) => parent.architectures.clone(),
            (None, None) => Vec::new(),
        };
        if architectures.is_empty() {
            let message = format!("the tag {} has no architectures; name at least one", name.get_ref());
            return Err(source.error(Some(name.span()), message));
        }
        if let (Some(parent), Some(from)) = (parent, &entry.from)
            && let Some(missing) = architectures.iter().find(|arch| !parent.architectures.contains(arch))
        {
            let message =
                format!("{} starts from {}, which has no {}", name.get_ref(), from.get_ref(), missing.runner());
            return Err(source.error(Some(from.span()), message));
        }
        let os = entry.os.clone().or_else(|| self.document.os.clone());
        let (labels, foreign) = self.labels(name, entry, &architectures, os.as_deref())?;
        let mut capabilities = parent.map(|tag| tag.capabilities.clone()).unwrap_or_default();
        capabilities
            .extend(entry.capabilities.iter().filter(|new| !capabilities.contains(new)).cloned().collect::<Vec<_>>());
        let mut provides = parent.map(|tag| tag.provides.clone()).unwrap_or_default();
        for (thing, provided) in &entry.provides {
            provides.insert(thing.get_ref().clone(), self.provided(thing, provided)?);
        }
        if let Some(size) = &entry.size
            && let Some(fault) = size.get_ref().fault()
        {
            return Err(source.error(Some(size.span()), fault));
        }
        let size = entry.size.as_ref().map(|size| size.get_ref().clone());
        let size = size.or_else(|| parent.and_then(|tag| tag.size.clone()));
        if let Some(gpu) = &entry.gpu
            && gpu.get_ref().count == 0
        {
            return Err(source.error(Some(gpu.span()), "count = 0 asks for no GPU; leave gpu out"));
        }
        let gpu = entry.gpu.as_ref().map(|gpu| gpu.get_ref().clone());
        Ok(Tag {
            meaning: entry.meaning.clone(),
            from: entry.from.as_ref().map(|from| from.get_ref().clone()),
            os,
            architectures,
            labels,
            foreign,
            capabilities,
            adds: entry.provides.keys().map(|name| name.get_ref().clone()).collect(),
            provides,
            size: size.or_else(|| self.fleet.and_then(|fleet| fleet.size.clone())),
            dind: entry.dind.or(parent.map(|tag| tag.dind)).unwrap_or_default(),
            host: entry.host.or(parent.map(|tag| tag.host)).unwrap_or_default(),
            gpu: gpu.or_else(|| parent.and_then(|tag| tag.gpu.clone())),
        })
    }

    /// The labels of the architectures that have runners of their own, and which of them are somebody else's.
    fn labels(
        &self,
        name: &Spanned<String>,
        entry: &TagEntry,
        architectures: &[Arch],
        os: Option<&str>,
    ) -> Result<(BTreeMap<Arch, String>, Vec<Arch>)> {
        let source = self.source;
        let (mut labels, mut foreign) = (BTreeMap::new(), Vec::new());
        for (key, label) in &entry.labels {
            let arch = architecture(source, key)?;
            if label.get_ref().trim().is_empty() {
                return Err(source.error(Some(label.span()), "a label is empty"));
            }
            labels.insert(arch, label.get_ref().clone());
            foreign.push(arch);
        }
        let pattern = self.document.label.get_ref();
        for arch in architectures {
            if let Some(places) = self.builds_on.get(arch) {
                let on = places.iter().any(|place| architectures.contains(place));
                if !on {
                    let names: Vec<_> = places.iter().map(|place| place.runner()).collect();
                    let (tag, on) = (name.get_ref(), names.join(" or "));
                    let message = format!("{} is built on {on}, for which the tag {tag} has no runners", arch.runner());
                    return Err(source.error(Some(name.span()), message));
                }
                continue;
            }
            if labels.contains_key(arch) {
                continue;
            }
            let Some(label) = fill(pattern, name.get_ref(), os, *arch) else {
                let message =
                    format!("label = {pattern:?} names the system, and neither os nor tags.{}.os does", name.get_ref());
                return Err(source.error(Some(self.document.label.span()), message));
            };
            if label.len() > LABEL_LENGTH || !is_label(&label) {
                let message = format!(
                    "{label:?} is not a valid label: at most {LABEL_LENGTH} characters of a-z, 0-9 and '-', since it names a scale set and its nodes"
                );
                return Err(source.error(Some(name.span()), message));
            }
            labels.insert(*arch, label);
        }
        Ok((labels, foreign))
    }

    fn provided(&self, name: &Spanned<String>, provided: &Provided) -> Result<Provided> {
        let Provided { command, pkg_config, python, file, .. } = provided;
        let ways = [command, pkg_config, python, file].iter().filter(|way| way.is_some()).count();
        let wrong = |message| Err(self.source.error(Some(name.span()), message));
        if ways > 1 {
            return wrong(format!("{}: use only one of command, pkg-config, python and file", name.get_ref()));
        }
        if file.is_some() && provided.version.is_some() {
            return wrong(format!("{}: a file has no version; ask for it with command", name.get_ref()));
        }
        for arch in provided.architectures.iter().flatten() {
            architecture(self.source, arch)?;
        }
        if let Some(archive) = &provided.archive
            && let Some(arch) = archive.url.keys().find(|arch| !archive.sha256.contains_key(*arch))
        {
            return wrong(format!("{}: the archive has no sha256 for {arch}", name.get_ref()));
        }
        let mut provided = provided.clone();
        if ways == 0 {
            provided.command = Some(format!("{} --version", name.get_ref()));
        }
        Ok(provided)
    }
}

fn fill(pattern: &str, tag: &str, os: Option<&str>, arch: Arch) -> Option<String> {
    let label = pattern.replace("{tag}", tag).replace("{arch}", arch.runner());
    if !label.contains("{os}") {
        return Some(label);
    }
    os.map(|os| label.replace("{os}", os))
}

/// A name that GitHub, Helm and Kubernetes accept alike.
fn is_label(label: &str) -> bool {
    let inner = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let ends = |c: char| c.is_ascii_alphanumeric();
    inner && label.starts_with(ends) && label.ends_with(ends)
}
