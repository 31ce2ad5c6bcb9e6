//! A classifier and its network as one file for other programs.

use crate::classify::Classifier;
use crate::error::{Error, Result};
use crate::extract::{Layout, Model};
use crate::files::MARK;
use crate::formats::classifier_onnx::{Head, encode};

/// The bytes of an ONNX file from pixels to the layer's probabilities
/// ([`crate::formats::classifier_onnx`]). Its metadata has the `labels` as a JSON list and the longest
/// side of a photo, `longest_side_px`. `model` is the classifier's network.
///
/// # Errors
/// [`Error::Model`] when the network cannot be read again or has no global descriptor.
pub fn export_classifier(classifier: &Classifier, model: &Model) -> Result<Vec<u8>> {
    let fail = |reason: String| Error::Model {
        path: model.path().to_owned(),
        reason,
    };
    let manifest = model.manifest();
    let global = manifest.outputs.global.as_deref();
    let labels = serde_json::to_string(&classifier.labels).map_err(|e| fail(e.to_string()))?;
    let head = Head {
        input: &manifest.input.name,
        channels_last: manifest.input.layout == Layout::Nhwc,
        mean: manifest.input.mean,
        std: manifest.input.std,
        global: global.ok_or_else(|| fail("it gives no global descriptor".into()))?,
        layer: &classifier.layer,
        factor: classifier.calibration.layer_alone,
        metadata: &[
            ("labels", labels),
            (
                "longest_side_px",
                classifier.settings.global_size.to_string(),
            ),
            ("network_sha256", classifier.network.sha256.clone()),
            ("origin", MARK.into()),
        ],
    };
    encode(&model.onnx()?, &head).map_err(fail)
}
