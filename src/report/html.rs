//! The folder report: a page that shows the clusters of a folder, without a server or other resources.
//!
//! The page shows clusterings precomputed at fixed thresholds; it does not cluster by itself. It opens with an
//! index; thumbnails, pairs, their drawings and the other thresholds are parts, which stand behind the script in a
//! small report and in a folder beside the page in a large one, and which `delfin open` sends on request. No name
//! reaches the page as markup: names lie in JSON whose `<` is escaped, and the script sets text only.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::folder_report::{FolderReport, ReportSource};
use super::page_data::{DRAWINGS_PER_PART, PageData, Part, escaped_json};
use crate::error::{Error, Result};
use crate::files::{MARK, is_replaceable, remove_own, write_file};
use crate::hex::hex;

const PAGE: &str = include_str!("folder_page/page.html");
const STYLE: &str = include_str!("folder_page/page.css");
const SCRIPT: [&str; 5] = [
    include_str!("folder_page/parts.js"),
    include_str!("folder_page/clusters.js"),
    include_str!("folder_page/rows.js"),
    include_str!("folder_page/pair.js"),
    include_str!("folder_page/overlay.js"),
];
/// Scripts that `delfin open` adds to the page, and their replacement elsewhere.
const LIVE: [&str; 3] = [
    include_str!("folder_page/live.js"),
    include_str!("folder_page/live_search.js"),
    include_str!("folder_page/live_tools.js"),
];
const NOT_LIVE: &str = "const live = null;\n";
/// Runs last.
const ACTIONS: &str = include_str!("folder_page/page.js");

/// Most photos and pairs of a page that is one file: about 20 megabytes.
const MAX_PHOTOS_OF_ONE_FILE: usize = 2000;
const MAX_PAIRS_OF_ONE_FILE: usize = 20_000;

/// The page of a folder report.
pub struct FolderPage<'a> {
    report: &'a FolderReport,
    data: PageData<'a>,
    live_run: Option<u64>,
}

impl<'a> FolderPage<'a> {
    /// # Errors
    /// [`Error::InvalidOption`] names the field of the report when an index points at no photo or cut, lists
    /// differ in length, a photo has no size, or there is no cut.
    pub fn new(report: &'a FolderReport) -> Result<Self> {
        Ok(Self {
            report,
            data: PageData::new(report, DRAWINGS_PER_PART)?,
            live_run: None,
        })
    }

    /// A page over a run of `delfin open`, which sends its parts, keeps its corrections and computes clusters anew.
    /// Each drawing is a part of its own.
    ///
    /// # Errors
    /// As [`FolderPage::new`].
    pub fn live(report: &'a FolderReport, run: u64) -> Result<Self> {
        Ok(Self {
            report,
            data: PageData::new(report, 1)?,
            live_run: Some(run),
        })
    }

    /// The page as one HTML file with all its parts, in UTF-8. The same report and pictures give the same bytes.
    ///
    /// # Errors
    /// Those of `source`.
    pub fn one_file(&self, source: &mut dyn ReportSource) -> Result<String> {
        let mut parts = String::new();
        for part in self.data.parts() {
            if let Some(value) = self.data.part(part, source)? {
                let json = escaped_json(&value);
                parts +=
                    &format!("<script type=\"application/json\" id=\"{part}\">{json}</script>\n");
            }
        }
        Ok(self.page("", &json!({ "parts": "inline" }), &parts))
    }

    /// The page without its parts, which it requests from [`FolderPage::part`].
    pub fn index(&self) -> String {
        self.page(
            "connect-src 'self'; ",
            &json!({ "parts": "server", "run": self.live_run }),
            "",
        )
    }

    /// A part as JSON; none if the page has no such part.
    ///
    /// # Errors
    /// Those of `source`.
    pub fn part(&self, part: Part, source: &mut dyn ReportSource) -> Result<Option<String>> {
        let value = self.data.part(part, source)?;
        Ok(value.map(|value| value.to_string()))
    }

