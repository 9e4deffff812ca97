//! Behaviours: what accounts do of their own accord, and when.
//!
//! A behaviour names the cue that wakes an account, the level of it at which each account is woken, how long the account
//! takes to react, and what it does then. It proposes in floats and knows one account at a time; the simulator watches
//! the cues, and the venue decides what is carried out. So an account that no cue wakes costs nothing during a path.
//!
//! Every draw has an address: who takes part and at which level are columns of the group, account i taking word i; the
//! n-th decision of account i (a reaction time, a chance taken) is word 16·i + n. All streams are keyed by the name of
//! the behaviour's kind, so adding, removing or reordering behaviours and accounts never moves another draw.

use std::fmt::Debug;

use crate::market::distribution::{DISTRIBUTIONS, Distribution};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, EntryInfo, Family, FamilyInfo, Key, Need, Reading, Shape, Values};
use crate::rng::{Purpose, Stream, open_unit};

mod arbitrage;
mod dip_buyer;
mod hedge;
mod margin_withdrawal;
mod panic;
mod re_entry;
mod stop_loss;
mod take_profit;
mod top_up;
mod voluntary_exit;

/// All behaviours. One line a behaviour.
pub const BEHAVIOURS: Family<dyn Behaviour> = Family {
    info: &BEHAVIOUR_INFO,
    entries: &[
        stop_loss::ENTRY,
        take_profit::ENTRY,
        top_up::ENTRY,
        voluntary_exit::ENTRY,
        panic::ENTRY,
        dip_buyer::ENTRY,
        arbitrage::ENTRY,
        re_entry::ENTRY,
        margin_withdrawal::ENTRY,
        hedge::ENTRY,
    ],
};

pub static BEHAVIOUR_INFO: FamilyInfo = FamilyInfo {
    name: "behaviour",
    about: "What the accounts of a group do of their own accord; off unless written.",
    entries: || BEHAVIOURS.entries.iter().map(Entry::info).collect::<Vec<EntryInfo>>(),
    shorthand: None,
    bare_kind: false,
};

/// What accounts do of their own accord. "Adverse" is the direction in which the account's position loses.
pub trait Behaviour: Send + Sync + Debug {
    /// The kind of its entry.
    fn kind(&self) -> &'static str;

    fn cast(&self) -> Cast;

    /// What wakes an account.
    fn cue(&self) -> Cue;

    /// The level of the cue at which an account is woken.
    fn level(&self) -> &dyn Distribution;

    /// Seconds from the cue to the act.
    fn delay_s(&self) -> &dyn Distribution;

    /// What an account does that was woken, and what it waits for next. `draw` gives the next uniform of its decisions.
    fn act(&self, seen: &Seen, draw: &mut dyn FnMut() -> f64) -> Answer;

    /// Whether it can do anything for an account without free cash.
    fn needs_wallet(&self) -> Wallet {
        Wallet::Unused
    }
}

/// Whether a behaviour can do anything for an account without free cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wallet {
    Unused,
    Needed,
}

/// Which accounts of the group take part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cast {
    /// Each account with this probability.
    Share(f64),
    /// So many of the largest by notional at the opening.
    Largest(u32),
}

/// What wakes an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cue {
    /// A price has moved against the position by the level, as a share, from the worse of entry and opening mark.
    Loss(Watched),
    /// The same in favour, from the better of the two.
    Gain(Watched),
    /// Equity at the mark has fallen to this multiple of maintenance margin.
    MarginRatio(f64),
    /// The traded price has moved against the position by the level, as a share, over the window.
    Fall { window: Nanos },
    /// The traded price has moved against the position by the level, as a share, since the opening.
    Dip,
    /// The book trades away from the index, against the position, by the level as a share of the index.
    Discount,
    /// The level in seconds since the start of the path.
    Time,
    /// The level in seconds of a clock that runs 1 + factor·d⁺ times as fast, d the adverse move of the traded price since
    /// the opening, at most 1.
    Exposure { factor: f64 },
    /// Lots of the account were closed by force.
    Closed(Closing),
    /// ADL closed lots that hedge a holding of spot.
    HedgeBroken,
}

/// A price that orders watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    Mark,
    /// The mid of the book.
    Traded,
}

/// How lots were closed by force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    Liquidation,
    Adl,
    Either,
}

