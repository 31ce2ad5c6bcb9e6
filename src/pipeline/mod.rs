//! The whole job: from photos to matches, verified transforms and verdicts.

mod cache;
mod classification;
mod evidence;
mod features;
mod folder;
mod observer;
mod options;
mod pair;
mod refined;

pub use cache::{FeatureCache, NoCache, PhotoCache};
pub use classification::{
    Classification, ClassifierOptions, Distortions, Doubt, Finding, LabelledResult,
    PhotoClassifier, PhotoFeatures, PhotoGroups, TrainedClassifier, TrainedPhoto, TrainingFolders,
    TrainingLog, TrainingObserver, Watchless, export_classifier, open_dataset, read_photo,
    results_page, review_labels, review_page, train_classifier,
};
pub use features::{FeatureMatch, match_features, seed_from_content};
pub use folder::{
    ClusterFile, ClusterOptions, ClusterSource, EvidenceSummary, Explanation, Failure,
    FolderClusters, FolderPhoto, PairRow, PhotoRow, SearchHit, SearchResult, VerifiedPair,
    cluster_folder, clusters_csv, colmap_database, edges_csv, folder_report, labels_txt,
    search_folder,
};
pub use observer::{Observer, Silent, Stage};
pub use options::MatchOptions;
pub use pair::{PairMatch, StageTimes, match_extracted, match_pair, match_photos, open_pair};
pub use refined::RefinedMatch;
