//! The voters indexed by each word.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Rounded descriptors, row after row, in a temporary file where they are many.
pub(super) enum Rows {
    Memory(Vec<i16>),
    /// Values in the processor's byte order. The path names the file's folder in errors.
    File(File, PathBuf),
}

impl Rows {
    /// Room for this many values; in memory up to `max_bytes`, and where there is no folder for the file.
    ///
    /// # Errors
    /// [`Error::Io`] for the temporary file in `scratch`.
    pub(super) fn new(num_values: usize, max_bytes: u64, scratch: Option<&Path>) -> Result<Self> {
        let num_bytes = 2 * num_values as u64;
        match scratch {
            Some(folder) if num_bytes > max_bytes => {
                let file = tempfile::tempfile_in(folder).map_err(|e| Error::io(folder, e))?;
                file.set_len(num_bytes).map_err(|e| Error::io(folder, e))?;
                Ok(Self::File(file, folder.to_owned()))
            }
            _ => Ok(Self::Memory(vec![0; num_values])),
        }
    }

    /// Writes values from index `at` on.
    ///
    /// # Errors
    /// [`Error::Io`] when the temporary file cannot be written.
    pub(super) fn put(&mut self, at: usize, values: &[i16]) -> Result<()> {
        match self {
            Self::Memory(all) => all[at..at + values.len()].copy_from_slice(values),
            Self::File(file, folder) => {
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
                write_at(file, &bytes, 2 * at as u64).map_err(|e| Error::io(folder, e))?;
            }
        }
        Ok(())
    }

    /// The values at these indices; `buffer` is room to read into.
    ///
    /// # Errors
    /// [`Error::Io`] when the temporary file cannot be read.
    pub(super) fn get<'a>(
        &'a self,
        places: Range<usize>,
        buffer: &'a mut Buffer,
    ) -> Result<&'a [i16]> {
        match self {
            Self::Memory(all) => Ok(&all[places]),
            Self::File(file, folder) => {
                let Buffer { bytes, values } = buffer;
                bytes.resize(2 * places.len(), 0);
                read_at(file, bytes, 2 * places.start as u64).map_err(|e| Error::io(folder, e))?;
                let (pairs, _) = bytes.as_chunks::<2>();
                values.clear();
                values.extend(pairs.iter().map(|pair| i16::from_ne_bytes(*pair)));
                Ok(values)
            }
        }
    }
}

/// The values read last from a temporary file.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    values: Vec<i16>,
}

/// The voters of each word (an inverted file): their photos in memory, their rounded descriptors in a
/// temporary file where they are many.
pub(super) struct InvertedFile {
    dim: usize,
    /// Start of the voters of each word, and the number of all.
    starts: Vec<usize>,
    photos: Vec<u32>,
    /// In the order of the words.
    rows: Rows,
}

/// An inverted file that voters are put into.
pub(super) struct InvertedFileWriter {
    file: InvertedFile,
    /// Where the next voter of each word goes.
    next: Vec<usize>,
}

impl InvertedFileWriter {
    /// Room for the voters of each word, of `dim` values each, as [`Rows::new`].
    ///
    /// # Errors
    /// As [`Rows::new`].
    pub(super) fn new(
        dim: usize,
        counts: &[usize],
        max_bytes: u64,
        scratch: Option<&Path>,
    ) -> Result<Self> {
        let starts = starts(counts);
        let total = starts[counts.len()];
        Ok(Self {
            next: starts[..counts.len()].to_vec(),
            file: InvertedFile {
                dim,
                starts,
                photos: vec![0; total],
                rows: Rows::new(total * dim, max_bytes, scratch)?,
            },
        })
    }

    /// Appends one voter to those of `word`.
    ///
    /// # Errors
    /// As [`Rows::put`].
    pub(super) fn put(&mut self, word: usize, photo: u32, row: &[i16]) -> Result<()> {
        let at = self.next[word];
        self.next[word] += 1;
        self.file.photos[at] = photo;
        self.file.rows.put(at * self.file.dim, row)
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
    /// As [`Rows::get`].
    pub(super) fn voters<'a>(
        &'a self,
        word: usize,
        buffer: &'a mut Buffer,
    ) -> Result<(&'a [u32], &'a [i16])> {
        let range = self.starts[word]..self.starts[word + 1];
        let places = range.start * self.dim..range.end * self.dim;
        Ok((&self.photos[range], self.rows.get(places, buffer)?))
    }
}

/// Start of each part, for parts of these lengths, and the length of all.
pub(super) fn starts(lengths: &[usize]) -> Vec<usize> {
    let mut total = 0;
    let ends = lengths.iter().map(|length| {
        total += length;
        total
    });
    std::iter::once(0).chain(ends).collect()
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
        let mut writer = InvertedFileWriter::new(dim, &counts, 1000, scratch).unwrap();
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
        // A few of these are more than is held in memory.
        let row = |start: i16| (0..50).map(|i| start.wrapping_add(i as i16)).collect();
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
