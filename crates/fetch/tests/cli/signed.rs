// SPDX-License-Identifier: Apache-2.0
//! Who signed what is fetched.

use crate::scene::{Scene, server, settings};

#[test]
fn an_unsigned_or_wrongly_signed_bundle_is_refused() {
    let scene = Scene::new("signed");
    let pair = || minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let (ours, other) = (pair(), pair());
    let signing = ours.sk.to_box(None).unwrap().into_string().parse().unwrap();
    scene.publish("v0.2.9", "0.2.9");
    scene.publish_with(settings(server()), "v0.3.0", "0.3.0", b"deb".to_vec(), Some(signing));
    let [right, wrong] = [&ours, &other].map(|pair| format!("--public-key={}", pair.pk.to_base64()));
    let said = [
        scene.fails(&["--version=0.2.9", &right]),
        scene.fails(&["--version=0.3.0", &wrong]),
        scene.fails(&["--version=0.3.0", "--public-key=RWQ"]),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    1: error: signed/hello/rev/v0.2.9/release.json is not signed
    help: ask its publisher to sign it (signing-key of upload), or fetch without public-key

    1: error: signed/hello/rev/v0.3.0/release.json was refused: its signature is not by the public key (The signature was created with a different key than the one provided)
    help: check public-key; if it is right, do not trust what is published

    2: error: invalid value 'RWQ' for '--public-key <PUBLIC_KEY>': it is not a minisign public key: Invalid encoding in minisign data
    help: see --help, or the action's README
    ");
    assert_eq!(scene.names("artifacts"), Vec::<String>::new(), "nothing of it is fetched");
    let said = scene.run(scene.command(&["--version=0.3.0", &right]));
    assert_eq!(said.code, 0, "{}", said.stderr);
    // A signature vouches for the release that it was made for.
    let release = scene.release();
    scene.replace_release(release.replace("nubificus", "somebody").as_bytes());
    let said = scene.fails(&["--version=0.3.0", &right]);
    assert!(said.contains("its signature is not by the public key"), "{said}");
}
