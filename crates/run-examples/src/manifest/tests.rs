// SPDX-License-Identifier: Apache-2.0
//! What is read, and what is refused with which line.

use super::*;

const WHOLE: &str = r#"
[[example]]
name = "greet"
command = ["{bin}/hello-run", "greet", "en", "World"]
env = { LANG = "C", DATA = "{share}/x" }
requires = ["network", "plugin:hello"]
timeout = 5
repeat = 3
expect.status = 2
expect.stdout = "Hello\n"
expect.stderr = { matches = ["^x+$"], lacks = ["error"] }

[[example]]
name = "multiply"
command = "{bin}/multiply | sort"
plugins = ["hello", "torch"]
volatile = true
[example.expect]
stdout.numbers = { file = "expected/multiply.txt", relative = 1e-6 }
files = [
  { path = "out.bin", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  { path = "out.txt", content.matches = ["done"] },
  { path = "there" },
]
"#;

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    assert_eq!(manifest.examples.len(), 2);
    assert_eq!(manifest.examples[1].command, Command::Shell("{bin}/multiply | sort".into()));
    assert_eq!(manifest.golden().map(|(_, file)| file).collect::<Vec<_>>(), [Path::new("expected/multiply.txt")]);
    let numbers = manifest.examples[1].expect.stdout.as_ref().unwrap().numbers.clone().unwrap();
    assert_eq!((numbers.absolute, numbers.relative), (0.0, 1e-6));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let one = |rest: &str| format!("[[example]]\nname = \"a\"\ncommand = \"true\"\n{rest}\n");
    let cases = [
        ("no TOML", "[[example]\n".to_owned()),
        ("nothing", String::new()),
        ("no example", "example = []\n".to_owned()),
        ("no command", "[[example]]\nname = \"a\"\n".to_owned()),
        ("a second one without a command", format!("{}\n[[example]]\nname = \"b\"\n\n{}", one(""), one(""))),
        ("an unknown key", one("comand = \"x\"")),
        ("an unknown expectation", one("\nexpect.stdot = \"x\"")),
        ("an unknown key of a text", one("expect.stdout = { match = [\"x\"] }")),
        ("an unknown key of a file", one("expect.files = [{ path = \"x\", sha = \"y\" }]")),
        ("a capability", one("requires = [\"network\",\n\"Big GPU\"]")),
        ("a regular expression", one("expect.stderr.matches = [\n  \"a\",\n  \"(b\",\n]")),
        ("a digest", one("expect.files = [{ path = \"x\", sha256 = \"abc\" }]")),
        ("a number for a command", "[[example]]\nname = \"a\"\ncommand = 1\n".to_owned()),
        ("an empty command", "[[example]]\nname = \"a\"\ncommand = []\n".to_owned()),
        ("a second one of a name", one(&one(""))),
        ("an unknown place", one("env.X = \"{nowhere}\"")),
        ("a plugin that is none", one("plugins = [\"../x\"]")),
        ("a file elsewhere", one("expect.files = [{ path = \"../x\" }]")),
        ("a golden file elsewhere", one("expect.stdout.file = \"/etc/passwd\"")),
        ("too much at once", one("expect.stdout = { exact = \"x\", file = \"y\" }")),
        ("nothing expected", one("expect.stdout = {}")),
        ("a tolerance", one("expect.stdout.numbers = { file = \"x\", absolute = -1.0 }")),
        ("no time", one("timeout = 0")),
        ("a status", one("expect.status = 256")),
    ];
    let told = cases.map(|(name, text)| format!("{name}: {}", Manifest::parse(&text).unwrap_err()));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn text_that_is_no_manifest_is_survived() {
    use proptest::prelude::*;
    proptest!(|(text in r"(?s).{0,200}")| { let _ = Manifest::parse(&text); });
}

#[cfg(feature = "schemars")]
#[test]
fn the_schema_describes_every_key() {
    let schema = crate::manifest_schema().to_value().to_string();
    for key in ["repeat", "requires", "volatile", "sha256", "matches", "lacks", "numbers", "relative", "plugins"] {
        assert!(schema.contains(&format!("\"{key}\":")), "{key}");
    }
    assert!(schema.contains("\"additionalProperties\":false"));
}
