// SPDX-License-Identifier: Apache-2.0
//! Running real programs: how they end, what they may see and say.

use std::time::{Duration, Instant};
use toolkit::{Exit, Failure, Program, RunError, Runner, Stream};

fn shell(script: &str) -> Program<'static> {
    Program::new("/bin/sh").args(["-c", script])
}

#[test]
fn every_way_to_end_is_named() {
    let (runner, _) = Runner::recording([]);
    assert!(shell("exit 0").run(&runner).is_ok());
    let error = shell("echo why; exit 3").run(&runner).unwrap_err();
    assert_eq!(error.to_string(), "sh ended with exit status 3");
    assert_eq!(error.tail(), ["why"]);
    let cases = [("kill -SEGV $$", "sh was killed by SIGSEGV"), ("kill -KILL $$", "sh was killed by SIGKILL")];
    for (script, message) in cases {
        assert_eq!(shell(script).run(&runner).unwrap_err().to_string(), message);
    }
    let error = Program::new("/does/not/exist").run(&runner).unwrap_err();
    assert_eq!(error.to_string(), "/does/not/exist was not found");
}

#[test]
fn a_name_is_looked_for_on_the_search_path_only() {
    let (runner, recording) = Runner::recording([]);
    let folder = tempfile::tempdir().unwrap();
    let planted = folder.path().join("env");
    std::fs::write(&planted, "#!/bin/sh\necho planted\n").unwrap();
    std::fs::set_permissions(&planted, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    Program::new("env").args(["-i", "A=1", "/usr/bin/env"]).dir(folder.path()).run(&runner).unwrap();
    assert_eq!(recording.text(), "A=1\n");
}

#[test]
fn output_is_shown_live_logged_and_observed() {
    let (runner, recording) = Runner::recording([]);
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut seen = Vec::new();
    shell("echo out; echo err >&2; printf 'no \\377 end'")
        .log(log.path())
        .on_line(|line| seen.push(line.to_owned()))
        .run(&runner)
        .unwrap();
    assert_eq!(seen, ["out", "err", "no \u{fffd} end"]);
    assert_eq!(recording.text(), "out\nerr\nno \u{fffd} end\n");
    assert_eq!(std::fs::read(log.path()).unwrap(), b"out\nerr\nno \xff end");
}

#[test]
fn endless_output_is_bounded_in_log_and_memory() {
    let (runner, recording) = Runner::recording([]);
    let log = tempfile::NamedTempFile::new().unwrap();
    let (size, mut lines) = (std::cell::Cell::new(0), 0);
    let script = "yes ab | head -n 1000000; head -c 20000000 /dev/zero; echo; printf '\\377 end'; exit 3";
    let error = shell(script).log(log.path()).output_limit(9, &size).on_line(|_| lines += 1).run(&runner).unwrap_err();
    let (story, kept) = (recording.text(), String::from_utf8_lossy(&std::fs::read(log.path()).unwrap()).into_owned());
    assert_eq!(story, kept);
    let zeros = "\0".repeat(10);
    assert!(story.starts_with("ab\nab\nab\n(more than 9 B of output; the rest is not shown)\n"), "{story:.200}");
    assert!(story.contains(&format!("(23.0 MB of output; its last lines:)\n{zeros}")), "{}", story.len());
    assert!(story.ends_with("\0\n\u{fffd} end\n") && story.len() < 2_000_000, "{}", story.len());
    assert_eq!((size.get(), error.tail().len()), (23_000_006, 20));
    assert!(lines > 1_000_000 && lines < 1_001_000, "{lines}");

    let (runner, recording) = Runner::recording([]);
    shell("printf abc").output_limit(3, &size).run(&runner).unwrap();
    assert_eq!((recording.text().as_str(), size.get()), ("abc\n", 3));
}

#[test]
fn streams_do_not_break_each_other_s_lines() {
    let (runner, recording) = Runner::recording([]);
    let mut seen = Vec::new();
    let script = "printf 'one\ntw'; printf '100%%' >&2; printf 'o\n'; printf end >&2";
    shell(script).on_line_of(|stream, line| seen.push((stream, line.to_owned()))).run(&runner).unwrap();
    let of = |wanted| seen.iter().filter(move |(stream, _)| *stream == wanted).map(|(_, line)| line.as_str());
    assert_eq!(of(Stream::Out).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(of(Stream::Err).collect::<Vec<_>>(), ["100%end"]);
    assert!(recording.text().contains("two\n") && recording.text().contains("100%end\n"), "{}", recording.text());
}

#[test]
fn a_time_out_ends_the_whole_process_group() {
    let (runner, _) = Runner::recording([]);
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; echo started; wait", pid_file.display());
    let started = Instant::now();
    let error = shell(&script).timeout(Duration::from_millis(300)).run(&runner).unwrap_err();
    let is_told = |error: &RunError| matches!(error, RunError::TimedOut { tail, running, .. } if tail == &["started"] && running == "sleep 600");
    assert!(is_told(&error), "{error:?}");
    assert_eq!(error.to_string(), "sh was stopped because it ran longer than 300 ms");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_ended(&std::fs::read_to_string(pid_file).unwrap());
}

#[test]
fn a_program_deaf_to_sigterm_is_killed() {
    let (runner, _) = Runner::recording([]);
    let started = Instant::now();
    let error = shell("trap '' TERM; while :; do sleep 1; done").timeout(Duration::from_millis(100)).run(&runner);
    assert!(matches!(error, Err(RunError::TimedOut { .. })));
    assert!(started.elapsed() < Duration::from_secs(12));
}

#[test]
fn a_background_process_neither_holds_us_nor_survives() {
    let (runner, recording) = Runner::recording([]);
    let started = Instant::now();
    shell("sleep 600 & echo $!").run(&runner).unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_ended(&recording.text());
}

#[test]
fn repository_code_has_no_voice_and_sees_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "").unwrap();
        path.display().to_string()
    };
    let (output, env) = (file("output"), file("env"));
    let (runner, recording) =
        Runner::recording([("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", &output), ("GITHUB_ENV", &env)]);
    let script = format!(
        "echo '::add-path::/evil'; echo '::stop-commands::x'; echo '::x::'; echo evil=1 >> {output}; rm {env}; printf half"
    );
    shell(&script).repository_code().run(&runner).unwrap();

    let text = recording.text();
    let lines: Vec<_> = text.lines().collect();
    let marker = lines[0].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(marker.len(), 32);
    assert_eq!(lines[1..5], ["::add-path::/evil", "::stop-commands::x", "::x::", "half"]);
    assert_eq!(lines[5], format!("::{marker}::"));
    let warnings: Vec<_> = lines[5..].iter().filter(|line| line.starts_with("::warning")).collect();
    assert_eq!(warnings.len(), 2, "a warning for each file: {text}");
    assert!(lines.last().unwrap().starts_with("::stop-commands::"), "commands stay off: {text}");
    for path in [output, env] {
        assert_eq!(std::fs::read_to_string(path).unwrap(), "");
    }
}

