//! Any bytes are a graph or an error.
#![no_main]

use delfin::formats::tensorflow::Graph;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(graph) = Graph::decode(bytes) {
        for node in graph.nodes() {
            assert!(graph.node(&node.name).is_ok());
        }
    }
});
