//! The guide: what the program does, command by command. The same pages lie in `docs/`.

macro_rules! pages {
    ($($name:ident: $file:literal,)*) => {
        $(#[doc = include_str!(concat!("../docs/", $file))] pub mod $name {})*
    };
}

pages! {
    matching: "matching.md",
    folders: "folders.md",
    open: "open.md",
    classifying: "classifying.md",
    extracting: "extracting.md",
    program: "program.md",
    formats: "formats.md",
    limits: "limits.md",
    how_it_works: "how-it-works.md",
    glossary: "glossary.md",
    library: "library.md",
    ray: "ray.md",
    delf: "delf.md",
}
