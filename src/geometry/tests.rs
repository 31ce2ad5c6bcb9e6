use super::*;
use nalgebra::{Point2, Vector2};
use proptest::prelude::*;

/// Where pixels of a photo may lie.
const SPOTS: [(f64, f64); 9] = [
    (10.0, 20.0),
    (600.0, 30.0),
    (620.0, 460.0),
    (25.0, 440.0),
    (310.0, 240.0),
    (150.0, 400.0),
    (480.0, 110.0),
    (90.0, 210.0),
    (400.0, 333.0),
];

/// A transform of `kind` with scale 0.5 to 2, any rotation, and mild shear and perspective.
fn transform(kind: TransformKind) -> impl Strategy<Value = Matrix3<f64>> {
    (
        0.5..2.0f64,
        -3.1..3.1f64,
        -300.0..300.0f64,
        -300.0..300.0f64,
        -0.3..0.3f64,
        (-4e-4..4e-4f64, -4e-4..4e-4f64),
    )
        .prop_map(move |(scale, angle, tx, ty, shear, (px, py))| {
            let (sin, cos) = angle.sin_cos();
            let mut matrix = Matrix3::new(
                scale * cos,
                -scale * sin,
                tx,
                scale * sin,
                scale * cos,
                ty,
                0.0,
                0.0,
                1.0,
            );
            if kind != TransformKind::Similarity {
                matrix *= Matrix3::new(1.0, shear, 0.0, 0.0, 1.0 + shear, 0.0, 0.0, 0.0, 1.0);
            }
            if kind == TransformKind::Homography {
                matrix *= Matrix3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, px, py, 1.0);
            }
            matrix
        })
}

fn any_kind() -> impl Strategy<Value = (TransformKind, Matrix3<f64>)> {
    prop::sample::select(TransformKind::ALL.to_vec())
        .prop_flat_map(|kind| transform(kind).prop_map(move |matrix| (kind, matrix)))
}

fn image_of_spots(matrix: &Matrix3<f64>) -> Correspondences {
    SPOTS
        .iter()
        .map(|&(x, y)| Point2::new(x, y))
        .map(|p| (p, project(matrix, p).unwrap()))
        .collect()
}

/// The largest distance, in pixels, of the images of the spots under two transforms.
fn difference(a: &Matrix3<f64>, b: &Matrix3<f64>) -> f64 {
    SPOTS
        .iter()
        .map(|&(x, y)| Point2::new(x, y))
        .map(|p| (project(a, p).unwrap() - project(b, p).unwrap()).norm())
        .fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn minimal_and_least_squares_fits_return_the_transform((kind, matrix) in any_kind()) {
        let points = image_of_spots(&matrix);
        let limits = TransformLimits::default();
        let sample: Vec<usize> = (0..kind.sample_size()).collect();
        let minimal = kind.fit_minimal(&points, &sample, &limits).unwrap();
        prop_assert!(difference(&minimal, &matrix) < 1e-6);

        let all: Vec<usize> = (0..points.len()).collect();
        let weights: Vec<f64> = all.iter().map(|&i| 1.0 + i as f64).collect();
        let fitted = kind.fit_least_squares(&points, &all, &weights, &limits).unwrap();
        prop_assert!(difference(&fitted, &matrix) < 1e-6);

        let mut errors = [f64::NAN; SPOTS.len()];
        kind.squared_errors(&fitted, &points, 0, &mut errors);
        prop_assert!(errors.iter().all(|&e| e < 1e-10));
    }

    #[test]
    fn a_datum_without_weight_changes_nothing((kind, matrix) in any_kind()) {
        let mut points = image_of_spots(&matrix);
        points.push(Point2::new(1.0, 2.0), Point2::new(-5000.0, 7000.0));
        let all: Vec<usize> = (0..points.len()).collect();
        let mut weights = vec![1.0; points.len()];
        weights[SPOTS.len()] = 0.0;
        let fitted =
            kind.fit_least_squares(&points, &all, &weights, &TransformLimits::default()).unwrap();
        prop_assert!(difference(&fitted, &matrix) < 1e-6);
    }

    #[test]
    fn exchanged_photos_give_the_inverse((kind, matrix) in any_kind()) {
        let points = image_of_spots(&matrix).swapped();
        let sample: Vec<usize> = (0..kind.sample_size()).collect();
        let back = kind.fit_minimal(&points, &sample, &TransformLimits::default()).unwrap();
        prop_assert!(difference(&inverse(&back).unwrap(), &matrix) < 1e-5);
    }

    #[test]
    fn motion_of_a_similarity_is_what_made_it(
        scale in 0.1..10.0f64, angle in -3.1..3.1f64, mirrored in any::<bool>(), sign in any::<bool>(),
    ) {
        let (sin, cos) = angle.sin_cos();
        let flip = if mirrored { -1.0 } else { 1.0 };
        let matrix = Matrix3::new(
            flip * scale * cos, -scale * sin, 7.0,
            flip * scale * sin, scale * cos, 8.0,
            0.0, 0.0, 1.0,
        ) * if sign { 1.0 } else { -3.0 };
        let motion = local_motion(&matrix, Point2::new(50.0, 60.0)).unwrap();
        prop_assert!((motion.scale / scale - 1.0).abs() < 1e-12);
        prop_assert!((motion.rotation_rad - angle).abs() < 1e-9);
        prop_assert!((motion.stretch - 1.0).abs() < 1e-6);
        prop_assert_eq!(motion.is_mirrored, mirrored);
    }
}

