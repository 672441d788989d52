// SPDX-License-Identifier: Apache-2.0
use super::{NoRunner, Runner, Runners, Site};
use crate::Arch;

const OURS: &str = include_str!("../../../../.github/runners.toml");

const FLEET: &str = r#"
[fleet]
organization = "o"
github-secret = "s"
image-registry = "r"
chart = "0.14.2"
runner = "2.336.0"
size = { cpu = 4, memory = "8GiB", disk = "40GiB", max = 2 }
[fleet.k3s]
version = "v1"
server = "https://k3s:6443"
sha256 = { amd64 = "0000000000000000000000000000000000000000000000000000000000000000" }
[fleet.incus]
remotes = { amd64 = "metal" }
"#;

fn tag(name: &str, rest: &str) -> String {
    format!("[tags.{name}]\nmeaning = 'x'\n{rest}\n")
}

fn parse(text: &str) -> Result<Runners, String> {
    Runners::parse("runners.toml", text).map_err(|error| error.to_string())
}

#[test]
fn labels_are_composed_as_callers_know_them() {
    let runners = parse(OURS).unwrap();
    let cases = [
        ("base", Arch::X86_64, "base-2204-amd64", Arch::X86_64),
        ("base-dind", Arch::Aarch64, "base-dind-2204-arm64", Arch::Aarch64),
        ("torch", Arch::X86_64, "torch-2204-amd64", Arch::X86_64),
        // There are no 32-bit runners any more.
        ("base", Arch::Armv7l, "base-2204-amd64", Arch::X86_64),
    ];
    for (tag, arch, label, on) in cases {
        assert_eq!(runners.runner(tag, arch).unwrap(), Runner { label: label.to_owned(), arch: on }, "{tag} {arch}");
    }
    assert_eq!(runners.default_runner().unwrap().label, "base-2204-amd64");
}

