//! Bytes with a checksum at their end.

/// Adds the CRC-32C of the bytes.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    bytes.extend(crc32c::crc32c(bytes).to_le_bytes());
}

/// A reader of sealed bytes; none for bytes that were not sealed, or that were changed.
pub(crate) fn unseal(bytes: &[u8]) -> Option<Reader<'_>> {
    let (content, sum) = bytes.split_last_chunk::<4>()?;
    (crc32c::crc32c(content) == u32::from_le_bytes(*sum)).then_some(Reader(content))
}

/// Reads values, little endian, one after the other; none where too few bytes are left.
pub(crate) struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn f32(&mut self) -> Option<f32> {
        self.take().map(f32::from_le_bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
