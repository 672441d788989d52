// SPDX-License-Identifier: Apache-2.0
//! What earlier runs did to a build folder, kept in the folder itself.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

const FILE: &str = ".vaccel-build-state.json";

/// The memory of a build folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Whether we have been here before.
    #[serde(skip)]
    pub exists: bool,
    /// How the backend configured the folder; none while it is at it.
    configuration: Option<serde_json::Value>,
    /// Install trees that were made from this folder, and may be replaced.
    pub installed: Vec<PathBuf>,
}

impl State {
    /// Reads it; a folder that is not ours has none.
    pub fn load(build: &Path) -> Result<Self> {
        let file = build.join(FILE);
        match std::fs::read(&file) {
            Ok(bytes) => {
                // What another version of this program wrote says at least that the folder is ours.
                let state: Self = serde_json::from_slice(&bytes).unwrap_or_default();
                Ok(Self { exists: true, ..state })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::from(error).context(format!("could not read {}", file.display()))),
        }
    }

    /// Writes it, and makes the folder if need be.
    pub fn save(&self, build: &Path) -> Result<()> {
        std::fs::create_dir_all(build).with_context(|| format!("could not make {}", build.display()))?;
        let file = build.join(FILE);
        toolkit::write_file(&file, &serde_json::to_vec(self)?)
    }

    /// How the folder was configured, as far as its backend understands that.
    pub fn configuration<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.configuration.clone()?).ok()
    }

    /// Notes how the folder is configured now.
    pub fn set_configuration(&mut self, configuration: &impl Serialize) -> Result<()> {
        self.configuration = Some(serde_json::to_value(configuration)?);
        Ok(())
    }

    /// Notes that the folder is neither here nor there.
    pub fn forget_configuration(&mut self) {
        self.configuration = None;
    }

    /// Notes that an install tree is ours.
    pub fn add_installed(&mut self, destdir: &Path) {
        if !self.installed.iter().any(|known| known == destdir) {
            self.installed.push(destdir.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let build = folder.path().join("build");
        let mut state = State::load(&build).unwrap();
        assert!(!state.exists);
        state.set_configuration(&["x"]).unwrap();
        state.add_installed(Path::new("/i"));
        state.add_installed(Path::new("/i"));
        state.save(&build).unwrap();

        let mut found = State::load(&build).unwrap();
        assert!(found.exists);
        assert_eq!(found.configuration::<Vec<String>>().unwrap(), ["x"]);
        assert_eq!(found.configuration::<u8>(), None);
        assert_eq!(found.installed, [Path::new("/i")]);
        found.forget_configuration();
        assert_eq!(found.configuration::<Vec<String>>(), None);
    }
}
