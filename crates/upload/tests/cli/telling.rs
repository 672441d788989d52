// SPDX-License-Identifier: Apache-2.0
//! Signs of life of a publication that takes its time.

use crate::scene::{DEB, Scene, server};
use std::time::Duration;
use testbed::proxy::Proxy;

/// Before the server, with a package that takes so long.
fn slow(time: Duration) -> Proxy {
    let proxy = Proxy::start(&server().endpoint(), move |request| {
        if request.method() == "PUT" && request.target().contains("/objects/") && request.target().contains(DEB) {
            std::thread::sleep(time);
        }
        request.forward()
    });
    proxy.unwrap()
}

#[test]
fn a_log_says_now_and_then_how_far_it_is() {
    let (scene, proxy) = (Scene::new("lines"), slow(Duration::from_secs(12)));
    let mut command = scene.job();
    command.args(["--concurrency=2", "--endpoint-url", proxy.endpoint()]);
    let said = scene.run(command);
    assert_eq!(said.code, 0, "{}", said.stdout);
    let lines: Vec<_> = said.stdout.lines().filter(|line| line.contains("/s")).collect();
    // The archive is sent, and the package is not.
    assert!(!lines.is_empty() && lines.iter().all(|line| *line == "7 B of 10 B, 0 B/s"), "{}", said.stdout);
}

#[test]
fn a_terminal_shows_a_bar() {
    let (scene, proxy) = (Scene::new("bar"), slow(Duration::from_secs(1)));
    let executable = env!("CARGO_BIN_EXE_vaccel-upload");
    let mut command = assert_cmd::Command::new("script");
    let line = format!("{executable} --endpoint-url {}", proxy.endpoint());
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(scene.path(""));
    for (name, value) in scene.command().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    // It is drawn over and over, and nothing of it is left in the end.
    let drawn: Vec<_> = said.split("\r\x1b[2K").collect();
    assert!(drawn.iter().filter(|line| line.starts_with('[') && line.contains("/s")).count() > 1, "{said}");
    assert!(drawn.last().is_some_and(|line| line.contains("published: ") && !line.contains("/s")), "{said}");
    assert!(drawn.iter().any(|line| line.starts_with("sent: ")), "{said}");
}
