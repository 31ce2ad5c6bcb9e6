//! Apache Parquet, written: tables that pandas, Polars and DuckDB read.
//!
//! Columns are flat values, text, or lists of floats. Pages are compressed by Snappy. The key-value metadata holds
//! `delfin`, the mark of files that delfin made. The same rows give the same bytes.

use std::borrow::Cow;
use std::io::{Error, Result, Write};
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;

use crate::files::MARK;

/// The values of one column of a row group. A value that is missing in a required column is an error.
pub(crate) enum Column<'a> {
    /// Text, UTF-8.
    Text(Vec<Option<Cow<'a, str>>>),
    /// Truth values.
    Boolean(Vec<bool>),
    /// Whole numbers from 0 on.
    Integer(Vec<u32>),
    /// Numbers of 64 bits.
    Double(Vec<f64>),
    /// Numbers of 32 bits.
    Float(Vec<Option<f32>>),
    /// Lists of numbers of 32 bits.
    Floats(Vec<Option<Vec<f32>>>),
}

/// Writes a table, one row group after the other.
pub(crate) struct TableWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table of this schema, in Parquet's own notation; `metadata` are keys and values besides
    /// delfin's mark.
    ///
    /// # Errors
    /// Those of `out`, and a schema that is none.
    pub(crate) fn new(out: W, schema: &str, metadata: &[(&str, &str)]) -> Result<Self> {
        let marks = [("delfin", MARK)];
        let pair = |(key, value): &(&str, &str)| KeyValue::new((*key).into(), value.to_string());
        let metadata = marks.iter().chain(metadata).map(pair).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(metadata))
            .build();
        let schema = parse_message_type(schema).map_err(error)?;
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties));
        Ok(Self {
            file: file.map_err(error)?,
        })
    }

    /// Writes a row group: the columns of the schema in their order, of one length.
    ///
    /// # Errors
    /// Those of the file, and columns that do not fit the schema.
    pub(crate) fn write(&mut self, columns: Vec<Column<'_>>) -> Result<()> {
        let mut group = self.file.next_row_group().map_err(error)?;
        for column in columns {
            let writer = group.next_column().map_err(error)?;
            let mut writer =
                writer.ok_or_else(|| Error::other("more columns than the schema has"))?;
            put(&mut writer, column).map_err(error)?;
            writer.close().map_err(error)?;
        }
        group.close().map_err(error)?;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Those of the file.
    pub(crate) fn finish(self) -> Result<()> {
        self.file.close().map_err(error)?;
        Ok(())
    }
}

fn put(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column<'_>,
) -> std::result::Result<(), ParquetError> {
    match column {
        Column::Text(values) => {
            let bytes = |text: Cow<'_, str>| ByteArray::from(text.into_owned().into_bytes());
            let values = values.into_iter().map(|value| value.map(bytes));
            flat::<ByteArrayType>(writer, values)
        }
        Column::Boolean(values) => flat::<BoolType>(writer, values.into_iter().map(Some)),
        // Parquet keeps numbers without a sign in the bits of those with one.
        Column::Integer(values) => {
            let values = values.into_iter().map(|value| Some(value.cast_signed()));
            flat::<Int32Type>(writer, values)
        }
        Column::Double(values) => flat::<DoubleType>(writer, values.into_iter().map(Some)),
        Column::Float(values) => flat::<FloatType>(writer, values.into_iter()),
        Column::Floats(values) => lists(writer, &values),
    }
}

/// One value a row. A column that may miss values has level 1 where there is one.
fn flat<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> std::result::Result<(), ParquetError> {
    let writer = writer.typed::<T>();
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let is_optional = writer.get_descriptor().max_def_level() > 0;
    if !is_optional && present.len() < levels.len() {
        return Err(ParquetError::General("a value is missing".into()));
    }
    writer.write_batch(&present, is_optional.then_some(&levels[..]), None)?;
    Ok(())
}

/// One list a row. The highest level is that of a value, the one below that of an empty list.
fn lists(
    writer: &mut SerializedColumnWriter<'_>,
    lists: &[Option<Vec<f32>>],
) -> std::result::Result<(), ParquetError> {
    let writer = writer.typed::<FloatType>();
    let level = writer.get_descriptor().max_def_level();
    let (mut values, mut levels, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        match list.as_deref() {
            Some([]) => levels.push(level - 1),
            None if level > 1 => levels.push(0),
            None => return Err(ParquetError::General("a list is missing".into())),
            Some(list) => {
                values.extend_from_slice(list);
                levels.extend(std::iter::repeat_n(level, list.len()));
                repeats.push(0);
                repeats.extend(std::iter::repeat_n(1, list.len() - 1));
                continue;
            }
        }
        repeats.push(0);
    }
    writer.write_batch(&values, Some(&levels), Some(&repeats))?;
    Ok(())
}

/// The file system's error, if it is one.
fn error(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<Error>() {
            Ok(source) => *source,
            Err(source) => Error::other(source),
        },
        other => Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "message table {
        required binary name (STRING);
        optional binary kind (STRING);
        required group values (LIST) { repeated group list { required float element; } }
        optional group others (LIST) { repeated group list { required float element; } }
    }";

    fn rows(names: &[&str], kinds: &[Option<&str>]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut table = TableWriter::new(&mut bytes, SCHEMA, &[("key", "value")])?;
        let lists = || names.iter().map(|name| Some(vec![0.5; name.len()]));
        table.write(vec![
            Column::Text(names.iter().map(|name| Some((*name).into())).collect()),
            Column::Text(kinds.iter().map(|kind| kind.map(Cow::from)).collect()),
            Column::Floats(lists().collect()),
            Column::Floats(
                lists()
                    .map(|list| list.filter(|list| list.len() > 1))
                    .collect(),
            ),
        ])?;
        table.finish()?;
        Ok(bytes)
    }

    #[test]
    fn a_table_is_marked_and_the_same_each_time() {
        let write = || rows(&["", "a", "bc"], &[None, Some("x"), None]).unwrap();
        let bytes = write();
        assert_eq!(bytes, write());
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        assert!(holds(MARK) && holds("value"));
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        assert!(rows(&["a", "b"], &[None]).is_err());
        let mut table = TableWriter::new(Vec::new(), SCHEMA, &[]).unwrap();
        assert!(table.write(vec![Column::Text(vec![None])]).is_err());
        let mut table = TableWriter::new(Vec::new(), SCHEMA, &[]).unwrap();
        assert!(
            table
                .write(vec![Column::Text(vec![Some("a".into())])])
                .is_err()
        );
        assert!(TableWriter::new(Vec::new(), "none", &[]).is_err());
    }
}