/// What an account sees when it acts. Prices are ticks, cash is in cash units, lots are positive.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// +1 for an account that opened long, −1 for one that opened short.
    pub sign: f64,
    pub mark: f64,
    pub index: f64,
    pub traded: f64,
    /// Cash units per lot and tick.
    pub multiplier: f64,
    pub lots: f64,
    pub opened_lots: f64,
    /// Notional over collateral at the opening.
    pub opened_leverage: f64,
    /// Unrealised profit over cost.
    pub profit: f64,
    pub collateral: f64,
    /// Of those that are woken by their margin ratio alone.
    pub margin: Option<Standing>,
    pub wallet: f64,
    pub opened_wallet: f64,
    /// Adverse move of the traded price since the opening, as a share; below 0 where it went well.
    pub fall: f64,
    /// Lots closed by force since it last acted.
    pub closed_lots: f64,
    /// The level at which it was first to be woken; of dips and gaps alone, others need not know.
    pub level: f64,
    /// How often it has acted before.
    pub acted: u32,
}

/// What the venue judges an account by, at the mark.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub equity: f64,
    pub maintenance: f64,
}

impl Seen {
    /// Displacement of the book from the index against the position, as a share of the index.
    #[must_use]
    pub fn discount(&self) -> f64 {
        self.sign * (self.index - self.traded) / self.index
    }

    /// The worst price, `slippage` beyond the traded one, at which the position may close.
    #[must_use]
    pub fn closing_limit(&self, slippage: f64) -> f64 {
        self.traded * (1.0 - self.sign * slippage)
    }

    /// The same for adding to the position.
    #[must_use]
    pub fn opening_limit(&self, slippage: f64) -> f64 {
        self.traded * (1.0 + self.sign * slippage)
    }

    /// Value of one lot at the traded price.
    #[must_use]
    pub fn lot_value(&self) -> f64 {
        self.traded * self.multiplier
    }
}

/// What an account does. Amounts that are more than it has are cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Nothing,
    /// Closes so many lots, none at a price worse than the limit.
    Close {
        lots: f64,
        limit: f64,
        margin: Margin,
    },
    /// Opens so many lots on its side with so much of its wallet as collateral.
    Open {
        lots: f64,
        limit: f64,
        margin: f64,
    },
    TopUp {
        cash: f64,
    },
    /// Takes out all collateral above this multiple of maintenance margin.
    Withdraw {
        keep: f64,
    },
    /// Sells spot (buys, where negative), which moves the log index.
    SellSpot {
        notional: f64,
        log_move: f64,
    },
}

impl Act {
    /// Closes lots and leaves the collateral with the rest.
    #[must_use]
    pub const fn close(lots: f64, limit: f64) -> Self {
        Self::Close { lots, limit, margin: Margin::Stays }
    }
}

/// What happens to the collateral of lots that an account closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    Stays,
    /// Goes back to the wallet in proportion.
    Freed,
}

/// What an account waits for after it has acted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    /// Nothing more.
    Rest,
    /// The cue at this level.
    Rearm(f64),
    /// The cue when it has gone so much further than now.
    Further(f64),
    /// A gap that widens to one level or narrows to the other.
    Between { above: f64, below: f64 },
    /// Acts again after so many seconds.
    Wait(f64),
}

/// An act and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    pub act: Act,
    pub then: Then,
}

impl Answer {
    #[must_use]
    pub const fn once(act: Act) -> Self {
        Self { act, then: Then::Rest }
    }
}

// ---------------------------------------------------------------------------------------------- randomness

/// Where the draws of one behaviour of one group lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub seed: u64,
    pub path: u64,
    pub group: u32,
    /// Of the kind and its occurrence in the group.
    pub column: u32,
}

/// Columns of one behaviour.
const TAKES_PART: u32 = 0;
const LEVEL: u32 = 1;
const DECISIONS: u32 = 2;

/// Decisions of an account in one stream.
const DECISIONS_A_STREAM: u64 = 16;

impl Address {
    /// The address of the `occurrence`-th behaviour of a kind in a group on a path.
    #[must_use]
    pub fn new(seed: u64, path: u64, group: u32, kind: &str, occurrence: u32) -> Self {
        // FNV-1a of the name, its low byte left to occurrences and attributes: no list has to number the kinds.
        let name = kind.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self { seed, path, group, column: (name & !0xfff) | ((occurrence & 0xff) << 4) }
    }

