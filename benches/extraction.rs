//! Times extraction from a photo in memory: each scale of the default pyramid alone, the whole
//! pyramid, and the first photo after the model is opened, when plans are still to be made.

#![expect(clippy::expect_used, reason = "the input is made here")]

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use delfin::extract::{ExtractionOptions, extract};
use delfin::{Model, Photo};

fn extraction(criterion: &mut Criterion) {
    let pixels = image::RgbImage::from_fn(640, 480, |x, y| {
        let wave =
            |f: f32| (127.0 + 100.0 * ((x as f32 * f).sin() * (y as f32 * f * 1.3).cos())) as u8;
        image::Rgb([wave(0.05), wave(0.11), wave(0.23)])
    });
    let photo = Photo::from_pixels(pixels, "bench").expect("a photo of this size is allowed");
    let model = Model::embedded().expect("the embedded model is right");
    let defaults = ExtractionOptions::from(model.defaults());

    let mut group = criterion.benchmark_group("extract");
    group.sample_size(10);
    let mut cases = vec![("whole pyramid".to_owned(), defaults.scales.clone())];
    cases.extend(
        defaults
            .scales
            .iter()
            .map(|scale| (format!("scale {scale}"), vec![*scale])),
    );
    for (name, scales) in cases {
        let options = ExtractionOptions {
            scales,
            ..defaults.clone()
        };
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| extract(&model, &photo, &options));
        });
    }
    group.bench_function("first photo", |bencher| {
        bencher.iter_batched(
            || Model::embedded().expect("the embedded model is right"),
            |model| extract(&model, &photo, &defaults),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("open the model", |bencher| bencher.iter(Model::embedded));
    group.finish();
}

criterion_group!(benches, extraction);
criterion_main!(benches);