    /// Writes the page to the file `path`. Up to 2,000 photos and 20,000 pairs it is one file; beyond, its parts
    /// are files in a folder beside it, `report_parts` for `report.html`, and memory holds one part at a time.
    /// Parts there of an earlier page are replaced or removed.
    ///
    /// # Errors
    /// Those of `source`, [`Error::Io`], and as [`FolderPage::write_in_parts`].
    pub fn write(&self, source: &mut dyn ReportSource, path: &Path) -> Result<()> {
        let is_small = self.report.photos.len() <= MAX_PHOTOS_OF_ONE_FILE
            && self.report.pairs.len() <= MAX_PAIRS_OF_ONE_FILE;
        if !is_small {
            return self.write_in_parts(source, path);
        }
        write_file(path, self.one_file(source)?.as_bytes())?;
        remove_parts(&parts_folder(path), &BTreeSet::new())
    }

    /// Writes the page to the file `path` and its parts into a folder beside it, whatever its size.
    ///
    /// # Errors
    /// As [`FolderPage::write`], and [`Error::Format`] for a file of the name of a part that delfin did not make.
    pub fn write_in_parts(&self, source: &mut dyn ReportSource, path: &Path) -> Result<()> {
        let folder = &parts_folder(path);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let mut more = json!({ "parts": "folder", "folder": name });
        // A page and parts of two runs, of which one was ended, do not go together.
        let id = Sha256::digest(self.data.index(&more).to_string());
        more["id"] = hex(&id[..8]).into();
        std::fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
        let mut written = BTreeSet::new();
        for part in self.data.parts() {
            let Some(value) = self.data.part(part, source)? else {
                continue;
            };
            let name = format!("{part}.js");
            let text = format!(
                "// {MARK}\ndelfinPart({}, \"{part}\", {value});\n",
                more["id"]
            );
            let file = folder.join(&name);
            if is_foreign(&file) {
                return Err(Error::format(
                    &file,
                    "there already, and not made by delfin: remove it",
                ));
            }
            std::fs::write(&file, text).map_err(|source| Error::io(&file, source))?;
            written.insert(name);
        }
        write_file(path, self.page("", &more, "").as_bytes())?;
        remove_parts(folder, &written)
    }

    /// A file beside the page at `path` that has the name of a part and was not made by delfin, or is a link:
    /// [`FolderPage::write_in_parts`] fails on one that it would write; none where there is no such file.
    pub fn foreign_part(path: &Path) -> Option<PathBuf> {
        let entries = std::fs::read_dir(parts_folder(path)).ok()?.flatten();
        let mut parts = entries.filter(|entry| is_part_name(&entry.file_name().to_string_lossy()));
        parts
            .find(|entry| is_foreign(&entry.path()))
            .map(|entry| entry.path())
    }

    fn page(&self, connect: &str, more: &Value, parts: &str) -> String {
        let live = match self.live_run {
            Some(_) => LIVE.concat(),
            None => NOT_LIVE.to_owned(),
        };
        let from_files = match more["parts"] == "folder" {
            true => "'self' file: ",
            false => "",
        };
        let script = [SCRIPT.concat().as_str(), &live, ACTIONS].concat();
        let blocks = [
            ("connect", connect),
            ("from_files", from_files),
            ("title", &escaped(&self.report.title)),
            ("style", STYLE),
            ("script", &script),
            ("data", &escaped_json(&self.data.index(more))),
            ("parts", parts),
        ];
        filled(PAGE, &blocks)
    }
}

/// Folder of the parts of the page at `path`, if they are not in it.
fn parts_folder(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push("_parts");
    path.with_file_name(name)
}

fn is_part_name(name: &str) -> bool {
    let stem = name.strip_suffix(".js");
    stem.is_some_and(|stem| stem.parse::<Part>().is_ok())
}

/// Whether a part must not be written there: over a file that delfin did not make, or through a link.
fn is_foreign(part: &Path) -> bool {
    let is_link = part
        .symlink_metadata()
        .is_ok_and(|found| found.is_symlink());
    is_link || !is_replaceable(part)
}

