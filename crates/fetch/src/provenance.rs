// SPDX-License-Identifier: Apache-2.0
//! Whether a bundle comes from where it must: its provenance against what the caller requires.

use artifact::{FileEntry, Manifest, Provenance};
use std::fmt;
use std::str::FromStr;
use toolkit::{Failure, Result};

/// The repository that must have built a bundle, and the workflow if that matters: `<owner>/<name>[@<workflow>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    repository: String,
    workflow: Option<String>,
}

/// Not the name of a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid source: write <owner>/<name>, or <owner>/<name>@<workflow file>")]
pub struct SourceError(String);

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        self.workflow.iter().try_for_each(|workflow| write!(f, "@{workflow}"))
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (repository, workflow) = match text.split_once('@') {
            Some((repository, workflow)) => (repository, Some(workflow.to_owned())),
            None => (text, None),
        };
        let plain = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let fits = repository.split('/').count() == 2
            && repository.split('/').all(plain)
            && workflow.as_ref().is_none_or(|workflow| !workflow.is_empty());
        if fits { Ok(Self { repository: repository.to_owned(), workflow }) } else { Err(SourceError(text.to_owned())) }
    }
}

/// The file of a bundle that holds its provenance.
pub fn file(manifest: &Manifest) -> Result<FileEntry> {
    let found = manifest.files.iter().find(|file| file.name.as_str().ends_with(Provenance::SUFFIX));
    found.cloned().ok_or_else(|| missing(&format!("{} {}", manifest.package, manifest.version)))
}

/// The failure of what has none.
pub fn missing(what: &str) -> Failure {
    Failure::work(format!("{what} has no provenance"))
        .help("it was published by an older vaccel-ci: publish it again, or leave require-provenance out")
}

