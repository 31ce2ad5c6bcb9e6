//! Evidence of a pair of photos, and its learned judgement.
//!
//! [`FeatureEvidence`] and [`PixelEvidence`] hold measurements, without thresholds of a verdict. [`Judgement`] maps
//! them to the log-odds that both photos show the same thing; in a folder a [`Shortlist`] selects the pairs that
//! are compared by pixels, and [`Rivals`] lower the log-odds of a pair whose photos have much stronger ones.
//! [`guided_matches`] finds the partners of keypoints near their places under a transform.

mod cells;
mod differences;
mod evidence;
mod fine;
mod groups;
mod guided;
mod inputs;
mod judgement;
mod rivals;
mod shortlist;
mod surfaces;
#[cfg(test)]
mod tests;
mod transform;
mod values;

pub use cells::CellVerdict;
pub use differences::DifferenceEvidence;
pub use evidence::{FeatureEvidence, GuidedMatches, PairEvidence, PixelEvidence};
pub use fine::{FineEvidence, verdicts};
pub use guided::{Guided, KeypointTree, guided_matches};
pub use inputs::{FEATURE_INPUTS, PIXEL_INPUTS, feature_inputs, pixel_inputs};
pub use judgement::{Judgement, MAX_LOG_ODDS, Relation, SAME_FILE_LOG_ODDS, log_odds, probability};
pub use rivals::Rivals;
pub use shortlist::{BestPairs, Shortlist};
pub use transform::TransformEvidence;
