//! Routes of the server.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, OriginalUri, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use delfin::image::{DecodeOptions, read_file};
use delfin::report::Part;
use delfin::store::Store;
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempPath;
use tokio::sync::oneshot;

use super::guard::{Guard, check};
use super::labelling::Train;
use super::putting_away::PutAway;
use super::shared::{Phase, Shared, locked};
use super::worker::{Act, Worker};
use crate::cli::one_line;

/// Largest request, in bytes: a list of all photos' numbers fits.
const MAX_BODY: usize = 4 << 20;
/// Largest photo to search by, in bytes.
const MAX_PHOTO: usize = 64 << 20;
const PROGRESS: &str = include_str!("progress.html");

/// Work for the worker.
pub(super) type Job = Box<dyn for<'a> FnOnce(&mut Worker<'a>) + Send>;

#[derive(Clone)]
struct App {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
    /// Read for thumbnails while the worker is busy.
    store: Arc<Option<Store>>,
    /// The file that leads the browser here, until it has come.
    leads: Arc<Mutex<Option<TempPath>>>,
}

/// A refusal with a message for the user.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, reason) = self;
        (status, Json(json!({ "error": reason }))).into_response()
    }
}

type Answer<T> = Result<T, Refused>;

pub(super) fn routes(
    guard: Guard,
    shared: Arc<Shared>,
    jobs: Sender<Job>,
    store: Option<PathBuf>,
    leads: Option<TempPath>,
) -> Router {
    let store = store.and_then(|path| Store::open(&path).ok());
    let app = App {
        shared,
        jobs,
        store: Arc::new(store),
        leads: Arc::new(Mutex::new(leads)),
    };
    // Below the number of the run, as photos are named by number.
    let of_run = Router::new()
        .route("/state", get(state))
        .route("/act", post(act))
        .route("/cut/{p}", get(cut))
        .route("/questions/{p}", get(questions))
        .route("/changes", get(changes))
        .route("/part/{name}", get(part))
        .route("/photo/{number}", get(photo))
        .route(
            "/search/{name}",
            post(search).layer(DefaultBodyLimit::max(MAX_PHOTO)),
        )
        .route("/train", post(train))
        .route("/labels", get(labels))
        .route("/organize/plan", post(plan_away))
        .route("/organize/apply", post(put_away))
        .route("/organize/undo", post(take_back))
        .layer(from_fn_with_state(app.clone(), check_run));
    Router::new()
        .route("/{token}", get(with_slash))
        // With a slash at the end, below which the page finds the others.
        .route("/{token}/", get(page))
        .route("/{token}/events", get(events))
        .route("/{token}/growing/{number}", get(growing))
        .route("/{token}/cancel", post(cancel))
        .route("/{token}/sort", post(sort))
        .nest("/{token}/{run}", of_run)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(guard, check))
        .with_state(app)
}

impl App {
    /// Runs a job on the worker and waits for its result.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&mut Worker<'a>) -> anyhow::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.hand_over(work, false).await
    }

    /// As [`Self::ask`], for read-only work: skipped if the browser has gone before the worker starts it.
    async fn look<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&mut Worker<'a>) -> anyhow::Result<T> + Send + 'static,
    ) -> Answer<T> {
        self.hand_over(work, true).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&mut Worker<'a>) -> anyhow::Result<T> + Send + 'static,
        is_look: bool,
    ) -> Answer<T> {
        let reason = match self.shared.phase() {
            Phase::Ready | Phase::Learning { .. } => None,
            Phase::Stopped { reason } => Some(format!("the folder is not sorted: {reason}")),
            Phase::Working { .. } => Some("the folder is being sorted".into()),
        };
        if let Some(reason) = reason {
            return Err(Refused(StatusCode::CONFLICT, reason));
        }
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            if is_look && reply.is_closed() {
                return;
            }
            // The browser may be gone.
            let _ = reply.send(work(worker));
        });
        let gone = || {
            let reason = "delfin is ending".into();
            Refused(StatusCode::SERVICE_UNAVAILABLE, reason)
        };
        self.jobs.send(job).map_err(|_| gone())?;
        let answer = answer.await.map_err(|_| gone())?;
        answer.map_err(|error| Refused(StatusCode::UNPROCESSABLE_ENTITY, one_line(&error)))
    }
}

async fn page(State(app): State<App>) -> Answer<Html<String>> {
    drop(locked(&app.leads).take());
    match app.shared.phase() {
        Phase::Ready => Ok(Html(app.look(|worker| worker.page()).await?)),
        _ => Ok(Html(PROGRESS.to_owned())),
    }
}

async fn with_slash(Path(token): Path<String>) -> Redirect {
    Redirect::permanent(&format!("/{token}/"))
}

