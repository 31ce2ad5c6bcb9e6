//! Detection of file formats from their first bytes.

/// Advice on a HEIC file that this build does not read.
#[cfg(not(feature = "heic"))]
pub(crate) const HEIC_ADVICE: &str =
    "build delfin with `--features heic` (needs libheif), or save it as JPEG";

/// Number of bytes that the detection needs.
pub(crate) const HEAD_BYTES: usize = 64;

/// Whether a file that begins with `head` is of a format that [`super::Photo`] decodes.
pub(crate) fn is_decoded(head: &[u8]) -> bool {
    let begins = |magic: &[u8]| head.starts_with(magic);
    begins(b"\xff\xd8\xff")
        || begins(b"\x89PNG\r\n\x1a\n")
        || begins(b"GIF87a")
        || begins(b"GIF89a")
        || (begins(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || is_tiff(head)
        || is_bmp(head)
        || is_jpeg_xl(head)
        || is_avif(head)
        || (cfg!(feature = "heic") && is_heic(head))
        || is_raw_tiff(head)
        || is_raf(head)
}

/// Whether the head is that of a JPEG XL codestream or container.
pub(super) fn is_jpeg_xl(head: &[u8]) -> bool {
    head.starts_with(b"\xff\x0a") || head.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n")
}

/// Whether the head is that of an AVIF file, still or animated.
pub(super) fn is_avif(head: &[u8]) -> bool {
    has_brand(head, &[b"avif", b"avis"])
}

/// Whether the head is that of a HEIF file without AV1, whose pictures are in HEVC as a rule.
pub(super) fn is_heic(head: &[u8]) -> bool {
    const BRANDS: [&[u8]; 8] = [
        b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1",
    ];
    has_brand(head, &BRANDS) && !is_avif(head)
}

/// Whether the head is that of a raw file of Canon's newer cameras.
pub(super) fn is_cr3(head: &[u8]) -> bool {
    has_brand(head, &[b"crx "])
}

/// Whether a file of boxes (ISO/IEC 14496-12) names one of these brands: the major one, its version,
/// the compatible ones.
fn has_brand(head: &[u8], names: &[&[u8]]) -> bool {
    head.get(4..8) == Some(b"ftyp")
        && head[8..]
            .chunks_exact(4)
            .any(|brand| names.contains(&brand))
}

/// Whether the head is a TIFF file's, which cameras' raw files have too.
pub(super) fn is_tiff(head: &[u8]) -> bool {
    head.starts_with(b"II*\0") || head.starts_with(b"MM\0*") || is_big_tiff(head)
}

/// Whether the head is that of a TIFF file with offsets of 64 bits.
pub(super) fn is_big_tiff(head: &[u8]) -> bool {
    head.starts_with(b"II+\0\x08\0\0\0") || head.starts_with(b"MM\0+\0\x08\0\0")
}

/// Whether the head is one that only cameras' raw files have: of Canon (CR2), Panasonic (RW2) and Olympus
/// (ORF). Others begin as any TIFF file does.
pub(super) fn is_raw_tiff(head: &[u8]) -> bool {
    let begins = |magic: &[u8]| head.starts_with(magic);
    (begins(b"II*\0") && head.get(8..10) == Some(b"CR"))
        || begins(b"IIU\0")
        || begins(b"IIRO")
        || begins(b"IIRS")
        || begins(b"MMOR")
}

/// Whether the head is that of a raw file of Fujifilm.
pub(super) fn is_raf(head: &[u8]) -> bool {
    head.starts_with(b"FUJIFILMCCD-RAW")
}

/// "BM" begins many a text: the reserved bytes and the length of the next header count too.
fn is_bmp(head: &[u8]) -> bool {
    head.starts_with(b"BM")
        && head.get(6..10) == Some(&[0; 4])
        && head.get(15..18) == Some(&[0; 3])
        && head
            .get(14)
            .is_some_and(|length| [12, 16, 40, 52, 56, 64, 108, 124].contains(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0";
        for head in [
            &b"\xff\xd8\xff\xe0"[..],
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"MM\0*",
            b"II+\0\x08\0\0\0",
            b"\xff\x0a\xfa",
            b"\0\0\0\x0cJXL \r\n\x87\n",
            b"\0\0\0\x1cftypavif\0\0\0\0mif1avif",
            b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1",
            b"IIU\0\x08\0\0\0",
            b"IIRO\x08\0\0\0",
            b"FUJIFILMCCD-RAW 0201",
            bmp,
        ] {
            assert!(is_decoded(head), "{head:?}");
        }
        for head in [
            &b""[..],
            b"\xff\xd8",
            b"BMW and other cars",
            b"RIFF\0\0\0\0WAVE",
            b"II, a text",
            b"\0\0\0\x18ftypisom\0\0\0\0mp41iso2",
        ] {
            assert!(!is_decoded(head) && !is_heic(head), "{head:?}");
        }
        for head in [
            &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..],
            b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic",
        ] {
            assert!(is_heic(head) && is_decoded(head) == cfg!(feature = "heic"));
        }
        let cr3 = b"\0\0\0\x18ftypcrx \0\0\0\x01";
        assert!(is_cr3(cr3) && !is_decoded(cr3));
    }
}
