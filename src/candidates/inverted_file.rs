//! The voters that stand under each word.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Rows of no more bytes are held in memory.
const MAX_BYTES_IN_MEMORY: u64 = 64 << 20;

/// The voters of each word (an inverted file): their photos in memory, their rounded descriptors in a
/// temporary file where they are many.
pub(super) struct InvertedFile {
    dim: usize,
    /// Where the voters of each word begin, and the number of all.
    starts: Vec<usize>,
    photos: Vec<u32>,
    rows: Rows,
}

/// Rounded descriptors, row after row, in the order of the words.
enum Rows {
    Memory(Vec<i16>),
    /// Values in the processor's byte order. The path names the file's folder in errors.
    File(File, PathBuf),
}

/// An inverted file that voters are put into.
pub(super) struct InvertedFileWriter {
    file: InvertedFile,
    /// Where the next voter of each word goes.
    next: Vec<usize>,
}

impl InvertedFileWriter {
    /// Room for the voters of each word, of `dim` values each.
    ///
    /// # Errors
    /// [`Error::Io`] for the temporary file in `scratch`.
    pub(super) fn new(dim: usize, counts: &[usize], scratch: Option<&Path>) -> Result<Self> {
        let mut starts = Vec::with_capacity(counts.len() + 1);
        let mut total = 0;
        starts.push(0);
        for count in counts {
            total += count;
            starts.push(total);
        }
        let num_bytes = (total * dim * 2) as u64;
        let rows = match scratch {
            Some(folder) if num_bytes > MAX_BYTES_IN_MEMORY => {
                let file = tempfile::tempfile_in(folder).map_err(|e| io(folder, e))?;
                file.set_len(num_bytes).map_err(|e| io(folder, e))?;
                Rows::File(file, folder.to_owned())
            }
            _ => Rows::Memory(vec![0; total * dim]),
        };
        Ok(Self {
            next: starts[..counts.len()].to_vec(),
            file: InvertedFile {
                dim,
                starts,
                photos: vec![0; total],
                rows,
            },
        })
    }

    /// Puts one voter under `word`, behind those that are there.
    ///
    /// # Errors
    /// [`Error::Io`] when the temporary file cannot be written.
    pub(super) fn put(&mut self, word: usize, photo: u32, row: &[i16]) -> Result<()> {
        let at = self.next[word];
        self.next[word] += 1;
        self.file.photos[at] = photo;
        let place = at * self.file.dim;
        match &mut self.file.rows {
            Rows::Memory(values) => values[place..place + row.len()].copy_from_slice(row),
            Rows::File(file, folder) => {
                let bytes: Vec<u8> = row.iter().flat_map(|v| v.to_ne_bytes()).collect();
                write_at(file, &bytes, 2 * place as u64).map_err(|e| io(folder, e))?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> InvertedFile {
        self.file
    }
}

impl InvertedFile {
    /// The photos of the voters of `word`, and their rounded descriptors, row after row; `buffer` is room to read
    /// into.
    ///
    /// # Errors
    /// [`Error::Io`] when the temporary file cannot be read.
    pub(super) fn voters<'a>(
        &'a self,
        word: usize,
        buffer: &'a mut Buffer,
    ) -> Result<(&'a [u32], &'a [i16])> {
        let range = self.starts[word]..self.starts[word + 1];
        let places = range.start * self.dim..range.end * self.dim;
        let rows = match &self.rows {
            Rows::Memory(all) => &all[places],
            Rows::File(file, folder) => {
                let Buffer { bytes, values } = buffer;
                bytes.resize(2 * places.len(), 0);
                read_at(file, bytes, 2 * places.start as u64).map_err(|e| io(folder, e))?;
                let (pairs, _) = bytes.as_chunks::<2>();
                values.clear();
                values.extend(pairs.iter().map(|pair| i16::from_ne_bytes(*pair)));
                values
            }
        };
        Ok((&self.photos[range], rows))
    }
}

/// What was read of the temporary file last.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    values: Vec<i16>,
}

fn io(folder: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: folder.to_owned(),
        source,
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The voters of each word of a file of these voters, each a word, a photo and a row.
    fn listed(
        num_words: usize,
        voters: &[(usize, u32, Vec<i16>)],
        scratch: Option<&Path>,
    ) -> Vec<Vec<(u32, Vec<i16>)>> {
        let mut counts = vec![0; num_words];
        voters.iter().for_each(|(word, ..)| counts[*word] += 1);
        let dim = voters[0].2.len();
        let mut writer = InvertedFileWriter::new(dim, &counts, scratch).unwrap();
        for (word, photo, row) in voters {
            writer.put(*word, *photo, row).unwrap();
        }
        let file = writer.finish();
        assert_eq!(
            matches!(file.rows, Rows::File(..)),
            scratch.is_some(),
            "a file where there is a folder for it and rows are many"
        );
        let mut buffer = Buffer::default();
        let of_word = |word: usize| {
            let (photos, rows) = file.voters(word, &mut buffer).unwrap();
            let rows = rows.chunks(dim).map(<[i16]>::to_vec);
            photos.iter().copied().zip(rows).collect()
        };
        (0..num_words).map(of_word).collect()
    }

    #[test]
    fn voters_stand_under_their_words_in_the_order_they_came() {
        let voters = [(2, 0, vec![1, -2]), (0, 1, vec![3, 4]), (2, 5, vec![-5, 6])];
        assert_eq!(
            listed(3, &voters, None),
            [
                vec![(1, vec![3, 4])],
                vec![],
                vec![(0, vec![1, -2]), (5, vec![-5, 6])]
            ]
        );
    }

    #[test]
    fn a_file_holds_what_memory_would() {
        // Rows long enough that a few are more than is held in memory.
        let row = |start: i16| {
            (0..3_000_000)
                .map(|i| start.wrapping_add(i as i16))
                .collect()
        };
        let voters: Vec<(usize, u32, Vec<i16>)> = (0..12u32)
            .map(|photo| ((photo * 5 % 4) as usize, photo, row(photo as i16 * 777)))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            listed(4, &voters, Some(folder.path())),
            listed(4, &voters, None)
        );
    }
}
