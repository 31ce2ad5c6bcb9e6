//! Smooth movements of blocks: a polynomial of the second degree in a block's place, which a flat or slightly bent thing
//! follows and parallax does not.

use nalgebra::{Matrix2, Matrix6, SMatrix, SVector, Vector2, Vector6};

/// Scales of the distances in one fit after the other, in pixels.
const SCALES: [f64; 6] = [6.0, 4.0, 2.5, 1.6, 1.0, 1.0];
/// Distance up to which a shift follows a movement, in pixels.
pub const FOLLOWS: f32 = 1.0;

/// Shifts that one fit takes, at most.
const MAX_FITTED: usize = 1000;

/// Terms of a polynomial of the second degree.
type Terms = Vector6<f64>;

/// The shift of a block.
pub struct Shift {
    terms: Terms,
    shift: Vector2<f64>,
    /// How well each direction of the shift is known, 1 for the best known one: the square of the gradients by their
    /// greater eigenvalue. Along a bent edge a shift does not come to rest, so what the lesser one tells counts little.
    known: Matrix2<f64>,
}

impl Shift {
    /// The shift of the block at a column and row of so many, with the mean squares and the mean product of its gradients
    /// ([`DifferenceBlock::gradients`](super::DifferenceBlock::gradients)).
    pub fn new(
        place: [usize; 2],
        count: [usize; 2],
        shift: Vector2<f32>,
        gradients: [f32; 3],
    ) -> Self {
        let [xx, xy, yy] = gradients.map(f64::from);
        let greatest = 0.5 * (xx + yy) + (0.25 * (xx - yy).powi(2) + xy * xy).sqrt();
        let known = Matrix2::new(xx, xy, xy, yy) / greatest.max(f64::MIN_POSITIVE);
        Self {
            terms: terms(place, count),
            shift: shift.cast(),
            known: known * known,
        }
    }

    /// Distance from a movement, in pixels, as far as the block's gradients tell.
    pub fn distance(&self, movement: &Movement) -> f32 {
        self.error(&movement.0) as f32
    }

    fn error(&self, factors: &SMatrix<f64, 2, 6>) -> f64 {
        let error = factors * self.terms - self.shift;
        error.dot(&(self.known * error)).max(0.0).sqrt()
    }
}

/// A polynomial of the second degree in the block's place: the shift along x and along y.
pub struct Movement(SMatrix<f64, 2, 6>);

impl Movement {
    /// One that many of the shifts follow: fitted from no movement and from that of all, which more of them follow.
    pub fn fit(shifts: &[&Shift]) -> Self {
        // Of many shifts some, evenly.
        let step = shifts.len().div_ceil(MAX_FITTED).max(1);
        let shifts: &[&Shift] = &shifts.iter().step_by(step).copied().collect::<Vec<_>>();
        let starts = [SMatrix::zeros(), least_squares(shifts, |_| 1.0)];
        let [first, second] = starts.map(|start| {
            let factors = SCALES.iter().fold(start, |last, scale| {
                // Geman and McClure's weights.
                least_squares(shifts, |shift| {
                    (1.0 + (shift.error(&last) / scale).powi(2)).powi(-2)
                })
            });
            Self(factors)
        });
        match second.num_following(shifts) > first.num_following(shifts) {
            true => second,
            false => first,
        }
    }

    /// The part of the shifts that follow it, of which there are some.
    pub fn following(&self, shifts: &[&Shift]) -> f32 {
        self.num_following(shifts) as f32 / shifts.len() as f32
    }

    fn num_following(&self, shifts: &[&Shift]) -> usize {
        let distances = shifts.iter().map(|shift| shift.distance(self));
        distances.filter(|distance| *distance <= FOLLOWS).count()
    }

    /// The shift that it gives the block at a column and row of so many, in pixels.
    pub fn at(&self, place: [usize; 2], count: [usize; 2]) -> Vector2<f32> {
        (self.0 * terms(place, count)).cast()
    }
}

fn terms([column, row]: [usize; 2], [columns, rows]: [usize; 2]) -> Terms {
    let part = |place: usize, count: usize| 2.0 * place as f64 / count as f64 - 1.0;
    let (x, y) = (part(column, columns), part(row, rows));
    Terms::new(1.0, x, y, x * x, x * y, y * y)
}

/// The factors that fit these shifts with the least weighted squares.
fn least_squares(shifts: &[&Shift], weight: impl Fn(&Shift) -> f64) -> SMatrix<f64, 2, 6> {
    // Normal equations: factors of x, then of y.
    let mut squares = [Matrix6::<f64>::zeros(); 3];
    let mut products = SVector::<f64, 12>::zeros();
    for shift in shifts {
        let square = shift.terms * shift.terms.transpose();
        let weighted = shift.known * weight(shift);
        let known = [weighted.m11, weighted.m12, weighted.m22];
        for (sum, known) in squares.iter_mut().zip(known) {
            *sum += square * known;
        }
        let [x, y] = (weighted * shift.shift).into();
        let product = [x, y].map(|part| shift.terms * part);
        products += SVector::from_iterator(product.iter().flatten().copied());
    }
    let [xx, xy, yy] = squares;
    let mut normal = SMatrix::<f64, 12, 12>::identity() * 1e-6;
    for (at, part) in [((0, 0), xx), ((0, 6), xy), ((6, 0), xy), ((6, 6), yy)] {
        let mut own = normal.fixed_view_mut::<6, 6>(at.0, at.1);
        own += part;
    }
    let factors = normal.cholesky().map(|normal| normal.solve(&products));
    let factors = factors.unwrap_or_else(SVector::zeros);
    SMatrix::from_fn(|axis, term| factors[6 * axis + term])
}
