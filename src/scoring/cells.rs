//! What one cell of the agreement map says. Evidence counts these verdicts, and the match picture and
//! the report mark them.

use crate::refinement::{AgreementCell, AgreementMap, MAP_SIDE};

use super::fine::is_replaced;

/// Cells with more texture than this, in one photo, can agree or contradict, in grey levels.
const MIN_TEXTURE: f32 = 6.0;
/// Correlation from which a cell agrees.
pub(super) const AGREES: f32 = 0.7;
/// Correlation below which a cell contradicts.
const CONTRADICTS: f32 = 0.4;

/// Whether two photos look alike at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellVerdict {
    /// Neither photo has texture to compare: a standard deviation of at most 6 grey levels.
    Plain,
    /// They look alike: a correlation of at least 0.7.
    Agrees,
    /// Between the two.
    Unclear,
    /// They look different: a correlation below 0.4.
    Contradicts,
}

impl From<&AgreementCell> for CellVerdict {
    fn from(cell: &AgreementCell) -> Self {
        let [deviation1, deviation2] = cell.deviation;
        if deviation1.max(deviation2) <= MIN_TEXTURE {
            Self::Plain
        } else if cell.correlation >= AGREES {
            Self::Agrees
        } else if cell.correlation < CONTRADICTS {
            Self::Contradicts
        } else {
            Self::Unclear
        }
    }
}

/// The cells of a map with what each says. Where the photos were compared by small windows, a cell
/// with two and more that show something else contradicts.
pub fn verdicts(map: &AgreementMap) -> impl Iterator<Item = (&AgreementCell, CellVerdict)> {
    let mut replaced = [0u32; MAP_SIDE * MAP_SIDE];
    if let Some(fine) = &map.fine {
        let rows = fine.windows.len() / fine.columns;
        for (at, window) in fine.windows.iter().enumerate() {
            // The outermost centres lie a window's half inside, which a cell's index does not need.
            let cell = |place: usize, count: usize| place * MAP_SIDE / count;
            let (column, row) = (
                cell(at % fine.columns, fine.columns),
                cell(at / fine.columns, rows),
            );
            replaced[row * MAP_SIDE + column] +=
                u32::from(window.as_ref().is_some_and(is_replaced));
        }
    }
    let cells = map.cells.iter().zip(replaced);
    cells.filter_map(|(cell, replaced)| {
        let cell = cell.as_ref()?;
        let verdict = match replaced {
            0 | 1 => CellVerdict::from(cell),
            _ => CellVerdict::Contradicts,
        };
        Some((cell, verdict))
    })
}