#[test]
fn a_runner_that_does_not_exist_is_refused() {
    let runners = parse(OURS).unwrap();
    let refused = |tag, arch| runners.runner(tag, arch).unwrap_err().to_string();
    insta::assert_snapshot!(refused("gpu", Arch::X86_64), @r#"there are no runners with the tag "gpu"; there are base, base-dind, github, jetson, tensorflow, torch, tvm"#);
    insta::assert_snapshot!(refused("jetson", Arch::X86_64), @"there are no jetson runners for amd64; there are some for arm64");
    insta::assert_snapshot!(refused("torch", Arch::Armv7l), @"there are no torch runners for arm; there are some for amd64, arm64");
}

#[test]
fn somebody_else_s_runners_have_whole_labels() {
    let text = format!(
        "label = '{{tag}}-{{arch}}'\n[architectures.arm]\nbuilds-on = ['arm64']\n{}",
        tag("base", "architectures = ['arm64', 'arm']\nlabels = { arm64 = 'ubuntu-24.04-arm' }")
    );
    let runners = parse(&text).unwrap();
    for arch in [Arch::Aarch64, Arch::Armv7l] {
        assert_eq!(runners.runner("base", arch).unwrap().label, "ubuntu-24.04-arm");
    }
    assert_eq!(runners.default_runner().unwrap().arch, Arch::Aarch64);
    assert!(matches!(runners.runner("base", Arch::X86_64), Err(NoRunner::NotOffered { .. })));
}

#[test]
fn tags_inherit_what_they_do_not_say() {
    let text = format!(
        "label = '{{tag}}-{{os}}-{{arch}}'\nos = '2204'\n{}{}",
        tag(
            "torch",
            "from = 'base'\nos = '2404'\ncapabilities = ['gpu', 'network']\nprovides.torch = { python = 'torch' }"
        ),
        tag(
            "base",
            "architectures = ['amd64']\ncapabilities = ['network']\ndind = true\nprovides.gcc = { version = '>=11' }"
        ),
    );
    let runners = parse(&text).unwrap();
    let torch = runners.tag("torch").unwrap();
    assert_eq!(torch.capabilities, ["network", "gpu"]);
    assert_eq!(torch.provides.keys().collect::<Vec<_>>(), ["gcc", "torch"]);
    assert_eq!(torch.provides["gcc"].command.as_deref(), Some("gcc --version"));
    assert_eq!(torch.labels[&Arch::X86_64], "torch-2404-amd64");
    assert!(torch.dind);
}

#[test]
fn each_fault_is_one_error_with_its_line() {
    let head = "label = '{tag}-{arch}'\n";
    let base = tag("base", "architectures = ['amd64']");
    let long = "x".repeat(50);
    let texts = [
        "label = ".to_owned(),
        format!("label = 'x'\n{base}"),
        format!("label = '{{tag}}-{{os}}-{{arch}}'\n{base}"),
        format!("{head}lables = 1\n{base}"),
        format!("{head}{}", tag("base", "architectures = ['x86_64']")),
        format!("{head}{}", tag("base", "")),
        format!("{head}{}", tag("base", "architectures = ['arm']")),
        format!("{head}[architectures.arm]\nbuilds-on = ['arm']\n{base}"),
        format!("{head}{}", tag(&long, "architectures = ['amd64']")),
        format!("{head}{}", tag("Base", "architectures = ['amd64']")),
        format!("{head}{base}{}{}", tag("a", "from = 'b'"), tag("b", "from = 'a'")),
        format!("{head}{base}{}", tag("a", "from = 'c'")),
        format!("{head}{base}{}", tag("a", "from = 'base'\narchitectures = ['arm64']")),
        format!(
            "label = '{{tag}}{{os}}-{{arch}}'\n{}{}",
            tag("a", "os = 'b'\narchitectures = ['amd64']"),
            tag("ab", "os = ''\narchitectures = ['amd64']")
        ),
        format!(
            "{head}{}",
            tag("base", "architectures = ['amd64']\nsize = { cpu = 0, memory = '8GiB', disk = '40GiB', max = 1 }")
        ),
        format!(
            "{head}{}",
            tag("base", "architectures = ['amd64']\nsize = { cpu = 4, memory = '8G', disk = '40GiB', max = 1 }")
        ),
        format!("{head}{}", tag("base", "architectures = ['amd64']\nprovides.x = { command = 'x', file = '/x' }")),
        format!("{head}{}", tag("base", "architectures = ['amd64']\nprovides.x = { version = 'new' }")),
        format!("{head}{FLEET}{}", tag("base", "architectures = ['amd64', 'arm64']")),
        format!("{head}{FLEET}{}", tag("base", "architectures = ['arm64']\nhost = 'bare'")),
        format!("{head}{}{base}", FLEET.replace("organization", "repositories = ['x']\norganization")),
        format!("{head}{}{base}", FLEET.replace("https:", "http:")),
    ];
    let errors: Vec<_> =
        texts.iter().map(|text| parse(text).err().unwrap_or_else(|| format!("accepted: {text}"))).collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_site_changes_addresses_and_sizes_and_nothing_else() {
    let text = format!("label = '{{tag}}-{{arch}}'\n{FLEET}{}", tag("base", "architectures = ['amd64']"));
    let apply = |site: &str| {
        let mut runners = parse(&text).unwrap();
        Site::apply("site.toml", site, &mut runners).map(|()| runners).map_err(|error| error.to_string())
    };
    let site = "[k3s]\nserver = 'https://other'\n[incus]\npool = 'fast'\nremotes = { arm64 = 'board' }\n[tags.base]\nsize = { cpu = 8, memory = '16GiB', disk = '80GiB', max = 9 }\n";
    let runners = apply(site).unwrap();
    let fleet = runners.fleet.as_ref().unwrap();
    assert_eq!(
        (fleet.k3s.server.as_str(), fleet.incus.pool.as_str(), fleet.incus.remotes.len()),
        ("https://other", "fast", 2)
    );
    assert_eq!(runners.tag("base").unwrap().size.as_ref().unwrap().max, 9);
    let errors = [
        "[tags.bas]\nsize = { cpu = 8, memory = '16GiB', disk = '80GiB', max = 9 }\n",
        "[tags.base]\nsize = { cpu = 8, memory = '16GiB', disk = '80GiB', min = 3, max = 1 }\n",
        "[tags.base]\nmeaning = 'x'\n",
        "[k3s]\nserver = 'other'\n",
    ]
    .map(|site| apply(site).err().unwrap_or_else(|| format!("accepted: {site}")));
    insta::assert_snapshot!(errors.join("\n"));
}
