//! `delfin organize`: photos into sub-folders by label, and back.

use std::path::Path;

use anyhow::bail;
use delfin::counted;
use delfin::folder::has_photo_extension;
use delfin::formats::labels::{self, Labels};
use delfin::organize::{Assignment, LeftOut, Placement, Survey, TablePaths, Undone};
use delfin::organize::{apply, by_labels, by_prefix, plan, survey, undo};

use crate::cli::args::{Method, OrganizeArgs};
use crate::cli::commands::{no_photos, tell_passed_over};
use crate::cli::{Answer, output};

pub(crate) fn run(args: &OrganizeArgs) -> anyhow::Result<Answer> {
    let (Some(folder), Some(by), false) = (&args.folder, &args.by, args.undo) else {
        return take_back(&args.to);
    };
    let survey = survey(folder, &args.to)?;
    if survey.photos.is_empty() {
        bail!(no_photos(folder, &survey.passed_over));
    }
    tell_passed_over(&survey.passed_over);
    let assignments = assign(&survey, by)?;
    let plan = plan(&survey, &assignments);
    let placement = match args.method {
        None | Some(Method::Hardlink) => Placement::HardLink,
        Some(Method::Symlink) => Placement::Symlink,
        Some(Method::Copy) => Placement::Copy,
        Some(Method::Move) => Placement::Move,
    };
    if args.plan {
        output::json(plan.json(placement));
        return Ok(Answer::Yes);
    }
    name(&plan.left_out, "left out");
    let applied = apply(&plan, placement, args.method.is_none())?;
    name(&applied.failures, "failed");
    output::line(format_args!(
        "{} of {} placed in {} below {}; {} there already",
        applied.num_placed,
        counted(assignments.len(), "photo"),
        counted(plan.num_folders(), "folder"),
        args.to.display(),
        plan.already_there.len()
    ));
    if applied.num_copied_instead > 0 {
        output::note(format_args!(
            "{} copied: no hard link to them can be made there",
            counted(applied.num_copied_instead, "photo")
        ));
    }
    if !applied.failures.is_empty() {
        bail!("{} failed", counted(applied.failures.len(), "photo"));
    }
    Ok(if plan.left_out.is_empty() {
        Answer::Yes
    } else {
        Answer::No
    })
}

fn assign(survey: &Survey, by: &Path) -> anyhow::Result<Vec<Assignment>> {
    if by == Path::new("prefix") {
        return Ok(by_prefix(&survey.photos));
    }
    let paths = TablePaths::new(survey);
    // A photo that is gone is none of the survey.
    let is_photo = |path: &str| paths.photo(path).is_some() || has_photo_extension(Path::new(path));
    let Labels::Paths(labels) = labels::read_of(by, is_photo)? else {
        bail!(
            "{}: neither `prefix` nor a table of path and label (.csv, .tsv)",
            by.display()
        );
    };
    let labels = paths.labels(&labels, by)?;
    let found = by_labels(&survey.photos, &labels, &by.display().to_string());
    for path in found.unknown_paths {
        output::note(format_args!("{}: no such photo: {path}", by.display()));
    }
    Ok(found.assignments)
}

fn take_back(destination: &Path) -> anyhow::Result<Answer> {
    let Some(undone) = undo(destination)? else {
        bail!("{}: no run to take back", destination.display());
    };
    name(&undone.kept, "kept");
    output::line(taken_back(&undone, destination));
    Ok(if undone.kept.is_empty() {
        Answer::Yes
    } else {
        Answer::No
    })
}

/// Summary of an undone run, on one line.
pub(crate) fn taken_back(undone: &Undone, destination: &Path) -> String {
    let again = match &undone.journal {
        Some(journal) => format!(
            "; what is kept can still be taken back, as {} says; if it is gone for good, delete that file",
            journal.display()
        ),
        None => String::new(),
    };
    format!(
        "{} taken back below {}, {} kept{again}",
        counted(undone.num_removed, "place"),
        destination.display(),
        undone.kept.len()
    )
}

fn name(photos: &[LeftOut], what: &str) {
    for LeftOut { photo, reason, .. } in photos {
        output::note(format_args!("{}: {what}: {reason}", photo.display()));
    }
}
