//! DELF's configuration (`.pbtxt`): the message `DelfConfig` (proto2) of the published
//! `delf_config.proto` in protocol buffers' text form.

use std::path::Path;

use super::Decoded;
use super::text_proto::{Field, Value, parse};
use crate::error::{Error, Result};

/// DELF's options of feature extraction. Fields that the file does not give have the message's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct DelfConfig {
    /// The folder of the SavedModel; empty when it is not given.
    pub model_path: String,
    /// Scales of the image pyramid.
    pub image_scales: Vec<f32>,
    /// Photos with a longer side are reduced to this many pixels.
    pub max_image_size: Option<u32>,
    /// Photos whose longest side is shorter are enlarged to this many pixels.
    pub min_image_size: Option<u32>,
    /// Whether photos are stretched to squares.
    pub use_square_images: bool,
    /// Whether local features are extracted.
    pub use_local_features: bool,
    /// The local features.
    pub local: DelfLocalConfig,
}

/// DELF's options of local features: the message `DelfLocalFeatureConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct DelfLocalConfig {
    /// Whether descriptors go through [`DelfPca`].
    pub use_pca: bool,
    /// The layer that features are taken from; the model's graph decides.
    pub layer_name: String,
    /// Of boxes that overlap more, one is kept; the model's graph decides.
    pub iou_threshold: f32,
    /// Features kept of one photo.
    pub max_feature_num: usize,
    /// Features with less attention are dropped.
    pub score_threshold: f32,
    /// The principal component analysis.
    pub pca: DelfPca,
    /// Whether positions are pixels of the reduced or enlarged photo.
    pub use_resized_coordinates: bool,
}

/// A principal component analysis: the message `DelfPcaParameters`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DelfPca {
    /// The `.datum` file of the mean; empty when it is not given.
    pub mean_path: String,
    /// The `.datum` file of the matrix, a row a component; empty when it is not given.
    pub projection_matrix_path: String,
    /// Components kept; none when it is not given.
    pub pca_dim: Option<usize>,
    /// Whether components are divided by the square roots of their variances.
    pub use_whitening: bool,
    /// The `.datum` file of the variances; empty when it is not given.
    pub pca_variances_path: String,
}

impl Default for DelfConfig {
    fn default() -> Self {
        Self {
            model_path: String::new(),
            image_scales: Vec::new(),
            max_image_size: None,
            min_image_size: None,
            use_square_images: false,
            use_local_features: true,
            local: DelfLocalConfig::default(),
        }
    }
}

impl Default for DelfLocalConfig {
    fn default() -> Self {
        Self {
            use_pca: true,
            layer_name: String::new(),
            iou_threshold: 1.0,
            max_feature_num: 1000,
            score_threshold: 100.0,
            pca: DelfPca::default(),
            use_resized_coordinates: false,
        }
    }
}

impl DelfConfig {
    /// Parses a configuration; `path` only names it in errors. Fields of global features are read and named as
    /// unsupported.
    ///
    /// # Errors
    /// [`Error::Format`] naming the line: the text is broken, a field does not exist, or its value
    /// is of the wrong type or outside its range.
    pub fn parse(text: &str, path: &Path) -> Result<Decoded<Self>> {
        let mut config = Self::default();
        let mut unsupported = Vec::new();
        parse_config(text, &mut config, &mut unsupported)
            .map_err(|reason| Error::format(path, reason))?;
        unsupported.sort();
        unsupported.dedup();
        Ok(Decoded {
            value: config,
            unsupported,
        })
    }

    /// Reads and parses the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`], or as [`Self::parse`].
    pub fn open(path: &Path) -> Result<Decoded<Self>> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
        Self::parse(&text, path)
    }
}

type Parsed<T> = std::result::Result<T, String>;

