//! A page about labelled photos: one HTML file that needs no other file and no network.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::html::escaped;

/// Content of a page, from top to bottom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelPage {
    /// The heading.
    pub title: String,
    /// Lines below it.
    pub lines: Vec<String>,
    /// The names of the table's columns; none leaves the table out.
    pub header: Vec<String>,
    /// The table's rows.
    pub rows: Vec<Vec<String>>,
    /// Names of the confusion matrix' rows and columns; none leaves the matrix out.
    pub classes: Vec<String>,
    /// One row a true class, one column a predicted class.
    pub counts: Vec<Vec<usize>>,
    /// Groups of photos.
    pub sections: Vec<Section>,
}

/// A group of photos.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// The cell of the confusion matrix that leads here: true class, predicted class.
    pub cell: Option<[usize; 2]>,
    /// Its heading.
    pub title: String,
    /// The photos.
    pub cards: Vec<Card>,
}

/// A photo, possibly another one beside it, and lines of text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Card {
    /// JPEG files; one that is empty was not readable.
    pub pictures: Vec<Vec<u8>>,
    /// The first line.
    pub title: String,
    /// More lines.
    pub lines: Vec<String>,
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;\
color:#1c1c1c;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .6rem;text-align:right;\
border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}.matrix td{border:1px solid #fff;\
min-width:2.2rem;text-align:center}.matrix a{color:inherit}.scroll{overflow-x:auto}\
.cards{display:flex;flex-wrap:wrap;gap:1rem}.card{border:1px solid #ddd;border-radius:6px;padding:.6rem;\
max-width:26rem}.card img{max-height:160px;max-width:190px;margin-right:.4rem}.card p{margin:.15rem 0;\
overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}\
td,th,.card{border-color:#444}.matrix td{border-color:#161616}}";

/// The page as HTML. Every text is escaped.
pub fn label_page(page: &LabelPage) -> String {
    let title = escaped(&page.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"generator\" content=\"delfin\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    for line in &page.lines {
        let _ = writeln!(html, "<p>{}</p>", escaped(line));
    }
    write_matrix(&mut html, page);
    if !page.header.is_empty() {
        html.push_str("<table><tr>");
        page.header
            .iter()
            .for_each(|name| html.push_str(&format!("<th>{}</th>", escaped(name))));
        html.push_str("</tr>\n");
        for row in &page.rows {
            html.push_str("<tr>");
            row.iter()
                .for_each(|cell| html.push_str(&format!("<td>{}</td>", escaped(cell))));
            html.push_str("</tr>\n");
        }
        html.push_str("</table>\n");
    }
    for section in &page.sections {
        let id = section
            .cell
            .map_or(String::new(), |cell| format!(" id=\"{}\"", anchor(cell)));
        let _ = writeln!(
            html,
            "<h2{id}>{}</h2><div class=\"cards\">",
            escaped(&section.title)
        );
        section
            .cards
            .iter()
            .for_each(|card| write_card(&mut html, card));
        html.push_str("</div>\n");
    }
    html.push_str("</body></html>\n");
    html
}

fn write_matrix(html: &mut String, page: &LabelPage) {
    if page.classes.is_empty() {
        return;
    }
    html.push_str("<h2>Confusion matrix</h2><p>A row is a true class, a column what the photos were labelled.</p><div class=\"scroll\"><table class=\"matrix\"><tr><th></th>");
    for (index, class) in page.classes.iter().enumerate() {
        let _ = write!(html, "<th title=\"{}\">{}</th>", escaped(class), index + 1);
    }
    html.push_str("</tr>\n");
    for (truth, row) in page.counts.iter().enumerate() {
        let class = page.classes.get(truth).map_or("", String::as_str);
        let _ = write!(html, "<tr><th>{} {}</th>", truth + 1, escaped(class));
        let total = row.iter().sum::<usize>().max(1);
        for (said, &count) in row.iter().enumerate() {
            // The square root makes single mistakes visible.
            let strength = (count as f64 / total as f64).sqrt();
            let color = if truth == said {
                "20,120,60"
            } else {
                "190,40,30"
            };
            let number = match count {
                0 => String::new(),
                _ if page.sections.iter().any(|s| s.cell == Some([truth, said])) => {
                    format!("<a href=\"#{}\">{count}</a>", anchor([truth, said]))
                }
                _ => count.to_string(),
            };
            let ink = if strength > 0.6 { ";color:#fff" } else { "" };
            let _ = write!(
                html,
                "<td style=\"background:rgba({color},{strength:.2}){ink}\">{number}</td>"
            );
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
}

fn write_card(html: &mut String, card: &Card) {
    html.push_str("<div class=\"card\">");
    for picture in card.pictures.iter().filter(|picture| !picture.is_empty()) {
        let data = STANDARD.encode(picture);
        let _ = write!(
            html,
            "<img alt=\"\" loading=\"lazy\" src=\"data:image/jpeg;base64,{data}\">"
        );
    }
    let _ = write!(html, "<p><b>{}</b></p>", escaped(&card.title));
    for line in &card.lines {
        let _ = write!(html, "<p>{}</p>", escaped(line));
    }
    html.push_str("</div>\n");
}

fn anchor([truth, said]: [usize; 2]) -> String {
    format!("cell-{truth}-{said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_parts_and_nothing_from_elsewhere() {
        let page = LabelPage {
            title: "A <script> & \"b\"".into(),
            lines: vec!["one line".into()],
            header: vec!["class".into(), "recall".into()],
            rows: vec![vec!["x".into(), "50%".into()]],
            classes: vec!["x".into(), "y".into()],
            counts: vec![vec![3, 1], vec![0, 2]],
            sections: vec![Section {
                cell: Some([0, 1]),
                title: "x labelled y".into(),
                cards: vec![Card {
                    pictures: vec![vec![0xff, 0xd8, 0xff], vec![]],
                    title: "it's".into(),
                    lines: vec!["12 inliers".into()],
                }],
            }],
        };
        let html = label_page(&page);
        for part in [
            "A &lt;script&gt; &amp; &quot;b&quot;",
            "<p>one line</p>",
            "<td>50%</td>",
            "<a href=\"#cell-0-1\">1</a>",
            "<h2 id=\"cell-0-1\">",
            "data:image/jpeg;base64,/9j/",
            "it&#39;s",
        ] {
            assert!(html.contains(part), "no {part} in {html}");
        }
        assert_eq!(html.matches("<img").count(), 1);
        assert!(!html.contains("http"));
    }
}