#[test]
fn refinement_reaches_the_minimum_of_the_transfer_error() {
    let matrix = Matrix3::new(0.9, -0.3, 40.0, 0.2, 1.1, -20.0, 5e-4, -3e-4, 1.0);
    let mut points = image_of_spots(&matrix);
    // A disturbance large enough that the algebraic and the transfer error part.
    for (i, x2) in points.x2.iter_mut().enumerate() {
        *x2 += 8.0 * (i as f64 * 2.3).sin();
    }
    let all: Vec<usize> = (0..points.len()).collect();
    let weights = vec![1.0; all.len()];
    let limits = TransformLimits::default();
    let cost = |matrix: &Matrix3<f64>| -> f64 {
        let mut errors = vec![0.0; points.len()];
        homography::squared_errors(matrix, &points, 0, &mut errors);
        errors.iter().sum()
    };
    let algebraic = homography::fit_least_squares(&points, &all, &weights, &limits).unwrap();
    let mut refined = algebraic;
    for _ in 0..10 {
        refined = homography::refine(&refined, &points, &all, &weights, &limits).unwrap();
    }
    let minimum = cost(&refined);
    assert!(minimum < cost(&algebraic));
    let refined = normalized(&refined).unwrap();
    for entry in 0..8 {
        for factor in [1.0 - 1e-5, 1.0 + 1e-5] {
            let mut moved = refined;
            moved[(entry / 3, entry % 3)] *= factor;
            assert!(cost(&moved) > minimum);
        }
    }
}

#[test]
fn degenerate_samples_are_refused() {
    let line = |n: usize| (0..n).map(|i| Point2::new(10.0 * i as f64, 20.0 * i as f64 + 3.0));
    let spots = || SPOTS.iter().map(|&(x, y)| Point2::new(x, y));
    let coincident = |n: usize| std::iter::repeat_n(Point2::new(5.0, 5.0), n);
    for kind in TransformKind::ALL {
        let sample: Vec<usize> = (0..kind.sample_size()).collect();
        let refused = |points: &Correspondences| {
            for limits in [
                TransformLimits::default(),
                TransformLimits {
                    min_extent_px: 0.0,
                    allow_mirrored: true,
                    ..TransformLimits::default()
                },
            ] {
                assert_eq!(kind.fit_minimal(points, &sample, &limits), None, "{kind}");
            }
            assert_eq!(
                kind.fit_least_squares(points, &sample, &[1.0; 4], &TransformLimits::default()),
                None,
                "{kind}"
            );
        };
        refused(&coincident(4).zip(spots()).collect());
        refused(&spots().zip(coincident(4)).collect());
        refused(&coincident(4).zip(coincident(4)).collect());
        if kind != TransformKind::Similarity {
            refused(&line(4).zip(spots()).collect());
            refused(&line(4).zip(line(4)).collect());
        }
        assert_eq!(
            kind.fit_minimal(
                &spots().zip(spots()).collect(),
                &[],
                &TransformLimits::default()
            ),
            None
        );
        let no_weight = kind.fit_least_squares(
            &spots().zip(spots()).collect(),
            &sample,
            &[0.0; 4],
            &TransformLimits::default(),
        );
        assert_eq!(no_weight, None);
    }
}

#[test]
fn three_of_four_on_a_line_make_no_homography() {
    let mut from: Vec<Point2<f64>> = [(0.0, 0.0), (50.0, 0.0), (200.0, 0.3), (70.0, 90.0)]
        .map(|(x, y)| Point2::new(x, y))
        .to_vec();
    for _ in 0..4 {
        from.rotate_left(1);
        let points = from.iter().map(|&p| (p, p)).collect();
        let fit = |min_extent_px| {
            let limits = TransformLimits {
                min_extent_px,
                ..TransformLimits::default()
            };
            homography::fit_minimal(&points, [0, 1, 2, 3], &limits)
        };
        assert_eq!(fit(1.0), None);
        assert!(fit(0.01).is_some());
    }
}

