// SPDX-License-Identifier: Apache-2.0
//! The second build: the same commit, options and prefix, and everything else as different as it can be.

use crate::Args;
use artifact::{BuildRecord, Dependency, FileName, Provenance};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Program, Result, ResultExt, Runner, on_path};

/// What the second build made.
pub struct Rebuilt {
    /// Its bundle.
    pub bundle: PathBuf,
    /// How it was built, if we did.
    pub record: Option<BuildRecord>,
    /// What it was built from, if we did.
    pub sources: Option<Dependency>,
    /// What was different on purpose.
    pub varied: Vec<String>,
    /// Tools of another version than the recorded ones.
    pub tools_differ: Vec<String>,
    /// Texts that must not be in a file: the folders of this build.
    pub traces: Vec<String>,
}

impl Rebuilt {
    /// A second build that somebody else made.
    pub fn elsewhere(bundle: &Path) -> Self {
        let (varied, tools_differ, traces) = Default::default();
        Self { bundle: bundle.to_owned(), record: None, sources: None, varied, tools_differ, traces }
    }
}

/// Fetches a published version; returns the folder.
pub fn fetch(release: &str, options: &[String], work: &Path, runner: &Runner) -> Result<PathBuf> {
    let parts = release.split_once('@').filter(|(package, version)| !package.is_empty() && !version.is_empty());
    let (package, version) = parts.ok_or_else(|| {
        Failure::input(format!("{release:?} is not a valid release")).help("write <package>@<version>: vaccel@0.7.1")
    })?;
    runner.step(&format!("Fetch {release}"));
    let folder = work.join("published");
    // Everything of the bundle, also what is usually left out.
    let arguments = ["--package", package, "--version", version, "--files", "*", "--local-path"];
    let program = Program::new(ours("fetch")?).args(arguments).arg(&folder).args(options);
    program.run(runner).with_context(|| format!("failed to fetch {release}"))?;
    Ok(folder)
}

/// Checks the commit out elsewhere, builds and stages it.
pub fn rebuild(
    args: &Args,
    provenance: &Provenance,
    files: &[FileName],
    work: &Path,
    runner: &Runner,
) -> Result<Rebuilt> {
    let definition = &provenance.predicate.build_definition;
    let parameters = &definition.external_parameters;
    let place = work.join("another-folder/with-a-longer-name-than-the-first");
    let (source, build, install) = (place.join("sources"), place.join("objects"), place.join("root"));
    fs::create_dir_all(&place).context("failed to make a folder")?;
    checkout(args, provenance, &source, runner)?;

    // Before the folder belongs to somebody else, which git does not like.
    let epoch = commit_time(&source)?;
    let circumstances = Circumstances::choose(&place)?;
    runner.step("Build again");
    let mut command = Program::new(circumstances.program.clone()).args(&circumstances.arguments).arg(ours("build")?);
    command = command
        .args(["--arch", parameters.arch.as_str(), "--build-type", &parameters.build_type.to_string()])
        .args(["--prefix", &parameters.prefix, "--compiler-cache", "off", "--jobs", "1", "--source-path"])
        .arg(&source)
        .arg("--build-path")
        .arg(&build)
        .arg("--destdir")
        .arg(&install)
        .timeout(Duration::from_secs(args.timeout * 60));
    if !parameters.options.is_empty() {
        command = command.args(["--options", &parameters.options.join(",")]);
    }
    let roots = args.pkgconfig_prefix.as_deref().unwrap_or_default();
    let roots = roots.iter().map(std::path::absolute).collect::<std::io::Result<Vec<_>>>()?;
    let joined = roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(",");
    if !roots.is_empty() {
        command = command.args(["--pkgconfig-prefix", &joined]);
    }
    for (name, value) in &circumstances.variables {
        command = command.env(name, value);
    }
    quiet(command).run(runner).context("failed to build again")?;

    runner.step("Stage again");
    let bundle = place.join("bundle");
    let mut command = Program::new(circumstances.program.clone()).args(&circumstances.arguments);
    command = command
        .arg(ours("stage-artifacts")?)
        .args(["--package", parameters.package.as_str(), "--version", &parameters.version.to_string()])
        .args(["--ref", parameters.git_ref.as_str(), "--prefix", &parameters.prefix])
        .args(["--formats", &formats(files).join(","), "--split", split(files)])
        .arg("--source-path")
        .arg(&source)
        .arg("--build-path")
        .arg(&build)
        .arg("--destdir")
        .arg(&install)
        .arg("--output-path")
        .arg(&bundle)
        .env("SOURCE_DATE_EPOCH", epoch);
    if !roots.is_empty() {
        command = command.args(["--pkgconfig-prefix", &joined]);
    }
    // The page of the repository is in the packages.
    if let Some((server, name)) = repository(provenance) {
        command = command.env("GITHUB_SERVER_URL", server).env("GITHUB_REPOSITORY", name);
    }
    for (name, value) in &circumstances.variables {
        command = command.env(name, value);
    }
    quiet(command).run(runner).context("failed to stage again")?;

    let record = fs::read(build.join(BuildRecord::FILE)).context("failed to read the record of the build")?;
    let record = BuildRecord::parse(&record)?;
    let recorded = &definition.internal_parameters;
    let tools = [("compiler", &recorded.compiler, &record.compiler), ("backend", &recorded.backend, &record.backend)];
    let tools_differ = tools.into_iter().filter(|(_, then, now)| then != now);
    let tools_differ = tools_differ.map(|(what, then, now)| format!("{what} {then} then, {now} now")).collect();
    let traces = vec![place.display().to_string()];
    let sources = definition.resolved_dependencies.first().cloned();
    Ok(Rebuilt { bundle, record: Some(record), sources, varied: circumstances.varied, tools_differ, traces })
}

