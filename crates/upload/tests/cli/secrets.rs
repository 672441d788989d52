// SPDX-License-Identifier: Apache-2.0
//! Keys: what they sign, and that nobody sees them.

use crate::scene::{Scene, server};
use registry::{Credentials, Location, PublicKey, RegistryError, Settings, Store};
use std::time::Duration;
use testbed::s3::Server;

#[test]
fn secrets_are_masked_and_not_shown() {
    let scene = Scene::new("secrets");
    let token = "TOKEN-of-a-session";
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let key = pair.sk.to_box(None).unwrap().into_string();
    let key = key.lines().last().unwrap();
    let cases: [(&str, &[&str]); 6] = [
        ("it succeeds", &[]),
        ("it signs", &["--latest=false"]),
        ("the token is refused", &["--session-token=TOKEN-of-a-session"]),
        ("nobody answers", &["--endpoint-url=http://127.0.0.1:9"]),
        ("an input is wrong", &["--latest=yes"]),
        ("help", &["--help"]),
    ];
    for (name, arguments) in cases {
        let mut command = scene.job();
        command.args(arguments).env("INPUT_SIGNING_KEY", format!("untrusted comment: ours\n{key}\n"));
        let said = scene.run(command);
        let visible: Vec<_> = said.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        let files = ["output", "summary"].map(|file| scene.read(file));
        let visible = format!("{}{}{}", visible.join("\n"), said.stderr, files.concat());
        for secret in [server().access_key(), server().secret_key(), token, key] {
            assert!(!visible.contains(secret), "{name}: {visible}");
        }
        if !["an input is wrong", "help"].contains(&name) {
            let first = said.stdout.lines().next().unwrap();
            assert!(first.starts_with("::add-mask::"), "{name}: nothing comes before the masks: {first}");
            for secret in [server().access_key(), server().secret_key(), key] {
                assert!(said.stdout.contains(&format!("::add-mask::{secret}\n")), "{name}: {}", said.stdout);
            }
        }
    }
}

#[test]
fn a_signing_key_signs_and_one_that_is_none_is_not_repeated() {
    let scene = Scene::new("signing");
    let pair = || minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let (ours, other) = (pair(), pair());
    for wrong in ["hunter2", "RWRTY0Iyhunter2"] {
        let mut command = scene.command();
        command.env("INPUT_SIGNING_KEY", wrong);
        let said = scene.run(command);
        assert_eq!(said.code, 2, "{}", said.stderr);
        insta::allow_duplicates! {
            insta::assert_snapshot!(said.stderr, @r"
            error: signing-key is not usable
              caused by: it is not a minisign secret key: give the file that `minisign -G -W` writes, a key without a password
            ");
        }
    }
    let mut command = scene.command();
    command.env("INPUT_SIGNING_KEY", ours.sk.to_box(None).unwrap().into_string());
    let said = scene.run(command);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let read = |key: &minisign::PublicKey| -> Result<(), RegistryError> {
        let settings = Settings {
            endpoint: server().endpoint(),
            bucket: Server::BUCKET.to_owned(),
            credentials: Credentials::Keys {
                access_key: server().access_key().parse().unwrap(),
                secret_key: server().secret_key().parse().unwrap(),
                session_token: None,
            },
            time_limit: Duration::from_mins(1),
            ..Settings::default()
        };
        let bundle = artifact::Bundle::open(scene.path("dist")).unwrap();
        let location = Location::of("signing".parse().unwrap(), bundle.manifest());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::connect(settings).await?.trusting(key.to_base64().parse::<PublicKey>().unwrap());
            registry::resolve_ref(&store, location).await.map(drop)
        })
    };
    read(&ours.pk).unwrap();
    assert!(matches!(read(&other.pk), Err(RegistryError::Signature { .. })));
}
