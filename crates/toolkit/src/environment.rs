// SPDX-License-Identifier: Apache-2.0
//! The environment of code of a repository: a list of what it may see, and nothing else.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// Names that pass; a final `*` stands for any end.
const ALLOWED: &str = "
    PATH HOME USER LOGNAME SHELL HOSTNAME LANG LANGUAGE LC_* TERM COLORTERM COLUMNS TZ TMPDIR TMP TEMP XDG_*
    CI ACT NO_COLOR FORCE_COLOR CLICOLOR* DEBIAN_FRONTEND SOURCE_DATE_EPOCH

    CC CXX CPP FC LD AR AS NM RANLIB STRIP OBJCOPY OBJDUMP READELF CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS CPATH
    C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH PKG_CONFIG* ACLOCAL_PATH ASAN_OPTIONS LSAN_OPTIONS
    MSAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS MALLOC_* GCC_* GCOV* LLVM_* ZIG_* CCACHE_* SCCACHE_* QEMU_* CUDA_*
    NVIDIA_* OMP_* VALGRIND_*

    MAKEFLAGS MESON* NINJA_* CMAKE_* CARGO_* RUST* CGO_* GOPATH GOROOT GOBIN GOCACHE GOMODCACHE GOFLAGS GOPROXY
    GOSUMDB GOPRIVATE GONOSUMDB GONOPROXY GOTOOLCHAIN GOOS GOARCH GOARM GOAMD64 GO111MODULE GOTMPDIR GOWORK
    BINDGEN_* LIBCLANG_PATH PROTOC PROTOC_INCLUDE PYTHON* PIP_* PYTEST_* COVERAGE_* UV_* VIRTUAL_ENV NODE_*
    NPM_CONFIG_* npm_config_* VACCEL_* APT_CONFIG

    http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR
    REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS

    GITHUB_ACTIONS GITHUB_ACTOR GITHUB_BASE_REF GITHUB_EVENT_NAME GITHUB_HEAD_REF GITHUB_JOB GITHUB_REF*
    GITHUB_REPOSITORY* GITHUB_RUN_* GITHUB_SERVER_URL GITHUB_SHA GITHUB_WORKFLOW GITHUB_WORKSPACE RUNNER_ARCH
    RUNNER_OS RUNNER_TEMP
";

/// Beginnings of names that hold credentials or the runner's own.
const PRIVATE: [&str; 4] = ["INPUT_", "AWS_", "ACTIONS_", "GITHUB_"];
/// Words of names, between `_`, that hold credentials.
const CREDENTIALS: &str = "TOKEN TOKENS SECRET SECRETS PASSWORD PASSWD PASS PASSPHRASE PWD CREDENTIAL CREDENTIALS KEY APIKEY PAT AUTH COOKIE SESSION";

/// Variables that code of the repository may see besides the usual ones: an input of actions that run such code.
/// [`crate::main`] applies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassEnv(Vec<String>);

/// Why a variable cannot be passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassEnvError {
    /// It could not be a variable.
    #[error("{0} is not a valid name of an environment variable; write names such as MODEL_PATH, or MODEL_*")]
    Name(String),
    /// Credentials are never passed on.
    #[error(
        "{0} looks like a credential or is the runner's own, which code of the repository never gets; rename the variable if it is neither"
    )]
    Credential(String),
}

impl FromStr for PassEnv {
    type Err = PassEnvError;

    fn from_str(text: &str) -> Result<Self, PassEnvError> {
        let names = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(|name| {
            let stem = name.strip_suffix('*').unwrap_or(name);
            let valid = !stem.is_empty()
                && !stem.starts_with(|c: char| c.is_ascii_digit())
                && stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match (valid, is_credential(stem)) {
                (false, _) => Err(PassEnvError::Name(name.to_owned())),
                (true, true) => Err(PassEnvError::Credential(name.to_owned())),
                (true, false) => Ok(name.to_owned()),
            }
        });
        Ok(Self(names.collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for PassEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

static PASSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl PassEnv {
    /// Makes it hold for every program that this process starts from now on.
    pub(crate) fn apply(&self) {
        PASSED.lock().unwrap_or_else(PoisonError::into_inner).extend(self.0.iter().cloned());
    }
}

/// The environment of this process, without what code of the repository must not see.
pub fn repository_environment() -> Vec<(OsString, OsString)> {
    let passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    std::env::vars_os().filter(|(name, _)| is_allowed(name, &passed)).collect()
}

fn is_allowed(name: &OsStr, passed: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    let listed = |pattern: &str| match pattern.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => name == pattern,
    };
    // A pattern can match the name of a credential.
    (ALLOWED.split_whitespace().any(listed) && !has_credential_word(name))
        || (passed.iter().any(|pattern| listed(pattern)) && !is_credential(name))
}

/// Whether a name looks like one of a credential, or belongs to the runner.
fn is_credential(name: &str) -> bool {
    PRIVATE.iter().any(|prefix| name.starts_with(prefix)) || has_credential_word(name)
}

fn has_credential_word(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let ends = ["TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "APIKEY", "CREDENTIALS"];
    words.any(|word| CREDENTIALS.split(' ').any(|known| known == word) || ends.iter().any(|end| word.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_passes() {
        let passed: Vec<String> = ["MODEL_PATH", "WEIGHTS_*"].map(str::to_owned).into();
        let seen = "PATH HOME LC_ALL CI CC CFLAGS PKG_CONFIG_PATH CARGO_HOME RUSTFLAGS GITHUB_SHA GITHUB_REF_NAME GITHUB_RUN_ID GITHUB_REPOSITORY_OWNER RUNNER_TEMP https_proxy MODEL_PATH WEIGHTS_DIR VACCEL_LOG_LEVEL PYTHONPATH";
        for name in seen.split(' ') {
            assert!(is_allowed(OsStr::new(name), &passed), "{name}");
        }
        let hidden = "INPUT_SECRET_KEY AWS_ACCESS_KEY_ID AWS_PROFILE ACTIONS_RUNTIME_TOKEN ACTIONS_CACHE_URL GITHUB_TOKEN GITHUB_ENV GITHUB_OUTPUT GITHUB_PATH GITHUB_EVENT_PATH GH_TOKEN CARGO_REGISTRY_TOKEN NPM_CONFIG__AUTH PIP_INDEX_PASSWORD UV_PUBLISH_TOKEN VACCEL_API_KEY SSH_AUTH_SOCK GOOGLE_APPLICATION_CREDENTIALS DOCKER_AUTH_CONFIG KUBECONFIG LD_PRELOAD WEIGHTS_TOKEN SOMETHING RUNNER_TRACKING_ID MYSECRET DB_PASS SCCACHE_WEBDAV_PASSWORD";
        for name in hidden.split(' ') {
            assert!(!is_allowed(OsStr::new(name), &passed), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_passed_is_refused() {
        assert_eq!("A, B_*\nC".parse::<PassEnv>().unwrap().to_string(), "A,B_*,C");
        assert_eq!("".parse::<PassEnv>(), Ok(PassEnv::default()));
        let errors = ["HF_TOKEN", "AWS_*", "my-name", "*", "1A", "a=b", "GITHUB_ENV"];
        let said: Vec<_> = errors.iter().map(|text| text.parse::<PassEnv>().unwrap_err().to_string()).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
