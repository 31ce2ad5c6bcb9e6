//! `delfin open`: review and correction of a folder's clusters in the browser.
//!
//! Two parts. A worker, in the thread that called, owns the folder's session and its results; it carries out one
//! job after another. A server in a thread of its own answers the browser: it hands jobs to the worker, reports its
//! progress, and sends pictures. Only this computer reaches the server, and only with the token that the address
//! holds ([`guard`]).

mod guard;
mod labelling;
mod putting_away;
mod routes;
mod shared;
mod worker;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::channel;

use anyhow::{Context, anyhow};
use delfin::hex;
use tempfile::TempPath;

use guard::Guard;
use shared::Shared;
pub(crate) use worker::Worker;

/// A server that listens and does not answer yet.
pub(crate) struct Server {
    listener: TcpListener,
    guard: Guard,
}

impl Server {
    /// Listens on a port of this computer; 0 takes a free one.
    pub(crate) fn listen(port: u16) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).with_context(|| format!("port {port}"))?;
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|error| anyhow!("no random numbers: {error}"))?;
        let port = listener.local_addr()?.port();
        Ok(Self {
            listener,
            guard: Guard::new(port, hex(&token)),
        })
    }

    /// The address of the page, with the token.
    pub(crate) fn address(&self) -> String {
        self.guard.address()
    }

    /// Sorts the folder and answers the browser; ends when the server does. `leads` is a file that leads the browser
    /// to the address, which is removed when it has come.
    pub(crate) fn run(self, mut worker: Worker<'_>, leads: Option<TempPath>) -> anyhow::Result<()> {
        let (sender, jobs) = channel();
        let shared: Arc<Shared> = worker.shared();
        // Before anybody can cancel it.
        let first = shared.next_job();
        let store = worker.store_path();
        self.listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let routes = routes::routes(self.guard, shared, sender, store, leads);
        let listener = self.listener;
        let server = std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, routes).await
            })
        });
        worker.sort(first);
        worker.settle();
        for job in jobs {
            job(&mut worker);
            worker.settle();
        }
        match server.join() {
            Ok(ended) => Ok(ended?),
            Err(_) => Err(anyhow!("the server has stopped by a fault of delfin")),
        }
    }
}
