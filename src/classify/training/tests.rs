use super::*;

/// Three classes of points around three corners, the first with most photos.
fn samples(counts: [usize; 3], seed: u64) -> Samples {
    let mut rng = SplitMix64::new(seed);
    let mut samples = Samples::default();
    for (class, count) in counts.into_iter().enumerate() {
        for _ in 0..count {
            let mut noise = || rng.below(1000) as f32 / 1000.0 - 0.5;
            let mut input: Vec<f32> = (0..5).map(|_| noise()).collect();
            input[class] += 1.0;
            samples.inputs.push(input);
            samples.classes.push(class);
        }
    }
    samples
}

fn train(options: &TrainingOptions) -> (SoftmaxLayer, Vec<TrainingStep>) {
    let mut steps = Vec::new();
    let layer = train_layer(
        &samples([60, 30, 30], 1),
        &samples([10, 10, 10], 2),
        3,
        options,
        &mut |step| steps.push(step.clone()),
    );
    (layer.unwrap(), steps)
}

#[test]
fn classes_that_lie_apart_are_learned() {
    let (layer, steps) = train(&TrainingOptions::default());
    let test = evaluate(&layer, &samples([50, 50, 50], 3))
        .unwrap()
        .unwrap();
    assert!(test.accuracy > 0.9, "{test:?}");
    assert_eq!(test.num_photos, 150);
    assert_eq!(steps.len(), 20);
    let (first, last) = (&steps[0], &steps[19]);
    assert!(last.training.cross_entropy < first.training.cross_entropy + 0.2);
    assert_eq!(last.layer, layer);
    assert_eq!(last.validation.unwrap().num_photos, 30);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_every_option_counts() {
    let default = TrainingOptions::default;
    let (layer, _) = train(&default());
    assert_eq!(train(&default()).0, layer);
    for options in [
        TrainingOptions {
            seed: 1,
            ..default()
        },
        TrainingOptions {
            num_steps: 300,
            ..default()
        },
        TrainingOptions {
            learning_rate: 0.01,
            ..default()
        },
        TrainingOptions {
            momentum: 0.0,
            ..default()
        },
        TrainingOptions {
            batch_size: 7,
            ..default()
        },
        TrainingOptions {
            l2: Some(0.5),
            ..default()
        },
        TrainingOptions {
            label_smoothing: 0.2,
            ..default()
        },
        TrainingOptions {
            class_balanced: false,
            ..default()
        },
    ] {
        assert_ne!(train(&options).0, layer, "{options:?}");
    }
    let options = TrainingOptions {
        eval_step_interval: 100,
        validation_batch_size: Some(4),
        ..default()
    };
    let (same, steps) = train(&options);
    assert_eq!((same, steps.len()), (layer, 4));
    assert_eq!(steps[0].validation.unwrap().num_photos, 4);
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let train = |samples: &Samples| {
        let options = TrainingOptions::default();
        train_layer(samples, &Samples::default(), 2, &options, &mut |_| ())
    };
    let of = |inputs: &[&[f32]], classes: &[usize]| Samples {
        inputs: inputs.iter().map(|x| x.to_vec()).collect(),
        classes: classes.to_vec(),
    };
    assert!(train(&of(&[], &[])).is_err());
    assert!(train(&of(&[&[1.0], &[1.0, 2.0]], &[0, 1])).is_err());
    assert!(train(&of(&[&[1.0]], &[2])).is_err());
    // Samples without any difference teach nothing, and nothing breaks.
    let layer = train(&of(&[&[1.0], &[1.0]], &[0, 1])).unwrap();
    assert_eq!(softmax(&layer.logits(&[1.0]).unwrap(), 1.0), [0.5, 0.5]);
}
