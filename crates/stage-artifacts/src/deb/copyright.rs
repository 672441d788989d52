// SPDX-License-Identifier: Apache-2.0
//! The file `copyright` of a Debian package: where the software comes from and its licence.

use crate::format::Job;
use crate::licence;
use crate::metadata::Metadata;
use crate::subject::Subject;
use std::fmt::Write;
use toolkit::Result;

/// The file for a subject, with the licence that its source tree holds.
pub fn for_subject(job: &Job<'_>) -> Result<String> {
    let text = licence::text(&job.subject.source)?;
    if text.is_none() && job.metadata.license.is_none() {
        job.runner.warning("no licence file is in the source tree and none is named: the package will not state one");
    }
    Ok(render(job.subject, job.metadata, text.as_deref()))
}

fn render(subject: &Subject, metadata: &Metadata, text: Option<&str>) -> String {
    let origin = metadata.homepage.as_deref().unwrap_or("a local source tree");
    let mut written = format!("{} {} was built from {origin},\n", subject.package, subject.version);
    let _ = writeln!(written, "commit {}.\n", subject.commit);
    let holders = licence::holders(text.unwrap_or_default());
    if holders.is_empty() {
        let _ = writeln!(written, "Copyright: the authors of {}", subject.package);
    }
    for holder in holders {
        let _ = writeln!(written, "{holder}");
    }
    let common = licence::common(metadata.license.as_deref(), text);
    if let Some(name) = metadata.license.as_deref().or(common.map(|(spdx, _)| spdx)) {
        let _ = writeln!(written, "\nLicense: {name}");
    }
    match (common, text) {
        (Some((_, file)), _) => {
            let _ = writeln!(
                written,
                "\nOn Debian systems, the full text of this licence is in\n/usr/share/common-licenses/{file}."
            );
        }
        (None, Some(text)) => {
            let _ = writeln!(written, "\n{}", text.trim_end());
        }
        (None, None) => {}
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = "MIT License\n\nCopyright (c) 2024 Example Ltd\n\nPermission is hereby granted, …\n";
    const APACHE: &str = "                 Apache License\n           Version 2.0, January 2004\n\n   1. Definitions.\n\n   Copyright [yyyy] [name of copyright owner]\n";

    #[test]
    fn a_licence_of_its_own_is_quoted() {
        insta::assert_snapshot!(render(&Subject::example(), &Metadata::example(), Some(MIT)));
    }

    #[test]
    fn a_common_licence_is_referred_to() {
        insta::assert_snapshot!(render(&Subject::example(), &Metadata::example(), Some(APACHE)));
    }
}
