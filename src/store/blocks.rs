//! One temporary file of compressed blocks. It has no name, so it is gone with the process, whatever ends that.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

use super::SpoolError;

/// Fast before small: the disk is a passing place.
const LEVEL: i32 = 1;

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    at: u64,
    stored: u32,
    raw: u32,
}

/// The file. Blocks are only ever added.
pub struct Blocks {
    file: Mutex<(File, u64)>,
    folder: PathBuf,
}

impl Blocks {
    /// An empty file in a folder, readable by its owner only.
    pub fn create(folder: &Path) -> Result<Self, SpoolError> {
        let file = tempfile::tempfile_in(folder).map_err(|source| SpoolError::io(folder, source))?;
        Ok(Self { file: Mutex::new((file, 0)), folder: folder.to_owned() })
    }

    /// Bytes written.
    pub fn written(&self) -> u64 {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn add(&self, stored: &[u8]) -> io::Result<u64> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = &mut *guard;
        file.seek(SeekFrom::Start(*end))?;
        file.write_all(stored)?;
        let at = *end;
        *end += stored.len() as u64;
        Ok(at)
    }

    fn get(&self, at: u64, stored: &mut [u8]) -> io::Result<()> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        guard.0.seek(SeekFrom::Start(at))?;
        guard.0.read_exact(stored)
    }
}

/// Packs and unpacks blocks, one for each thread.
pub struct Press {
    compressor: Compressor<'static>,
    decompressor: Decompressor<'static>,
    stored: Vec<u8>,
}

impl Press {
    /// One with buffers of its own.
    pub fn new() -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(LEVEL)?, decompressor: Decompressor::new()?, stored: Vec::new() })
    }

    /// Adds a block.
    pub fn add(&mut self, blocks: &Blocks, raw: &[u8]) -> Result<Extent, SpoolError> {
        self.try_add(blocks, raw).map_err(|source| SpoolError::io(&blocks.folder, source))
    }

    fn try_add(&mut self, blocks: &Blocks, raw: &[u8]) -> io::Result<Extent> {
        self.stored.resize(zstd::zstd_safe::compress_bound(raw.len()), 0);
        let stored = self.compressor.compress_to_buffer(raw, &mut self.stored)?;
        let at = blocks.add(&self.stored[..stored])?;
        let too_large = |_| io::Error::other("a block of more than 4 GiB");
        Ok(Extent {
            at,
            stored: u32::try_from(stored).map_err(too_large)?,
            raw: u32::try_from(raw.len()).map_err(too_large)?,
        })
    }

    /// Reads a block back.
    pub fn read(&mut self, blocks: &Blocks, extent: Extent, raw: &mut Vec<u8>) -> Result<(), SpoolError> {
        self.try_read(blocks, extent, raw).map_err(|source| SpoolError::io(&blocks.folder, source))
    }

    fn try_read(&mut self, blocks: &Blocks, extent: Extent, raw: &mut Vec<u8>) -> io::Result<()> {
        self.stored.resize(extent.stored as usize, 0);
        blocks.get(extent.at, &mut self.stored)?;
        raw.resize(extent.raw as usize, 0);
        let read = self.decompressor.decompress_to_buffer(&self.stored, raw.as_mut_slice())?;
        if read == raw.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