/// Refuses a bundle whose provenance is about another repository, commit or workflow, or not about these files.
pub fn check(text: &[u8], manifest: &Manifest, files: &[FileEntry], required: &Source) -> Result<()> {
    let refused = |what: String| {
        Failure::work(format!("the provenance of {} {} was refused: {what}", manifest.package, manifest.version))
            .title("provenance refused")
            .help("the bundle is not what require-provenance asks for: do not use it before you know why")
    };
    let statement = Provenance::parse(text).map_err(|error| refused(error.to_string()))?;
    let Source { repository, workflow } = required;
    if !statement.is_of(repository, &manifest.commit) {
        let sources = statement.predicate.build_definition.resolved_dependencies.first();
        let found = sources.map(|sources| sources.uri.clone()).unwrap_or_default();
        return Err(refused(format!(
            "it is about {found}, not about {repository} at the commit {} of the manifest",
            manifest.commit
        )));
    }
    let parameters = &statement.predicate.build_definition.external_parameters;
    let subject = (&parameters.package, &parameters.version, parameters.arch, parameters.build_type);
    if subject != (&manifest.package, &manifest.version, manifest.arch, manifest.build_type) {
        return Err(refused("it is about another package, version or target".to_owned()));
    }
    if let Some(required) = workflow {
        let path = parameters.workflow.as_ref().map_or("no workflow", |workflow| &workflow.path);
        let name = path.rsplit('/').next().unwrap_or(path);
        // The workflow of another repository has the same path easily.
        let repository_fits = parameters
            .workflow
            .as_ref()
            .is_some_and(|workflow| artifact::source_uri(&workflow.repository) == artifact::source_uri(repository));
        if !repository_fits || (path != required && name != required) {
            return Err(refused(format!("it was made by {path}, not by {required}")));
        }
    }
    let about = files.iter().filter(|file| !file.name.as_str().ends_with(Provenance::SUFFIX));
    match about.into_iter().find(|file| statement.digest_of(&file.name) != Some(file.sha256)) {
        Some(file) => Err(refused(format!("it is not about {} with the digest {}", file.name, file.sha256))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::{
        BuildDefinition, Builder, Dependency, ExternalParameters, FileKind, InternalParameters, Sha256, Workflow,
    };
    use std::collections::BTreeMap;

    fn manifest() -> Manifest {
        let mut manifest = testbed::bundle::manifest("v0.3.0", "0.3.0").unwrap();
        for name in ["hello.deb", "hello_0.3.0_x86_64.provenance.json"] {
            manifest.files.push(FileEntry {
                name: name.parse().unwrap(),
                kind: FileKind::Other,
                size: 1,
                sha256: Sha256::of(name.as_bytes()),
                soname: None,
            });
        }
        manifest
    }

    fn statement(manifest: &Manifest) -> Provenance {
        let definition = BuildDefinition {
            build_type: String::new(),
            external_parameters: ExternalParameters {
                workflow: Some(Workflow {
                    repository: "https://github.com/nubificus/hello".into(),
                    path: ".github/workflows/ci.yml".into(),
                    git_ref: "refs/tags/v0.3.0".into(),
                }),
                package: manifest.package.clone(),
                version: manifest.version.clone(),
                git_ref: manifest.git_ref.clone(),
                arch: manifest.arch,
                build_type: manifest.build_type,
                prefix: "/usr".into(),
                options: Vec::new(),
            },
            internal_parameters: InternalParameters {
                compiler: "gcc".into(),
                backend: "meson".into(),
                runner_image: None,
            },
            resolved_dependencies: vec![Dependency {
                uri: artifact::source_uri("nubificus/hello"),
                digest: BTreeMap::from([(Provenance::GIT_COMMIT.into(), manifest.commit.to_string())]),
            }],
        };
        let builder = Builder { id: "https://example.org/builder".into(), version: BTreeMap::new() };
        Provenance::new(&manifest.files[..1], definition, builder)
    }

    #[test]
    fn only_the_required_source_is_accepted() {
        let manifest = manifest();
        let good = statement(&manifest);
        let told = |required: &str, change: fn(&mut Provenance)| {
            let mut statement = good.clone();
            change(&mut statement);
            let required = required.parse().unwrap();
            match check(&statement.to_canonical_json(), &manifest, &manifest.files[..1], &required) {
                Ok(()) => "accepted".to_owned(),
                Err(failure) => failure.messages().join(": "),
            }
        };
        let same = |_: &mut Provenance| ();
        for required in ["nubificus/hello", "nubificus/hello@ci.yml", "nubificus/hello@.github/workflows/ci.yml"] {
            assert_eq!(told(required, same), "accepted", "{required}");
        }
        let refused = [
            told("nubificus/other", same),
            told("nubificus/hello@release.yml", same),
            told("nubificus/hello@ci.yml", |s| s.predicate.build_definition.external_parameters.workflow = None),
            told("nubificus/hello@ci.yml", |s| {
                if let Some(workflow) = &mut s.predicate.build_definition.external_parameters.workflow {
                    workflow.repository = "https://github.com/someone/hello".into();
                }
            }),
            told("nubificus/hello", |s| {
                s.predicate.build_definition.resolved_dependencies[0]
                    .digest
                    .insert(Provenance::GIT_COMMIT.into(), "0".repeat(40));
            }),
            told("nubificus/hello", |s| s.subject[0].digest.sha256 = Sha256::of(b"other")),
            told("nubificus/hello", |s| {
                s.predicate.build_definition.external_parameters.version = "0.4.0".parse().unwrap();
            }),
            told("nubificus/hello", |s| s.predicate_type = "https://example.org".into()),
        ];
        insta::assert_snapshot!(refused.join("\n"));
    }

    #[test]
    fn a_bundle_without_provenance_says_so() {
        let mut manifest = manifest();
        assert!(file(&manifest).is_ok());
        manifest.files.truncate(1);
        assert_eq!(file(&manifest).unwrap_err().messages(), ["hello 0.3.0 has no provenance"]);
    }

    #[test]
    fn sources_are_repositories_on_github() {
        for text in ["nubificus/hello", "a/b@ci.yml", "a/b@.github/workflows/ci.yml"] {
            assert!(text.parse::<Source>().is_ok(), "{text}");
        }
        for text in ["", "hello", "a/b/c", "a/", "/b", "a/b@", "a b/c", "https://github.com/a/b"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
