//! tower's `RateLimit`, which is one thread's: it is not shared, and has no clones. Where it is to refuse, it stands under
//! `LoadShed`.

use tower::limit::RateLimit;
use tower::limit::rate::Rate;
use tower::load_shed::LoadShed;

use super::{HOUR, SECOND, Supply};
use crate::contenders::{AlwaysOk, Echo, Make, within_runtime};

/// The service.
#[must_use]
pub fn service(supply: Supply) -> Make {
    let rate = match supply {
        Supply::Ample => Rate::new(u64::MAX, SECOND),
        Supply::Exhausted => Rate::new(1, HOUR),
    };
    within_runtime(Box::new(move |threads| {
        assert_eq!(threads, 1, "it is not shared");
        let mut service = RateLimit::new(Echo::<AlwaysOk>::new(), rate);
        vec![match supply {
            Supply::Ample => supply.body(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request)),
            Supply::Exhausted => {
                let mut service = LoadShed::new(service);
                supply.body(move |request, seen| seen.service::<AlwaysOk, _>(&mut service, request))
            }
        }]
    }))
}
