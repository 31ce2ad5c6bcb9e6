//! What one cell of the agreement map says. Evidence counts these verdicts, and the match picture and
//! the report mark them.

use crate::refinement::AgreementCell;

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
