//! Classes of photos: how well they agree with true ones.

mod evaluation;

pub use evaluation::{Evaluation, Scores, evaluate};
