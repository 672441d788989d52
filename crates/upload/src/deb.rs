// SPDX-License-Identifier: Apache-2.0
//! What a Debian package says of itself must be what the manifest says: a package with another name,
//! version or architecture would be installed as something that it is not.

use artifact::{Bundle, FileEntry, FileKind, Manifest};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// The control archive of a package has a few kilobytes; this is the most that is read of one.
const MOST: u64 = 8 << 20;

/// How an `ar` archive begins.
const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Compares the control fields of every Debian package with the manifest.
pub fn check(bundle: &Bundle) -> Result<()> {
    for file in &bundle.manifest().files {
        if !matches!(file.kind, FileKind::Deb | FileKind::DebugDeb) {
            continue;
        }
        let path = bundle.path(file);
        let mut magic = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut magic));
        read.input(format!("failed to read {}", path.display()))?;
        // What is not a package cannot be installed as another one; dpkg refuses it.
        if magic != MAGIC {
            continue;
        }
        let fields = File::open(&path).and_then(|file| fields(BufReader::new(file)));
        let fields = fields.input(format!("failed to read the Debian package {}", path.display()))?;
        if let Some(problem) = difference(&fields, file, bundle.manifest()) {
            return Err(Failure::input(format!("{} is not a package of the manifest: {problem}", path.display()))
                .help("publish what stage-artifacts made, as it made it"));
        }
    }
    Ok(())
}

/// The first field that is not the manifest's.
fn difference(fields: &BTreeMap<String, String>, file: &FileEntry, manifest: &Manifest) -> Option<String> {
    let package = &manifest.package;
    let names: Vec<String> = if file.kind == FileKind::DebugDeb {
        vec![format!("{package}-dbgsym"), format!("{package}-dev-dbgsym")]
    } else {
        vec![package.to_string(), format!("{package}-dev")]
    };
    let expected = [
        ("Package", names),
        ("Version", vec![manifest.debian_version.clone()]),
        ("Architecture", vec![manifest.arch.debian().to_owned(), "all".to_owned()]),
    ];
    expected.into_iter().find_map(|(field, allowed)| {
        let found = fields.get(&field.to_ascii_lowercase()).map_or("", String::as_str);
        let fits = allowed.iter().any(|value| value == found);
        (!fits).then(|| format!("its {field} is {found:?}, not {:?}", allowed.first().map_or("", String::as_str)))
    })
}

/// The fields of the control file.
fn fields(mut deb: impl Read) -> io::Result<BTreeMap<String, String>> {
    deb.read_exact(&mut [0; MAGIC.len()])?;
    loop {
        let mut header = [0; 60];
        deb.read_exact(&mut header).map_err(|_| invalid("it has no control archive"))?;
        let text = String::from_utf8_lossy(&header).into_owned();
        let name = text.get(..16).unwrap_or_default().trim_end().trim_end_matches('/').to_owned();
        let size = text.get(48..58).and_then(|size| size.trim().parse::<u64>().ok());
        let size = size.filter(|size| *size <= MOST || !name.starts_with("control.tar"));
        let size = size.ok_or_else(|| invalid("a member has no plausible size"))?;
        let mut member = (&mut deb).take(size);
        match name.as_str() {
            "control.tar" => return control(member),
            "control.tar.gz" => return control(GzDecoder::new(member)),
            "control.tar.xz" => return control(liblzma::read::XzDecoder::new(member)),
            "control.tar.zst" => return control(zstd::Decoder::new(member)?),
            // The control archive comes before the data: whoever says otherwise is not followed through gigabytes.
            name if name.starts_with("data.tar") => return Err(invalid("it has no control archive before its data")),
            _ => io::copy(&mut member, &mut io::sink())?,
        };
        if size % 2 == 1 {
            deb.read_exact(&mut [0])?;
        }
    }
}

