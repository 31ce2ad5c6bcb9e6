//! Sorts the photos of a folder into clusters: `cargo run --release --example cluster_folder -- DIR`

use std::path::Path;

use delfin::pipeline::FolderSession;
use delfin::store::Store;

fn main() -> delfin::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let model = delfin::Model::embedded()?;
    // What is computed once is kept beside the photos.
    let store = Store::open(&Path::new(&folder).join(".delfin/store.sqlite"))?;
    let options = model.cluster_options();
    let found = FolderSession::new(&model, &folder, &store, &options)?.cluster()?;
    for (number, cluster) in found.clusters.iter().enumerate() {
        println!("cluster {number}, {} photos", cluster.members.len());
        for &photo in &cluster.members {
            println!("  {}", found.photos[photo].path);
        }
    }
    for failure in &found.failures {
        eprintln!("{}: {}", failure.path, failure.reason);
    }
    Ok(())
}
