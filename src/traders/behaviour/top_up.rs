//! Margin top-up: pays from the wallet into the position when its margin ratio has fallen to a trigger.
//!
//! The account pays restore·M − equity, M its maintenance margin at the mark, as far as its wallet and the limit on it go.

use super::{Act, Answer, Behaviour, Cast, Cue, DELAY, SHARE, Same, Seen, Then, Wallet, delay};
use crate::market::distribution::Distribution;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct TopUp {
    share: f64,
    trigger: f64,
    level: Same,
    restore: f64,
    delay: Box<dyn Distribution>,
    wallet_share: f64,
    times: u32,
}

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "top_up",
    about: "pays from the wallet into the position when its margin ratio has fallen to a trigger",
    keys: &[
        SHARE,
        Key {
            name: "trigger",
            shape: Shape::Number { unit: "", min: 1.0, max: 100.0 },
            need: Need::Default("1.5"),
            about: "equity over maintenance margin at which the account pays in",
        },
        Key {
            name: "restore",
            shape: Shape::Number { unit: "", min: 1.0, max: 1000.0 },
            need: Need::Default("3"),
            about: "equity over maintenance margin that it pays up to; above `trigger`",
        },
        DELAY,
        Key {
            name: "wallet_share",
            shape: Shape::Share { min: 0.0, max: 1.0 },
            need: Need::Default("1"),
            about: "part of its wallet at the opening that it pays at most, over all times together",
        },
        Key {
            name: "times",
            shape: Shape::Count { min: 1, max: 1000 },
            need: Need::Default("1"),
            about: "how often at most",
        },
    ],
    build: |values, reading| {
        let (trigger, restore) = (values.number("trigger"), values.number("restore"));
        if restore <= trigger {
            reading.fault(
                &values.span("restore"),
                format!("`restore` of {restore} is not above `trigger` of {trigger}"),
                "an account that pays in must end above the ratio at which it pays again",
            );
            return None;
        }
        Some(Box::new(TopUp {
            share: values.number("share"),
            trigger,
            level: Same(trigger),
            restore,
            delay: delay(values, reading)?,
            wallet_share: values.number("wallet_share"),
            times: u32::try_from(values.count("times")).unwrap_or(u32::MAX),
        }))
    },
};

impl Behaviour for TopUp {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::MarginRatio(self.trigger)
    }

    fn level(&self) -> &dyn Distribution {
        &self.level
    }

    fn delay_s(&self) -> &dyn Distribution {
        &*self.delay
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        let kept = (1.0 - self.wallet_share) * seen.opened_wallet;
        let lacking = seen.margin.map_or(0.0, |of| self.restore * of.maintenance - of.equity);
        let cash = lacking.min(seen.wallet - kept);
        if cash < 1.0 {
            return Answer::once(Act::Nothing);
        }
        let again = if seen.acted + 1 < self.times { Then::Rearm(self.trigger) } else { Then::Rest };
        Answer { act: Act::TopUp { cash }, then: again }
    }

    fn needs_wallet(&self) -> Wallet {
        Wallet::Needed
    }
}
