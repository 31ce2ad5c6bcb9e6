//! COLMAP's database: an SQLite file with the input of a reconstruction.
//!
//! Cameras, images, keypoints, matches and two-view geometries, with the tables of COLMAP 4 (rigs and frames
//! included: one of each to a photo). A camera is SIMPLE_RADIAL (f, cx, cy, k) and every photo has its own, as
//! photos of a folder need not be by one camera or at one zoom; an unknown focal length is COLMAP's own first
//! guess, 1.2 times the longer side, and marked as a guess. COLMAP counts pixels from the corner of the top-left
//! one, whose centre is at (0.5, 0.5) there and at (0, 0) here. It reads a photo as its file holds it and does not
//! turn it by EXIF: sizes, keypoints and transforms are turned back here.
//!
//! The schema is that of <https://colmap.github.io/database.html> and of what pycolmap 4.2 makes.

use std::collections::BTreeSet;
use std::path::Path;

use nalgebra::{Matrix3, Vector3};
use rusqlite::{Connection, Transaction, params};

use crate::error::{Error, Result};
use crate::files::write_new_file;
use crate::geometry::{inverse, normalized};
use crate::image::Orientation;

/// COLMAP 4.2.1, whose tables these are, as it numbers itself.
const VERSION: i32 = 4_020_100;
/// COLMAP's number of the camera model SIMPLE_RADIAL.
const SIMPLE_RADIAL: i32 = 2;
/// COLMAP's number of a camera among the kinds of sensors.
const CAMERA: i32 = 0;
/// COLMAP's number of a pair of photos by cameras that are not calibrated.
const UNCALIBRATED: i32 = 3;
/// The focal length that COLMAP begins with, over the longer side.
const FOCAL_LENGTH_FACTOR: f64 = 1.2;
/// A pair's number is this times the first image's plus the second's. Images are numbered below it.
const PAIR_FACTOR: i64 = 2_147_483_647;

const TABLES: &str = "
CREATE TABLE rigs (
    rig_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    ref_sensor_id INTEGER NOT NULL, ref_sensor_type INTEGER NOT NULL);
CREATE UNIQUE INDEX rig_ref_sensor_assignment ON rigs(ref_sensor_id, ref_sensor_type);
CREATE TABLE rig_sensors (
    rig_id INTEGER NOT NULL, sensor_id INTEGER NOT NULL, sensor_type INTEGER NOT NULL,
    sensor_from_rig BLOB, FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE);
CREATE UNIQUE INDEX rig_sensor_assignment ON rig_sensors(sensor_id, sensor_type);
CREATE TABLE cameras (
    camera_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, params BLOB,
    prior_focal_length INTEGER NOT NULL);
CREATE TABLE frames (
    frame_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, rig_id INTEGER NOT NULL,
    FOREIGN KEY(rig_id) REFERENCES rigs(rig_id) ON DELETE CASCADE);
CREATE TABLE frame_data (
    frame_id INTEGER NOT NULL, data_id INTEGER NOT NULL, sensor_id INTEGER NOT NULL,
    sensor_type INTEGER NOT NULL,
    FOREIGN KEY(frame_id) REFERENCES frames(frame_id) ON DELETE CASCADE);
CREATE UNIQUE INDEX frame_sensor_assignment ON frame_data(data_id, sensor_type);
CREATE TABLE images (
    image_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL UNIQUE,
    camera_id INTEGER NOT NULL,
    CONSTRAINT image_id_check CHECK(image_id >= 0 and image_id < 2147483647),
    FOREIGN KEY(camera_id) REFERENCES cameras(camera_id));
CREATE UNIQUE INDEX index_name ON images(name);
CREATE TABLE pose_priors (
    pose_prior_id INTEGER PRIMARY KEY NOT NULL, corr_data_id INTEGER NOT NULL,
    corr_sensor_id INTEGER NOT NULL, corr_sensor_type INTEGER NOT NULL, position BLOB,
    position_covariance BLOB, gravity BLOB, coordinate_system INTEGER NOT NULL);
CREATE UNIQUE INDEX pose_prior_data_assignment
    ON pose_priors(corr_data_id, corr_sensor_id, corr_sensor_type);
CREATE TABLE keypoints (
    image_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
    data BLOB, FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);
CREATE TABLE descriptors (
    image_id INTEGER PRIMARY KEY NOT NULL, type INTEGER NOT NULL, rows INTEGER NOT NULL,
    cols INTEGER NOT NULL, data BLOB,
    FOREIGN KEY(image_id) REFERENCES images(image_id) ON DELETE CASCADE);
CREATE TABLE matches (
    pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
    data BLOB);
