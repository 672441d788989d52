// SPDX-License-Identifier: Apache-2.0
//! What the manifest says of the machines that can run the files.

use crate::place::{LIBRARY, Place, compile, compile_for, host, multiarch, require_tools};
use artifact::{Arch, Cpu, Requires};
use std::fs;

fn staged(place: &Place, arguments: &[&str]) -> Requires {
    place.stage(&[&["--formats=tar.gz", "--sbom=false"], arguments].concat()).success();
    artifact::Bundle::open(place.path("dist")).unwrap().manifest().requires.clone().unwrap()
}

#[test]
fn symbols_and_libraries_from_elsewhere_are_named() {
    let place = Place::new();
    let exact = "#include <math.h>\n#include <threads.h>\nint main(int c, char **v) { (void)v; thrd_yield(); return (int)exp(c); }\n";
    compile(exact, &place.path("install/usr/bin/new"), &["-lm"]);
    let requires = staged(&place, &[]);
    // exp has been new in 2.29, threads in 2.28; what main itself begins with came in 2.34.
    assert!(requires.glibc >= "2.29".parse().ok(), "{requires:?}");
    assert_eq!(requires.libraries, ["libc.so.6", "libm.so.6"]);
    assert_eq!(requires.libstdcxx, None);

    let text = place.story(&place.stage(&["--formats=tar.gz", "--max-glibc=2.20"]).code(1));
    assert!(text.contains("usr/bin/new needs glibc 2.") && text.contains("and max-glibc is 2.20"), "{text}");
    assert!(!text.contains("libvaccel-hello"), "only what needs too much is named: {text}");
    place.stage(&["--formats=tar.gz", "--sbom=false", "--max-glibc=99"]).success();
    let text = place.story(&place.stage(&["--max-glibc=new"]).code(2));
    assert!(text.contains("\"new\" is not a valid version of a library"), "{text}");
}

#[test]
fn the_level_of_the_processor_is_that_of_the_linker_s_note() {
    if host() != Arch::X86_64 {
        return;
    }
    let place = Place::new();
    // What begins every program is noted as being for any processor, by some systems.
    let plain = staged(&place, &[]).cpu;
    assert!(plain.is_none_or(|cpu| cpu == Cpu::X86_64(1)), "{plain:?}");
    let library = place.path("install/usr/lib").join(multiarch()).join("libfast.so.1");
    for (level, rank) in [("x86-64-v2", 2), ("x86-64-v3", 3), ("x86-64-v4", 4)] {
        compile(LIBRARY, &library, &["-shared", "-fPIC", &format!("-Wl,-z,{level}")]);
        assert_eq!(staged(&place, &[]).cpu.unwrap().to_string(), level);
        let code = i32::from(rank > 2);
        let assert = place.stage(&["--formats=tar.gz", "--sbom=false", "--max-cpu=x86-64-v2"]).code(code);
        let text = place.story(&assert);
        assert!(
            code == 0 || text.contains(&format!("libfast.so.1 needs a processor {level}, and max-cpu is x86-64-v2")),
            "{text}"
        );
    }
}

#[test]
fn processors_of_arm_are_those_of_the_compiler_s_attributes() {
    require_tools();
    let cases: [(Arch, &[&str], &str); 4] = [
        (Arch::Armv7l, &[], "armv7+vfpv3-d16"),
        (Arch::Armv7l, &["-mfpu=neon"], "armv7+vfpv3+neon"),
        (Arch::Armv7l, &["-march=armv7-a+neon-vfpv4"], "armv7+vfpv4+neon"),
        (Arch::Aarch64, &[], "armv8"),
    ];
    for (arch, flags, expected) in cases {
        if arch == host() {
            continue;
        }
        let place = Place::new();
        fs::remove_dir_all(place.path("install")).unwrap();
        let library = place.path("install/usr/lib").join(arch.multiarch()).join("libhello.so.1");
        fs::create_dir_all(library.parent().unwrap()).unwrap();
        compile_for(arch, LIBRARY, &library, &[&["-shared", "-fPIC"], flags].concat());
        let requires = staged(&place, &["--arch", arch.as_str(), "--depends=libc6"]);
        assert_eq!(requires.cpu.unwrap().to_string(), expected, "{flags:?}");
    }
}
