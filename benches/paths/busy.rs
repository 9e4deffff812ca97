//! Time that nobody else on the machine disturbs.

use std::sync::LazyLock;
use std::time::Instant;

/// Nanoseconds that this thread was on a processor, so that others on the machine do not count; time of the clock where
/// the system does not tell (Linux does).
pub fn nanoseconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| START.elapsed().as_secs_f64() * 1e9)
}