CREATE TABLE two_view_geometries (
    pair_id INTEGER PRIMARY KEY NOT NULL, rows INTEGER NOT NULL, cols INTEGER NOT NULL,
    data BLOB, config INTEGER NOT NULL, F BLOB, E BLOB, H BLOB, qvec BLOB, tvec BLOB,
    camera1 BLOB, camera2 BLOB);
";

/// A photo of the database.
#[derive(Debug, Clone, PartialEq)]
pub struct ColmapImage {
    /// Its path below the folder that COLMAP is given, with `/` between names, as the system's bytes; no
    /// two are alike.
    pub name: Vec<u8>,
    /// In pixels, upright.
    pub width: u32,
    /// In pixels, upright.
    pub height: u32,
    /// Orientation of the file's pixels.
    pub orientation: Orientation,
    /// In pixels; none where it is not known.
    pub focal_length_px: Option<f64>,
    /// x and y in pixels, upright, the centre of the top-left pixel at (0, 0).
    pub keypoints: Vec<[f32; 2]>,
}

/// Two photos and which of their keypoints are the same point.
#[derive(Debug, Clone, PartialEq)]
pub struct ColmapPair {
    /// Place of photo 1 among the images.
    pub image1: usize,
    /// Place of photo 2, after photo 1.
    pub image2: usize,
    /// Places of keypoints in photo 1 and in photo 2.
    pub matches: Vec<[u32; 2]>,
    /// The transform x2 ~ H x1 that was found, in pixels as the keypoints are.
    pub homography: Matrix3<f64>,
}

/// Content of a database. The same values give the same file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColmapDatabase {
    /// The photos; the first is COLMAP's image 1.
    pub images: Vec<ColmapImage>,
    /// The pairs that match, sorted, each once.
    pub pairs: Vec<ColmapPair>,
}

impl ColmapDatabase {
    /// Writes a new file at `path`, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Format`] when something is there already, when a match names a keypoint that is not there, and for
    /// errors of SQLite; [`Error::Io`] when the file cannot be written. Nothing is left behind.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.validate(path)?;
        write_new_file(path, |partial| {
            let fill = || -> rusqlite::Result<()> {
                let mut connection = Connection::open(partial)?;
                // The file has a temporary name until it is whole.
                connection.pragma_update(None, "journal_mode", "off")?;
                connection.pragma_update(None, "user_version", VERSION)?;
                let transaction = connection.transaction()?;
                transaction.execute_batch(TABLES)?;
                self.put_images(&transaction)?;
                self.put_pairs(&transaction)?;
                transaction.commit()?;
                connection.close().map_err(|(_, error)| error)
            };
            fill().map_err(|error| Error::format(path, error.to_string()))
        })
    }

    fn validate(&self, path: &Path) -> Result<()> {
        let fail = |reason: String| Err(Error::format(path, reason));
        let mut names = BTreeSet::new();
        for image in &self.images {
            if !names.insert(&image.name) {
                let name = String::from_utf8_lossy(&image.name);
                return fail(format!("two photos are named {name}"));
            }
        }
        let mut last = None;
        for pair in &self.pairs {
            let place = (pair.image1, pair.image2);
            if pair.image1 >= pair.image2 || last >= Some(place) {
                return fail(format!("pair {place:?} is out of order"));
            }
            last = Some(place);
            let count = |image: usize| self.images.get(image).map(|image| image.keypoints.len());
            let (Some(count1), Some(count2)) = (count(pair.image1), count(pair.image2)) else {
                return fail(format!("pair {place:?} names no photo"));
            };
            let is_there = |m: &&[u32; 2]| (m[0] as usize) < count1 && (m[1] as usize) < count2;
            if let Some(wrong) = pair.matches.iter().find(|m| !is_there(m)) {
                return fail(format!(
                    "match {wrong:?} of pair {place:?} names no keypoint"
                ));
            }
        }
        Ok(())
    }

    fn put_images(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut camera =
            transaction.prepare("INSERT INTO cameras VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let mut image =
            transaction.prepare("INSERT INTO images VALUES (?1, CAST(?2 AS TEXT), ?1)")?;
        let mut keypoints = transaction.prepare("INSERT INTO keypoints VALUES (?1, ?2, 2, ?3)")?;
        let mut rig = transaction.prepare("INSERT INTO rigs VALUES (?1, ?1, ?2)")?;
        let mut frame = transaction.prepare("INSERT INTO frames VALUES (?1, ?1)")?;
        let mut data = transaction.prepare("INSERT INTO frame_data VALUES (?1, ?1, ?1, ?2)")?;
        for (id, of) in (1i64..).zip(&self.images) {
            let [file_width, file_height] = of.file_size();
            let (width, height) = (f64::from(file_width), f64::from(file_height));
            let guess = FOCAL_LENGTH_FACTOR * width.max(height);
            let focal_length = of.focal_length_px.unwrap_or(guess);
            let values = [focal_length, width / 2.0, height / 2.0, 0.0];
            camera.execute(params![
                id,
                SIMPLE_RADIAL,
                file_width,
                file_height,
                doubles(values),
                of.focal_length_px.is_some()
            ])?;
            image.execute(params![id, of.name])?;
            let places = of.keypoints.iter().flat_map(|place| of.in_file(*place));
            let bytes: Vec<u8> = places.flat_map(|v| (v + 0.5).to_le_bytes()).collect();
            keypoints.execute(params![id, of.keypoints.len() as i64, bytes])?;
            rig.execute(params![id, CAMERA])?;
            frame.execute(params![id])?;
            data.execute(params![id, CAMERA])?;
        }
        Ok(())
    }

    /// The transform between the files' pixels.
    fn in_files(&self, pair: &ColmapPair) -> Option<Matrix3<f64>> {
        let [image1, image2] = [pair.image1, pair.image2].map(|place| &self.images[place]);
        let upright_from_file = inverse(&image1.file_from_upright())?;
        normalized(&(image2.file_from_upright() * pair.homography * upright_from_file))
    }

    fn put_pairs(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut matches = transaction.prepare("INSERT INTO matches VALUES (?1, ?2, 2, ?3)")?;
        let mut geometry = transaction.prepare(
            "INSERT INTO two_view_geometries (pair_id, rows, cols, data, config, H)
             VALUES (?1, ?2, 2, ?3, ?4, ?5)",
        )?;
        for pair in &self.pairs {
            let id = PAIR_FACTOR * (pair.image1 as i64 + 1) + pair.image2 as i64 + 1;
            let rows = pair.matches.len() as i64;
            let places = pair.matches.iter().flatten();
            let bytes: Vec<u8> = places.flat_map(|place| place.to_le_bytes()).collect();
            matches.execute(params![id, rows, bytes])?;
            let homography = self.in_files(pair).unwrap_or(pair.homography);
            let homography = doubles(shifted(&homography).transpose().iter().copied());
            geometry.execute(params![id, rows, bytes, UNCALIBRATED, homography])?;
        }
        Ok(())
    }
}

