// SPDX-License-Identifier: Apache-2.0
//! A store whose certificate a private authority has signed.

use crate::scene::{Scene, settings};
use registry::Settings;
use std::fs;
use std::process::Command;
use testbed::s3::Server;

/// Makes an authority and a certificate of this machine, signed by it.
fn certificates(scene: &Scene) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(scene.path("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["authority", "stranger"] {
        openssl(&format!("req -x509 {key} -subj /CN={name} -days 2 -keyout {name}.key -out {name}.pem"));
    }
    openssl(&format!("req {key} -subj /CN=store -keyout store.key -out store.csr"));
    fs::write(scene.path("names"), "subjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n").unwrap();
    openssl(
        "x509 -req -in store.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names -out store.pem",
    );
}

#[test]
fn the_certificate_of_a_private_authority_is_accepted_with_ca_bundle_only() {
    testbed::tools::require(&[testbed::tools::TLS], &|_| ()).unwrap();
    let scene = Scene::new("tls");
    certificates(&scene);
    let tools = testbed::tools::ensure(&|_| ()).unwrap();
    let server = Server::start_tls(&tools, &scene.path("store.pem"), &scene.path("store.key")).unwrap();
    let endpoint = server.tls_endpoint();
    let authority = fs::read(scene.path("authority.pem")).unwrap();
    let over_tls = Settings { endpoint: endpoint.clone(), ca_bundle: Some(authority), ..settings(&server) };
    scene.publish_with(over_tls, "v0.3.0", "0.3.0", b"deb".to_vec(), None);

    let run = |arguments: &[&str]| {
        let mut command = scene.command(&["--version=^0.3", "--endpoint-url", &endpoint]);
        command.env("INPUT_ACCESS_KEY", server.access_key()).env("INPUT_SECRET_KEY", server.secret_key());
        command.args(arguments);
        let said = scene.run(command);
        (said.code, said.stderr.replace(&endpoint, "STORE"))
    };
    let refused = [run(&[]), run(&["--ca-bundle=stranger.pem"])].map(|(code, said)| format!("{code}: {said}"));
    insta::assert_snapshot!(refused.join("\n"), @r"
    1: error: could not reach STORE: invalid peer certificate: UnknownIssuer
    help: if a private authority has signed the store's certificate, give that authority's as ca-bundle

    1: error: could not reach STORE: invalid peer certificate: UnknownIssuer
    help: if a private authority has signed the store's certificate, give that authority's as ca-bundle
    ");
    let (code, said) = run(&["--ca-bundle=authority.pem"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(fs::read(scene.path("artifacts/hello_0.3.0-1_amd64.deb")).unwrap(), b"deb");
}
