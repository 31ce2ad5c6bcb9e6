//! The picture of a confusion matrix: one row a true class, one column a predicted class.

use image::{Rgb, RgbImage};
use imageproc::drawing::draw_filled_rect_mut;
use imageproc::rect::Rect;

use super::text::Typeface;

/// Pixels of a cell's side where there is room; less for many classes.
const CELL: u32 = 44;
/// Cells smaller than this have no number in them.
const SMALLEST_NUMBERED: u32 = 22;
/// Longest side of the matrix itself, in pixels.
const MAX_SIDE: u32 = 1200;

/// Draws `counts`, one row a true class, with `labels` beside the rows and the number of each column
/// above it. Darker cells hold a larger share of their row: right ones are green, wrong ones red.
pub fn confusion_figure(counts: &[Vec<usize>], labels: &[String]) -> RgbImage {
    let classes = counts.len() as u32;
    let cell = CELL.min(MAX_SIDE / classes.max(1)).max(2);
    let type_size = (cell as f32 * 0.36).clamp(6.0, 15.0);
    let typeface = Typeface::new(type_size);
    let line = typeface.line_height();
    let names: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| format!("{} {}", index + 1, shortened(label)))
        .collect();
    let widest = names.iter().map(|n| typeface.width(n)).fold(0.0, f32::max);
    let left = widest.ceil() as u32 + 12;
    let top = line + 8;
    let mut picture = RgbImage::from_pixel(
        left + cell * classes + 8,
        top + cell * classes + 8,
        Rgb([255; 3]),
    );
    for (row, columns) in counts.iter().enumerate() {
        let y = top + row as u32 * cell;
        let total = columns.iter().sum::<usize>().max(1);
        if cell >= line {
            let name = names.get(row).map_or("", String::as_str);
            typeface.draw(&mut picture, 4.0, y + (cell - line) / 2, name, [20; 3]);
        }
        for (column, &count) in columns.iter().enumerate() {
            let x = left + column as u32 * cell;
            let share = count as f32 / total as f32;
            let square = Rect::at(x as i32, y as i32).of_size(cell - 1, cell - 1);
            draw_filled_rect_mut(&mut picture, square, color(share, row == column));
            if count > 0 && cell >= SMALLEST_NUMBERED {
                let text = count.to_string();
                let at = x as f32 + (cell as f32 - typeface.width(&text)) / 2.0;
                let ink = if share > 0.6 { [255; 3] } else { [20; 3] };
                typeface.draw(&mut picture, at, y + (cell - line) / 2, &text, ink);
            }
        }
    }
    if cell >= SMALLEST_NUMBERED {
        for column in 0..classes {
            let text = (column + 1).to_string();
            let at = (left + column * cell) as f32 + (cell as f32 - typeface.width(&text)) / 2.0;
            typeface.draw(&mut picture, at, 4, &text, [20; 3]);
        }
    }
    picture
}

fn shortened(label: &str) -> String {
    match label.char_indices().nth(28) {
        Some((end, _)) => format!("{}..", &label[..end]),
        None => label.to_owned(),
    }
}

fn color(share: f32, is_right: bool) -> Rgb<u8> {
    let full = if is_right {
        [20.0, 110.0, 60.0]
    } else {
        [180.0, 40.0, 30.0]
    };
    // The square root makes single mistakes visible.
    let strength = share.sqrt();
    Rgb(full.map(|v| (245.0 + (v - 245.0) * strength) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_ones_are_green_and_wrong_ones_red() {
        let labels = ["a", "b"].map(str::to_owned);
        let picture = confusion_figure(&[vec![9, 1], vec![0, 4]], &labels);
        let corner = |row: u32, column: u32| {
            let (left, top) = (
                picture.width() - 8 - 2 * CELL,
                picture.height() - 8 - 2 * CELL,
            );
            picture
                .get_pixel(left + column * CELL + 1, top + row * CELL + 1)
                .0
        };
        let is_green = |p: [u8; 3]| p[1] > p[0];
        assert!(is_green(corner(0, 0)) && is_green(corner(1, 1)));
        assert!(!is_green(corner(0, 1)));
        assert_eq!(corner(1, 0), [245; 3]);
    }

    #[test]
    fn any_number_of_classes_has_a_picture() {
        for classes in [0, 1, 100, 1500] {
            let counts = vec![vec![1; classes]; classes];
            let labels = vec!["a label that is much longer than there is room".to_owned(); classes];
            assert!(confusion_figure(&counts, &labels).width() < 4000);
        }
    }
}
