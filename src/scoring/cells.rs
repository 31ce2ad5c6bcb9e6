//! Verdict on one place of the agreement map, a cell or a small window. Evidence counts these verdicts, and the
//! match picture and the report mark them.

use crate::refinement::{AGREES, AgreementCell, FineWindow, MIN_TEXTURE};

/// Correlation below which a place contradicts.
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

impl CellVerdict {
    /// By the standard deviation of both photos, in grey levels, and their correlation.
    fn new([deviation1, deviation2]: [f32; 2], correlation: f32) -> Self {
        if deviation1.max(deviation2) <= MIN_TEXTURE {
            Self::Plain
        } else if correlation >= AGREES {
            Self::Agrees
        } else if correlation < CONTRADICTS {
            Self::Contradicts
        } else {
            Self::Unclear
        }
    }
}

impl From<&AgreementCell> for CellVerdict {
    fn from(cell: &AgreementCell) -> Self {
        Self::new(cell.deviation, cell.correlation)
    }
}

impl From<&FineWindow> for CellVerdict {
    fn from(window: &FineWindow) -> Self {
        Self::new(window.deviation, window.correlation)
    }
}
