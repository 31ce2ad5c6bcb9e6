//! `delfin open`: a folder of photos in the browser.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use delfin::folder::list_photos;
use tempfile::TempPath;

use crate::cli::args::OpenArgs;
use crate::cli::commands::{folder_options, no_photos, tell_passed_over};
use crate::cli::{Answer, output};
use crate::serve::{Server, Worker};

pub(crate) fn run(args: &OpenArgs) -> anyhow::Result<Answer> {
    if !args.folder.is_dir() {
        bail!("{}: not a folder", args.folder.display());
    }
    let listing = list_photos(&args.folder)?;
    if listing.photos.is_empty() {
        bail!(no_photos(&args.folder, &listing.passed_over));
    }
    tell_passed_over(&listing.passed_over);
    let model = args.extraction.open_model()?;
    let options = folder_options(&model, &args.extraction, &args.judgement, args.mirrored)?;
    options.validate()?;
    let store = args.store.open(&args.folder)?;
    let lock = lock(store.path())?;
    let _folder = lock_folder(&args.folder)?;
    let server = Server::listen(args.port)?;
    let worker = Worker::new(&model, &args.folder, &store, options)?;
    let address = server.address();
    if let Some(mut lock) = lock.as_ref() {
        lock.set_len(0)
            .and_then(|()| lock.write_all(address.as_bytes()))?;
    }
    output::line(format_args!("{address}"));
    let kept = match worker.is_kept() {
        true => "Ctrl-C ends it, and nothing is lost",
        false => "Ctrl-C ends it, and what was done on the page is lost",
    };
    output::note(format_args!(
        "delfin: {} is open at that address, for this computer alone; {kept}",
        args.folder.display()
    ));
    output::finish()?;
    let leads = match args.no_browser {
        true => None,
        false => open_browser(&address, store.path()),
    };
    server.run(worker, leads)?;
    Ok(Answer::Yes)
}

/// Locks the store while the file is open; none for a store in memory.
fn lock(store: &Path) -> anyhow::Result<Option<File>> {
    if !store.exists() {
        return Ok(None);
    }
    // One store has one lock, whatever path leads to it.
    let store = store.canonicalize().unwrap_or_else(|_| store.to_owned());
    let path = store.with_extension("open");
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    // It will hold the address with its token.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let file = open
        .open(&path)
        .with_context(|| path.display().to_string())?;
    hold(file, |file| {
        let mut address = String::new();
        // Used in the message only.
        let _ = file.read_to_string(&mut address);
        address
    })
}

/// Locks the folder while the file is open, whatever the store; none where folders cannot be locked.
fn lock_folder(folder: &Path) -> anyhow::Result<Option<File>> {
    let Ok(file) = File::open(folder) else {
        return Ok(None);
    };
    hold(file, |_| folder.display().to_string())
}

/// Locks the file; `place` gives the address of the program that has it locked, for the error.
fn hold(mut file: File, place: impl FnOnce(&mut File) -> String) -> anyhow::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another `delfin open` has this folder open: {}",
                place(&mut file)
            )
        }
        // A file system without locks.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Opens the address in the desktop's browser. Without a desktop, the printed address serves.
///
/// The browser gets a file that leads there, beside the store and readable by this user alone: a command line is
/// visible to every user of the computer. Dropping the returned path removes the file.
fn open_browser(address: &str, store: &Path) -> Option<TempPath> {
    let page = TempPath::try_from_path(store.with_extension("open.html")).ok()?;
    let leads = format!(
        "<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0; url={address}\"><a href=\"{address}\">delfin</a>"
    );
    // One that a killed program left has its own mode.
    let _ = std::fs::remove_file(&page);
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let written = file
        .open(&page)
        .and_then(|mut file| file.write_all(leads.as_bytes()));
    written.ok()?;
    let (program, args): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(args).arg(&page);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The child ends by itself.
    command.spawn().ok().map(|_| page)
}
