//! A key file, checked as it was opened.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{Mode, OFlags};

use super::MOST;

/// What stands in a key file.
///
/// The file is opened first and asked who may read it after, so that nobody can put another in its place between. Opening
/// does not wait, as it would for the other end of a FIFO.
///
/// # Errors
/// There is none, or others may read or change it; the text says what to do.
pub(super) fn read(path: &str) -> Result<Vec<u8>> {
    let cannot = |doing: &str| format!("cannot {doing} the key file {path}");
    let file = open(Path::new(path)).with_context(|| cannot("open"))?;
    let found = Found::of(&file.metadata().with_context(|| cannot("look at"))?);
    if let Some(objection) = found.objection(rustix::process::geteuid().as_raw(), path) {
        bail!("the key file {path} {objection}");
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST)?.saturating_add(1);
    file.take(most).read_to_end(&mut bytes).with_context(|| cannot("read"))?;
    Ok(bytes)
}

/// Open a file without waiting, as for the other end of a FIFO.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// What decides whether a file may hold a key.
#[derive(Clone, Copy)]
struct Found {
    regular: bool,
    owner: u32,
    mode: u32,
}

impl Found {
    fn of(metadata: &Metadata) -> Self {
        Self { regular: metadata.is_file(), owner: metadata.uid(), mode: metadata.mode() & 0o7777 }
    }

    /// Why it may not, and what to do, to follow its name. An access list shows in the bits of the group (acl(5)).
    fn objection(self, me: u32, path: &str) -> Option<String> {
        if !self.regular {
            return Some("is no regular file; what a program gives is for --key-command".to_owned());
        }
        if self.owner != me && self.owner != 0 {
            let owner = self.owner;
            return Some(format!("belongs to another user ({owner}), who can change it: `chown {me} {path}`"));
        }
        if self.mode & 0o066 != 0 {
            return Some(format!("can be read or written by others than its owner (mode {:03o}): `chmod 600 {path}`", self.mode));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_a_key_file() {
        let file = Found { regular: true, owner: 1000, mode: 0o600 };
        for (found, expected) in [
            (file, None),
            (Found { mode: 0o400, ..file }, None),
            (Found { mode: 0o700, ..file }, None),
            (Found { owner: 0, mode: 0o400, ..file }, None),
            (Found { owner: 1001, ..file }, Some("`chown 1000 k`")),
            (Found { mode: 0o640, ..file }, Some("`chmod 600 k`")),
            (Found { mode: 0o604, ..file }, Some("`chmod 600 k`")),
            (Found { mode: 0o620, ..file }, Some("(mode 620)")),
            (Found { mode: 0o602, ..file }, Some("(mode 602)")),
            (Found { regular: false, ..file }, Some("--key-command")),
        ] {
            let objection = found.objection(1000, "k");
            assert_eq!(objection.is_some(), expected.is_some(), "{:o}", found.mode);
            assert!(objection.unwrap_or_default().contains(expected.unwrap_or_default()), "{:o}", found.mode);
        }
    }
}