#[test]
fn markers_differ_from_run_to_run() {
    let run = || {
        let (runner, recording) = Runner::recording([("GITHUB_ACTIONS", "true")]);
        shell("true").repository_code().run(&runner).unwrap();
        recording.text()
    };
    assert_ne!(run(), run());
}

#[test]
fn what_is_rendered_is_shown_and_kept_and_the_lines_are_told() {
    let (runner, recording) = Runner::recording([]);
    let mut lines = Vec::new();
    let render = |line: &str| line.strip_prefix("say ").map(str::to_owned);
    let program = shell("echo say hello; echo hidden; printf 'say end'").rendered(render);
    let finished = program.on_line(|line| lines.push(line.to_owned())).run(&runner).unwrap();
    assert_eq!(recording.text(), "hello\nend\n");
    assert_eq!(finished.log_tail, ["hello", "end"]);
    assert_eq!(lines, ["say hello", "hidden", "say end"]);
}

#[test]
fn capture_gives_standard_output_only() {
    assert_eq!(shell("echo out; echo err >&2").capture().unwrap(), "out\n");
    let error = shell("echo why >&2; exit 2").capture().unwrap_err();
    assert!(matches!(&error, RunError::Failed { exit: Exit::Code(2), .. }));
    assert_eq!(error.tail(), ["why"]);
}

