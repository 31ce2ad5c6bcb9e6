//! TensorBoard's event files: TFRecords (length, data and their masked CRC-32C) of the protocol buffer
//! message `Event`, with field numbers as published in TensorFlow's `event.proto`, `summary.proto`,
//! `graph.proto` and `node_def.proto`.
//!
//! The one crate that writes them (tensorboard-rs) rests on protobuf 2 and an old image crate; the
//! messages are few.

use prost::Message;

use super::masked_crc::masked_crc32c;

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(bytes = "vec", optional, tag = "4")]
    graph_def: Option<Vec<u8>>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    image: Option<Image>,
    #[prost(message, optional, tag = "5")]
    histo: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Image {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    /// 3 is RGB.
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded_image_string: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(double, tag = "1")]
    min: f64,
    #[prost(double, tag = "2")]
    max: f64,
    #[prost(double, tag = "3")]
    num: f64,
    #[prost(double, tag = "4")]
    sum: f64,
    #[prost(double, tag = "5")]
    sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    bucket: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeDef>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeDef {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    op: String,
    #[prost(string, repeated, tag = "3")]
    input: Vec<String>,
}

/// Equally wide buckets of a histogram.
const NUM_BUCKETS: usize = 30;

/// Events as bytes, whole records one after the other, to be appended to a file.
#[derive(Debug, Clone)]
pub struct EventFile {
    wall_time: f64,
    bytes: Vec<u8>,
}

impl EventFile {
    /// The beginning of a file. `wall_time`, in seconds since 1970, is the events' time.
    pub fn new(wall_time: f64) -> Self {
        let mut file = Self {
            wall_time,
            bytes: Vec::new(),
        };
        file.put(Event {
            file_version: Some("brain.Event:2".into()),
            ..Event::default()
        });
        file
    }

    /// Adds a number.
    pub fn scalar(&mut self, step: usize, tag: &str, value: f64) {
        self.put_value(
            step,
            Value {
                tag: tag.into(),
                simple_value: Some(value as f32),
                ..Value::default()
            },
        );
    }

    /// Adds the histogram of `values`; nothing for none, or for values that are not finite.
    pub fn histogram(&mut self, step: usize, tag: &str, values: &[f32]) {
        if let Some(histo) = histogram(values) {
            self.put_value(
                step,
                Value {
                    tag: tag.into(),
                    histo: Some(histo),
                    ..Value::default()
                },
            );
        }
    }

    /// Adds a PNG picture of this width and height.
    pub fn image(&mut self, step: usize, tag: &str, [width, height]: [u32; 2], png: Vec<u8>) {
        self.put_value(
            step,
            Value {
                tag: tag.into(),
                image: Some(Image {
                    height: height as i32,
                    width: width as i32,
                    colorspace: 3,
                    encoded_image_string: png,
                }),
                ..Value::default()
            },
        );
    }

    /// Adds the graph: name, operation and inputs of each node.
    pub fn graph(&mut self, nodes: &[(&str, &str, &[&str])]) {
        let node = nodes.iter().map(|(name, op, inputs)| NodeDef {
            name: (*name).into(),
            op: (*op).into(),
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        });
        self.put(Event {
            graph_def: Some(
                GraphDef {
                    node: node.collect(),
                }
                .encode_to_vec(),
            ),
            ..Event::default()
        });
    }

    /// The time of the events that follow, in seconds since 1970.
    pub fn set_wall_time(&mut self, wall_time: f64) {
        self.wall_time = wall_time;
    }

    /// The bytes of the events added since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn put_value(&mut self, step: usize, value: Value) {
        self.put(Event {
            step: step as i64,
            summary: Some(Summary { value: vec![value] }),
            ..Event::default()
        });
    }

    fn put(&mut self, mut event: Event) {
        event.wall_time = self.wall_time;
        let data = event.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        self.bytes.extend(length);
        self.bytes.extend(masked_crc32c(&length).to_le_bytes());
        self.bytes.extend(&data);
        self.bytes.extend(masked_crc32c(&data).to_le_bytes());
    }
}

fn histogram(values: &[f32]) -> Option<Histogram> {
    let values: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = ((max - min) / NUM_BUCKETS as f64).max(1e-12);
    let mut bucket = vec![0.0; NUM_BUCKETS];
    for value in &values {
        bucket[(((value - min) / width) as usize).min(NUM_BUCKETS - 1)] += 1.0;
    }
    Some(Histogram {
        min,
        max,
        num: values.len() as f64,
        sum: values.iter().sum(),
        sum_squares: values.iter().map(|v| v * v).sum(),
        bucket_limit: (1..=NUM_BUCKETS).map(|i| min + width * i as f64).collect(),
        bucket,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_length_checksum_data_checksum() {
        let mut file = EventFile::new(1.0);
        file.scalar(7, "accuracy_1", 0.5);
        let mut bytes = file.take_bytes();
        file.set_wall_time(2.0);
        file.scalar(8, "accuracy_1", 0.5);
        bytes.extend(file.take_bytes());
        assert!(file.take_bytes().is_empty());
        let mut rest = &bytes[..];
        let mut events = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let crc = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            assert_eq!(crc(8), masked_crc32c(&rest[..8]));
            let data = &rest[12..12 + length];
            assert_eq!(crc(12 + length), masked_crc32c(data));
            events.push(Event::decode(data).unwrap());
            rest = &rest[16 + length..];
        }
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        assert_eq!((events[1].step, events[1].wall_time), (7, 1.0));
        assert_eq!((events[2].step, events[2].wall_time), (8, 2.0));
        assert_eq!(events.len(), 3);
        let value = &events[1].summary.as_ref().unwrap().value[0];
        assert_eq!(
            (value.tag.as_str(), value.simple_value),
            ("accuracy_1", Some(0.5))
        );
        // The CRC-32C of nine digits is the published check value.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn histograms_count_every_value_once() {
        let made = histogram(&[-1.0, 0.0, 0.5, 2.0]).unwrap();
        assert_eq!(
            (made.min, made.max, made.num, made.sum),
            (-1.0, 2.0, 4.0, 1.5)
        );
        assert_eq!(made.bucket.iter().sum::<f64>(), 4.0);
        assert_eq!(
            (made.bucket[0], made.bucket[29], made.bucket[10]),
            (1.0, 1.0, 1.0)
        );
        assert_eq!(histogram(&[3.0, 3.0]).unwrap().bucket[0], 2.0);
        assert!(histogram(&[]).is_none() && histogram(&[f32::NAN]).is_none());
    }
}
