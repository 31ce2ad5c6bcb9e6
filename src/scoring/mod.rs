//! What was seen of a pair of photos, and what it means.
//!
//! [`FeatureEvidence`] and [`PixelEvidence`] hold what was seen, without thresholds of a verdict.
//! [`Judgement`] answers the log-odds that both photos show the same thing; in a folder a [`Shortlist`] says which pairs
//! are compared by pixels, and between clusters [`Rivals`] lower those of a pair whose photos have much stronger ones.
//! [`guided_matches`] looks for the partners of keypoints where a transform puts them.

mod cells;
mod evidence;
mod fine;
mod guided;
mod inputs;
mod judgement;
mod rivals;
mod shortlist;
#[cfg(test)]
mod tests;
mod transform;
mod values;

pub use cells::CellVerdict;
pub use evidence::{FeatureEvidence, GuidedMatches, PairEvidence, PixelEvidence};
pub use fine::{FineEvidence, verdicts};
pub use guided::{Guided, KeypointTree, guided_matches};
pub use inputs::{FEATURE_INPUTS, PIXEL_INPUTS, feature_inputs, pixel_inputs};
pub use judgement::{Judgement, Relation, log_odds, probability};
pub use rivals::Rivals;
pub use shortlist::{BestPairs, Shortlist};
pub use transform::TransformEvidence;