fn control(archive: impl Read) -> io::Result<BTreeMap<String, String>> {
    let mut archive = tar::Archive::new(archive.take(MOST));
    let mut found = None;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.strip_prefix("./").unwrap_or(&path) != Path::new("control") {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text)?;
        // dpkg would take one of two files or fields of a name; which one is not for us to guess.
        if found.replace(text).is_some() {
            return Err(invalid("it has two control files"));
        }
    }
    let text = found.ok_or_else(|| invalid("it has no control file"))?;
    let mut fields = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t'])) {
        let Some((name, value)) = line.split_once(':') else { continue };
        // dpkg ignores case in names.
        if fields.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned()).is_some() {
            return Err(invalid("it has a field twice"));
        }
    }
    Ok(fields)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Sha256;
    use std::process::Command;

    const CONTROL: &str = "Package: hello\nVersion: 0.3.0-1\nArchitecture: amd64\nMaintainer: J <j@x.org>\nDescription: x\n more: of it\n";

    /// A package made by dpkg-deb.
    fn package(control: &str, compression: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("tree/DEBIAN")).unwrap();
        std::fs::write(folder.path().join("tree/DEBIAN/control"), control).unwrap();
        let deb = folder.path().join("a.deb");
        let mut command = Command::new("dpkg-deb");
        command.arg(format!("-Z{compression}")).args(["--root-owner-group", "--build"]);
        let made = command.arg(folder.path().join("tree")).arg(&deb).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        std::fs::read(deb).unwrap()
    }

    fn told(kind: FileKind, control: &str) -> String {
        let manifest = testbed::bundle::manifest("v0.3.0", "0.3.0").unwrap();
        let bytes = package(control, "none");
        let name = "hello_0.3.0-1_amd64.deb".parse().unwrap();
        let file = FileEntry { name, kind, size: bytes.len() as u64, sha256: Sha256::of(&bytes), soname: None };
        difference(&fields(&bytes[..]).unwrap(), &file, &manifest).unwrap_or_else(|| "fits".to_owned())
    }

    #[test]
    fn every_compression_of_dpkg_is_read() {
        for compression in ["none", "gzip", "xz", "zstd"] {
            let bytes = package(CONTROL, compression);
            let fields = fields(&bytes[..]).unwrap();
            assert_eq!(fields["package"], "hello", "{compression}");
            assert_eq!(fields["description"], "x", "{compression}");
        }
    }

    #[test]
    fn a_forged_package_is_named() {
        let changed = |from: &str, to: &str| CONTROL.replace(from, to);
        let cases = [
            ("fits", FileKind::Deb, CONTROL.to_owned()),
            ("fits", FileKind::Deb, changed(": hello", ": hello-dev")),
            ("fits", FileKind::Deb, changed("amd64", "all")),
            ("fits", FileKind::DebugDeb, changed(": hello", ": hello-dbgsym")),
            ("its Package is \"sudo\", not \"hello\"", FileKind::Deb, changed(": hello", ": sudo")),
            ("its Package is \"hello-dbgsym\", not \"hello\"", FileKind::Deb, changed(": hello", ": hello-dbgsym")),
            ("its Package is \"hello\", not \"hello-dbgsym\"", FileKind::DebugDeb, CONTROL.to_owned()),
            ("its Version is \"9.9-1\", not \"0.3.0-1\"", FileKind::Deb, changed("0.3.0-1", "9.9-1")),
            ("its Architecture is \"arm64\", not \"amd64\"", FileKind::Deb, changed("amd64", "arm64")),
        ];
        for (expected, kind, control) in cases {
            assert_eq!(told(kind, &control), expected);
        }
    }

    #[test]
    fn what_is_not_a_package_is_refused() {
        let good = package(CONTROL, "none");
        let renamed = |from: &[u8], to: &[u8]| {
            let at = good.windows(from.len()).position(|window| window == from).unwrap();
            let mut bytes = good.clone();
            bytes[at..at + to.len()].copy_from_slice(to);
            bytes
        };
        let cases = [
            ("empty", Vec::new()),
            ("text", b"deb".to_vec()),
            ("cut off", good[..100].to_vec()),
            ("no control archive", renamed(b"control.tar ", b"xontrol.tar ")),
            ("endless", renamed(b"control.tar ", b"control.tar.")),
        ];
        for (name, bytes) in cases {
            assert!(fields(&bytes[..]).is_err(), "{name}");
        }
        let twice = format!("{CONTROL}Priority: x\n").replace("Priority: x", "Package: sudo");
        // dpkg-deb would not make it; an attacker does.
        let mut forged = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(twice.len() as u64);
        forged.append_data(&mut header, "./control", twice.as_bytes()).unwrap();
        assert_eq!(control(&forged.into_inner().unwrap()[..]).unwrap_err().to_string(), "it has a field twice");
    }
}
