//! The verified pairs of photos as a graph.

use std::ops::Range;

/// Least evidence of a link.
pub(super) const ENOUGH: f64 = 1.0;
/// Evidence beyond this counts no more.
const MAX_EVIDENCE: f64 = 8.0;
/// The share of its verified pairs that are links counts at most this much.
const MAX_SATURATION: f64 = 0.95;

/// Evidence that two photos show the same thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    /// A photo.
    pub image1: usize,
    /// Another photo.
    pub image2: usize,
    /// At least 0; from 1 on the pair is a link.
    pub evidence: f64,
}

/// The verified pairs of photos: 24 bytes a pair.
pub(super) struct Graph {
    /// Start of the neighbors of each photo, and the end of the last's.
    starts: Vec<usize>,
    /// The photos that each photo was compared with, ascending.
    others: Vec<u32>,
    /// The evidence of these pairs, from 0.
    evidence: Vec<f64>,
    /// For each photo the share of its pairs that are links, up to [`MAX_SATURATION`]; 0 where every pair is
    /// known.
    pub(super) saturation: Vec<f64>,
}

impl Graph {
    pub(super) fn new(
        num_photos: usize,
        links: impl Iterator<Item = Link> + Clone,
        is_complete: bool,
    ) -> Self {
        let counted = links.filter_map(|link| {
            let inside = link.image1.max(link.image2) < num_photos && link.image1 != link.image2;
            let evidence = match link.evidence.is_nan() {
                true => 0.0,
                false => link.evidence.clamp(0.0, MAX_EVIDENCE),
            };
            let counts = inside && (evidence > 0.0 || !is_complete);
            counts.then_some(Link { evidence, ..link })
        });
        let mut ends = vec![0; num_photos + 1];
        for link in counted.clone() {
            ends[link.image1 + 1] += 1;
            ends[link.image2 + 1] += 1;
        }
        for photo in 0..num_photos {
            ends[photo + 1] += ends[photo];
        }
        let mut graph = Self {
            others: vec![0; ends[num_photos]],
            evidence: vec![0.0; ends[num_photos]],
            starts: ends.clone(),
            saturation: Vec::new(),
        };
        for link in counted {
            for (photo, other) in [(link.image1, link.image2), (link.image2, link.image1)] {
                graph.others[ends[photo]] = other as u32;
                graph.evidence[ends[photo]] = link.evidence;
                ends[photo] += 1;
            }
        }
        graph.sort();
        let saturation = |photo: usize| {
            let range = graph.range(photo);
            let num_links = graph.evidence[range.clone()]
                .iter()
                .filter(|evidence| **evidence >= ENOUGH)
                .count();
            match is_complete || range.is_empty() {
                true => 0.0,
                false => (num_links as f64 / range.len() as f64).min(MAX_SATURATION),
            }
        };
        graph.saturation = (0..num_photos).map(saturation).collect();
        graph
    }

    /// Sorts the neighbors of each photo; of two links to the same one the stronger stays.
    fn sort(&mut self) {
        let (mut row, mut end) = (Vec::new(), 0);
        for photo in 0..self.starts.len() - 1 {
            row.clear();
            row.extend(self.near(photo));
            row.sort_by(|a: &(usize, f64), b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            row.dedup_by_key(|entry| entry.0);
            self.starts[photo] = end;
            for &(other, evidence) in &row {
                self.others[end] = other as u32;
                self.evidence[end] = evidence;
                end += 1;
            }
        }
        if let Some(last) = self.starts.last_mut() {
            *last = end;
        }
    }

    /// The indices of the neighbors of a photo.
    fn range(&self, photo: usize) -> Range<usize> {
        self.starts[photo]..self.starts[photo + 1]
    }

    /// The neighbors of a photo, with the evidence.
    pub(super) fn near(&self, photo: usize) -> impl Iterator<Item = (usize, f64)> {
        let others = self.others[self.range(photo)].iter();
        let evidence = &self.evidence[self.range(photo)];
        others
            .map(|other| *other as usize)
            .zip(evidence.iter().copied())
    }

    /// The evidence of a pair; none where it was not verified.
    pub(super) fn evidence(&self, photo: usize, other: usize) -> Option<f64> {
        let range = self.range(photo);
        let at = self.others[range.clone()]
            .binary_search(&(other as u32))
            .ok()?;
        Some(self.evidence[range.start + at])
    }

    /// The evidence of a pair, and its weight: 1 where it was verified, else less.
    pub(super) fn weighted(&self, photo: usize, other: usize) -> (f64, f64) {
        match self.evidence(photo, other) {
            Some(evidence) => (evidence, 1.0),
            None => (0.0, 1.0 - self.saturation[photo] * self.saturation[other]),
        }
    }
}
