// SPDX-License-Identifier: Apache-2.0
//! What code of a repository tries against the action that runs it, the runner and the steps that follow. Each attack
//! is a script that a real action runs as a step of GitHub Actions, as root and as another user.

#![expect(clippy::unwrap_used, reason = "a test, which clippy does not see in one without a harness")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};
use toolkit::{Action, Annotation, PassEnv, Program, Result, Runner, Secret};

/// The action under attack.
struct Step;

/// Inputs.
#[derive(clap::Args, Debug)]
struct Args {
    /// The code of the repository.
    #[arg(long)]
    script: String,
    /// What it must not learn.
    #[arg(long)]
    secret: Option<Secret>,
    /// What it may see.
    #[arg(long)]
    #[allow(dead_code, reason = "the toolkit applies it")]
    pass_env: Option<PassEnv>,
}

toolkit::outputs! {
    /// Outputs.
    pub struct Outputs {
        /// Whether the work is done.
        pub done: bool,
    }
}

impl Action for Step {
    const NAME: &'static str = "step";
    const TITLE: &'static str = "Step";
    const DESCRIPTION: &'static str = "Runs a script.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        let program = |script: &str| Program::new("/bin/sh").args(["-c", script]).repository_code();
        program(&args.script).run(runner)?;
        runner.annotate(&Annotation::notice("between"));
        // Time for whatever may be left.
        std::thread::sleep(Duration::from_millis(200));
        runner.set_env("OURS", "1")?;
        runner.guarded(|| program("echo collected").collect(100))??;
        Ok(Outputs { done: true })
    }
}

/// A step that has ended.
struct Ended {
    folder: PathBuf,
    output: Output,
}

struct Attack {
    name: &'static str,
    /// `$OUT` is a folder that it can write, `$ENV` the file `GITHUB_ENV`.
    script: &'static str,
    /// What it must not have reached.
    check: fn(&Ended),
}

const ATTACKS: &[Attack] = &[
    Attack {
        name: "reads the environment, memory and files of the action from another session",
        script: "action=$PPID
            setsid sh -c \"cat /proc/$action/environ >$OUT/environ; head -c 1 /proc/$action/maps >$OUT/maps
                echo ::add-path::/evil >/proc/$action/fd/1; ls -l /proc/$action/fd >$OUT/fd\" &
            wait",
        check: |ended| {
            for name in ["environ", "maps", "fd"] {
                let stolen = std::fs::read(ended.folder.join("out").join(name)).unwrap();
                assert!(!String::from_utf8_lossy(&stolen).contains("hunter2"), "{name}");
                assert!(name == "fd" || stolen.is_empty(), "{name}");
            }
            assert!(!ended.log().contains("::add-path"), "{}", ended.log());
        },
    },
    Attack {
        name: "looks for credentials in its own environment",
        script: "env >$OUT/environ",
        check: |ended| {
            let seen = std::fs::read_to_string(ended.folder.join("out/environ")).unwrap();
            assert!(!seen.contains("hunter2") && !seen.contains("UNLISTED"), "{seen}");
            assert!(seen.contains("MODEL_PATH=/models") && seen.contains("GITHUB_SHA=abc"), "{seen}");
        },
    },
    Attack {
        name: "writes GITHUB_ENV after its parent ended",
        script: "setsid sh -c 'while :; do echo PATH=/evil >>$ENV; sleep 0.01; done' & exit 0",
        check: |_| (),
    },
    Attack {
        name: "replaces GITHUB_ENV by a link, later",
        script: "echo BASH_ENV=/evil >$OUT/mine
            setsid sh -c 'while :; do ln -sf $OUT/mine $ENV; sleep 0.01; done' & exit 0",
        check: |_| (),
    },
    Attack {
        name: "survives in a session of its own, deaf to signals, without an environment",
        script: "trap '' TERM HUP INT
            env -i OUT=$OUT setsid setsid sh -c 'while :; do date >>$OUT/alive; sleep 0.01; done' & sleep 0.2",
        check: |ended| assert!(ended.log().contains("code of the repository left"), "{}", ended.log()),
    },
    Attack {
        name: "survives as a daemon that was stopped",
        script: "(setsid sh -c 'echo $$ >$OUT/pid; kill -STOP $$; while :; do date >>$OUT/alive; sleep 0.01; done' &)
            while [ ! -s $OUT/pid ]; do sleep 0.01; done; sleep 0.1",
        check: |ended| {
            let pid = std::fs::read_to_string(ended.folder.join("out/pid")).unwrap();
            assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid}");
        },
    },
    Attack {
        name: "survives by always being another process",
        script: "cat >$OUT/fork <<'EOF'\ndate >>$OUT/alive\nsetsid env -i OUT=$OUT /bin/sh $OUT/fork & exit 0\nEOF
            sh $OUT/fork; sleep 0.2",
        check: |_| (),
    },
    Attack {
        name: "survives in namespaces of its own",
        script: "unshare --user --map-root-user --pid --fork --mount --ipc setsid sh -c 'while :; do date >>$OUT/alive; sleep 0.01; done' &
            sleep 0.3; test -s $OUT/alive",
        check: |ended| assert!(ended.log().contains("code of the repository left"), "{}", ended.log()),
    },
    Attack {
        name: "survives below a reaper of its own in the background",
        script: "unshare --user --pid --fork --kill-child=URG sh -c '(sh -c \"while :; do date >>$OUT/alive; sleep 0.01; done\" &) ; sleep 600' &
            sleep 0.2",
        check: |_| (),
    },
    Attack {
        name: "guesses the marker and speaks in every way it can",
        script: "echo ::x::; echo '::add-path::/evil'; echo '##[add-path]/evil'; printf '\\r::set-env name=A::b\\n'",
        check: |_| (),
    },
];