impl ColmapImage {
    /// Width and height of the file's pixels.
    fn file_size(&self) -> [u32; 2] {
        match self.orientation {
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => [self.height, self.width],
            _ => [self.width, self.height],
        }
    }

    /// Maps upright pixels to pixels of the file.
    fn file_from_upright(&self) -> Matrix3<f64> {
        let right = f64::from(self.width) - 1.0;
        let bottom = f64::from(self.height) - 1.0;
        let [x, y] = match self.orientation {
            Orientation::NoTransforms => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            Orientation::Rotate90 => [[0.0, 1.0, 0.0], [-1.0, 0.0, right]],
            Orientation::Rotate180 => [[-1.0, 0.0, right], [0.0, -1.0, bottom]],
            Orientation::Rotate270 => [[0.0, -1.0, bottom], [1.0, 0.0, 0.0]],
            Orientation::FlipHorizontal => [[-1.0, 0.0, right], [0.0, 1.0, 0.0]],
            Orientation::FlipVertical => [[1.0, 0.0, 0.0], [0.0, -1.0, bottom]],
            Orientation::Rotate90FlipH => [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
            Orientation::Rotate270FlipH => [[0.0, -1.0, bottom], [-1.0, 0.0, right]],
        };
        Matrix3::new(x[0], x[1], x[2], y[0], y[1], y[2], 0.0, 0.0, 1.0)
    }

    /// Where an upright place lies in the file.
    fn in_file(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let place = self.file_from_upright() * Vector3::new(x.into(), y.into(), 1.0);
        [place.x as f32, place.y as f32]
    }
}

/// The transform in pixels counted from the corner of the top-left one.
fn shifted(homography: &Matrix3<f64>) -> Matrix3<f64> {
    let shift = |by: f64| Matrix3::new(1.0, 0.0, by, 0.0, 1.0, by, 0.0, 0.0, 1.0);
    shift(0.5) * homography * shift(-0.5)
}

fn doubles(values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    values.into_iter().flat_map(f64::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str) -> ColmapImage {
        ColmapImage {
            name: name.into(),
            width: 40,
            height: 30,
            orientation: Orientation::NoTransforms,
            focal_length_px: None,
            keypoints: vec![[0.0, 0.0], [7.25, 8.0]],
        }
    }

    fn database(pair: (usize, usize), matches: Vec<[u32; 2]>) -> ColmapDatabase {
        ColmapDatabase {
            images: vec![image("a.jpg"), image("b/c.jpg")],
            pairs: vec![ColmapPair {
                image1: pair.0,
                image2: pair.1,
                matches,
                homography: Matrix3::new(2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.0),
            }],
        }
    }

    #[test]
    fn what_is_written_is_there_and_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["1.db", "2.db"].map(|name| folder.path().join(name));
        for path in &paths {
            database((0, 1), vec![[1, 0]]).write(path).unwrap();
        }
        let bytes = paths.each_ref().map(|path| std::fs::read(path).unwrap());
        assert!(bytes[0] == bytes[1]);
        let connection = Connection::open(&paths[0]).unwrap();
        let blob =
            |query: &str| -> Vec<u8> { connection.query_row(query, [], |r| r.get(0)).unwrap() };
        let keypoints = blob("SELECT data FROM keypoints WHERE image_id = 2");
        let expected = [0.5f32, 0.5, 7.75, 8.5].map(f32::to_le_bytes).concat();
        assert_eq!(keypoints, expected);
        assert_eq!(blob("SELECT data FROM matches"), [1, 0, 0, 0, 0, 0, 0, 0]);
        // (0, 0) goes to itself, so (0.5, 0.5) does.
        let expected = [2.0, 0.0, -0.5, 0.0, 2.0, -0.5, 0.0, 0.0, 1.0];
        assert_eq!(blob("SELECT H FROM two_view_geometries"), doubles(expected));
        let id: i64 = connection
            .query_row("SELECT pair_id FROM two_view_geometries", [], |r| r.get(0))
            .unwrap();
        assert_eq!(id, 2_147_483_647 + 2);
    }

