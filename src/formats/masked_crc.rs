//! The checksum of TensorFlow's records and tables.

/// CRC-32C, turned by 15 bits and with a constant added, so that checksums of data with checksums in it
/// stay strong.
pub(super) fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}
