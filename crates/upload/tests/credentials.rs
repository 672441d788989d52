// SPDX-License-Identifier: Apache-2.0
//! Where no keys are given, the environment's credentials are used, or their absence is said.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use assert_cmd::Command;
use std::path::Path;
use testbed::s3::Server;

fn bundle(folder: &Path) {
    testbed::bundle::write(folder, testbed::bundle::manifest("v0.3.0", "0.3.0").unwrap(), [("a.txt", "a")]).unwrap();
}

/// Status and messages of an upload with this environment.
fn upload(folder: &Path, server: &Server, environment: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vaccel-upload"))
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .args(["--dist-path=.", "--bucket", Server::BUCKET, "--endpoint-url", &server.endpoint()])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains(server.secret_key()), "{said}");
    (output.status.code().unwrap(), said.replace(&server.endpoint(), "STORE"))
}

#[test]
fn the_environment_or_a_profile_speaks_where_no_keys_are_given() {
    let server = testbed::tools::ensure(&|_| ()).and_then(|tools| Server::start(&tools)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    bundle(folder.path());
    let (key, secret) = (server.access_key(), server.secret_key());
    let profile = format!("[ci]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    let file = folder.path().join("profiles");
    std::fs::write(&file, profile).unwrap();
    let file = file.display().to_string();
    let run = |environment: &[(&str, &str)]| upload(folder.path(), &server, environment);

    let (status, said) = run(&[("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)]);
    assert!(status == 0 && said.contains("published: 1 files sent"), "{said}");
    let (status, said) = run(&[("AWS_SHARED_CREDENTIALS_FILE", &file), ("AWS_PROFILE", "ci")]);
    assert!(status == 0 && said.contains("already published"), "{said}");

    for environment in [&[][..], &[("AWS_ACCESS_KEY_ID", key)]] {
        let (status, said) = run(environment);
        // The providers that were asked, and what they lack, differ from machine to machine.
        let first = said.lines().next().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(": "));
        let said: Vec<_> = first.into_iter().chain(said.lines().last().map(str::to_owned)).collect();
        assert_eq!(status, 2);
        insta::allow_duplicates! {
            insta::assert_snapshot!(said.join("\n"), @r"
            error: no credentials were found
            help: give access-key and secret-key, or set the environment's credentials up
            ");
        }
    }
}
