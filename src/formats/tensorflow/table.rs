//! The sorted string table that a tensor bundle's index is kept in: keys in order, each with a
//! value, in blocks that may be compressed.
//!
//! Source: LevelDB's `doc/table_format.md`; TensorFlow uses the same with its own checksums left
//! as they are.

use std::collections::BTreeMap;

use crate::formats::masked_crc::masked_crc32c;

/// The last eight bytes of every table, the lowest first.
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Two block handles of at most 20 bytes each, and the magic number.
const FOOTER_LENGTH: usize = 48;
/// The kind of compression and a checksum behind each block.
const TRAILER_LENGTH: usize = 5;
/// A block is a few kilobytes; a longer one is not decompressed.
const MAX_BLOCK_BYTES: usize = 64 << 20;

/// Reads every entry of a table.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, String> {
    let footer = bytes
        .len()
        .checked_sub(FOOTER_LENGTH)
        .map(|start| &bytes[start..])
        .ok_or("it is too short for a table")?;
    let (handles, magic) = footer.split_at(FOOTER_LENGTH - 8);
    if magic != MAGIC.to_le_bytes() {
        return Err("it does not end with a table's magic number".into());
    }
    let mut handles = Reader(handles);
    let _metadata = handles.handle()?;
    let index = block(bytes, handles.handle()?)?;
    let mut table = BTreeMap::new();
    for (_, handle) in entries(&index)? {
        let content = block(bytes, Reader(&handle).handle()?)?;
        table.extend(entries(&content)?);
    }
    Ok(table)
}

/// The content of the block at `offset`, its checksum checked.
fn block(bytes: &[u8], (offset, length): (usize, usize)) -> Result<Vec<u8>, String> {
    let outside = || format!("a block of {length} bytes at {offset} lies outside it");
    let end = offset.checked_add(length).ok_or_else(outside)?;
    let content = bytes.get(offset..end).ok_or_else(outside)?;
    let trailer = bytes.get(end..end + TRAILER_LENGTH).ok_or_else(outside)?;
    let expected = u32::from_le_bytes([trailer[1], trailer[2], trailer[3], trailer[4]]);
    if masked_crc32c(&bytes[offset..=end]) != expected {
        return Err(format!("the checksum of the block at {offset} is wrong"));
    }
    let broken = |e: snap::Error| format!("the block at {offset} cannot be decompressed: {e}");
    match trailer[0] {
        0 => Ok(content.to_vec()),
        1 => match snap::raw::decompress_len(content).map_err(broken)? {
            ..=MAX_BLOCK_BYTES => snap::raw::Decoder::new()
                .decompress_vec(content)
                .map_err(broken),
            length => Err(format!("the block at {offset} declares {length} bytes")),
        },
        kind => Err(format!(
            "the block at {offset} has unknown compression {kind}"
        )),
    }
}

/// A key and its value.
type Entry = (Vec<u8>, Vec<u8>);

/// The keys and values of a block. A key is written as the length of its beginning that it shares with the one
/// before, and the rest.
fn entries(block: &[u8]) -> Result<Vec<Entry>, String> {
    let broken = || "a block's list of restarts is broken".to_owned();
    let (rest, count) = block.split_last_chunk::<4>().ok_or_else(broken)?;
    let restarts = u32::from_le_bytes(*count) as usize;
    let length = restarts
        .checked_mul(4)
        .and_then(|restarts| rest.len().checked_sub(restarts))
        .ok_or_else(broken)?;
    let mut reader = Reader(&rest[..length]);
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    while !reader.0.is_empty() {
        let (shared, fresh, value) = (reader.varint()?, reader.varint()?, reader.varint()?);
        let before = entries.last().map_or(&[][..], |(key, _)| key);
        let shared = before
            .get(..shared)
            .ok_or("a key shares more than the key before it has")?;
        let key = [shared, reader.take(fresh)?].concat();
        entries.push((key, reader.take(value)?.to_vec()));
    }
    Ok(entries)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("a block is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<usize, String> {
        let value = prost::encoding::decode_varint(&mut self.0).map_err(|e| e.to_string())?;
        usize::try_from(value).map_err(|e| e.to_string())
    }

    /// A block's offset and length.
    fn handle(&mut self) -> Result<(usize, usize), String> {
        Ok((self.varint()?, self.varint()?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use prost::encoding::encode_varint;

    fn entry(shared: u64, fresh: &str, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_varint(shared, &mut bytes);
        encode_varint(fresh.len() as u64, &mut bytes);
        encode_varint(value.len() as u64, &mut bytes);
        [&bytes, fresh.as_bytes(), value].concat()
    }

    /// Appends a block and returns its handle.
    fn append(table: &mut Vec<u8>, entries: &[u8], compressed: bool) -> Vec<u8> {
        let mut content = [entries, &0u32.to_le_bytes(), &1u32.to_le_bytes()].concat();
        if compressed {
            content = snap::raw::Encoder::new().compress_vec(&content).unwrap();
        }
        let mut handle = Vec::new();
        encode_varint(table.len() as u64, &mut handle);
        encode_varint(content.len() as u64, &mut handle);
        content.push(compressed.into());
        let checksum = masked_crc32c(&content);
        table.extend(content);
        table.extend(checksum.to_le_bytes());
        handle
    }

    /// A table of these entries in one block.
    pub(in super::super) fn table(entries: &[(&str, Vec<u8>)], compressed: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let content: Vec<Vec<u8>> = entries.iter().map(|(k, v)| entry(0, k, v)).collect();
        finish(&mut bytes, &content.concat(), compressed);
        bytes
    }

    fn finish(bytes: &mut Vec<u8>, content: &[u8], compressed: bool) {
        let data = append(bytes, content, compressed);
        let metadata = append(bytes, &[], false);
        let index = append(bytes, &entry(0, "z", &data), compressed);
        let mut footer = [metadata, index].concat();
        footer.resize(FOOTER_LENGTH - 8, 0);
        bytes.extend(footer);
        bytes.extend(MAGIC.to_le_bytes());
    }

    #[test]
    fn keys_are_put_together_from_what_they_share() {
        for compressed in [false, true] {
            let content = [entry(0, "conv/beta", b"1"), entry(5, "gamma", b"2")].concat();
            let mut bytes = Vec::new();
            finish(&mut bytes, &content, compressed);
            let table = read(&bytes).unwrap();
            assert_eq!(table[&b"conv/beta"[..]], b"1");
            assert_eq!(table[&b"conv/gamma"[..]], b"2");
            assert_eq!(table.len(), 2);
        }
    }

    #[test]
    fn a_table_with_any_byte_changed_or_missing_is_refused_or_the_same() {
        let bytes = table(&[("a", vec![1; 20]), ("b", vec![2])], true);
        let whole = read(&bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            // The footer's padding and the metadata mean nothing.
            assert!(read(&changed).is_ok_and(|t| t == whole) || read(&changed).is_err());
        }
        assert!(read(b"no table").unwrap_err().contains("short"));
        assert!(read(&[7; 60]).unwrap_err().contains("magic"));
    }

    #[test]
    fn broken_blocks_are_refused() {
        for content in [
            entry(3, "a", b""),
            vec![0, 200],
            [entry(0, "a", b""), vec![0, 9, 0]].concat(),
        ] {
            let mut bytes = Vec::new();
            finish(&mut bytes, &content, false);
            assert!(read(&bytes).is_err());
        }
        assert!(entries(&[1, 2]).is_err());
        assert!(entries(&u32::MAX.to_le_bytes()).is_err());
    }
}
