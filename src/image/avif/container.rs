//! The container of AVIF and HEIC files, ISO/IEC 23008-12 in ISO/IEC 14496-12: items, their properties
//! and their bytes. Of its boxes only what still pictures need is read.

use std::collections::BTreeMap;

/// Big-endian numbers from the front of bytes; none where the bytes end.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of `length` bytes, at most 8; 0 bytes are 0.
    pub fn number(&mut self, length: usize) -> Option<u64> {
        let bytes = self.take(length)?.iter();
        Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn small(&mut self, length: usize) -> Option<u32> {
        u32::try_from(self.number(length)?).ok()
    }

    /// The version and the flags that many boxes begin with.
    fn version(&mut self) -> Option<(u8, u32)> {
        let word = self.small(4)?;
        Some(((word >> 24) as u8, word & 0xff_ffff))
    }

    /// The next box: its kind and content.
    fn next_box(&mut self) -> Option<([u8; 4], Reader<'a>)> {
        let length = self.number(4)?;
        let kind = self.take(4)?.try_into().ok()?;
        let length = match length {
            0 => self.0.len(),
            1 => usize::try_from(self.number(8)?.checked_sub(16)?).ok()?,
            length => usize::try_from(length.checked_sub(8)?).ok()?,
        };
        Some((kind, Reader(self.take(length)?)))
    }

    /// The content of the first box of this kind.
    fn find(mut self, kind: &[u8; 4]) -> Option<Reader<'a>> {
        loop {
            let (found, content) = self.next_box()?;
            if found == *kind {
                return Some(content);
            }
        }
    }
}

/// A property of an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Property<'a> {
    /// Width and height in pixels, before it is cut and turned.
    Size(u32, u32),
    /// An ICC profile.
    Profile(&'a [u8]),
    /// Colour primaries, transfer curve, matrix (ITU-T H.273), and whether all values are used.
    Colours {
        primaries: u8,
        transfer: u8,
        matrix: u8,
        full_range: bool,
    },
    /// Content of an auxiliary picture, as a URN.
    Auxiliary(&'a [u8]),
    /// Quarter turns against the clock.
    Rotation(u8),
    /// Mirrored left to right, else top to bottom.
    Mirror { left_to_right: bool },
    /// Width, height, and offset of the centre from the picture's, as numerators and denominators.
    CleanAperture([(i64, i64); 4]),
}

/// Where an item's bytes lie.
#[derive(Default)]
struct Place {
    in_meta: bool,
    /// Offset and length; a length of 0 reaches to the end.
    extents: Vec<(u64, u64)>,
}

/// A reference of one item to others.
struct Reference {
    kind: [u8; 4],
    from: u32,
    to: Vec<u32>,
}

/// The items of a file.
pub(super) struct Container<'a> {
    bytes: &'a [u8],
    /// Bytes that lie in the description itself.
    data: &'a [u8],
    /// The item to be shown.
    pub primary: u32,
    kinds: BTreeMap<u32, [u8; 4]>,
    places: BTreeMap<u32, Place>,
    references: Vec<Reference>,
    properties: BTreeMap<u32, Vec<Property<'a>>>,
}

impl<'a> Container<'a> {
    /// Reads the description; none where it is missing or damaged.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut meta = Reader(bytes).find(b"meta")?;
        meta.version()?;
        let mut primary = meta.find(b"pitm")?;
        let (version, _) = primary.version()?;
        Some(Self {
            bytes,
            data: meta.find(b"idat").map_or(&[][..], |data| data.0),
            primary: primary.small(if version == 0 { 2 } else { 4 })?,
            kinds: read_kinds(meta.find(b"iinf")?)?,
            places: read_places(meta.find(b"iloc")?)?,
            references: match meta.find(b"iref") {
                Some(references) => read_references(references)?,
                None => Vec::new(),
            },
            properties: read_properties(meta.find(b"iprp")?)?,
        })
    }

    pub fn kind(&self, item: u32) -> Option<[u8; 4]> {
        self.kinds.get(&item).copied()
    }

    /// The properties of an item, in their order.
    pub fn properties(&self, item: u32) -> &[Property<'a>] {
        self.properties.get(&item).map_or(&[], Vec::as_slice)
    }

    /// The items that `item` is made of, in their order.
    pub fn parts(&self, item: u32) -> &[u32] {
        let mut references = self.references.iter();
        references
            .find(|reference| reference.kind == *b"dimg" && reference.from == item)
            .map_or(&[], |reference| reference.to.as_slice())
    }

    /// The item that holds the opacity of `item`.
    pub fn alpha(&self, item: u32) -> Option<u32> {
        let mut auxiliary = self
            .references
            .iter()
            .filter(|reference| reference.kind == *b"auxl" && reference.to.contains(&item))
            .map(|reference| reference.from);
        let is_alpha = |property: &Property<'_>| {
            matches!(property, Property::Auxiliary(urn)
                if urn.ends_with(b":auxiliary:alpha") || *urn == b"urn:mpeg:hevc:2015:auxid:1")
        };
        auxiliary.find(|from| self.properties(*from).iter().any(is_alpha))
    }

    /// Whether the colours of `item` are multiplied by its opacity already.
    pub fn is_premultiplied(&self, item: u32) -> bool {
        let mut references = self.references.iter();
        references.any(|reference| reference.kind == *b"prem" && reference.from == item)
    }

    /// The bytes of an item; none where they lie outside of the file.
    pub fn data(&self, item: u32) -> Option<Vec<u8>> {
        let place = self.places.get(&item)?;
        let whole = if place.in_meta { self.data } else { self.bytes };
        let mut data = Vec::new();
        for (offset, length) in &place.extents {
            let rest = whole.get(usize::try_from(*offset).ok()?..)?;
            let part = match usize::try_from(*length).ok()? {
                0 => rest,
                length => rest.get(..length)?,
            };
            // Parts that overlap are damage.
            if data.len() + part.len() > whole.len() {
                return None;
            }
            data.extend_from_slice(part);
        }
        Some(data)
    }
}

