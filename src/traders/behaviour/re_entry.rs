//! Re-entry: opens again what a liquidation or ADL closed, on the same side, with cash of the wallet.
//!
//! Notional is `size` times the lots closed; its collateral is notional over the leverage that the account had at the
//! opening, as far as the wallet goes. Of 627 accounts deleveraged on 10 October 2025 that could be classified, 27 re-opened
//! at least a quarter within a minute (see `docs/methods.md`).

use super::{Act, Answer, Behaviour, Cast, Closing, Cue, DELAY, SHARE, SLIPPAGE, Same, Seen, Then, delay};
use crate::market::distribution::Distribution;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct ReEntry {
    share: f64,
    after: Closing,
    delay: Box<dyn Distribution>,
    size: f64,
    times: u32,
    slippage: f64,
}

const NO_LEVEL: Same = Same(0.0);

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "re_entry",
    about: "opens again what a liquidation or ADL closed, on the same side, with cash of the wallet",
    keys: &[
        SHARE,
        Key {
            name: "after",
            shape: Shape::Choice(&[("liquidation", "a liquidation"), ("adl", "auto-deleveraging"), ("either", "both")]),
            need: Need::Default("\"either\""),
            about: "what it comes back from",
        },
        DELAY,
        Key {
            name: "size",
            shape: Shape::Share { min: 0.001, max: 10.0 },
            need: Need::Default("1"),
            about: "lots that it wants again, as a share of those closed",
        },
        Key {
            name: "times",
            shape: Shape::Count { min: 1, max: 1000 },
            need: Need::Default("1"),
            about: "how often at most",
        },
        SLIPPAGE,
    ],
    build: |values, reading| {
        Some(Box::new(ReEntry {
            share: values.number("share"),
            after: match values.text("after").as_str() {
                "liquidation" => Closing::Liquidation,
                "adl" => Closing::Adl,
                _ => Closing::Either,
            },
            delay: delay(values, reading)?,
            size: values.number("size"),
            times: u32::try_from(values.count("times")).unwrap_or(u32::MAX),
            slippage: values.number("slippage"),
        }))
    },
};

impl Behaviour for ReEntry {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::Closed(self.after)
    }

    fn level(&self) -> &dyn Distribution {
        &NO_LEVEL
    }

    fn delay_s(&self) -> &dyn Distribution {
        &*self.delay
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        if seen.acted >= self.times {
            return Answer::once(Act::Nothing);
        }
        let lots = self.size * seen.closed_lots;
        let margin = (lots * seen.lot_value() / seen.opened_leverage).min(seen.wallet);
        let act = Act::Open { lots, limit: seen.opening_limit(self.slippage), margin };
        Answer { act, then: Then::Rearm(0.0) }
    }
}
