//! Arbitrage capital: trades the book back towards the index while its wallet lasts, and unwinds as the gap closes.
//!
//! A long account buys when the book trades below the index by more than a threshold, and no higher than the threshold
//! below it; what it has bought it sells once the gap is within `release`, no lower than that. A short account does the
//! mirror image. Accounts come last in an instant, the least threshold first, and only as long as the gap is open. Its capital is its wallet times leverage; collateral of what it unwinds comes back to the wallet. The
//! other leg, on another venue, is not simulated.

use super::dip_buyer::LEVERAGE;
use super::{Act, Answer, Behaviour, Cast, Cue, DELAY, Margin, SHARE, Seen, Then, Wallet, delay, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct Arbitrage {
    share: f64,
    threshold: Box<dyn Distribution>,
    release: f64,
    leverage: f64,
    delay: Box<dyn Distribution>,
}

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "arbitrage",
    about: "trades the book back towards the index until its wallet is spent, and unwinds as the gap closes",
    keys: &[
        SHARE,
        Key {
            name: "threshold",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "gap between book and index that it leaves, as a share of the index",
        },
        Key {
            name: "release",
            shape: Shape::Share { min: 0.0, max: 0.5 },
            need: Need::Default("0"),
            about: "gap at which it sells again what it bought; below every `threshold`",
        },
        LEVERAGE,
        DELAY,
    ],
    build: |values, reading| {
        let (threshold, delay) = (drawn(values, "threshold", 0.0, 0.5, reading), delay(values, reading));
        let threshold = threshold?;
        let release = values.number("release");
        if release > 0.0 && release >= threshold.support().0 {
            reading.fault(
                &values.span("release"),
                format!("`release` of {release} is not below the least `threshold`, {}", threshold.support().0),
                "an account must not sell at the gap at which it buys",
            );
            return None;
        }
        Some(Box::new(Arbitrage {
            share: values.number("share"),
            threshold,
            release,
            leverage: values.number("leverage"),
            delay: delay?,
        }))
    },
};

impl Behaviour for Arbitrage {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::Discount
    }

    fn level(&self) -> &dyn Distribution {
        &*self.threshold
    }

    fn delay_s(&self) -> &dyn Distribution {
        &*self.delay
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        let extra = seen.lots - seen.opened_lots;
        let gap = seen.discount();
        let wait = |above: f64| Then::Between { above, below: self.release };
        if gap > seen.level {
            let lots = seen.wallet * self.leverage / seen.lot_value();
            if lots >= 1.0 {
                let limit = seen.index * (1.0 - seen.sign * seen.level);
                return Answer { act: Act::Open { lots, limit, margin: seen.wallet }, then: wait(seen.level) };
            }
            // The budget is spent: nothing to do before something can be sold again.
            let then = if extra > 0.0 { wait(f64::INFINITY) } else { Then::Rest };
            return Answer { act: Act::Nothing, then };
        }
        if extra <= 0.0 {
            return Answer { act: Act::Nothing, then: Then::Rearm(seen.level) };
        }
        if gap > self.release {
            return Answer { act: Act::Nothing, then: wait(seen.level) };
        }
        let limit = seen.index * (1.0 - seen.sign * self.release);
        Answer { act: Act::Close { lots: extra, limit, margin: Margin::Freed }, then: wait(seen.level) }
    }

    fn needs_wallet(&self) -> Wallet {
        Wallet::Needed
    }
}
