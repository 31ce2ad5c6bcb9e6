//! The whole job: from photos to matches, verified transforms and verdicts.

mod cache;
mod classification;
mod evidence;
mod evidence_text;
mod features;
mod folder;
mod observer;
mod options;
mod pair;
mod pair_report;
mod refined;

pub use cache::{FeatureCache, NoCache, PhotoCache};
pub use classification::{
    Classification, ClassifierOptions, Distortions, Doubt, Finding, LabelledResult,
    PhotoClassifier, PhotoFeatures, PhotoGroups, TrainedClassifier, TrainedPhoto, TrainingFolders,
    TrainingLog, TrainingObserver, Watchless, export_classifier, open_dataset, read_photo,
    results_page, review_labels, review_page, review_photos, suggestions, train_classifier,
    train_on,
};
pub use evidence_text::{SAME_FILE, for_and_against, percent, point_text, relation_text};
pub use features::{FeatureMatch, match_features, seed_from_content};
pub use folder::{
    Action, ActionLog, BestBy, ClusterFile, ClusterOptions, ClusterSource, Correction,
    EvidenceSummary, Explanation, Failure, FolderClusters, FolderPhoto, FolderSession,
    PairsBetween, PhotoHit, PhotoRow, Question, Ranking, ReportPictures, RivalPairs, SearchHit,
    SearchResult, TableFormat, VerifiedPair, blocks, cluster_pairs, clusters_csv, clusters_json,
    edges_csv, edited_table, labels_txt,
};
#[cfg(feature = "parquet")]
pub use folder::{clusters_parquet, edges_parquet};
pub use observer::{Observer, Stage};
pub use options::MatchOptions;
pub use pair::{
    PairMatch, StageTimes, VerifiedFeatures, match_extracted, match_pair, match_photos, open_pair,
    verify_features,
};
pub use pair_report::PairReport;
pub use refined::RefinedMatch;
