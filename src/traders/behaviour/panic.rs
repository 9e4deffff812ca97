//! Panic: closes the position when the traded price has moved against it by more than the account can watch within a
//! window. Herding on the recent return, each account at a threshold of its own.

use super::{Act, Answer, Behaviour, CLOSES, Cast, Cue, DELAY, SHARE, SLIPPAGE, Seen, delay, drawn};
use crate::market::distribution::{DISTRIBUTION_INFO, Distribution};
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Shape};

#[derive(Debug)]
struct Panic {
    share: f64,
    fall: Box<dyn Distribution>,
    window: Nanos,
    delay: Box<dyn Distribution>,
    closes: f64,
    slippage: f64,
}

pub const ENTRY: Entry<dyn Behaviour> = Entry {
    kind: "panic",
    about: "closes the position when the traded price has moved against it too far within a window",
    keys: &[
        SHARE,
        Key {
            name: "fall",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Required,
            about: "adverse move of the traded price over the window that an account cannot watch, as a share",
        },
        Key {
            name: "window",
            shape: Shape::Time { min: Nanos(1) },
            need: Need::Default("\"5 min\""),
            about: "how far back accounts look",
        },
        DELAY,
        CLOSES,
        SLIPPAGE,
    ],
    build: |values, reading| {
        let (fall, delay) = (drawn(values, "fall", 0.0, 0.999, reading), delay(values, reading));
        Some(Box::new(Panic {
            share: values.number("share"),
            fall: fall?,
            window: values.time("window"),
            delay: delay?,
            closes: values.number("closes"),
            slippage: values.number("slippage"),
        }))
    },
};

impl Behaviour for Panic {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn cast(&self) -> Cast {
        Cast::Share(self.share)
    }

    fn cue(&self) -> Cue {
        Cue::Fall { window: self.window }
    }

    fn level(&self) -> &dyn Distribution {
        &*self.fall
    }

    fn delay_s(&self) -> &dyn Distribution {
        &*self.delay
    }

    fn act(&self, seen: &Seen, _: &mut dyn FnMut() -> f64) -> Answer {
        Answer::once(Act::close(self.closes * seen.lots, seen.closing_limit(self.slippage)))
    }
}