/// Removes the parts in `folder` that delfin made, but for those to be kept, and the folder where it is empty then.
fn remove_parts(folder: &Path, kept: &BTreeSet<String>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_part_name(&name) && !kept.contains(&name) {
            remove_own(&entry.path())?;
        }
    }
    if kept.is_empty() {
        // Another's files may lie there.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

/// The URL reference to `path`, which is relative to the report's folder or absolute. Bytes outside
/// the unreserved characters are percent-encoded, so that no name can be taken for anything else.
pub fn href(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut reference = String::with_capacity(bytes.len() + 2);
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                reference.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => reference.push('/'),
            _ => reference.push_str(&format!("%{byte:02X}")),
        }
    }
    reference
}

/// `template` with every `{{name}}` replaced by its block; the text of blocks is left as it is.
fn filled(template: &str, blocks: &[(&str, &str)]) -> String {
    let length: usize = blocks.iter().map(|(_, block)| block.len()).sum();
    let mut page = String::with_capacity(template.len() + length);
    for (index, part) in template.split("{{").enumerate() {
        let after = match part.split_once("}}") {
            Some((name, after)) if index > 0 => {
                let block = blocks.iter().find(|(known, _)| *known == name);
                page.push_str(block.map_or("", |(_, block)| block));
                after
            }
            _ => part,
        };
        page.push_str(after);
    }
    page
}

