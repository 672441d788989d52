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