#[test]
fn what_a_captured_program_wrote_is_in_its_failure() {
    let cases = [
        ("echo why >&2; exit 2", "sh ended with exit status 2\n  caused by: why"),
        ("echo on standard output; exit 1", "sh ended with exit status 1\n  caused by: on standard output"),
        ("echo one; echo two >&2; kill -9 $$", "sh was killed by SIGKILL\n  caused by: one\n    two"),
        ("echo; exit 3", "sh ended with exit status 3"),
    ];
    for (script, message) in cases {
        let error = shell(script).repository_code().capture().unwrap_err();
        assert_eq!(Failure::from(error).to_string(), message, "{script}");
    }
    // What was shown when it came is not repeated.
    let (runner, _) = Runner::recording([("GITHUB_ACTIONS", "true")]);
    let error = shell("echo why; exit 2").run(&runner).unwrap_err();
    assert_eq!(Failure::from(error).to_string(), "sh ended with exit status 2");
}

fn assert_ended(pid: &str) {
    let process = std::path::PathBuf::from("/proc").join(pid.trim());
    let deadline = Instant::now() + Duration::from_secs(5);
    // A zombie that nobody has collected yet has ended.
    while std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "process {} goes on", pid.trim());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_collected_keeps_the_streams_apart_whatever_the_end() {
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), b"in \xff").unwrap();
    let collected = shell("cat; echo err >&2; exit 3").stdin(input.path()).collect(100).unwrap();
    assert_eq!((collected.stdout.as_slice(), collected.stderr.as_slice()), (&b"in \xff"[..], &b"err\n"[..]));
    assert_eq!((collected.exit, collected.truncated), (Exit::Code(3), false));
    assert_eq!(shell("kill -SEGV $$").collect(9).unwrap().exit, Exit::Signal("SIGSEGV".to_owned()));
    assert!(matches!(Program::new("/does/not/exist").collect(9), Err(RunError::NotFound { .. })));
}

#[test]
fn collecting_is_bounded_in_size_and_time() {
    let collected = shell("yes | head -n 100000").collect(10).unwrap();
    assert_eq!((collected.stdout.as_slice(), collected.truncated), (&b"y\ny\ny\ny\ny\n"[..], true));
    let started = Instant::now();
    let error = shell("echo why >&2; sleep 60").timeout(Duration::from_millis(200)).collect(99).unwrap_err();
    assert!(matches!(&error, RunError::TimedOut { .. }), "{error}");
    assert_eq!(error.tail(), ["why"]);
    // A process that goes on in the background holds the streams open.
    assert_eq!(shell("sleep 60 & echo x").collect(99).unwrap().stdout, b"x\n");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn guarded_work_has_no_voice_towards_the_runner() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env");
    std::fs::write(&file, "").unwrap();
    let (runner, recording) = Runner::recording([("GITHUB_ACTIONS", "true"), ("GITHUB_ENV", file.to_str().unwrap())]);
    let script = format!("echo PATH=/evil >> {}", file.display());
    let collected = runner.guarded(|| shell(&script).repository_code().collect(9).unwrap()).unwrap();
    assert_eq!(collected.exit, Exit::Code(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
    let text = recording.text();
    let marker = text.strip_prefix("::stop-commands::").unwrap().lines().next().unwrap();
    assert!(text.contains(&format!("::{marker}::\n::warning")), "{text}");
}
