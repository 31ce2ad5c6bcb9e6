//! Puts photos into sub-folders by label: planned first, recorded before anything is done, and undone on
//! demand.
//!
//! [`survey`] finds the photos, [`by_prefix`] or [`by_labels`] gives each a label (the name of a class or the
//! number of a cluster), [`plan`] gives each photo its place, or the reason why it is left out, and changes
//! nothing. [`apply`] makes links or copies, never over an existing file, and keeps a journal in the destination's
//! folder `.delfin`; [`undo`] reads the last journal and removes only the files that this run made, also after a
//! run that was killed. Only one run works in a destination at a time. Originals are never changed or removed, and
//! moved only by [`Placement::Move`], after which [`undo`] moves them back.

mod apply;
mod assignment;
mod files;
mod journal;
mod lock;
mod plan;
mod table_paths;
mod undo;

pub use apply::{Applied, apply};
pub use assignment::{Assignment, LabelAssignments, by_labels, by_prefix};
pub use files::{Survey, survey};
pub use plan::{LeftOut, Place, Placement, Plan, plan};
pub use table_paths::TablePaths;
pub use undo::{Undone, undo};