fn read_kinds(mut from: Reader<'_>) -> Option<BTreeMap<u32, [u8; 4]>> {
    let (version, _) = from.version()?;
    let count = from.number(if version == 0 { 2 } else { 4 })?;
    let mut kinds = BTreeMap::new();
    for _ in 0..count {
        let (_, mut entry) = from.next_box()?;
        let (version, _) = entry.version()?;
        // Entries without a kind are of the first versions of the format.
        if version >= 2 {
            let item = entry.small(if version == 2 { 2 } else { 4 })?;
            entry.take(2)?;
            kinds.insert(item, entry.take(4)?.try_into().ok()?);
        }
    }
    Some(kinds)
}

fn read_places(mut from: Reader<'_>) -> Option<BTreeMap<u32, Place>> {
    let (version, _) = from.version()?;
    let sizes = from.number(2)? as usize;
    let [offset_size, length_size, base_size, index_size] =
        [12, 8, 4, 0].map(|shift| sizes >> shift & 15);
    if version > 2 || [offset_size, length_size, base_size].iter().any(|s| *s > 8) {
        return None;
    }
    let id_size = if version < 2 { 2 } else { 4 };
    let mut places = BTreeMap::new();
    for _ in 0..from.number(id_size)? {
        let item = from.small(id_size)?;
        let method = if version == 0 {
            0
        } else {
            from.number(2)? & 15
        };
        from.take(2)?;
        let base = from.number(base_size)?;
        let mut extents = Vec::new();
        for _ in 0..from.number(2)? {
            if version > 0 {
                from.take(index_size)?;
            }
            let offset = base.checked_add(from.number(offset_size)?)?;
            extents.push((offset, from.number(length_size)?));
        }
        // Bytes in other items or files are not read.
        if method < 2 {
            let in_meta = method == 1;
            places.insert(item, Place { in_meta, extents });
        }
    }
    Some(places)
}

fn read_references(mut from: Reader<'_>) -> Option<Vec<Reference>> {
    let (version, _) = from.version()?;
    let id_size = if version == 0 { 2 } else { 4 };
    let mut references = Vec::new();
    while !from.0.is_empty() {
        let (kind, mut content) = from.next_box()?;
        let from = content.small(id_size)?;
        let count = content.number(2)?;
        let to: Option<Vec<u32>> = (0..count).map(|_| content.small(id_size)).collect();
        let to = to?;
        references.push(Reference { kind, from, to });
    }
    Some(references)
}

fn read_properties(from: Reader<'_>) -> Option<BTreeMap<u32, Vec<Property<'_>>>> {
    let mut all = Vec::new();
    let mut boxes = from.find(b"ipco")?;
    while !boxes.0.is_empty() {
        let (kind, content) = boxes.next_box()?;
        all.push(read_property(&kind, content));
    }
    let mut of_items: BTreeMap<u32, Vec<Property<'_>>> = BTreeMap::new();
    let mut from = from.find(b"ipma")?;
    let (version, flags) = from.version()?;
    for _ in 0..from.number(4)? {
        let item = from.small(if version == 0 { 2 } else { 4 })?;
        for _ in 0..from.number(1)? {
            // The highest bit marks the property as essential for a reader.
            let index = match flags & 1 {
                0 => from.number(1)? & 0x7f,
                _ => from.number(2)? & 0x7fff,
            };
            let at = (index as usize).checked_sub(1);
            let property = at.and_then(|at| all.get(at)?.clone());
            of_items.entry(item).or_default().extend(property);
        }
    }
    Some(of_items)
}

/// A property that matters to pixels; none for another, and for one that is damaged.
fn read_property<'a>(kind: &[u8; 4], mut from: Reader<'a>) -> Option<Property<'a>> {
    Some(match kind {
        b"ispe" => {
            from.version()?;
            Property::Size(from.small(4)?, from.small(4)?)
        }
        b"colr" => match from.take(4)? {
            b"prof" | b"rICC" => Property::Profile(from.0),
            b"nclx" => Property::Colours {
                primaries: u8::try_from(from.number(2)?).ok()?,
                transfer: u8::try_from(from.number(2)?).ok()?,
                matrix: u8::try_from(from.number(2)?).ok()?,
                full_range: from.number(1)? & 0x80 != 0,
            },
            _ => return None,
        },
        b"auxC" => {
            from.version()?;
            Property::Auxiliary(from.0.split(|byte| *byte == 0).next()?)
        }
        b"irot" => Property::Rotation((from.number(1)? & 3) as u8),
        b"imir" => Property::Mirror {
            left_to_right: from.number(1)? & 1 == 1,
        },
        // Spelt out: a crate that the library may not name is called so too.
        [b'c', b'l', b'a', b'p'] => {
            let mut pair = || {
                let (above, below) = (from.small(4)?, from.small(4)?);
                Some((i64::from(above as i32), i64::from(below as i32)))
            };
            Property::CleanAperture([pair()?, pair()?, pair()?, pair()?])
        }
        _ => return None,
    })
}
