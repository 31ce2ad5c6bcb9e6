//! Unknown fields of a protocol buffer message. Decoding skips them; here they are named, so that nothing is
//! dropped silently.

use std::collections::BTreeSet;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// A message type: its name, and the fields that are read, with the type of those that are messages
/// themselves.
pub(super) struct MessageType {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(u32, Option<&'static MessageType>)],
}

/// Names the fields in `bytes` that `message` does not have, as `DatumProto field 3`.
pub(super) fn unknown_fields(bytes: &[u8], message: &MessageType) -> Result<Vec<String>, String> {
    let mut found = BTreeSet::new();
    collect(bytes, message, &mut found)?;
    Ok(found
        .into_iter()
        .map(|(name, field)| format!("{name} field {field}"))
        .collect())
}

fn collect(
    mut bytes: &[u8],
    message: &MessageType,
    found: &mut BTreeSet<(&'static str, u32)>,
) -> Result<(), String> {
    while !bytes.is_empty() {
        let (field, wire_type) = decode_key(&mut bytes).map_err(|e| e.to_string())?;
        match message.fields.iter().find(|(number, _)| *number == field) {
            Some((_, Some(inner))) if wire_type == WireType::LengthDelimited => {
                let length = decode_varint(&mut bytes).map_err(|e| e.to_string())?;
                let (content, rest) = usize::try_from(length)
                    .ok()
                    .and_then(|length| bytes.split_at_checked(length))
                    .ok_or_else(|| format!("it ends inside {}", inner.name))?;
                collect(content, inner, found)?;
                bytes = rest;
            }
            known => {
                if known.is_none() {
                    found.insert((message.name, field));
                }
                skip_field(wire_type, field, &mut bytes, DecodeContext::default())
                    .map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(())
}
