//! Arbitrage capital: trades the book back towards the index while its wallet lasts, and unwinds as the gap closes.
//!
//! A long account buys when the book trades below the index by more than a threshold, and no higher than the threshold
//! below it; what it has bought it sells once the gap is within `release`, no lower than that. A short account does the
//! mirror image. Its capital is its wallet times leverage; collateral of what it unwinds comes back to the wallet. The
//! other leg, on another venue, is not simulated.

use super::dip_buyer::LEVERAGE;
use super::{Act, Answer, Behaviour, Cast, Cue, DELAY, Margin, SHARE, Seen, Then, Wallet, delay, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct Arbitrage {
    share: f64,
    threshold: Box<dyn Distribution>,
    release: f64,
    leverage: f64,
    interval_s: f64,
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
        Key {
            name: "interval",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Default("\"1 s\""),
            about: "time between two orders while the gap is open",
        },
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
            interval_s: values.time("interval").seconds(),
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
        if gap > seen.level {
            let limit = seen.index * (1.0 - seen.sign * seen.level);
            let lots = seen.wallet * self.leverage / seen.lot_value();
            let act = if lots < 1.0 { Act::Nothing } else { Act::Open { lots, limit, margin: seen.wallet } };
            return Answer { act, then: Then::Wait(self.interval_s) };
        }
        if extra <= 0.0 {
            return Answer { act: Act::Nothing, then: Then::Rearm(seen.level) };
        }
        let act = if gap <= self.release {
            Act::Close { lots: extra, limit: seen.index * (1.0 - seen.sign * self.release), margin: Margin::Freed }
        } else {
            Act::Nothing
        };
        Answer { act, then: Then::Wait(self.interval_s) }
    }

    fn needs_wallet(&self) -> Wallet {
        Wallet::Needed
    }
}
