//! How a folder appears whole or not at all.
//!
//! All work is done in the sibling `.NAME.partial`, which carries the file `.unfinished` until it is complete. The swap
//! is old → `.NAME.old`, partial → NAME, remove old. An interruption anywhere leaves a state that [`repair`] can tell:
//! a complete partial is moved on, otherwise an old folder without a new one is moved back.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::{Failure, Faults};

/// Stands in a partial folder until it is complete.
const MARKER: &str = ".unfinished";

/// Says whose a folder is.
const MANIFEST: &str = "manifest.json";

/// A folder and its two hidden siblings.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) target: PathBuf,
    pub(super) partial: PathBuf,
    old: PathBuf,
}

impl Places {
    pub(super) fn new(target: &Path) -> Result<Self, Failure> {
        let Some(name) = target.file_name() else {
            return Err(Faults::usage(
                format!("`{}` does not name an output folder", target.display()),
                "name a folder, as in `--out output/crash`",
            )
            .into());
        };
        let sibling = |suffix: &str| {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(suffix);
            target.with_file_name(hidden)
        };
        Ok(Self { target: target.to_path_buf(), partial: sibling(".partial"), old: sibling(".old") })
    }

    /// Makes an empty partial folder, throwing away one that an interrupted command left.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.repair()?;
        self.refuse_strangers()?;
        if self.partial.exists() {
            if !is_empty(&self.partial) && !self.partial.join(MARKER).is_file() {
                return Err(not_ours(&self.partial));
            }
            self.discard_partial()?;
        }
        fs::create_dir_all(&self.partial).map_err(Failure::file(&self.partial))?;
        let marker = self.partial.join(MARKER);
        fs::write(&marker, "flashcrash is writing this folder, or was interrupted; it may be removed\n")
            .map_err(Failure::file(&marker))
    }

    /// Whether an unfinished folder with this manifest stands there.
    pub(super) fn is_begun(&self, manifest: &str) -> bool {
        self.partial.join(MARKER).is_file()
            && fs::read_to_string(self.partial.join(MANIFEST)).is_ok_and(|found| found == manifest)
    }

    /// Declares the partial folder complete and swaps it in.
    pub(super) fn commit(&self) -> Result<(), Failure> {
        self.refuse_strangers()?;
        let marker = self.partial.join(MARKER);
        fs::remove_file(&marker).map_err(Failure::file(&marker))?;
        self.swap()
    }

    fn swap(&self) -> Result<(), Failure> {
        if self.target.exists() {
            self.discard_old()?;
            fs::rename(&self.target, &self.old).map_err(Failure::file(&self.target))?;
        }
        fs::rename(&self.partial, &self.target).map_err(Failure::file(&self.partial))?;
        self.discard_old()
    }

    /// Removes the partial folder, its marker last: what an interruption leaves of it never passes for complete.
    pub(super) fn discard_partial(&self) -> Result<(), Failure> {
        discard(&self.partial, MARKER)
    }

    /// Removes the old folder, if there is one, its manifest last: what an interruption leaves of it is known as ours.
    fn discard_old(&self) -> Result<(), Failure> {
        if self.old.exists() { discard(&self.old, MANIFEST) } else { Ok(()) }
    }

    fn repair(&self) -> Result<(), Failure> {
        if is_ours(&self.partial) && !self.partial.join(MARKER).exists() {
            self.refuse_strangers()?;
            return self.swap();
        }
        if self.target.exists() {
            return if is_ours(&self.old) || is_empty(&self.old) { self.discard_old() } else { Ok(()) };
        }
        if is_ours(&self.old) {
            fs::rename(&self.old, &self.target).map_err(Failure::file(&self.old))?;
        }
        Ok(())
    }

    /// Nothing is ever written over what this program did not write.
    fn refuse_strangers(&self) -> Result<(), Failure> {
        for place in [&self.target, &self.old] {
            if place.exists() && !is_ours(place) && !is_empty(place) {
                return Err(not_ours(place));
            }
        }
        Ok(())
    }
}

/// Finishes or undoes what an interrupted command left beside `target`.
pub(super) fn repair(target: &Path) -> Result<(), Failure> {
    Places::new(target)?.repair()
}

/// True where the folder carries a manifest of this program.
pub(super) fn is_ours(dir: &Path) -> bool {
    super::read_json(&dir.join(MANIFEST))
        .is_ok_and(|manifest| manifest.get("program").is_some_and(|name| name == "flashcrash"))
}

pub(super) fn not_ours(dir: &Path) -> Failure {
    let what = if dir.exists() { "is not a folder that flashcrash wrote" } else { "does not exist" };
    Faults::usage(format!("`{}` {what}", dir.display()), "name another folder, or move this one away").into()
}