fn parse_config(text: &str, config: &mut DelfConfig, unsupported: &mut Vec<String>) -> Parsed<()> {
    for field in parse(text)? {
        match field.name.as_str() {
            "model_path" => config.model_path = field.text()?,
            "image_scales" => config.image_scales.push(field.number()?),
            "delf_local_config" => parse_local(field.message()?, &mut config.local)?,
            "max_image_size" => config.max_image_size = field.side()?,
            "min_image_size" => config.min_image_size = field.side()?,
            "use_square_images" => config.use_square_images = field.boolean()?,
            "use_local_features" => config.use_local_features = field.boolean()?,
            "use_global_features" | "is_tf2_exported" => {
                if field.boolean()? {
                    unsupported.push(field.name);
                }
            }
            "delf_global_config" => {
                check_global(field.message()?)?;
                unsupported.push(field.name);
            }
            _ => return Err(field.unknown("DelfConfig")),
        }
    }
    Ok(())
}

fn parse_local(fields: &[Field], local: &mut DelfLocalConfig) -> Parsed<()> {
    for field in fields {
        match field.name.as_str() {
            "use_pca" => local.use_pca = field.boolean()?,
            "layer_name" => local.layer_name = field.text()?,
            "iou_threshold" => local.iou_threshold = field.number()?,
            "max_feature_num" => local.max_feature_num = field.count()?,
            "score_threshold" => local.score_threshold = field.number()?,
            "pca_parameters" => parse_pca(field.message()?, &mut local.pca)?,
            "use_resized_coordinates" => local.use_resized_coordinates = field.boolean()?,
            _ => return Err(field.unknown("DelfLocalFeatureConfig")),
        }
    }
    Ok(())
}

fn parse_pca(fields: &[Field], pca: &mut DelfPca) -> Parsed<()> {
    for field in fields {
        match field.name.as_str() {
            "mean_path" => pca.mean_path = field.text()?,
            "projection_matrix_path" => pca.projection_matrix_path = field.text()?,
            "pca_dim" => pca.pca_dim = Some(field.count()?),
            "use_whitening" => pca.use_whitening = field.boolean()?,
            "pca_variances_path" => pca.pca_variances_path = field.text()?,
            _ => return Err(field.unknown("DelfPcaParameters")),
        }
    }
    Ok(())
}

/// Reads `DelfGlobalFeatureConfig` for its mistakes alone.
fn check_global(fields: &[Field]) -> Parsed<()> {
    for field in fields {
        match field.name.as_str() {
            "use_pca" => drop(field.boolean()?),
            "pca_parameters" => parse_pca(field.message()?, &mut DelfPca::default())?,
            "image_scales_ind" => drop(field.number()?),
            _ => return Err(field.unknown("DelfGlobalFeatureConfig")),
        }
    }
    Ok(())
}

impl Field {
    fn wrong<T>(&self, expected: &str) -> Parsed<T> {
        let found = match &self.value {
            Value::Word(word) => format!("`{}`", word.escape_default()),
            Value::Text(text) => format!("\"{}\"", text.escape_default()),
            Value::Message(_) => "a message".into(),
        };
        Err(format!(
            "line {}: {}: {found} is not {expected}",
            self.line,
            self.name.escape_default()
        ))
    }

    fn unknown(&self, message: &str) -> String {
        format!(
            "line {}: {message} has no field `{}`",
            self.line,
            self.name.escape_default()
        )
    }

    fn message(&self) -> Parsed<&[Field]> {
        match &self.value {
            Value::Message(fields) => Ok(fields),
            _ => self.wrong("a message in braces"),
        }
    }

    fn text(&self) -> Parsed<String> {
        match &self.value {
            Value::Text(text) => Ok(text.clone()),
            _ => self.wrong("a text in quotes"),
        }
    }

    fn boolean(&self) -> Parsed<bool> {
        match &self.value {
            Value::Word(word) => match word.as_str() {
                "true" | "True" | "t" | "1" => Ok(true),
                "false" | "False" | "f" | "0" => Ok(false),
                _ => self.wrong("true or false"),
            },
            _ => self.wrong("true or false"),
        }
    }