    fn stream(&self, attribute: u32) -> Stream {
        Stream::new(self.seed, Purpose::Behaviour, (self.group, self.column | attribute), self.path)
    }

    /// Uniforms that say who takes part, one an account.
    #[must_use]
    pub fn takers(&self) -> Stream {
        self.stream(TAKES_PART)
    }

    /// Uniforms of the levels, one an account.
    #[must_use]
    pub fn levels(&self) -> Stream {
        self.stream(LEVEL)
    }

    /// The uniform of one account in one of these columns.
    #[must_use]
    pub fn of(mut stream: Stream, account: u32) -> f64 {
        stream.seek(u64::from(account));
        open_unit(stream.word())
    }

    /// The stream of decisions 16·`part` to 16·`part` + 15 of all accounts: after sixteen decisions a further stream goes on.
    #[must_use]
    pub fn decisions(&self, part: u32) -> Decisions {
        let further = Self { group: self.group | (part << 16), ..*self };
        Decisions(further.stream(DECISIONS))
    }
}

/// Sixteen decisions of each account.
#[derive(Debug)]
pub struct Decisions(Stream);

/// Decisions that are drawn at once: most accounts draw one or two.
pub const DRAWN_AT_ONCE: usize = 4;

impl Decisions {
    /// The words of an account's decisions `n`, which is less than sixteen, to `n` + 3.
    pub fn of(&mut self, account: u32, n: u32) -> [u64; DRAWN_AT_ONCE] {
        self.0.seek(u64::from(account) * DECISIONS_A_STREAM + u64::from(n));
        std::array::from_fn(|_| self.0.word())
    }
}

// ---------------------------------------------------------------------------------------------- shared keys

/// A level that all accounts share.
#[derive(Clone, Copy, Debug)]
struct Same(f64);

impl Distribution for Same {
    fn quantile(&self, _: f64) -> f64 {
        self.0
    }

    fn support(&self) -> (f64, f64) {
        (self.0, self.0)
    }
}

/// Waiting times of a Poisson process: F(t) = 1 − exp(−rate·t).
#[derive(Clone, Copy, Debug)]
struct Exponential {
    rate: f64,
}

impl Distribution for Exponential {
    fn quantile(&self, u: f64) -> f64 {
        -math::ln(1.0 - u) / self.rate
    }

    fn support(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }
}

const SHARE: Key = Key {
    name: "share",
    shape: Shape::Share { min: 0.0, max: 1.0 },
    need: Need::Default("1"),
    about: "share of the accounts of the group that behave so",
};

const DELAY: Key = Key {
    name: "delay",
    shape: Shape::Plugin(&crate::market::distribution::DISTRIBUTION_INFO),
    need: Need::Default("0"),
    about: "seconds that an account takes to react",
};

const SLIPPAGE: Key = Key {
    name: "slippage",
    shape: Shape::Share { min: 0.0, max: 0.9 },
    need: Need::Default("0.05"),
    about: "how far beyond the traded price of the moment the order may fill; the rest of it lapses",
};

const CLOSES: Key = Key {
    name: "closes",
    shape: Shape::Share { min: 0.001, max: 1.0 },
    need: Need::Default("1"),
    about: "part of the position that is closed",
};

/// The distribution of a key, all of whose values must lie between two bounds.
fn drawn(values: &Values, key: &str, low: f64, high: f64, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let built = DISTRIBUTIONS.choose(&values.node(key), reading)?;
    let (least, greatest) = built.support();
    if least >= low && greatest <= high {
        return Some(built);
    }
    let (what, right) = if least < low { ("low", least) } else { ("high", greatest) };
    let told =
        if least < greatest { format!("`{key}` can be as {what} as {right}") } else { format!("`{key}` is {least}") };
    let bounds = if high.is_finite() { format!("from {low} to {high}") } else { format!("{low} or more") };
    reading.fault(
        &values.span(key),
        told,
        format!("every value must be {bounds}: choose or truncate the distribution so that it is"),
    );
    None
}

fn delay(values: &Values, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    drawn(values, "delay", 0.0, f64::INFINITY, reading)
}

#[cfg(test)]
mod tests;
