// SPDX-License-Identifier: Apache-2.0
//! The plan as a person reads it.

use artifact::Plan;
use std::fmt::Write;
use toolkit::markdown::{code, escape, table};

/// Markdown for the job summary.
pub fn render(plan: &Plan) -> String {
    let what = match (plan.proceed, plan.publish, plan.immutable) {
        (false, ..) => "nothing runs",
        (true, false, _) => "build and verify",
        (true, true, false) => "build, verify and publish the branch",
        (true, true, true) => "build, verify and publish the release",
    };
    let mut text = format!("## Plan for {}: {what}\n\n{}.\n\n", code(plan.package.as_str()), escape(&plan.reason));
    let rows = [
        ("Version", code(&plan.version.to_string())),
        ("Branch or tag", code(plan.git_ref.as_str())),
        ("Commit", code(plan.sha.as_str())),
    ];
    text.push_str(&table(&["", ""], rows.map(|(name, value)| vec![name.to_owned(), value])));
    if !plan.matrix.include.is_empty() {
        let _ = write!(text, "\n### Targets\n\n");
        let rows = plan
            .matrix
            .include
            .iter()
            .map(|target| vec![target.arch.to_string(), target.build_type.to_string(), code(&target.runs_on)]);
        text.push_str(&table(&["Architecture", "Build type", "Runner"], rows));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::{Arch, BuildType, Matrix, Target};

    fn plan() -> Plan {
        Plan {
            schema: Plan::SCHEMA,
            package: "plugin-hello".parse().unwrap(),
            proceed: true,
            reason: "release v0.3.0: built and published".into(),
            publish: true,
            immutable: true,
            decides: true,
            jobs_runner: "base-2204-amd64".into(),
            options: Vec::new(),
            files: Vec::new(),
            remote_path: None,
            git_ref: "v0.3.0".parse().unwrap(),
            sha: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
            version: "0.3.0".parse().unwrap(),
            matrix: Matrix {
                include: [BuildType::Debug, BuildType::Release]
                    .map(|build_type| Target {
                        arch: Arch::X86_64,
                        build_type,
                        runs_on: "base-2204-amd64".into(),
                        runner_arch: "amd64".into(),
                        tag: "base".into(),
                        context: "network".into(),
                    })
                    .into(),
            },
        }
    }

    #[test]
    fn a_release_is_told_with_its_targets() {
        insta::assert_snapshot!(render(&plan()));
    }

    #[test]
    fn a_plan_that_runs_nothing_says_why() {
        let stopped = Plan {
            proceed: false,
            publish: false,
            immutable: false,
            reason: "the tag <nightly> | x is not a release".into(),
            matrix: Matrix::default(),
            ..plan()
        };
        insta::assert_snapshot!(render(&stopped));
    }
}
