//! Who trades: populations drawn from distributions, or a real position book from a file.
//!
//! A population is columns of accounts and of positions; every later index speaks of positions. It knows nothing of
//! the venue: margin checks at the opening come in through [`Opening`].

pub mod behaviour;
mod generated;
mod loaded;
pub mod presets;
mod table;

use std::sync::Arc;

use behaviour::Behaviour;

use crate::fault::Source;
use crate::market::distribution::Distribution;
use crate::money::{Cash, Multiplier, Price, Qty};

pub use generated::{Cause, LargestSize, Undrawable};
pub use loaded::{Contract, Rounded, Rounding, Terms, load};

/// A group of generated accounts: `[[traders]]`.
#[derive(Debug)]
pub struct Group {
    pub name: String,
    /// Index of the contract it trades.
    pub contract: u16,
    pub count: u32,
    /// Share of its accounts that are long; account i is long iff ⌊(i+1)·share⌋ > ⌊i·share⌋.
    pub long_share: f64,
    /// Desired leverage: entry notional ÷ collateral.
    pub leverage: Box<dyn Distribution>,
    pub size: Box<dyn Distribution>,
    pub size_is: SizeIs,
    /// Entry price ÷ opening mark − 1.
    pub entry_offset: Box<dyn Distribution>,
    /// Free cash beside the position, in the settlement currency.
    pub wallet: Box<dyn Distribution>,
    /// What its accounts do of their own accord.
    pub behaviours: Vec<Box<dyn Behaviour>>,
    pub margin_mode: MarginMode,
    /// What a part of its collateral is held in; `None` where all of it is cash.
    pub token: Option<Token>,
}

/// Collateral in a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Index of the asset that it is.
    pub contract: u16,
    /// Share of an account's collateral that it is of, at the opening.
    pub share: f64,
}

/// What backs the positions of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginMode {
    /// The collateral of each.
    Isolated,
    /// The account's wallet, which holds the collateral too.
    Cross,
}

/// What the size of an account counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeIs {
    Collateral,
    Notional,
}

/// What stays as drawn where a leverage cap binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapKeeps {
    /// The position; more collateral is posted.
    Notional,
    /// The collateral; the position is smaller.
    Collateral,
}

/// What happens to the open interest that one side has in excess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// The maker holds it.
    Maker,
    /// Every position of the heavier side is made smaller by the same share.
    Scale,
}

/// Whether accounts are drawn anew on every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redraw {
    /// One draw, the same on every path.
    Fixed,
    /// A draw for each path.
    Resampled,
}

/// Generated accounts and how they are drawn.
#[derive(Debug)]
pub struct Generated {
    pub groups: Vec<Group>,
    pub redraw: Redraw,
    pub balance: Balance,
    /// Part of its side's open interest that the largest account of each contract is made to hold, and nobody more than it.
    pub top_share: Option<f64>,
    /// Cap on leverage beside that of the tiers.
    pub leverage_cap: Option<f64>,
    pub cap_keeps: CapKeeps,
    /// An account opens with margin ratio of at least 1 + this, in billionths.
    pub opening_buffer: crate::money::Ratio,
    /// Cash units in one unit of the settlement currency: what turns drawn amounts into cash.
    pub units_per_currency: f64,
}

/// Where accounts come from.
#[derive(Debug)]
pub enum Accounts {
    Generated(Generated),
    /// A position book as loaded, in integer terms; `Arc` because all workers share it.
    Loaded(Arc<Loaded>),
}

/// A position book from a file.
#[derive(Debug)]
pub struct Loaded {
    pub population: Population,
    pub source: Arc<Source>,
    /// Byte span of the row of each position, for faults found later.
    pub rows: Vec<std::ops::Range<usize>>,
    /// What rounding has taken from the accounts.
    pub rounded: Rounded,
    pub liquidate_at_open: bool,
    /// What all of its accounts do of their own accord.
    pub behaviours: Arc<[Box<dyn Behaviour>]>,
}

/// Accounts and positions in columns. Position j belongs to account `account[j]`; accounts are in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Population {
    /// Free cash of each account.
    pub wallet: Vec<Cash>,
    /// Names of the accounts where they came from a file; empty otherwise.
    pub names: Vec<String>,
    pub account: Vec<u32>,
    pub contract: Vec<u16>,
    /// Signed lots.
    pub qty: Vec<Qty>,
    /// Signed cost: qty × entry × multiplier for a generated position.
    pub cost: Vec<Cash>,
    /// Isolated collateral posted.
    pub collateral: Vec<Cash>,
    /// Whether the account's wallet backs each position, in place of a collateral; empty where all are isolated.
    pub cross: Vec<bool>,
    /// Accounts whose entry was drawn again.
    pub redrawn: u32,
}

/// What a population asks of the venue at the opening.
pub trait Opening {
    /// Cash units per lot and tick, and the opening mark in ticks.
    fn contract(&self, contract: u16) -> (Multiplier, Price);

    /// The tiers' leverage caps: (notional floor in cash units, greatest leverage), ascending, the first floor 0.
    fn leverage_tiers(&self, contract: u16) -> &[(Cash, f64)];

    /// Whether a position passes the opening margin check at the opening mark: equity ≥ maintenance × (1 + buffer).
    fn accepts(&self, contract: u16, qty: Qty, cost: Cash, collateral: Cash) -> bool;

    /// The same of a cross account that holds these positions (contract, lots, cost) and this wallet.
    fn accepts_cross(&self, positions: &[(u16, Qty, Cash)], wallet: Cash) -> bool;
}

impl Accounts {
    /// Takes all behaviours away.
    pub fn calm(&mut self) {
        match self {
            Self::Generated(generated) => generated.groups.iter_mut().for_each(|group| group.behaviours.clear()),
            Self::Loaded(loaded) => {
                Arc::get_mut(loaded).expect("a scenario holds its book alone until it is run").behaviours =
                    Arc::default();
            }
        }
    }

    /// Whether any account does anything of its own accord.
    #[must_use]
    pub fn behave(&self) -> bool {
        match self {
            Self::Generated(generated) => generated.groups.iter().any(|group| !group.behaviours.is_empty()),
            Self::Loaded(loaded) => !loaded.behaviours.is_empty(),
        }
    }

    /// Accounts on each path.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Generated(generated) => generated.groups.iter().map(|group| u64::from(group.count)).sum(),
            Self::Loaded(loaded) => loaded.population.accounts() as u64,
        }
    }
}
