//! As much of ELF as shows whether a binary runs in an empty root.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What the header of a 64-bit ELF file says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elf {
    /// The processor's number.
    pub(crate) machine: u16,
    /// Whether the file names a dynamic loader, so that it does not start without one.
    pub(crate) needs_loader: bool,
}

const HEADER: usize = 64;
const INTERPRETER: u32 = 3; // PT_INTERP

/// Reads the header; `None` when the file is not 64-bit little-endian ELF.
pub(crate) fn read(path: &Path) -> io::Result<Option<Elf>> {
    let mut file = File::open(path)?;
    let mut header = Vec::with_capacity(HEADER);
    file.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
    if header.len() < HEADER || !header.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let mut offset = [0; 8];
    offset.copy_from_slice(&header[32..40]);

    file.seek(SeekFrom::Start(u64::from_le_bytes(offset)))?;
    let (entry_size, entries) = (usize::from(half(54)), half(56));
    let mut needs_loader = false;
    let mut entry = vec![0; entry_size.max(4)];
    for _ in 0..entries {
        file.read_exact(&mut entry)?;
        needs_loader |= u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]) == INTERPRETER;
    }
    Ok(Some(Elf { machine: half(18), needs_loader }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_binary_is_distinguished_from_what_is_no_binary() {
        let shell = read(Path::new("/bin/sh")).expect("/bin/sh is readable").expect("it is ELF");
        assert!(shell.needs_loader);
        assert_eq!(read(Path::new("Cargo.toml")).expect("readable"), None);
    }
}