#[test]
fn limits_refuse_what_they_name() {
    let spots = || SPOTS.iter().map(|&(x, y)| Point2::new(x, y));
    let under = |matrix: Matrix3<f64>| image_of_spots(&matrix);
    let all: Vec<usize> = (0..SPOTS.len()).collect();
    for kind in TransformKind::ALL {
        let fits = |points: &Correspondences, limits: &TransformLimits| {
            let minimal = kind.fit_minimal(points, &all[..kind.sample_size()], limits);
            let fitted = kind.fit_least_squares(points, &all, &[1.0; SPOTS.len()], limits);
            assert_eq!(minimal.is_some(), fitted.is_some(), "{kind}");
            minimal.is_some()
        };
        let default = TransformLimits::default();
        let enlarged = under(Matrix3::new_scaling(5.0));
        assert!(fits(&enlarged, &default));
        assert!(!fits(
            &enlarged,
            &TransformLimits {
                max_scale: 4.9,
                ..default
            }
        ));
        assert!(!fits(
            &enlarged.swapped(),
            &TransformLimits {
                max_scale: 4.9,
                ..default
            }
        ));
        if kind == TransformKind::Similarity {
            continue;
        }
        let stretched = under(Matrix3::new_nonuniform_scaling(&Vector2::new(2.0, 0.5)));
        assert!(fits(
            &stretched,
            &TransformLimits {
                max_stretch: 4.1,
                ..default
            }
        ));
        assert!(!fits(
            &stretched,
            &TransformLimits {
                max_stretch: 3.9,
                ..default
            }
        ));
        let mirrored = spots()
            .map(|p| (p, Point2::new(700.0 - p.x, p.y)))
            .collect();
        assert!(!fits(&mirrored, &default));
        assert!(fits(
            &mirrored,
            &TransformLimits {
                allow_mirrored: true,
                ..default
            }
        ));
    }
}

#[test]
fn points_behind_the_plane_at_infinity_are_refused() {
    // The third coordinate is 0 at x = 300, between the spots.
    let matrix = Matrix3::new(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0 / 300.0, 0.0, 1.0);
    let points = image_of_spots(&matrix);
    let limits = TransformLimits {
        max_scale: f64::INFINITY,
        max_stretch: f64::INFINITY,
        allow_mirrored: true,
        min_extent_px: 0.0,
    };
    assert_eq!(
        homography::fit_minimal(&points, [0, 1, 2, 3], &limits),
        None
    );
    let mut errors = [0.0; SPOTS.len()];
    homography::squared_errors(&matrix, &points, 0, &mut errors);
    for (error, (x, _)) in errors.iter().zip(SPOTS) {
        assert_eq!(error.is_infinite(), x >= 300.0);
    }
    assert_eq!(outline(&matrix, 640, 480), None);
    assert!(outline(&matrix, 290, 480).is_some());
    assert_eq!(local_motion(&matrix, Point2::new(300.0, 5.0)), None);
}

#[test]
fn outline_goes_around_the_photo() {
    let shifted = Matrix3::new_translation(&Vector2::new(100.0, 200.0));
    let corners = outline(&shifted, 640, 480).unwrap().map(|p| (p.x, p.y));
    let expected = [(99.5, 199.5), (739.5, 199.5), (739.5, 679.5), (99.5, 679.5)];
    assert_eq!(corners, expected);
}

#[test]
fn transforms_without_an_answer_give_none() {
    assert_eq!(inverse(&Matrix3::zeros()), None);
    assert_eq!(normalized(&Matrix3::zeros()), None);
    assert_eq!(project(&Matrix3::zeros(), Point2::new(1.0, 1.0)), None);
    assert_eq!(outline(&Matrix3::zeros(), 10, 10), None);
    assert_eq!(local_motion(&Matrix3::zeros(), Point2::new(1.0, 1.0)), None);
    assert_eq!(normalized(&Matrix3::from_element(f64::NAN)), None);
}

#[test]
fn kinds_are_written_as_they_are_read() {
    for kind in TransformKind::ALL {
        assert_eq!(kind.to_string().parse::<TransformKind>().unwrap(), kind);
        let json = serde_json::to_string(&kind).unwrap();
        assert_eq!(json, format!("\"{kind}\""));
        assert_eq!(serde_json::from_str::<TransformKind>(&json).unwrap(), kind);
    }
    assert!("projective".parse::<TransformKind>().is_err());
}

#[test]
fn limits_outside_their_range_are_named() {
    let default = TransformLimits::default();
    assert!(default.validate().is_ok());
    for (limits, name) in [
        (
            TransformLimits {
                max_scale: 0.5,
                ..default
            },
            "max_scale",
        ),
        (
            TransformLimits {
                max_stretch: f64::NAN,
                ..default
            },
            "max_stretch",
        ),
        (
            TransformLimits {
                min_extent_px: -1.0,
                ..default
            },
            "min_extent_px",
        ),
    ] {
        assert!(limits.validate().unwrap_err().to_string().contains(name));
    }
}