/// Removes a folder, one of its files after all others.
fn discard(dir: &Path, last: &str) -> Result<(), Failure> {
    for place in contents(dir, last).map_err(Failure::file(dir))? {
        let removed = if place.is_dir() { fs::remove_dir_all(&place) } else { fs::remove_file(&place) };
        removed.map_err(Failure::file(&place))?;
    }
    fs::remove_dir(dir).map_err(Failure::file(dir))
}

/// What stands in a folder, the file of that name at the end.
fn contents(dir: &Path, last: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut places = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    places.sort_by_key(|place| place.file_name().is_some_and(|name| name == last));
    Ok(places)
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &Path, content: &str) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("manifest.json"), r#"{"program": "flashcrash"}"#).unwrap();
        fs::write(path.join("content"), content).unwrap();
    }

    fn content(path: &Path) -> String {
        fs::read_to_string(path.join("content")).unwrap()
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_interruption_of_the_swap_is_repaired() {
        // (old, partial complete, target) as they stand after each step of the swap, and what must come out.
        for (old, partial, target, expected) in [
            (None, Some("new"), Some("was"), "new"),
            (Some("was"), Some("new"), None, "new"),
            (Some("was"), None, Some("new"), "new"),
            (Some("was"), None, None, "was"),
            (None, Some("new"), None, "new"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let places = Places::new(&dir.path().join("crash")).unwrap();
            for (place, content) in [(&places.old, old), (&places.partial, partial), (&places.target, target)] {
                if let Some(content) = content {
                    folder(place, content);
                }
            }
            repair(&places.target).unwrap();
            assert_eq!(content(&places.target), expected);
            assert_eq!(names(dir.path()), ["crash"]);
        }
    }

    /// A removal may stop after any file of the folder.
    #[test]
    fn every_interruption_of_a_removal_is_repaired() {
        for kept in 0..4 {
            let dir = tempfile::tempdir().unwrap();
            let places = Places::new(&dir.path().join("crash")).unwrap();
            folder(&places.target, "new");
            folder(&places.old, "was");
            fs::write(places.old.join("zzz.csv"), "").unwrap();
            let all = contents(&places.old, MANIFEST).unwrap();
            all[..all.len().saturating_sub(kept)].iter().for_each(|place| fs::remove_file(place).unwrap());
            places.begin().unwrap();
            fs::write(places.partial.join(MANIFEST), r#"{ "program": "flashcrash" }"#).unwrap();
            fs::write(places.partial.join("zzz.csv"), "half").unwrap();
            let all = contents(&places.partial, MARKER).unwrap();
            all[..all.len().saturating_sub(kept)].iter().for_each(|place| fs::remove_file(place).unwrap());
            repair(&places.target).unwrap();
            assert_eq!(content(&places.target), "new", "{kept} left");
            assert!(!places.old.exists());
        }
    }

    #[test]
    fn an_unfinished_partial_is_never_moved_in() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(&dir.path().join("crash")).unwrap();
        folder(&places.target, "was");
        folder(&places.partial, "half");
        fs::write(places.partial.join(MARKER), "").unwrap();
        repair(&places.target).unwrap();
        assert_eq!(content(&places.target), "was");
        places.begin().unwrap();
        assert_eq!(names(&places.partial), [MARKER]);
        assert_eq!(content(&places.target), "was");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(&dir.path().join("thesis")).unwrap();
        for place in [&places.target, &places.old, &places.partial] {
            fs::create_dir_all(place).unwrap();
            fs::write(place.join("chapter.tex"), "years of work").unwrap();
            let message = places.begin().unwrap_err().to_string();
            assert!(message.contains("is not a folder that flashcrash wrote"), "{message}");
            assert_eq!(names(place), ["chapter.tex"]);
            fs::remove_dir_all(place).unwrap();
        }
        fs::write(&places.target, "a file").unwrap();
        assert_eq!(places.begin().unwrap_err().exit_code(), 1);
    }

    #[test]
    fn an_empty_folder_may_be_taken() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(&dir.path().join("crash")).unwrap();
        fs::create_dir(&places.target).unwrap();
        places.begin().unwrap();
        places.commit().unwrap();
        assert_eq!(names(dir.path()), ["crash"]);
    }

    #[test]
    fn a_path_without_a_name_is_a_fault() {
        assert_eq!(Places::new(Path::new("..")).unwrap_err().exit_code(), 1);
        assert_eq!(Places::new(Path::new("/")).unwrap_err().exit_code(), 1);
    }
}