impl Ended {
    fn log(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }
}

/// The commands that the runner would take from a log: those outside of stopped parts.
fn commands(log: &str) -> Vec<&str> {
    let mut marker: Option<&str> = None;
    let mut found = Vec::new();
    for line in log.lines() {
        let line = line.trim_start();
        let name = line.strip_prefix("::").and_then(|rest| rest.split("::").next()).unwrap_or_default();
        match marker {
            Some(stopped) if name == stopped && !name.is_empty() => marker = None,
            None if name == "stop-commands" => marker = line.rsplit("::").next(),
            None if line.starts_with("::") || line.contains("##[") => found.push(line),
            Some(_) | None => {}
        }
    }
    found
}

fn attack(attack: &Attack, user: Option<u32>, program: &Path) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().to_owned();
    let out = folder.join("out");
    std::fs::create_dir(&out).unwrap();
    for (file, mode) in [(folder.as_path(), 0o755), (&out, 0o777)] {
        std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
    }
    let mut command = match user {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]);
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(&folder);
    for name in ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        let file = out.join(name);
        std::fs::write(&file, "BEFORE=1\n").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
        command.env(name, file);
    }
    let header = format!("OUT={0}; ENV={0}/GITHUB_ENV; export OUT ENV\n", out.display());
    command.envs([("TOOLKIT_ATTACKED", "1"), ("GITHUB_ACTIONS", "true"), ("INPUT_SECRET", "hunter2")]);
    command.envs([("AWS_SECRET_ACCESS_KEY", "hunter2"), ("UNLISTED", "1"), ("INPUT_PASS_ENV", "MODEL_PATH")]);
    command.envs([("MODEL_PATH", "/models"), ("GITHUB_SHA", "abc"), ("CARGO_REGISTRY_TOKEN", "hunter2")]);
    let started = Instant::now();
    let output = command.env("INPUT_SCRIPT", header + attack.script).output().unwrap();
    let ended = Ended { folder, output };
    let log = ended.log();
    assert!(ended.output.status.success(), "{log}{}", String::from_utf8_lossy(&ended.output.stderr));
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());

    // Nothing goes on.
    let alive = || std::fs::metadata(ended.folder.join("out/alive")).map_or(0, |meta| meta.len());
    let size = alive();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(alive(), size, "it survives");
    // Steps that follow get what the action wrote, and nothing else.
    let env = std::fs::read_to_string(ended.folder.join("out/GITHUB_ENV")).unwrap();
    let lines: Vec<_> = env.lines().collect();
    assert!(lines.len() == 4 && lines[0] == "BEFORE=1" && lines[2] == "1", "{env}");
    assert!(std::fs::read_to_string(ended.folder.join("out/GITHUB_OUTPUT")).unwrap().contains("\ntrue\n"));
    assert_eq!(std::fs::read_to_string(ended.folder.join("out/GITHUB_PATH")).unwrap(), "BEFORE=1\n");
    // The runner hears the action, and nobody else.
    let heard = commands(&log);
    let ours = |line: &&str| {
        ["::add-mask::hunter2", "::notice::between"].contains(line)
            || line.starts_with("::warning::code of the repository ")
    };
    assert!(heard.contains(&"::notice::between") && heard.iter().all(ours), "{heard:?} in {log}");
    (attack.check)(&ended);
}

fn main() -> ExitCode {
    if std::env::var_os("TOOLKIT_ATTACKED").is_some() {
        return toolkit::main::<Step>();
    }
    let filter: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_root = rustix::process::geteuid().is_root();
    // Where another user can start it; before there are threads, which would hold it open.
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = place.path().join("step");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let program = &program;
    std::thread::scope(|scope| {
        for one in ATTACKS.iter().filter(|one| filter.iter().all(|text| one.name.contains(text.as_str()))) {
            let users: &[Option<u32>] = if is_root { &[None, Some(65534)] } else { &[None] };
            for user in users {
                let name = format!("{}{}", one.name, if user.is_some() { " (not root)" } else { "" });
                let run = move || {
                    attack(one, *user, program);
                    println!("test {name} ... ok");
                };
                scope.spawn(run);
            }
        }
    });
    ExitCode::SUCCESS
}