/// What the first build had otherwise.
struct Circumstances {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    varied: Vec<String>,
}

impl Circumstances {
    fn choose(place: &Path) -> Result<Self> {
        let home = place.join("home");
        fs::create_dir_all(&home).context("failed to make a home folder")?;
        let mut varied: Vec<String> =
            ["folder", "time", "umask", "locale", "time zone", "home folder"].map(Into::into).into();
        let variables = vec![
            ("HOME", home.into_os_string()),
            ("LC_ALL", "C".into()),
            ("LANG", "tr_TR.UTF-8".into()),
            ("TZ", "Pacific/Kiritimati".into()),
            ("USER", "another".into()),
            ("LOGNAME", "another".into()),
        ];
        // The umask is set by a shell, which becomes what follows.
        let mut arguments: Vec<OsString> = ["-c", "umask 077; exec \"$@\"", "sh"].map(OsString::from).into();
        if let Some(taskset) = on_path("taskset") {
            arguments.extend([taskset.into_os_string(), "--cpu-list".into(), first_core()]);
            varied.push("number of cores".into());
        }
        let is_root = rustix::process::getuid().is_root();
        if let Some(setpriv) = on_path("setpriv").filter(|_| is_root && everybody_reaches_the_tools()) {
            arguments.push(setpriv.into_os_string());
            arguments.extend(["--reuid=65534", "--regid=65534", "--clear-groups"].map(OsString::from));
            for folder in place.ancestors().take_while(|folder| folder.starts_with(std::env::temp_dir())).skip(1) {
                let _ = fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755));
            }
            own(place)?;
            varied.push("user".into());
        }
        Ok(Self { program: "/bin/sh".into(), arguments, variables, varied })
    }
}

/// Whether another user could start what is on the search path: a toolchain in the home folder of root is nobody else's.
fn everybody_reaches_the_tools() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::current_exe().ok().and_then(|file| file.parent().map(Path::to_owned));
    let open = |folder: &Path| {
        use std::os::unix::fs::PermissionsExt;
        folder.metadata().map_or(true, |meta| meta.permissions().mode() & 0o001 != 0)
    };
    std::env::split_paths(&path).chain(own).all(|folder| folder.ancestors().all(open))
}

/// Gives a folder and all that is in it to the other user.
fn own(path: &Path) -> Result<()> {
    let nobody = (Some(rustix::fs::Uid::from_raw(65534)), Some(rustix::fs::Gid::from_raw(65534)));
    let failed = |error: rustix::io::Errno| Failure::from(std::io::Error::from(error));
    rustix::fs::chownat(rustix::fs::CWD, path, nobody.0, nobody.1, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .map_err(failed)?;
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            own(&entry?.path())?;
        }
    }
    Ok(())
}

