//! The sequence header of an AV1 stream (AV1 bitstream specification, 5.5): size and colours of its frames.

use super::container::Reader;

/// The fields of a sequence header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sequence {
    /// Largest width and height of a frame, in pixels.
    pub size: (u32, u32),
    /// Luma without chroma.
    pub is_grey: bool,
    /// Code points of ITU-T H.273.
    pub primaries: u8,
    pub transfer: u8,
    pub matrix: u8,
    /// Whether all values are used, else those of television.
    pub full_range: bool,
}

/// Bits from the front of bytes; none where the bytes end.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut number = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            number = number << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(number)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// Skips a number that is led by as many zeros as it has bits.
    fn skip_led_number(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        self.take(if zeros < 32 { zeros } else { 0 })?;
        Some(())
    }
}

impl Sequence {
    /// The first sequence header in a stream of units; none where there is no whole one.
    pub fn find(stream: &[u8]) -> Option<Self> {
        let mut stream = Reader(stream);
        loop {
            let header = stream.number(1)?;
            if header & 4 != 0 {
                stream.take(1)?;
            }
            let length = match header & 2 {
                0 => stream.0.len(),
                _ => little_endian_base_128(&mut stream)?,
            };
            let unit = stream.take(length)?;
            if header >> 3 & 15 == 1 {
                return Self::read(&mut Bits { bytes: unit, at: 0 });
            }
        }
    }

    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let profile = bits.take(3)?;
        let _still_picture = bits.flag()?;
        let is_reduced = bits.flag()?;
        if is_reduced {
            bits.take(5)?;
        } else {
            skip_operating_points(bits)?;
        }
        let (width_bits, height_bits) = (bits.take(4)? as usize + 1, bits.take(4)? as usize + 1);
        let size = (bits.take(width_bits)? + 1, bits.take(height_bits)? + 1);
        if !is_reduced && bits.flag()? {
            bits.take(7)?;
        }
        bits.take(3)?;
        if !is_reduced {
            skip_tools(bits)?;
        }
        bits.take(3)?;
        Self::read_colours(bits, profile, size)
    }

    fn read_colours(bits: &mut Bits<'_>, profile: u32, size: (u32, u32)) -> Option<Self> {
        if bits.flag()? && profile == 2 {
            bits.take(1)?;
        }
        let is_grey = profile != 1 && bits.flag()?;
        let [primaries, transfer, matrix] = match bits.flag()? {
            true => [
                bits.take(8)? as u8,
                bits.take(8)? as u8,
                bits.take(8)? as u8,
            ],
            false => [2; 3],
        };
        let is_srgb = !is_grey && (primaries, transfer, matrix) == (1, 13, 0);
        Some(Self {
            size,
            is_grey,
            primaries,
            transfer,
            matrix,
            full_range: is_srgb || bits.flag()?,
        })
    }
}

fn little_endian_base_128(from: &mut Reader<'_>) -> Option<usize> {
    let mut number: u64 = 0;
    for at in 0..8 {
        let byte = from.number(1)?;
        number |= (byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return usize::try_from(number).ok();
        }
    }
    None
}

/// Timing, decoder model and operating points of a header that is not reduced.
fn skip_operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.take(32)?;
        bits.take(32)?;
        if bits.flag()? {
            bits.skip_led_number()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? as usize + 1);
            bits.take(32)?;
            bits.take(10)?;
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.take(12)?;
        if bits.take(5)? > 7 {
            bits.take(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.take(delay_bits)?;
            bits.take(delay_bits)?;
            bits.take(1)?;
        }
        if has_display_delay && bits.flag()? {
            bits.take(4)?;
        }
    }
    Some(())
}

/// Coding tools of a header that is not reduced.
fn skip_tools(bits: &mut Bits<'_>) -> Option<()> {
    bits.take(4)?;
    let has_order = bits.flag()?;
    if has_order {
        bits.take(2)?;
    }
    // Screen content tools: chosen by each frame, or here.
    let may_have_screen_content = bits.flag()? || bits.flag()?;
    if may_have_screen_content && !bits.flag()? {
        bits.take(1)?;
    }
    if has_order {
        bits.take(3)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_behind_other_units_and_a_cut_one_is_none() {
        // A temporal delimiter, then the header of a still picture of 96 x 64 pixels: profile 0,
        // reduced, level 0, sizes of 7 and 6 bits, no tools, 8 bits, colours 1, 13, 6, full range.
        let mut bits = String::new();
        for (value, count) in [
            (0, 3),
            (1, 1),
            (1, 1),
            (0, 5),
            (6, 4),
            (5, 4),
            (95, 7),
            (63, 6),
            (0, 3),
            (0, 3),
            (0, 1),
            (0, 1),
            (1, 1),
            (1, 8),
            (13, 8),
            (6, 8),
            (1, 1),
            (0, 7),
        ] {
            bits += &format!("{value:0count$b}");
        }
        let header: Vec<u8> = bits
            .as_bytes()
            .chunks(8)
            .map(|byte| byte.iter().fold(0, |n, bit| n << 1 | (bit - b'0')))
            .collect();
        let stream = [&[0x12, 0, 0x0a, header.len() as u8], header.as_slice()].concat();
        let expected = Sequence {
            size: (96, 64),
            is_grey: false,
            primaries: 1,
            transfer: 13,
            matrix: 6,
            full_range: true,
        };
        assert_eq!(Sequence::find(&stream), Some(expected));
        for length in 0..stream.len() {
            assert_eq!(Sequence::find(&stream[..length]), None);
        }
    }
}