/// Text as it stands in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine};

    use super::*;
    use crate::report::{
        LoadedPictures, PairDrawing, ReportCut, ReportFailure, ReportPair, ReportPhoto,
        ReportPlaces, WeakestLink,
    };

    const ODD: &str = "</script><script>alert(1)</script><!-- \"'&{{data}}\u{2028}\n.jpg";

    fn report() -> FolderReport {
        let photo = |path: &str| ReportPhoto {
            path: path.into(),
            href: Some(href(Path::new(path))),
            width: 40,
            height: 30,
        };
        FolderReport {
            title: ODD.into(),
            photos: vec![photo("a.jpg"), photo(ODD), photo("c.jpg")],
            order: vec![0, 1, 2],
            cuts: vec![ReportCut {
                min_probability: 0.9,
                cluster_of_photo: vec![0, 0, 1],
                score_of_photo: vec![1.0, f32::NAN, 0.0],
                representative_of_cluster: vec![1, 2],
                weakest_of_cluster: vec![
                    Some(WeakestLink {
                        image1: 0,
                        image2: 1,
                        probability: 0.999,
                    }),
                    None,
                ],
                uncertain_photos: vec![0],
            }],
            default_cut: 0,
            pairs: vec![ReportPair {
                image1: 0,
                image2: 1,
                num_matches: 90,
                num_inliers: 60,
                probability: 0.999,
                relation: Some("copy"),
                agreement: Some(0.9),
                contradiction: Some(0.05),
            }],
            failures: vec![ReportFailure {
                path: ODD.into(),
                reason: ODD.into(),
            }],
        }
    }

    fn pictures() -> LoadedPictures {
        LoadedPictures {
            thumbnails: vec![vec![1, 2, 3, 4]; 3],
            drawings: vec![PairDrawing {
                inliers: vec![[-1e9, f32::NAN, 40.0, 15.0]; 60],
                transform: Some([1.0, 0.0, 4.0, 0.0, 1.0, 3.0, 0.0, 0.0, 1.0]),
                places: Some(ReportPlaces {
                    agreeing: vec![[0.0, 0.0], [-1e9, f32::NAN]],
                    contradicting: vec![[39.5, 14.5]; 2000],
                }),
            }],
        }
    }

    fn page() -> String {
        let report = report();
        let page = FolderPage::new(&report).unwrap();
        page.one_file(&mut pictures()).unwrap()
    }

    /// The value in the page's script element `id`.
    fn value(page: &str, id: &str) -> Value {
        let (_, after) = page.split_once(&format!("id=\"{id}\">")).unwrap();
        serde_json::from_str(after.split_once("</script>").unwrap().0).unwrap()
    }

    fn decoded(value: &Value) -> Vec<u8> {
        BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn names_stay_text() {
        let page = page();
        assert!(!page.contains("<script>alert"));
        assert_eq!(page.matches("<!DOCTYPE html>").count(), 1);
        let data = value(&page, "data");
        assert_eq!(data["title"], ODD);
        assert_eq!(data["photos"]["path"][1], ODD);
        assert_eq!(data["failures"][0][1], ODD);
        assert_eq!(data["photos"]["path"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn the_page_names_no_other_host() {
        let page = page();
        assert!(!page.contains("http:") && !page.contains("https:"));
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains("script-src 'unsafe-inline'"));
    }

    #[test]
    fn inliers_are_bounded_in_number_and_in_range() {
        let page = page();
        assert_eq!(value(&page, "pairs-0")["inliers"][0], 60);
        // 40 inliers of four 16-bit numbers.
        let bytes = decoded(&value(&page, "drawings-0")[0]["inliers"]);
        assert_eq!(bytes.len(), 320);
        // 0 and 0, then the right edge of 40 pixels plus half a pixel and 15.5 / 30 of 65535.
        assert_eq!(bytes[..8], [0, 0, 0, 0, 0xff, 0xff, 0x44, 0x84]);
        let photos = value(&page, "photos-0");
        assert_eq!(
            photos["thumbnails"],
            json!(["AQIDBA==", "AQIDBA==", "AQIDBA=="])
        );
        assert_eq!(photos["href"][0], "a.jpg");
    }

    #[test]
    fn places_are_shares_of_the_sides_and_bounded_in_number() {
        let page = page();
        let drawing = &value(&page, "drawings-0")[0];
        let bytes = decoded(&drawing["transform"]);
        let numbers = bytes
            .chunks(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let matrix: Vec<f32> = numbers.collect();
        assert_eq!(matrix, [1.0, 0.0, 0.1, 0.0, 1.0, 0.1, 0.0, 0.0, 1.0]);
        assert_eq!(decoded(&drawing["agreeing"]), [3, 4, 0, 0]);
        let contradicting = decoded(&drawing["contradicting"]);
        assert_eq!(
            (contradicting.len(), &contradicting[..2]),
            (2000, &[255, 128][..])
        );
        let report = report();
        let mut pictures = pictures();
        pictures.drawings[0].transform = None;
        pictures.drawings[0].places = None;
        let page = FolderPage::new(&report)
            .unwrap()
            .one_file(&mut pictures)
            .unwrap();
        assert_eq!(value(&page, "drawings-0")[0]["transform"], Value::Null);
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        assert_eq!(page(), page());
    }

    #[test]
    fn a_server_sends_what_the_file_holds() {
        let report = report();
        let live = FolderPage::live(&report, 7).unwrap();
        let index = live.index();
        let page = page();
        assert_eq!(value(&index, "data")["run"], 7);
        for (name, part) in [
            ("photos-0", Part::Photos(0)),
            ("pairs-0", Part::Pairs(0)),
            ("drawings-0", Part::Drawings(0)),
        ] {
            assert!(!index.contains(&format!("id=\"{name}\"")));
            assert_eq!(name.parse(), Ok(part));
            let sent = live.part(part, &mut pictures()).unwrap().unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(&sent).unwrap(),
                value(&page, name)
            );
        }
        for part in [
            Part::Photos(1),
            Part::Pairs(1),
            Part::Drawings(usize::MAX),
            Part::Cut(1),
        ] {
            assert_eq!(live.part(part, &mut pictures()).unwrap(), None);
        }
        for name in ["photos", "photos-", "photos--1", "../x-1", "cuts-1"] {
            assert_eq!(name.parse::<Part>(), Err(()), "{name}");
        }
    }

    #[test]
    fn parts_lie_beside_a_large_page_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let parts = folder.path().join("report_parts");
        let names = || {
            let entries = std::fs::read_dir(&parts).unwrap();
            entries
                .map(|e| e.unwrap().file_name().into_string().unwrap())
                .collect::<BTreeSet<_>>()
        };
        let mut report = report();
        report.cuts.push(report.cuts[0].clone());
        let page = FolderPage::new(&report).unwrap();
        page.write_in_parts(&mut pictures(), &path).unwrap();
        let written = ["photos-0.js", "pairs-0.js", "drawings-0.js", "cut-1.js"].map(String::from);
        assert_eq!(names(), BTreeSet::from(written));
        let index = std::fs::read_to_string(&path).unwrap();
        let id = value(&index, "data")["id"].to_string();
        let cut = std::fs::read_to_string(parts.join("cut-1.js")).unwrap();
        let json = cut
            .split_once(&format!("delfinPart({id}, \"cut-1\", "))
            .unwrap()
            .1;
        assert_eq!(json.trim_end(), format!("{});", report.cuts[1].json()));
        // What delfin did not make stays, and so does the folder.
        for name in ["photos-9.js", "notes.js"] {
            std::fs::write(parts.join(name), "alert(1)").unwrap();
        }
        std::fs::write(parts.join("pairs-0.js"), "mine").unwrap();
        let error = page.write_in_parts(&mut pictures(), &path).unwrap_err();
        assert!(error.to_string().contains("pairs-0.js"), "{error}");
        std::fs::remove_file(parts.join("pairs-0.js")).unwrap();
        report.cuts.pop();
        let page = FolderPage::new(&report).unwrap();
        page.write(&mut pictures(), &path).unwrap();
        assert_eq!(
            names(),
            BTreeSet::from(["notes.js".into(), "photos-9.js".into()])
        );
        for name in ["photos-9.js", "notes.js"] {
            std::fs::remove_file(parts.join(name)).unwrap();
        }
        page.write(&mut pictures(), &path).unwrap();
        assert!(!parts.exists());
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        type Change = fn(&mut FolderReport);
        let changes: [(&str, Change); 13] = [
            ("photos", |r| r.photos[0].width = 0),
            ("order", |r| r.order[0] = 1),
            ("order", |r| r.order[0] = 3),
            ("order", |r| r.order.truncate(2)),
            ("cuts", |r| r.cuts.clear()),
            ("default_cut", |r| r.default_cut = 1),
            ("cluster_of_photo", |r| {
                r.cuts[0].cluster_of_photo.truncate(2)
            }),
            ("cluster_of_photo", |r| r.cuts[0].cluster_of_photo[0] = 2),
            ("score_of_photo", |r| r.cuts[0].score_of_photo.push(0.0)),
            ("representative_of_cluster", |r| {
                r.cuts[0].representative_of_cluster[0] = 2;
            }),
            ("weakest_of_cluster", |r| {
                r.cuts[0].weakest_of_cluster.clear();
            }),
            ("uncertain_photos", |r| r.cuts[0].uncertain_photos[0] = 3),
            ("pairs", |r| r.pairs[0].image2 = 0),
        ];
        for (name, change) in changes {
            let mut report = report();
            change(&mut report);
            let error = FolderPage::new(&report).err().unwrap().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn pictures_that_are_missing_are_named() {
        let report = report();
        let page = FolderPage::new(&report).unwrap();
        let error = page
            .one_file(&mut LoadedPictures::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("thumbnails"), "{error}");
    }

    #[test]
    fn a_report_of_nothing_is_a_page() {
        let nothing = FolderReport {
            cuts: vec![ReportCut::default()],
            ..FolderReport::default()
        };
        let page = FolderPage::new(&nothing)
            .unwrap()
            .one_file(&mut LoadedPictures::default())
            .unwrap();
        assert!(page.ends_with("</html>\n"));
        assert!(!page.contains("{{"), "a marker is left");
    }

    #[test]
    fn references_hold_no_special_character() {
        assert_eq!(
            href(Path::new("../a b/ü#?.jpg")),
            "../a%20b/%C3%BC%23%3F.jpg"
        );
        assert_eq!(href(Path::new("javascript:x\"")), "javascript%3Ax%22");
    }
}
