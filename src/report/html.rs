//! The folder report: one HTML file that shows the clusters of a folder and needs nothing beside it.
//!
//! The page forms clusters from a ladder of cuts that come in ready, so that it shows what the
//! program would answer and nothing like it. Thumbnails and inliers are base64 blocks behind the
//! script, cut up only where the page is looked at; everything else is one JSON object before it. No name
//! reaches the page as markup: names lie in JSON whose `<` is escaped, and the script sets text only.
//!
//! Positions are pixels of the original photos, (0, 0) is the centre of the top-left pixel.

use std::path::Path;

use super::page_data::PageData;
use crate::error::Result;

const PAGE: &str = include_str!("folder_page/page.html");
const STYLE: &str = include_str!("folder_page/page.css");
const SCRIPT: [&str; 4] = [
    include_str!("folder_page/clusters.js"),
    include_str!("folder_page/rows.js"),
    include_str!("folder_page/pair.js"),
    include_str!("folder_page/overlay.js"),
];
/// What `delfin open` adds to the page, and what stands for it elsewhere.
const LIVE: &str = include_str!("folder_page/live.js");
const NOT_LIVE: &str = "const live = null;\n";
/// Runs last.
const ACTIONS: &str = include_str!("folder_page/page.js");

/// What a folder report shows.
#[derive(Debug, Clone, Default)]
pub struct FolderReport {
    /// What the page is called, as the folder's name. May hold any characters.
    pub title: String,
    /// The readable photos, in the order that everything else counts them in.
    pub photos: Vec<ReportPhoto>,
    /// The positions of the slider, strictest first; at least one.
    pub cuts: Vec<ReportCut>,
    /// The index of the cut that the page opens with.
    pub default_cut: usize,
    /// The verified pairs.
    pub pairs: Vec<ReportPair>,
    /// Files that could not be read.
    pub failures: Vec<ReportFailure>,
    /// The run of `delfin open` that answers the page, keeps its corrections and forms clusters anew; none for
    /// a page by itself.
    pub live_run: Option<u64>,
}

/// A file that could not be read.
#[derive(Debug, Clone, Default)]
pub struct ReportFailure {
    /// Its path, as it is shown. May hold any characters.
    pub path: String,
    /// Why, on one line.
    pub reason: String,
}

/// A photo of a folder report.
#[derive(Debug, Clone, Default)]
pub struct ReportPhoto {
    /// The path as it is shown and exported. May hold any characters.
    pub path: String,
    /// A URL reference from the report's file to the photo, as [`href`] makes it. Without one, or
    /// where the browser cannot show the file, pairs are drawn on the thumbnails.
    pub href: Option<String>,
    /// Width of the upright photo, in pixels; at least 1.
    pub width: u32,
    /// Height of the upright photo, in pixels; at least 1.
    pub height: u32,
    /// A JPEG, as [`thumbnail`](super::thumbnail) makes it.
    pub thumbnail: Vec<u8>,
}

/// The clusters at one threshold.
#[derive(Debug, Clone, Default)]
pub struct ReportCut {
    /// Pairs from this probability on were linked, from 0 to 1.
    pub min_probability: f64,
    /// The cluster of each photo, from 0, largest cluster first.
    pub cluster_of_photo: Vec<u32>,
    /// How well each photo fits its cluster, as in clusters.csv; higher is better.
    pub score_of_photo: Vec<f32>,
    /// The photo that stands for each cluster.
    pub representative_of_cluster: Vec<u32>,
    /// Photos that are marked as uncertain members.
    pub uncertain_photos: Vec<u32>,
}

/// A verified pair of photos.
#[derive(Debug, Clone, Default)]
pub struct ReportPair {
    /// Index of photo 1.
    pub image1: u32,
    /// Index of photo 2, another one.
    pub image2: u32,
    /// Pairs of similar descriptors.
    pub num_matches: u32,
    /// Matches that the transform explains.
    pub num_inliers: u32,
    /// The probability that both photos show the same thing, from 0 to 1.
    pub probability: f64,
    /// "copy" or "view"; `None` where the pixels were not compared.
    pub relation: Option<&'static str>,
    /// Mean correlation of the aligned places by attention, -1 to 1; `None` where not compared.
    pub agreement: Option<f32>,
    /// Share of the attention that falls on places which contradict, 0 to 1; `None` where not compared.
    pub contradiction: Option<f32>,
    /// Inliers, x and y in photo 1, x and y in photo 2, in pixels. Of more than 40 the page gets 40,
    /// evenly taken, so that its size stays bounded.
    pub inliers: Vec<[f32; 4]>,
    /// The transform that maps photo 1 to photo 2 in pixels, row after row; `None` without one.
    pub transform: Option<[f64; 9]>,
    /// Places of photo 2 that were compared; `None` if not computed.
    pub places: Option<ReportPlaces>,
}

/// Places of photo 2 that were compared with photo 1, x and y in pixels of photo 2. Of more than
/// 1000 of a kind the page gets 1000.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportPlaces {
    /// Where both photos look alike.
    pub agreeing: Vec<[f32; 2]>,
    /// Where they look different.
    pub contradicting: Vec<[f32; 2]>,
}