    #[test]
    fn places_lie_in_the_file_where_its_pixels_do() {
        use Orientation::*;
        for orientation in [
            NoTransforms,
            Rotate90,
            Rotate180,
            Rotate270,
            FlipHorizontal,
            FlipVertical,
            Rotate90FlipH,
            Rotate270FlipH,
        ] {
            let file = image::RgbImage::from_fn(5, 3, |x, y| image::Rgb([x as u8, y as u8, 0]));
            let mut upright = image::DynamicImage::from(file.clone());
            upright.apply_orientation(orientation);
            let upright = upright.into_rgb8();
            let of = ColmapImage {
                width: upright.width(),
                height: upright.height(),
                orientation,
                ..self::image("a.jpg")
            };
            assert_eq!(of.file_size(), [5, 3]);
            for (x, y, pixel) in upright.enumerate_pixels() {
                let [file_x, file_y] = of.in_file([x as f32, y as f32]);
                let at = file.get_pixel(file_x as u32, file_y as u32);
                assert_eq!(at, pixel, "{orientation:?} {x} {y}");
            }
        }
    }

    #[test]
    fn transforms_are_between_the_files_pixels() {
        let mut turned = database((0, 1), vec![[0, 0]]);
        turned.images[0].orientation = Orientation::Rotate90;
        turned.images[1].orientation = Orientation::FlipVertical;
        let pair = &turned.pairs[0];
        let matrix = turned.in_files(pair).unwrap();
        for place in [[0.0, 0.0], [7.0, 3.0]] {
            let there = place.map(|v| 2.0 * v);
            let from = turned.images[0].in_file(place).map(f64::from);
            let to = turned.images[1].in_file(there).map(f64::from);
            let found = crate::geometry::project(&matrix, from.into()).unwrap();
            assert!((found.x - to[0]).hypot(found.y - to[1]) < 1e-4);
        }
    }

    #[test]
    fn a_focal_length_is_told_or_guessed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut database = database((0, 1), vec![[1, 0]]);
        database.images[1].focal_length_px = Some(33.0);
        database.write(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let camera = |id: i64| -> (Vec<u8>, bool) {
            let query = "SELECT params, prior_focal_length FROM cameras WHERE camera_id = ?1";
            let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
            connection.query_row(query, [id], read).unwrap()
        };
        assert_eq!(camera(1), (doubles([48.0, 20.0, 15.0, 0.0]), false));
        assert_eq!(camera(2), (doubles([33.0, 20.0, 15.0, 0.0]), true));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut twins = database((0, 1), Vec::new());
        twins.images[1].name = "a.jpg".into();
        for wrong in [
            database((1, 0), Vec::new()),
            database((0, 2), Vec::new()),
            database((0, 1), vec![[0, 2]]),
            twins,
        ] {
            let error = wrong.write(&path).unwrap_err().to_string();
            assert!(error.contains("a.db: "), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        std::fs::write(&path, "kept").unwrap();
        let error = database((0, 1), Vec::new()).write(&path).unwrap_err();
        assert!(error.to_string().contains("there already"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("none/a.db");
        assert!(database((0, 1), Vec::new()).write(&nowhere).is_err());
    }
}