/// The first core that this process may use.
fn first_core() -> OsString {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("0");
    list.trim().split([',', '-']).next().unwrap_or("0").into()
}

/// The runner's own variables would make our programs speak to it.
fn quiet(mut program: Program<'_>) -> Program<'_> {
    for name in ["GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE"]
    {
        program = program.env_remove(name);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INPUT_")) {
        program = program.env_remove(name);
    }
    program
}

fn checkout(args: &Args, provenance: &Provenance, source: &Path, runner: &Runner) -> Result<()> {
    let sources = provenance.predicate.build_definition.resolved_dependencies.first();
    let commit = sources.and_then(|sources| sources.digest.get(Provenance::GIT_COMMIT)).cloned().unwrap_or_default();
    let commit: artifact::Commit = commit.parse().input("the provenance names no commit")?;
    let address = match (&args.source, sources) {
        (Some(source), _) => source.clone(),
        (None, Some(sources)) => sources.uri.trim_start_matches("git+").to_owned(),
        (None, None) => String::new(),
    };
    runner.step(&format!("Check {commit} out"));
    let git = |arguments: &[&OsStr]| Program::new("git").args(arguments).env("GIT_TERMINAL_PROMPT", "0").run(runner);
    let target = source.as_os_str();
    git(&[
        "clone".as_ref(),
        "--quiet".as_ref(),
        "--no-hardlinks".as_ref(),
        "--no-checkout".as_ref(),
        address.as_ref(),
        target,
    ])
    .with_context(|| format!("failed to clone {address}"))
    .help("give the repository that has the commit as source")?;
    let inside: [&OsStr; 2] = ["-C".as_ref(), target];
    git(&[&inside[..], &["checkout".as_ref(), "--quiet".as_ref(), "--detach".as_ref(), commit.as_str().as_ref()]]
        .concat())
    .with_context(|| format!("failed to check {commit} out"))
    .help("the repository does not have the commit of the bundle: give another as source")?;
    git(&[&inside[..], &["submodule", "--quiet", "update", "--init", "--recursive"].map(OsStr::new)].concat())
        .context("failed to check the submodules out")?;
    Ok(())
}

fn commit_time(source: &Path) -> Result<String> {
    let git = Program::new("git").arg("-C").arg(source).args(["log", "-1", "--no-show-signature", "--format=%ct"]);
    Ok(git.capture().context("failed to read the time of the commit")?.trim().to_owned())
}

/// `https://github.com` and `owner/name`.
fn repository(provenance: &Provenance) -> Option<(String, String)> {
    let uri = &provenance.predicate.build_definition.resolved_dependencies.first()?.uri;
    let (server, name) = uri.strip_prefix("git+https://")?.split_once('/')?;
    Some((format!("https://{server}"), name.to_owned()))
}

/// One of our executables: it lies beside this one.
fn ours(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().context("failed to find this executable")?;
    let file = here.with_file_name(format!("vaccel-{name}"));
    if file.is_file() {
        return Ok(file);
    }
    Err(Failure::work(format!("{} was not found", file.display())).help("keep the executables of a release together"))
}

/// The formats that such files come from.
fn formats(files: &[FileName]) -> Vec<&'static str> {
    let ends = |end: &str| files.iter().any(|name| name.as_str().ends_with(end));
    let is_source = |name: &FileName| name.as_str().contains("_source.tar");
    let tar = |end: &str| files.iter().any(|name| name.as_str().ends_with(end) && !is_source(name));
    let all = [
        ("deb", ends(".deb")),
        ("tar.gz", tar(".tar.gz")),
        ("tar.xz", tar(".tar.xz")),
        ("tar.zst", tar(".tar.zst")),
        ("so", files.iter().any(|name| name.as_str().contains(".so"))),
        ("source", files.iter().any(is_source)),
        ("wheel", ends(".whl")),
    ];
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

fn split(files: &[FileName]) -> &'static str {
    if files.iter().any(|name| name.as_str().contains("-dev_")) { "dev" } else { "none" }
}
