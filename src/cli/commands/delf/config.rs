//! DELF's configuration as this program's options.

use std::path::{Path, PathBuf};

use anyhow::bail;
use delfin::extract::import::{ImportOptions, PcaSource};
use delfin::formats::delf_config::{DelfConfig, DelfPca};

use crate::cli::output;

/// Reads a configuration; unsupported fields are named on standard error.
pub(crate) fn open(path: &Path) -> anyhow::Result<DelfConfig> {
    let decoded = DelfConfig::open(path)?;
    for field in &decoded.unsupported {
        output::note(format_args!(
            "delfin: {}: {field} is not supported; local features alone are extracted",
            path.display()
        ));
    }
    Ok(decoded.value)
}

/// Import options of the configuration's network; `path` names it in errors.
pub(crate) fn import_options(config: &DelfConfig, path: &Path) -> anyhow::Result<ImportOptions> {
    let local = &config.local;
    let mut options = ImportOptions {
        pca: if local.use_pca {
            pca(&local.pca, path)?
        } else {
            PcaSource::None
        },
        ..ImportOptions::default()
    };
    if !config.image_scales.is_empty() {
        options.defaults.scales = config.image_scales.clone();
    }
    if let Some(max_size) = config.max_image_size {
        options.defaults.max_size = max_size;
    }
    options.defaults.max_features = local.max_feature_num;
    options.defaults.min_attention = local.score_threshold.max(0.0);
    Ok(options)
}

fn pca(pca: &DelfPca, path: &Path) -> anyhow::Result<PcaSource> {
    let Some(dim) = pca.pca_dim else {
        bail!(
            "{}: use_pca is true, but pca_dim is not given",
            path.display()
        );
    };
    let given = [
        ("mean_path", &pca.mean_path, true),
        ("projection_matrix_path", &pca.projection_matrix_path, true),
        (
            "pca_variances_path",
            &pca.pca_variances_path,
            pca.use_whitening,
        ),
    ];
    if let Some((name, ..)) = given
        .iter()
        .find(|(_, value, needed)| *needed && value.is_empty())
    {
        bail!(
            "{}: use_pca is true, but {name} is not given",
            path.display()
        );
    }
    Ok(PcaSource::Files {
        mean: PathBuf::from(&pca.mean_path),
        projection: PathBuf::from(&pca.projection_matrix_path),
        variances: pca
            .use_whitening
            .then(|| PathBuf::from(&pca.pca_variances_path)),
        dim,
    })
}
