//! What a run shows to a person: the picture of a match.

mod caption;
mod figure;
mod panel;
mod stroke;
mod text;

pub use figure::{FigureContent, FigureOptions, FigurePhoto, match_figure};
