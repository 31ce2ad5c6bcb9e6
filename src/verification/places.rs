//! Matches that stand at the same place of a photo.

use crate::geometry::Correspondences;
use nalgebra::Point2;

/// For every correspondence a number for its place in photo 1 and one for its place in photo 2.
/// Points share a place with the first point, in the order of x, y and index, within `radius` of
/// them that does not itself share an earlier one's.
pub(super) fn places(points: &Correspondences, radius: f64) -> Vec<[u32; 2]> {
    let label = |point: &dyn Fn(usize) -> Point2<f64>| {
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| {
            let (p, q) = (point(a), point(b));
            p.x.total_cmp(&q.x)
                .then(p.y.total_cmp(&q.y))
                .then(a.cmp(&b))
        });
        let mut labels = vec![0; points.len()];
        let mut leaders: Vec<Point2<f64>> = Vec::new();
        for i in order {
            let here = point(i);
            // Leaders come in the order of x: those further left than the radius end the search.
            let near = leaders
                .iter()
                .enumerate()
                .rev()
                .take_while(|(_, leader)| here.x - leader.x <= radius)
                .find(|(_, leader)| (here - **leader).norm_squared() <= radius * radius);
            labels[i] = match near {
                Some((place, _)) => place as u32,
                None => {
                    leaders.push(here);
                    leaders.len() as u32 - 1
                }
            };
        }
        labels
    };
    let first = label(&|i| points.point1(i));
    let second = label(&|i| points.point2(i));
    first.into_iter().zip(second).map(|(a, b)| [a, b]).collect()
}
