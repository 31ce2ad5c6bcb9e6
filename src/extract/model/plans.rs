//! A network made ready for inputs of one size. Names tract, as its parent does.
//!
//! tract runs fastest on concrete shapes, so a plan is made for each input size once and kept. All
//! plans come from one graph whose height and width are symbols and whose bottlenecks are ours,
//! so that making one more is cheap and the weights are in memory once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tract_onnx::prelude::*;

use super::{fusion, translation};
use crate::extract::manifest::{Layout, ModelManifest, OutputsManifest};

/// Plans kept at once. Photos of one folder share few sizes; beyond this, the plan that was made
/// first is dropped.
const MAX_PLANS: usize = 64;

/// Requested network outputs; the others are pruned from the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outputs {
    Local,
    LocalAndGlobal,
    Global,
}

impl Outputs {
    /// The names of the requested outputs, in the order in which a plan gives them.
    pub(super) fn names(self, outputs: &OutputsManifest) -> impl Iterator<Item = &str> {
        let local = [outputs.descriptors.as_str(), outputs.attention.as_str()]
            .into_iter()
            .chain(outputs.offsets.as_deref())
            .filter(move |_| self != Self::Global);
        let global = outputs.global.as_deref();
        local.chain(global.filter(|_| self != Self::Local))
    }
}

/// Input width, input height, outputs.
pub(super) type PlanKey = (u32, u32, Outputs);
/// A value, or the fault in words.
type Outcome<T> = Result<T, String>;
type Plan = Arc<OnceLock<Outcome<Arc<TypedRunnableModel>>>>;

/// A network and its plans.
pub(super) struct Plans {
    network: InferenceModel,
    /// One for each of [`Outputs`].
    any_size: [OnceLock<Outcome<Arc<AnySize>>>; 3],
    made: Mutex<Made>,
}

/// A network of any size.
struct AnySize {
    model: TypedModel,
    /// Stand for height and width, in units of the manifest's size multiple.
    symbols: [Symbol; 2],
}

#[derive(Default)]
struct Made {
    by_key: BTreeMap<PlanKey, Plan>,
    in_order: VecDeque<PlanKey>,
}

impl Plans {
    pub(super) fn new(network: InferenceModel) -> Self {
        Self {
            network,
            any_size: Default::default(),
            made: Mutex::default(),
        }
    }

    pub(super) fn has_output(&self, name: &str) -> bool {
        outlet(&self.network, name).is_some()
    }

    /// The plan for inputs of a size, made where it is missing.
    ///
    /// # Errors
    /// tract's message.
    pub(super) fn plan(
        &self,
        entry: &ModelManifest,
        key: PlanKey,
    ) -> Outcome<Arc<TypedRunnableModel>> {
        let plan = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(plan) = made.by_key.get(&key) {
                plan.clone()
            } else {
                if made.in_order.len() == MAX_PLANS
                    && let Some(oldest) = made.in_order.pop_front()
                {
                    made.by_key.remove(&oldest);
                }
                made.in_order.push_back(key);
                made.by_key.entry(key).or_default().clone()
            }
        };
        // Made outside the lock: plans of other sizes are made at the same time.
        plan.get_or_init(|| self.make(entry, key).map_err(|e| e.to_string()))
            .clone()
            .map_err(|e| format!("no plan for {} x {} pixels: {e}", key.0, key.1))
    }

    fn make(
        &self,
        entry: &ModelManifest,
        (width, height, wanted): PlanKey,
    ) -> TractResult<Arc<TypedRunnableModel>> {
        let typed = match self.any_size(entry, wanted) {
            Ok(any) => {
                let multiple = entry.input.size_multiple;
                let sides = [height, width].map(|side| TDim::from(i64::from(side / multiple)));
                let values = any.symbols.iter().cloned().zip(sides).collect();
                any.model.set_symbols(&values)?
            }
            // A network whose size cannot be set afterwards.
            Err(_) => {
                let sides = [height, width].map(|side| TDim::from(i64::from(side)));
                self.typed(entry, sides, wanted)?
            }
        };
        typed.into_optimized()?.into_runnable()
    }

    fn any_size(&self, entry: &ModelManifest, wanted: Outputs) -> Outcome<Arc<AnySize>> {
        self.any_size[wanted as usize]
            .get_or_init(|| {
                let symbols = ["height", "width"].map(|name| self.network.symbols.sym(name));
                let multiple = entry.input.size_multiple as usize;
                let sides = symbols
                    .each_ref()
                    .map(|symbol| TDim::from(symbol) * multiple);
                match self.typed(entry, sides, wanted) {
                    Ok(model) => Ok(Arc::new(AnySize { model, symbols })),
                    Err(e) => Err(e.to_string()),
                }
            })
            .clone()
    }

    /// The network for inputs of this height and width, decluttered.
    fn typed(
        &self,
        entry: &ModelManifest,
        [height, width]: [TDim; 2],
        wanted: Outputs,
    ) -> TractResult<TypedModel> {
        let shape = match entry.input.layout {
            Layout::Nchw => [1.into(), 3.into(), height, width],
            Layout::Nhwc => [1.into(), height, width, 3.into()],
        };
        let mut network = self.network.clone();
        network.set_input_fact(0, f32::fact(shape).into())?;
        let outlets: Vec<OutletId> = wanted
            .names(&entry.outputs)
            .filter_map(|name| outlet(&network, name))
            .collect();
        network.select_output_outlets(&outlets)?;
        let mut typed = translation::typed(network)?;
        fusion::fuse_bottlenecks(&mut typed)?;
        typed.into_decluttered()
    }
}

fn outlet(network: &InferenceModel, name: &str) -> Option<OutletId> {
    network
        .find_outlet_label(name)
        .or_else(|| network.node_id_by_name(name).ok().map(OutletId::from))
}
