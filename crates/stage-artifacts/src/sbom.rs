// SPDX-License-Identifier: Apache-2.0
//! The software bill of materials: an SPDX 2.3 document in JSON. It names the package, every file
//! of the tested tree with its digests, and the packages whose shared libraries it needs.

use crate::file::{self, hex};
use crate::format::{Format, Job, Product};
use crate::licence;
use crate::tree::Kind;
use artifact::FileKind;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use toolkit::{Result, ResultExt};

/// What the specification has for what we do not know.
const UNKNOWN: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const PACKAGE: &str = "SPDXRef-Package";

/// Makes the document. It is no choice of the input `formats`, but works like one.
pub struct Sbom;

impl Format for Sbom {
    fn name(&self) -> &'static str {
        "sbom"
    }

    fn needs_tree(&self) -> bool {
        false
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        let depends = match job.dependencies.get(job) {
            Ok(depends) => depends,
            // Who makes no Debian package need not have its dependencies.
            Err(failure) if !job.dependencies.are_required() => {
                job.runner
                    .warning(&format!("the SBOM names no dependencies, because {}", failure.messages().join(": ")));
                Vec::new()
            }
            Err(failure) => return Err(failure),
        };
        let files = files(job)?;
        let licence = licence::text(&job.subject.source)?;
        let document = render(job, &files, &depends, licence.as_deref());
        let name = format!("{}.spdx.json", job.subject.stem());
        let mut text = serde_json::to_vec_pretty(&document)?;
        text.push(b'\n');
        file::write(&job.bundle.join(&name), &text)?;
        let purpose = "SBOM in the form of SPDX 2.3: files, digests, dependencies";
        Ok(vec![Product { name: name.parse()?, kind: FileKind::Sbom, purpose, soname: None }])
    }
}

/// A file of the tree with its digests.
struct Digests {
    path: String,
    sha1: String,
    sha256: String,
}

impl Digests {
    fn of(root: &Path, path: &str) -> io::Result<Self> {
        let mut file = File::open(root.join(path))?;
        let (mut sha1, mut sha256) = (Sha1::new(), Sha256::new());
        let mut buffer = vec![0u8; 128 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            sha1.update(bytes);
            sha256.update(bytes);
        }
        Ok(Self { path: path.to_owned(), sha1: hex(&sha1.finalize()), sha256: hex(&sha256.finalize()) })
    }

    /// Made of the path, so that a file keeps it from version to version.
    fn id(&self) -> String {
        format!("SPDXRef-File-{}", hex(&Sha1::digest(&self.path)))
    }
}

fn files(job: &Job<'_>) -> Result<Vec<Digests>> {
    let entries = job.tree.entries().iter().filter(|entry| matches!(entry.kind, Kind::File { .. }));
    let digests = entries.map(|entry| {
        Digests::of(job.tree.root(), &entry.path).with_context(|| format!("could not read {}", entry.path))
    });
    digests.collect()
}

fn render(job: &Job<'_>, files: &[Digests], depends: &[String], licence: Option<&str>) -> Value {
    let subject = job.subject;
    let code = verification_code(files);
    let owner = subject.origin.owner().map(|owner| format!("Organization: {owner}"));
    let tool = format!("Tool: vaccel-ci-{}", env!("CARGO_PKG_VERSION"));
    let creators: Vec<String> = [tool].into_iter().chain(owner).collect();
    let mut packages = vec![package(job, &code, licence)];
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", PACKAGE)];
    for (number, item) in depends.iter().enumerate() {
        let id = format!("SPDXRef-Dependency-{number}");
        relationships.push(relationship(PACKAGE, "DEPENDS_ON", &id));
        packages.push(dependency(&id, item));
    }
    relationships.extend(files.iter().map(|file| relationship(PACKAGE, "CONTAINS", &file.id())));
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": subject.stem(),
        "creationInfo": { "created": subject.created().to_string(), "creators": creators },
        "packages": packages,
        "files": files.iter().map(file_entry).collect::<Vec<_>>(),
        "relationships": relationships,
    });
    // The specification wants a name that no other document has.
    let digest = hex(&Sha1::digest(document.to_string()));
    if let Some(fields) = document.as_object_mut() {
        let namespace = format!("https://spdx.org/spdxdocs/{}-{digest}", subject.stem());
        fields.insert("documentNamespace".to_owned(), json!(namespace));
    }
    document
}

fn package(job: &Job<'_>, code: &str, licence: Option<&str>) -> Value {
    let (subject, metadata) = (job.subject, job.metadata);
    let named = metadata.license.as_deref().or_else(|| Some(licence::common(None, licence)?.0));
    // Names of one's own would have to be explained in the document.
    let declared = named.filter(|name| !name.contains("LicenseRef-")).unwrap_or(UNKNOWN);
    let holders = licence::holders(licence.unwrap_or_default()).join("\n");
    let location = subject.origin.page.as_ref().map(|page| format!("git+{page}@{}", subject.commit));
    let supplier = metadata.maintainer.replace(" <", " (").replace('>', ")");
    let mut package = json!({
        "SPDXID": PACKAGE,
        "name": subject.package.to_string(),
        "versionInfo": subject.version.to_string(),
        "supplier": format!("Person: {supplier}"),
        "downloadLocation": location.unwrap_or_else(|| UNKNOWN.to_owned()),
        "filesAnalyzed": true,
        "packageVerificationCode": { "packageVerificationCodeValue": code },
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": declared,
        "licenseInfoFromFiles": [UNKNOWN],
        "copyrightText": if holders.is_empty() { UNKNOWN } else { &holders },
        "summary": metadata.description.lines().next().unwrap_or_default(),
        "sourceInfo": format!(
            "{} for {}, build type {}, of commit {} with {}",
            subject.package, subject.arch, subject.build_type, subject.commit, subject.built_by.compiler
        ),
        "comment": "The digests are those of the tested install tree, which archives hold as it is. \
                    Programs and libraries in Debian packages are stripped of symbols.",
    });
    if let (Some(page), Some(fields)) = (&metadata.homepage, package.as_object_mut()) {
        fields.insert("homepage".to_owned(), json!(page));
    }
    package
}

/// A package of the system, as `libc6 (>= 2.34)` or with alternatives.
fn dependency(id: &str, item: &str) -> Value {
    let name = item.split(['|', '(', ' ']).next().unwrap_or(item);
    json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "comment": format!("Debian package, needed as {item}"),
    })
}

fn file_entry(file: &Digests) -> Value {
    json!({
        "SPDXID": file.id(),
        "fileName": format!("./{}", file.path),
        "checksums": [
            { "algorithm": "SHA1", "checksumValue": file.sha1 },
            { "algorithm": "SHA256", "checksumValue": file.sha256 },
        ],
        "licenseConcluded": UNKNOWN,
        "licenseInfoInFiles": [UNKNOWN],
        "copyrightText": UNKNOWN,
    })
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// The SHA-1 of the sorted SHA-1 of all files, as the specification has it in 7.9.
fn verification_code(files: &[Digests]) -> String {
    let mut digests: Vec<&str> = files.iter().map(|file| file.sha1.as_str()).collect();
    digests.sort_unstable();
    hex(&Sha1::digest(digests.concat()))
}