/// Refuses requests of a page that was made by an earlier run.
async fn check_run(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    if uri.path().split('/').nth(2) == Some(&*app.shared.run().to_string()) {
        return next.run(request).await;
    }
    let reason = "the folder was sorted again since: load this page again".into();
    Refused(StatusCode::CONFLICT, reason).into_response()
}

/// The phase and the clusters so far whenever the phase changes, but no more than some times a second.
async fn events(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let shared = app.shared;
    let phases = unfold(
        (shared.watch(), shared, true),
        |(mut phases, shared, is_first)| async move {
            if !is_first {
                phases.changed().await.ok()?;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
            let phase = phases.borrow_and_update().clone();
            let mut told = serde_json::to_value(&phase).ok()?;
            if matches!(phase, Phase::Working { .. }) {
                told["clusters"] = json!(shared.growing());
            }
            let event = Event::default().json_data(told).ok()?;
            Some((Ok(event), (phases, shared, false)))
        },
    );
    Sse::new(phases).keep_alive(KeepAlive::default())
}

/// The thumbnail of a photo of the run that goes on.
async fn growing(
    State(app): State<App>,
    Path((_, number)): Path<(String, usize)>,
) -> Answer<Response> {
    let missing = || Refused(StatusCode::NOT_FOUND, "no such picture".into());
    let hash = app.shared.growing_photo(number).ok_or_else(missing)?;
    let read = move || app.store.as_ref().as_ref()?.thumbnail(&hash).ok()?;
    let read = tokio::task::spawn_blocking(read).await.ok().flatten();
    let jpeg = read.ok_or_else(missing)?;
    Ok(([(CONTENT_TYPE, "image/jpeg")], jpeg).into_response())
}

async fn cancel(State(app): State<App>) -> StatusCode {
    app.shared.cancel();
    StatusCode::NO_CONTENT
}

async fn sort(State(app): State<App>) -> StatusCode {
    if matches!(
        app.shared.phase(),
        Phase::Working { .. } | Phase::Learning { .. }
    ) {
        return StatusCode::NO_CONTENT;
    }
    let job = app.shared.next_job();
    // Before the worker begins, so that the next request of the page shows the progress.
    app.shared.begin();
    match app.jobs.send(Box::new(move |worker| worker.sort(job))) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn state(State(app): State<App>) -> Answer<Json<Value>> {
    app.look(|worker| worker.state()).await.map(Json)
}

/// An action, and the threshold at which the page shows the clusters.
#[derive(Deserialize)]
struct ActAt {
    act: Act,
    min_probability: f64,
}

async fn act(State(app): State<App>, Json(asked): Json<ActAt>) -> Answer<Json<Value>> {
    let work = move |worker: &mut Worker<'_>| worker.act(asked.act, asked.min_probability);
    app.ask(work).await.map(Json)
}

/// The routes of a run name the token and the run too.
type At<T> = Path<(String, u64, T)>;

async fn cut(State(app): State<App>, Path((_, _, p)): At<f64>) -> Answer<Json<Value>> {
    app.look(move |worker| worker.cut(p)).await.map(Json)
}

async fn questions(State(app): State<App>, Path((_, _, p)): At<f64>) -> Answer<Json<Value>> {
    app.look(move |worker| worker.questions(p)).await.map(Json)
}

async fn changes(State(app): State<App>) -> Answer<Json<Value>> {
    app.look(|worker| worker.changes()).await.map(Json)
}

/// A part of the page.
async fn part(State(app): State<App>, Path((_, _, name)): At<String>) -> Answer<Response> {
    let missing = || Refused(StatusCode::NOT_FOUND, "no such part".into());
    let part: Part = name.parse().map_err(|()| missing())?;
    let json = app.look(move |worker| worker.part(part)).await?;
    let json = json.ok_or_else(missing)?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

/// The photos that show the same thing as the photo in the request's body, which has this name in messages.
async fn search(
    State(app): State<App>,
    Path((_, _, name)): At<String>,
    photo: Bytes,
) -> Answer<Json<Value>> {
    let work = move |worker: &mut Worker<'_>| worker.search(&photo, &name);
    app.look(work).await.map(Json)
}

/// Trains a classifier; the events report its progress.
async fn train(State(app): State<App>, Json(asked): Json<Train>) -> Answer<Json<Value>> {
    let job = app.shared.next_job();
    let work = move |worker: &mut Worker<'_>| worker.train(&asked, job);
    app.ask(work).await.map(Json)
}

async fn labels(State(app): State<App>) -> Answer<Html<String>> {
    app.ask(|worker| worker.labels()).await.map(Html)
}

/// A photo by its number, in the formats that browsers show.
async fn photo(State(app): State<App>, Path((_, _, number)): At<usize>) -> Answer<Response> {
    let missing = || Refused(StatusCode::NOT_FOUND, "no such picture".into());
    let path = app.shared.photo(number).ok_or_else(missing)?;
    let read = move || -> Option<(&'static str, Vec<u8>)> {
        let bytes = read_picture(path)?;
        Some((shown_kind(&bytes)?, bytes))
    };
    let read = tokio::task::spawn_blocking(read).await.ok().flatten();
    let (kind, bytes) = read.ok_or_else(missing)?;
    Ok(([(CONTENT_TYPE, kind)], Bytes::from(bytes)).into_response())
}

fn read_picture(path: PathBuf) -> Option<Vec<u8>> {
    // A pipe in a photo's place would never be read to its end.
    let is_file = std::fs::metadata(&path).ok()?.is_file();
    let read = || read_file(&path, &DecodeOptions::default()).ok();
    is_file.then(read)?
}

/// The media type of a picture that browsers show, by its first bytes.
fn shown_kind(bytes: &[u8]) -> Option<&'static str> {
    use image::ImageFormat::{Avif, Bmp, Gif, Jpeg, Png, WebP};
    let format = image::guess_format(bytes).ok()?;
    let is_shown = matches!(format, Avif | Bmp | Gif | Jpeg | Png | WebP);
    is_shown.then(|| format.to_mime_type())
}

async fn plan_away(State(app): State<App>, Json(asked): Json<PutAway>) -> Answer<Json<Value>> {
    app.ask(move |worker| worker.plan_away(&asked))
        .await
        .map(Json)
}

async fn put_away(State(app): State<App>, Json(asked): Json<PutAway>) -> Answer<Json<Value>> {
    app.ask(move |worker| worker.put_away(&asked))
        .await
        .map(Json)
}

/// Destination of the run to undo.
#[derive(Deserialize)]
struct TakeBack {
    to: String,
}

async fn take_back(State(app): State<App>, Json(asked): Json<TakeBack>) -> Answer<Json<Value>> {
    app.ask(move |worker| worker.take_back(&asked.to))
        .await
        .map(Json)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use delfin::Model;
    use futures_util::FutureExt;

    use super::*;

    /// What the server has of this worker, and the jobs that it hands over.
    fn app(worker: &Worker<'_>) -> (App, Receiver<Job>) {
        let (jobs, waiting) = channel();
        let app = App {
            shared: worker.shared(),
            jobs,
            store: Arc::new(None),
            leads: Arc::default(),
        };
        app.shared.set(Phase::Ready);
        (app, waiting)
    }

    #[test]
    fn a_run_that_is_cancelled_before_the_worker_comes_to_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images");
        std::fs::copy(example.join("box.jpg"), folder.path().join("box.jpg")).unwrap();
        let (model, store) = (Model::embedded().unwrap(), Store::in_memory().unwrap());
        let options = model.cluster_options();
        let mut worker = Worker::new(&model, folder.path(), &store, options).unwrap();
        let (app, waiting) = app(&worker);
        let mut sort = |is_cancelled: bool| {
            super::sort(State(app.clone())).now_or_never().unwrap();
            if is_cancelled {
                cancel(State(app.clone())).now_or_never().unwrap();
            }
            waiting.recv().unwrap()(&mut worker);
            app.shared.phase()
        };
        assert!(matches!(sort(true), Phase::Stopped { .. }));
        // The cancel was for that run alone.
        assert_eq!(sort(false), Phase::Ready);
    }

    #[test]
    fn nothing_is_looked_up_for_a_browser_that_is_gone() {
        let (model, store) = (Model::embedded().unwrap(), Store::in_memory().unwrap());
        let options = model.cluster_options();
        let folder = tempfile::tempdir().unwrap();
        let mut worker = Worker::new(&model, folder.path(), &store, options).unwrap();
        let (app, waiting) = app(&worker);
        let [looks, asks] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let count = |done: &Arc<AtomicUsize>| {
            let done = done.clone();
            move |_: &mut Worker<'_>| {
                done.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        };
        // The request is dropped as soon as its work is handed over.
        assert!(app.look(count(&looks)).now_or_never().is_none());
        assert!(app.ask(count(&asks)).now_or_never().is_none());
        waiting.try_iter().for_each(|job| job(&mut worker));
        assert_eq!(
            [looks, asks].map(|done| done.load(Ordering::Relaxed)),
            [0, 1]
        );
    }

    #[test]
    fn only_pictures_are_sent() {
        assert_eq!(shown_kind(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(shown_kind(b"\0\0\0\x20ftypavif\0"), Some("image/avif"));
        for other in [
            &b"<svg xmlns"[..],
            b"<html>",
            b"II*\0",
            b"",
            b"RIFF1234AVI ",
        ] {
            assert_eq!(shown_kind(other), None);
        }
    }
}