    fn number(&self) -> Parsed<f32> {
        let Value::Word(word) = &self.value else {
            return self.wrong("a number");
        };
        let digits = word.strip_suffix(['f', 'F']).unwrap_or(word);
        match digits.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => self.wrong("a finite number"),
        }
    }

    fn integer(&self) -> Parsed<i64> {
        let Value::Word(word) = &self.value else {
            return self.wrong("a whole number");
        };
        let (sign, digits) = match word.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, word.as_str()),
        };
        let hexadecimal = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
        let value = match hexadecimal {
            Some(digits) => i64::from_str_radix(digits, 16),
            None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
            None => digits.parse(),
        };
        match value {
            // A sign that the digits bring themselves is a second one.
            Ok(value) if !digits.starts_with(['-', '+']) => Ok(sign * value),
            _ => self.wrong("a whole number"),
        }
    }

    fn count(&self) -> Parsed<usize> {
        match usize::try_from(self.integer()?) {
            Ok(count) if count > 0 => Ok(count),
            _ => self.wrong("a whole number above 0"),
        }
    }

    /// A side's length; -1 in the message is none.
    fn side(&self) -> Parsed<Option<u32>> {
        match self.integer()? {
            ..0 => Ok(None),
            side => match u32::try_from(side) {
                Ok(side) if side > 0 => Ok(Some(side)),
                _ => self.wrong("a side in pixels, or -1"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Decoded<DelfConfig>> {
        DelfConfig::parse(text, Path::new("a.pbtxt"))
    }

    #[test]
    fn every_field_is_read() {
        let text = r#"
            model_path: "m/" image_scales: [.25, 1] max_image_size: 1024 min_image_size: 0x10
            use_square_images: true use_local_features: false
            delf_local_config { use_pca: false layer_name: "l" iou_threshold: 0.5f
              max_feature_num: 7 score_threshold: 2e1 use_resized_coordinates: true
              pca_parameters { mean_path: "a" projection_matrix_path: "b" pca_dim: 40
                use_whitening: true pca_variances_path: "c" } }"#;
        let decoded = read(text).unwrap();
        assert!(decoded.unsupported.is_empty());
        let config = DelfConfig {
            model_path: "m/".into(),
            image_scales: vec![0.25, 1.0],
            max_image_size: Some(1024),
            min_image_size: Some(16),
            use_square_images: true,
            use_local_features: false,
            local: DelfLocalConfig {
                use_pca: false,
                layer_name: "l".into(),
                iou_threshold: 0.5,
                max_feature_num: 7,
                score_threshold: 20.0,
                pca: DelfPca {
                    mean_path: "a".into(),
                    projection_matrix_path: "b".into(),
                    pca_dim: Some(40),
                    use_whitening: true,
                    pca_variances_path: "c".into(),
                },
                use_resized_coordinates: true,
            },
        };
        assert_eq!(decoded.value, config);
        assert_eq!(
            read("max_image_size: -1").unwrap().value,
            DelfConfig::default()
        );
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let text = "use_global_features: true is_tf2_exported: true use_global_features: true
            delf_global_config { use_pca: true image_scales_ind: 3 pca_parameters { pca_dim: 1 } }";
        assert_eq!(
            read(text).unwrap().unsupported,
            [
                "delf_global_config",
                "is_tf2_exported",
                "use_global_features"
            ]
        );
        let off = "use_global_features: false is_tf2_exported: false";
        assert!(read(off).unwrap().unsupported.is_empty());
    }

    #[test]
    fn mistakes_are_named_with_file_and_line() {
        for (text, reason) in [
            ("\nmodel: 'x'", "line 2: DelfConfig has no field `model`"),
            (
                "delf_local_config { nms: 1 }",
                "DelfLocalFeatureConfig has no field `nms`",
            ),
            ("model_path: x", "model_path: `x` is not a text in quotes"),
            (
                "image_scales: nan",
                "image_scales: `nan` is not a finite number",
            ),
            (
                "image_scales { }",
                "image_scales: a message is not a number",
            ),
            (
                "use_square_images: 2",
                "use_square_images: `2` is not true or false",
            ),
            ("max_image_size: 0", "max_image_size: `0` is not a side"),
            (
                "max_image_size: --1",
                "max_image_size: `--1` is not a whole number",
            ),
            ("max_image_size: 99999999999", "is not a side"),
            (
                "delf_local_config: 3",
                "delf_local_config: `3` is not a message in braces",
            ),
            ("delf_local_config { max_feature_num: 0 }", "above 0"),
            ("delf_local_config {", "line 1"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.starts_with("a.pbtxt: line"), "{message}");
            assert!(message.contains(reason), "{message}");
            assert_eq!(message.lines().count(), 1);
        }
    }
}
