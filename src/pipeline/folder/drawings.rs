//! Compact encoding of drawings of pairs, for the store.
//!
//! Little endian, in this order: version; the subject, in 8 bytes; whether there is a transform, and its nine
//! values; the number of inliers, and four values of each; whether there are places, and of the agreeing and of the
//! contradicting ones the number and two values of each; CRC-32C of all before it.

use sha2::{Digest, Sha256};

use crate::report::{PairDrawing, ReportPlaces, shown_inliers};
use crate::store::{ContentHash, Reader, seal, unseal};

/// Changes when the same pair and options give another drawing than before, or a page shows another number of inliers.
const VERSION: u8 = 1;

/// The subject of a drawing: settings and the content of photo 1 and of photo 2. The numbers of settings and photos
/// in a store do not serve, as free ones are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject([u8; 8]);

impl Subject {
    pub(super) fn new(settings: &str, photo1: &ContentHash, photo2: &ContentHash) -> Self {
        let digest = Sha256::new()
            .chain_update(photo1)
            .chain_update(photo2)
            .chain_update(settings)
            .finalize();
        Self(std::array::from_fn(|at| digest[at]))
    }
}

/// Encodes `drawing`; [`decode`] gives it back to the bit, with the inliers that a page shows.
pub(super) fn encode(drawing: &PairDrawing, subject: Subject) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend(subject.0);
    bytes.push(u8::from(drawing.transform.is_some()));
    let transform = drawing.transform.iter().flatten();
    bytes.extend(transform.flat_map(|value| value.to_le_bytes()));
    put(&mut bytes, &shown_inliers(&drawing.inliers));
    bytes.push(u8::from(drawing.places.is_some()));
    if let Some(places) = &drawing.places {
        put(&mut bytes, &places.agreeing);
        put(&mut bytes, &places.contradicting);
    }
    seal(&mut bytes);
    bytes
}

/// Decodes the drawing of this subject; none for bytes that [`encode`] did not make, or that were changed.
pub(super) fn decode(bytes: &[u8], subject: Subject) -> Option<PairDrawing> {
    let mut reader = unseal(bytes)?;
    if reader.take()? != [VERSION] || reader.take()? != subject.0 {
        return None;
    }
    let transform = match reader.take()? {
        [0] => None,
        _ => {
            let mut values = [0.0; 9];
            for value in &mut values {
                *value = f64::from_le_bytes(reader.take()?);
            }
            Some(values)
        }
    };
    let inliers = rows(&mut reader)?;
    let places = match reader.take()? {
        [0] => None,
        _ => Some(ReportPlaces {
            agreeing: rows(&mut reader)?,
            contradicting: rows(&mut reader)?,
        }),
    };
    reader.is_at_end().then_some(PairDrawing {
        inliers,
        transform,
        places,
    })
}

fn put<const N: usize>(bytes: &mut Vec<u8>, rows: &[[f32; N]]) {
    bytes.extend((rows.len() as u32).to_le_bytes());
    bytes.extend(rows.as_flattened().iter().flat_map(|v| v.to_le_bytes()));
}

fn rows<const N: usize>(reader: &mut Reader<'_>) -> Option<Vec<[f32; N]>> {
    let count = u32::from_le_bytes(reader.take()?) as usize;
    let row = |_| {
        let mut row = [0.0; N];
        for value in &mut row {
            *value = reader.f32()?;
        }
        Some(row)
    };
    (0..count).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject::new("settings", &[1; 32], &[2; 32])
    }

    fn drawings() -> [PairDrawing; 3] {
        let whole = PairDrawing {
            inliers: vec![[0.1, 1.0 / 3.0, 640.0, -2.5], [4.0, 5.0, 6.0, 7.0]],
            transform: Some([1.0 / 7.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0]),
            places: Some(ReportPlaces {
                agreeing: vec![[0.7, 12.25]],
                contradicting: vec![],
            }),
        };
        let without_places = PairDrawing {
            places: None,
            ..whole.clone()
        };
        [whole, without_places, PairDrawing::default()]
    }

    #[test]
    fn a_drawing_survives_its_bytes() {
        for drawing in drawings() {
            let bytes = encode(&drawing, subject());
            assert_eq!(decode(&bytes, subject()), Some(drawing));
            for other in [
                Subject::new("other settings", &[1; 32], &[2; 32]),
                Subject::new("settings", &[2; 32], &[1; 32]),
                Subject::new("settings", &[1; 32], &[3; 32]),
            ] {
                assert_eq!(decode(&bytes, other), None);
            }
        }
    }

    #[test]
    fn of_many_inliers_those_that_a_page_shows_are_kept() {
        let drawing = PairDrawing {
            inliers: (0..100).map(|number| [number as f32; 4]).collect(),
            ..PairDrawing::default()
        };
        let kept = decode(&encode(&drawing, subject()), subject())
            .unwrap()
            .inliers;
        assert!(kept.len() < 100);
        assert_eq!(kept, shown_inliers(&drawing.inliers));
        assert_eq!(kept, shown_inliers(&kept));
    }

    #[test]
    fn changed_bytes_are_refused() {
        for drawing in drawings() {
            let bytes = encode(&drawing, subject());
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 4;
                assert_eq!(decode(&changed, subject()), None, "{at}");
                assert_eq!(decode(&bytes[..at], subject()), None, "{at}");
            }
        }
    }
}