/// The page as one HTML file, in UTF-8. The same report gives the same bytes.
///
/// # Errors
/// [`Error::InvalidOption`](crate::Error::InvalidOption) names the field when an index points at no
/// photo or cut, lists differ in length, a photo has no size, or there is no cut.
pub fn folder_page(report: &FolderReport) -> Result<String> {
    let data = PageData::new(report)?;
    let live = match report.live_run {
        Some(_) => LIVE,
        None => NOT_LIVE,
    };
    let script = [SCRIPT.concat().as_str(), live, ACTIONS].concat();
    let title = escaped(&report.title);
    let json = data.json();
    let connect = match report.live_run {
        Some(_) => "connect-src 'self'; ",
        None => "",
    };
    let blocks = [
        ("connect", connect),
        ("title", title.as_str()),
        ("style", STYLE),
        ("script", &script),
        ("data", &json),
        ("inliers", &data.inliers),
        ("overlays", &data.overlays),
        ("thumbnails", &data.thumbnails),
    ];
    Ok(filled(PAGE, &blocks))
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

/// `template` with every `{{name}}` replaced by its block; what stands in blocks is left as it is.
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
fn escaped(text: &str) -> String {
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

    const ODD: &str = "</script><script>alert(1)</script><!-- \"'&{{data}}\u{2028}\n.jpg";

    fn report() -> FolderReport {
        let photo = |path: &str| ReportPhoto {
            path: path.into(),
            href: Some(href(Path::new(path))),
            width: 40,
            height: 30,
            thumbnail: vec![1, 2, 3, 4],
        };
        FolderReport {
            live_run: None,
            title: ODD.into(),
            photos: vec![photo("a.jpg"), photo(ODD), photo("c.jpg")],
            cuts: vec![ReportCut {
                min_probability: 0.9,
                cluster_of_photo: vec![0, 0, 1],
                score_of_photo: vec![1.0, f32::NAN, 0.0],
                representative_of_cluster: vec![1, 2],
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
                inliers: vec![[-1e9, f32::NAN, 40.0, 15.0]; 60],
                transform: Some([1.0, 0.0, 4.0, 0.0, 1.0, 3.0, 0.0, 0.0, 1.0]),
                places: Some(ReportPlaces {
                    agreeing: vec![[0.0, 0.0], [-1e9, f32::NAN]],
                    contradicting: vec![[39.5, 14.5]; 2000],
                }),
            }],
            failures: vec![ReportFailure {
                path: ODD.into(),
                reason: ODD.into(),
            }],
        }
    }

    /// The text of the page's script element `id`.
    fn block<'a>(page: &'a str, id: &str) -> &'a str {
        let (_, after) = page.split_once(&format!("id=\"{id}\">")).unwrap();
        after.split_once("</script>").unwrap().0
    }

    #[test]
    fn names_stay_text() {
        let page = folder_page(&report()).unwrap();
        assert!(!page.contains("<script>alert"));
        assert_eq!(page.matches("<!DOCTYPE html>").count(), 1);
        let data: serde_json::Value = serde_json::from_str(block(&page, "data")).unwrap();
        assert_eq!(data["title"], ODD);
        assert_eq!(data["photos"]["path"][1], ODD);
        assert_eq!(data["failures"][0][1], ODD);
        assert_eq!(data["photos"]["path"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn the_page_names_no_other_host() {
        let page = folder_page(&report()).unwrap();
        assert!(!page.contains("http:") && !page.contains("https:"));
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn inliers_are_bounded_in_number_and_in_range() {
        let page = folder_page(&report()).unwrap();
        let data: serde_json::Value = serde_json::from_str(block(&page, "data")).unwrap();
        assert_eq!(data["pairs"]["drawn"][0], 40);
        // 40 inliers of four 16-bit numbers are 320 bytes, in base64 428 letters.
        let inliers = block(&page, "inliers");
        assert_eq!(inliers.len(), 428);
        // 0 and 0, then the right edge of 40 pixels plus half a pixel and 15.5 / 30 of 65535.
        assert!(inliers.starts_with("AAAAAP//RIQA"), "{}", &inliers[..12]);
        assert_eq!(block(&page, "thumbnails-0"), "AQIDBA==".repeat(3));
    }

    #[test]
    fn overlays_are_shares_of_the_sides_and_bounded_in_number() {
        let page = folder_page(&report()).unwrap();
        let data: serde_json::Value = serde_json::from_str(block(&page, "data")).unwrap();
        assert_eq!(data["pairs"]["has_transform"][0], true);
        assert_eq!(data["pairs"]["agreeing"][0], 2);
        assert_eq!(data["pairs"]["contradicting"][0], 1000);
        let bytes = BASE64_STANDARD.decode(block(&page, "overlays")).unwrap();
        assert_eq!(bytes.len(), 36 + 2 * 1002);
        let number = |at: usize| f32::from_le_bytes(bytes[4 * at..][..4].try_into().unwrap());
        let matrix: Vec<f32> = (0..9).map(number).collect();
        assert_eq!(matrix, [1.0, 0.0, 0.1, 0.0, 1.0, 0.1, 0.0, 0.0, 1.0]);
        assert_eq!(bytes[36..42], [3, 4, 0, 0, 255, 128]);
        let mut without = report();
        without.pairs[0].transform = None;
        without.pairs[0].places = None;
        let page = folder_page(&without).unwrap();
        assert!(block(&page, "overlays").is_empty());
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        assert_eq!(
            folder_page(&report()).unwrap(),
            folder_page(&report()).unwrap()
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        type Change = fn(&mut FolderReport);
        let changes: [(&str, Change); 9] = [
            ("photos", |r| r.photos[0].width = 0),
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
            ("uncertain_photos", |r| r.cuts[0].uncertain_photos[0] = 3),
            ("pairs", |r| r.pairs[0].image2 = 0),
        ];
        for (name, change) in changes {
            let mut report = report();
            change(&mut report);
            let error = folder_page(&report).unwrap_err().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn a_report_of_nothing_is_a_page() {
        let nothing = FolderReport {
            cuts: vec![ReportCut::default()],
            ..FolderReport::default()
        };
        let page = folder_page(&nothing).unwrap();
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
