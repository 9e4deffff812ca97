//! Accounts drawn from distributions.
//!
//! Every attribute is a column with a stream of its own; account i of its group takes 64-bit word i of each column.
//! So a cap, another distribution in one column or one account less leaves every other draw as it was.

use std::fmt;

mod tokens;

use super::{Balance, CapKeeps, Generated, Group, MarginMode, Opening, Population, Redraw, SizeIs};
use crate::market::distribution::Distribution;
use crate::market::process::Lean;
use crate::money::{Cash, Multiplier, Price, Qty, div_ceil, div_floor, narrow};
use crate::rng::{Purpose, Stream, open_unit};

/// Columns of a group. Redraw r of the entry offset is column `REDRAWS + r`.
const LEVERAGE: u32 = 0;
const SIZE: u32 = 1;
const ENTRY_OFFSET: u32 = 2;
const WALLET: u32 = 3;
const REDRAWS: u32 = 16;

/// How often an entry is drawn again before it is set to the opening mark.
const MOST_REDRAWS: u32 = 16;

/// Accounts are drawn in blocks of this many, so that no buffer grows with a group.
const BLOCK: usize = 256;
const BLOCK_ACCOUNTS: u32 = 256;

/// Why a population could not be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Undrawable {
    pub path: u64,
    /// Index of the group.
    pub group: usize,
    pub name: String,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// The account (counted within its group) fails the opening margin check even with entry at the opening mark.
    NeverAccepted { account: u32, lots: i64, leverage: f64 },
    /// An amount of the account leaves what integers hold, or an entry price is not above 0.
    OutOfRange { account: u32, what: &'static str, value: f64 },
    /// More than half of all accounts needed another entry price.
    RedrawnTooOften { redrawn: u32, accounts: usize },
}

impl fmt::Display for Undrawable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, name, .. } = self;
        match &self.cause {
            Cause::NeverAccepted { account, lots, leverage } => write!(
                f,
                "account {account} of group `{name}` on path {path} fails the opening margin check even when it enters at the \
                 opening mark, with {lots} {} worth {leverage:.2} times its collateral",
                if *lots == 1 { "lot" } else { "lots" }
            ),
            Cause::OutOfRange { account, what, value } => {
                write!(
                    f,
                    "account {account} of group `{name}` on path {path} has {what} of {value:.3e}, beyond what can be held"
                )
            }
            Cause::RedrawnTooOften { redrawn, accounts } => write!(
                f,
                "{redrawn} of {accounts} accounts on path {path} had to draw their entry price again to pass the opening margin check"
            ),
        }
    }
}

impl std::error::Error for Undrawable {}

/// Importance sampling of the largest account: the size of one account of the group with the largest sizes is drawn from
/// a law with a heavier tail.
#[derive(Clone, Copy, Debug)]
pub struct LargestSize {
    pub lean: Lean,
    /// A uniform that chooses the account.
    pub account: f64,
}

/// A column one of whose accounts may be tilted.
struct Tilted {
    lean: Lean,
    /// The account that is tilted; `None` on a path of the original law.
    account: Option<u32>,
    /// Number of the next account, and the sum of the densities of those before it.
    next: u32,
    densities: f64,
}

/// One column of a group on one path, drawn block by block.
struct Column<'a> {
    distribution: &'a dyn Distribution,
    /// `None` where every account has the same value, so that nothing need be drawn.
    stream: Option<Stream>,
    values: [f64; BLOCK],
    tilted: Option<Tilted>,
}

impl<'a> Column<'a> {
    fn new(distribution: &'a dyn Distribution, seed: u64, address: (u32, u32), path: u64) -> Self {
        let (low, high) = distribution.support();
        let constant = low >= high;
        let stream = (!constant).then(|| Stream::new(seed, Purpose::Population, address, path));
        Self { distribution, stream, values: [if constant { low } else { 0.0 }; BLOCK], tilted: None }
    }

    /// Draws the values of the next `len` accounts.
    fn advance(&mut self, len: usize) {
        if let Some(stream) = &mut self.stream {
            let mut words = [0u64; BLOCK];
            stream.fill(&mut words[..len]);
            self.distribution.fill(&words[..len], &mut self.values[..len]);
            let Some(tilted) = &mut self.tilted else { return };
            for (value, &word) in self.values[..len].iter_mut().zip(&words) {
                let is_tilted = tilted.account == Some(tilted.next);
                let lean = if is_tilted { tilted.lean } else { Lean::Original(tilted.lean.strength()) };
                let (above, density) = lean.share_above(open_unit(word));
                if is_tilted {
                    *value = self.distribution.quantile(1.0 - above);
                }
                tilted.densities += density;
                tilted.next += 1;
            }
        }
    }
}

/// A position about to be opened.
#[derive(Clone, Copy, Debug, Default)]
struct Draft {
    qty: Qty,
    cost: Cash,
    collateral: Cash,
}

/// What is the same for all accounts of a group.
struct Desk<'a> {
    multiplier: Multiplier,
    open: Price,
    tiers: &'a [(Cash, f64)],
    size_is: SizeIs,
    cap: f64,
    keeps: CapKeeps,
    /// Cash units in one unit of the settlement currency.
    units: f64,
}

impl Generated {
    /// Draws the population of one path into `out`, whose buffers are used again.
    ///
    /// The draws of an account depend on (`seed`, group, column, path) and its number in the group only. Accounts of
    /// all groups are numbered consecutively, each with one position and, where its group holds a token, that holding
    /// behind it. A `fixed` population is that of path 0.
    ///
    /// # Errors
    /// Where an account fails the opening margin check even with entry at the opening mark, where more than half of
    /// all accounts had to draw their entry again, or where an amount leaves the range of integers.
    pub fn draw<O: Opening + ?Sized>(
        &self,
        seed: u64,
        path: u64,
        opening: &O,
        out: &mut Population,
    ) -> Result<(), Undrawable> {
        self.draw_leaning(seed, path, opening, None, out).map(|_| ())
    }

    /// As [`Generated::draw`], with the size of one account from the law that `size` names; returns the density of the
    /// tilted law over the original one at what was drawn.
    ///
    /// One account of n, chosen evenly, is tilted, so the density is the mean of the n densities of one account alone.
    ///
    /// # Errors
    /// As for [`Generated::draw`].
    pub fn draw_leaning<O: Opening + ?Sized>(
        &self,
        seed: u64,
        path: u64,
        opening: &O,
        size: Option<LargestSize>,
        out: &mut Population,
    ) -> Result<f64, Undrawable> {
        let tilted = size.zip(self.largest());
        let mut ratio = 1.0;
        let path = match self.redraw {
            Redraw::Fixed => 0,
            Redraw::Resampled => path,
        };
        out.clear();
        for (number, group) in self.groups.iter().enumerate() {
            let size = tilted.filter(|(_, largest)| *largest == number).map(|(size, _)| size);
            ratio *= self.draw_group(seed, (path, size), number, group, opening, out).map_err(|cause| Undrawable {
                path,
                group: number,
                name: group.name.clone(),
                cause,
            })?;
        }
        if u64::from(out.redrawn) * 2 > out.account.len() as u64 {
            let cause = Cause::RedrawnTooOften { redrawn: out.redrawn, accounts: out.account.len() };
            let name = self.groups.first().map(|group| group.name.clone()).unwrap_or_default();
            return Err(Undrawable { path, group: 0, name, cause });
        }
        if let Some(share) = self.top_share {
            self.concentrate(share, path, opening, out)?;
        }
        if self.balance == Balance::Scale {
            scale(self.groups.iter().map(|group| group.contract), out);
        }
        self.hold_tokens(opening, out);
        self.pool_cross_accounts(out);
        Ok(ratio)
    }

    /// The group whose largest account is worth most: by the size that one account in two of such groups reaches, times
    /// the middle leverage where sizes are collateral. `None` where accounts stay the same or no size is drawn.
    #[must_use]
    pub fn largest(&self) -> Option<usize> {
        if self.redraw == Redraw::Fixed {
            return None;
        }
        let worth = |group: &Group| {
            let size = group.size.quantile(1.0 - 0.5 / f64::from(group.count.max(1)));
            size * if group.size_is == SizeIs::Collateral { group.leverage.quantile(0.5) } else { 1.0 }
        };
        let drawn = |group: &Group| group.count > 0 && group.size.support().0 < group.size.support().1;
        let groups = self.groups.iter().enumerate().filter(|(_, group)| drawn(group));
        groups.max_by(|(_, a), (_, b)| worth(a).total_cmp(&worth(b))).map(|(number, _)| number)
    }

    /// The collateral of a cross account is part of its wallet.
    fn pool_cross_accounts(&self, out: &mut Population) {
        if self.groups.iter().all(|group| group.margin_mode == MarginMode::Isolated) {
            return;
        }
        let modes = self.groups.iter().flat_map(|group| (0..group.positions()).map(|_| group.margin_mode));
        out.cross.extend(modes.map(|mode| mode == MarginMode::Cross));
        for j in 0..out.cross.len() {
            if out.cross[j] {
                let collateral = std::mem::take(&mut out.collateral[j]);
                out.wallet[out.account[j] as usize] += collateral;
            }
        }
    }

    fn draw_group<O: Opening + ?Sized>(
        &self,
        seed: u64,
        (path, size): (u64, Option<LargestSize>),
        number: usize,
        group: &Group,
        opening: &O,
        out: &mut Population,
    ) -> Result<f64, Cause> {
        let address = |column| (u32::try_from(number).expect("groups are countable"), column);
        let column = |distribution, at| Column::new(distribution, seed, address(at), path);
        let mut leverages = column(&*group.leverage, LEVERAGE);
        let mut sizes = column(&*group.size, SIZE);
        sizes.tilted = size.map(|LargestSize { lean, account }| {
            use rust_decimal::prelude::ToPrimitive;
            let chosen = libm::floor(account * f64::from(group.count)).to_u32().unwrap_or(0);
            let account = matches!(lean, Lean::Tilted(_)).then_some(chosen);
            Tilted { lean, account, next: 0, densities: 0.0 }
        });
        let mut offsets = column(&*group.entry_offset, ENTRY_OFFSET);
        let mut wallets = column(&*group.wallet, WALLET);
        let (multiplier, open) = opening.contract(group.contract);
        let desk = Desk {
            multiplier,
            open,
            tiers: opening.leverage_tiers(group.contract),
            size_is: group.size_is,
            cap: self.leverage_cap.unwrap_or(f64::INFINITY),
            keeps: self.cap_keeps,
            units: self.units_per_currency,
        };
        let same_wallet = if wallets.stream.is_none() { Some(desk.cash(0, wallets.values[0])?) } else { None };
        let mut longs = 0.0;
        let mut drafts = [Draft::default(); BLOCK];
        let mut first = 0u32;
        while first < group.count {
            let len = (group.count - first).min(BLOCK_ACCOUNTS);
            let block = len as usize;
            for column in [&mut leverages, &mut sizes, &mut offsets, &mut wallets] {
                column.advance(block);
            }
            for (i, slot) in drafts[..block].iter_mut().enumerate() {
                let account = first + u32::try_from(i).expect("a block is small");
                // Account i is long iff ⌊(i+1)·share⌋ > ⌊i·share⌋, which spreads the longs evenly.
                let long = (f64::from(account) + 1.0) * group.long_share >= longs + 1.0;
                let sign = if long { 1 } else { -1 };
                longs += f64::from(u8::from(long));
                let open_at = |offset: f64| desk.open_at(account, sign, leverages.values[i], sizes.values[i], offset);
                let accepts = |draft: &Draft| tokens::accepts(group, draft, opening);
                let mut draft = open_at(offsets.values[i])?;
                if !accepts(&draft) {
                    draft = redraw(
                        group,
                        account,
                        |column| Stream::new(seed, Purpose::Population, address(column), path),
                        open_at,
                        accepts,
                    )?;
                    out.redrawn += 1;
                }
                *slot = draft;
                if same_wallet.is_none() {
                    out.wallet.push(desk.cash(account, wallets.values[i])?);
                }
            }
            out.open(&drafts[..block], group.contract, same_wallet);
            first += len;
        }
        Ok(sizes.tilted.map_or(1.0, |tilted| tilted.densities / f64::from(group.count)))
    }
}

impl Generated {
    /// Makes the largest position of each contract `share` of its side's open interest, and nobody's more of theirs.
    ///
    /// Where a position holds more than `share` of its side, every larger one of that side is cut to the level L that then
    /// holds it: the greatest L ≤ share·Σ min(q, L), but no less than the smallest position. Then the largest position (of
    /// equals the first) is grown where it holds less: share/(1 − share) times the lots of all others on its side, to the
    /// nearest lot.
    ///
    /// Positions keep their entry price and their leverage. The grown one takes no more than the tier of its new notional
    /// allows, and enters at the opening mark where it would not be accepted otherwise. A position that is alone on its side
    /// holds all of it whatever its size, and stays as it is.
    fn concentrate<O: Opening + ?Sized>(
        &self,
        share: f64,
        path: u64,
        opening: &O,
        out: &mut Population,
    ) -> Result<(), Undrawable> {
        let mut done: Vec<u16> = Vec::new();
        for contract in self.groups.iter().map(|group| group.contract) {
            if done.contains(&contract) {
                continue;
            }
            done.push(contract);
            for sign in [1, -1] {
                cut_to_share(share, contract, sign, out);
            }
            let mine = || (0..out.qty.len()).filter(|&j| out.contract[j] == contract);
            // Of equals the first: `max_by_key` keeps the last.
            let Some(top) = mine().rev().max_by_key(|&j| out.qty[j].0.abs()) else { continue };
            let sign = out.qty[top].0.signum();
            let others: i128 = mine()
                .filter(|&j| j != top && out.qty[j].0.signum() == sign)
                .map(|j| i128::from(out.qty[j].0.abs()))
                .sum();
            if others == 0 || out.qty[top].0.abs() as f64 >= share / (1.0 - share) * others as f64 - 0.5 {
                continue;
            }
            let (group, account) = self.seat(top);
            let told = |cause| Undrawable { path, group, name: self.groups[group].name.clone(), cause };
            let wanted = share / (1.0 - share) * others as f64;
            let lots = Cash::floor(wanted + 0.5).map(|lots| lots.0.max(1));
            let (multiplier, open) = opening.contract(contract);
            let entry = Price::nearest(multiplier.average(out.qty[top].abs(), out.cost[top].abs())).unwrap_or(open);
            let lots = lots
                .filter(|lots| *lots as f64 * multiplier.notional(Qty(1), entry.max(open)).0 as f64 <= 4e18)
                .ok_or_else(|| told(Cause::OutOfRange { account, what: "a quantity in lots", value: wanted }))?;
            let before = out.qty[top].0.abs();
            let scaled = div_ceil(i128::from(out.collateral[top].0) * i128::from(lots), i128::from(before));
            let resized = |entry: Price| {
                let qty = Qty(sign * lots);
                let cost = multiplier.value(qty, entry);
                let notional = cost.abs();
                let reached = opening.leverage_tiers(contract).iter().take_while(|(floor, _)| *floor <= notional);
                let capped =
                    reached.last().and_then(|(_, most)| Cash::ceil(notional.0 as f64 / most)).unwrap_or(Cash(0));
                let collateral = Cash(i64::try_from(scaled).unwrap_or(i64::MAX)).max(capped);
                Draft { qty, cost, collateral }
            };
            let accepted = [entry, open]
                .into_iter()
                .map(resized)
                .find(|draft| tokens::accepts(&self.groups[group], draft, opening));
            let draft = accepted.ok_or_else(|| {
                let leverage = out.cost[top].0.abs() as f64 / out.collateral[top].0 as f64;
                told(Cause::NeverAccepted { account, lots, leverage })
            })?;
            (out.qty[top], out.cost[top], out.collateral[top]) = (draft.qty, draft.cost, draft.collateral);
        }
        Ok(())
    }

    /// The group of an account, and its number within it.
    fn seat(&self, position: usize) -> (usize, u32) {
        let mut left = u32::try_from(position).expect("a scenario has fewer than 2³² accounts");
        for (number, group) in self.groups.iter().enumerate() {
            if left < group.count {
                return (number, left);
            }
            left -= group.count;
        }
        (0, left)
    }
}

/// Cuts the positions of one side to the level at which the largest holds `share` of it; see `concentrate`.
fn cut_to_share(share: f64, contract: u16, sign: i64, out: &mut Population) {
    let mine = |j: &usize| out.contract[*j] == contract && out.qty[*j].0.signum() == sign;
    let lots: Vec<i64> = (0..out.qty.len()).filter(mine).map(|j| out.qty[j].0.abs()).collect();
    let (Some(&least), Some(&most)) = (lots.iter().min(), lots.iter().max()) else { return };
    let held = |level: i64| share * lots.iter().map(|q| i128::from((*q).min(level))).sum::<i128>() as f64;
    // share·Σ min(q, L) − L is concave in L and 0 at 0, so the levels that pass are those up to one of them.
    let passes = |level: i64| level as f64 <= held(level);
    if lots.len() < 2 || passes(most) {
        return;
    }
    let (mut low, mut high) = (least, most);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if passes(middle) { low = middle } else { high = middle }
    }
    for j in 0..out.qty.len() {
        if out.contract[j] != contract || out.qty[j].0 * sign <= low {
            continue;
        }
        let before = out.qty[j].0.abs();
        // A lot is worth a whole number of cash units at the entry price.
        out.cost[j] = Cash(out.cost[j].0 / before * low);
        out.qty[j] = Qty(sign * low);
        // Rounded up, as everywhere: no account ends with more leverage than it drew.
        out.collateral[j] =
            Cash(narrow(div_ceil(i128::from(out.collateral[j].0) * i128::from(low), i128::from(before))));
    }
}

/// Draws the entry of one account again until it is accepted; after the last redraw it enters at the opening mark.
#[inline(never)]
fn redraw(
    group: &Group,
    account: u32,
    stream: impl Fn(u32) -> Stream,
    open_at: impl Fn(f64) -> Result<Draft, Cause>,
    accepts: impl Fn(&Draft) -> bool,
) -> Result<Draft, Cause> {
    let (low, high) = group.entry_offset.support();
    if low < high {
        for r in 1..=MOST_REDRAWS {
            let mut stream = stream(REDRAWS + r);
            stream.seek(u64::from(account));
            let draft = open_at(group.entry_offset.quantile(open_unit(stream.word())))?;
            if accepts(&draft) {
                return Ok(draft);
            }
        }
    }
    let draft = open_at(0.0)?;
    if accepts(&draft) {
        Ok(draft)
    } else {
        {
            let leverage = draft.cost.0.abs() as f64 / draft.collateral.0 as f64;
            Err(Cause::NeverAccepted { account, lots: draft.qty.0.abs(), leverage })
        }
    }
}

impl Desk<'_> {
    /// The position of an account with this draw.
    ///
    /// Entry p = open·(1 + offset) to the nearest tick, one lot worth p·k. Desired notional is `size`, or size·leverage
    /// where size is collateral. Lots are rounded down, but are at least one; collateral posted for a given notional is
    /// rounded up.
    #[expect(
        clippy::inline_always,
        reason = "called once for every account drawn, and elsewhere for the few redrawn ones"
    )]
    #[inline(always)]
    fn open_at(&self, account: u32, sign: i64, leverage: f64, size: f64, offset: f64) -> Result<Draft, Cause> {
        let out_of_range = |what, value| Cause::OutOfRange { account, what, value };
        let price = self.open.0 as f64 * (1.0 + offset);
        let entry = Price::nearest(price)
            .filter(|entry| entry.0 > 0)
            .ok_or_else(|| out_of_range("an entry price in ticks", price))?;
        let lot = self.multiplier.notional(Qty(1), entry).0 as f64;

        let size = size * self.units;
        let (notional, collateral) = match self.size_is {
            SizeIs::Notional => (size, size / leverage),
            SizeIs::Collateral => (size * leverage, size),
        };
        let leverage_now = self.capped(leverage, notional, collateral);
        // Only where a cap binds does what it keeps matter; elsewhere no rounding may creep in.
        let (notional, collateral) = match (leverage_now < leverage, self.keeps) {
            (false, _) => (notional, collateral),
            (true, CapKeeps::Notional) => (notional, notional / leverage_now),
            (true, CapKeeps::Collateral) => (collateral * leverage_now, collateral),
        };
        let lots =
            Cash::floor(notional / lot).ok_or_else(|| out_of_range("a quantity in lots", notional / lot))?.0.max(1);
        // The product is checked as a float first, so that a monstrous draw is an error that names its account.
        let value = lots as f64 * lot;
        if value.is_nan() || value > 4e18 {
            return Err(out_of_range("a notional in cash units", value));
        }
        let qty = Qty(sign * lots);
        let cost = self.multiplier.value(qty, entry);
        let posted = match (self.size_is, self.keeps, leverage_now < leverage) {
            (SizeIs::Collateral, _, false) | (SizeIs::Collateral, CapKeeps::Collateral, true) => {
                Cash::floor(collateral)
            }
            _ => Cash::ceil(cost.0.abs() as f64 / leverage_now),
        };
        let collateral = posted.ok_or_else(|| out_of_range("a collateral in cash units", collateral))?;
        Ok(Draft { qty, cost, collateral })
    }

    /// The greatest leverage up to `desired` that the scenario's cap and the tier of the notional allow.
    ///
    /// Where the notional stays, its tier is known. Where the collateral C stays, notional falls with leverage, so the
    /// answer is the greatest L with L ≤ cap(tier of C·L): tiers are walked upwards until the notional lies below the
    /// next floor.
    fn capped(&self, desired: f64, notional: f64, collateral: f64) -> f64 {
        let wanted = desired.min(self.cap);
        match self.keeps {
            CapKeeps::Notional => {
                // Most notionals lie in the first tiers, so these are looked at first.
                let reached = self.tiers.iter().take_while(|(floor, _)| floor.0 as f64 <= notional);
                reached.last().map_or(wanted, |(_, most)| wanted.min(*most))
            }
            CapKeeps::Collateral => {
                for (i, (_, most)) in self.tiers.iter().enumerate() {
                    let within = wanted.min(*most);
                    match self.tiers.get(i + 1) {
                        None => return within,
                        Some((next, _)) if collateral * within < next.0 as f64 => return within,
                        // The next tier's cap would throw the notional back below that tier's floor: the floor itself
                        // binds, and the notional stays just under it.
                        Some((next, above)) if collateral * wanted.min(*above) < next.0 as f64 => {
                            return next.0 as f64 / collateral * (1.0 - 1e-12);
                        }
                        Some(_) => {}
                    }
                }
                wanted
            }
        }
    }

    fn cash(&self, account: u32, wallet: f64) -> Result<Cash, Cause> {
        let cash = Cash::floor(wallet * self.units).filter(|cash| cash.0 >= 0);
        cash.ok_or(Cause::OutOfRange { account, what: "a wallet", value: wallet })
    }
}

/// Makes every position of the heavier side of each contract smaller by the same share, so that both sides are equal.
///
/// Lots become ⌊q·light/heavy⌋, at least one; lots still missing go one each to the first accounts. Collateral shrinks
/// with the position, rounded up, so no account ends with more leverage than it opened with.
fn scale(contracts: impl Iterator<Item = u16>, out: &mut Population) {
    let mut done: Vec<u16> = Vec::new();
    for contract in contracts {
        if done.contains(&contract) {
            continue;
        }
        done.push(contract);
        let side = |sign: i64| -> i128 {
            let mine = out.qty.iter().zip(&out.contract).filter(|(q, c)| **c == contract && q.0.signum() == sign);
            mine.map(|(q, _)| i128::from(q.0.abs())).sum()
        };
        let (longs, shorts) = (side(1), side(-1));
        let (light, heavy, heavy_sign) = if longs > shorts { (shorts, longs, 1) } else { (longs, shorts, -1) };
        if light == heavy || light == 0 {
            continue;
        }
        let shrunk = |qty: Qty| narrow(div_floor(i128::from(qty.0.abs()) * light, heavy)).max(1);
        let mine = |out: &Population, j: usize| out.contract[j] == contract && out.qty[j].0.signum() == heavy_sign;
        let kept: i128 = (0..out.qty.len()).filter(|&j| mine(out, j)).map(|j| i128::from(shrunk(out.qty[j]))).sum();
        let mut missing = light - kept;
        for j in 0..out.qty.len() {
            if !mine(out, j) {
                continue;
            }
            let before = out.qty[j].0.abs();
            let mut lots = shrunk(out.qty[j]);
            if missing > 0 && lots < before {
                lots += 1;
                missing -= 1;
            }
            // A lot is worth a whole number of cash units at the entry price.
            out.cost[j] = Cash(out.cost[j].0 / before * lots);
            out.qty[j] = Qty(heavy_sign * lots);
            out.collateral[j] =
                Cash(narrow(div_ceil(i128::from(out.collateral[j].0) * i128::from(lots), i128::from(before))));
        }
    }
}

impl Population {
    /// Empties all columns and keeps their memory.
    pub fn clear(&mut self) {
        let Self { wallet, names, account, contract, qty, cost, collateral, cross, redrawn } = self;
        cross.clear();
        wallet.clear();
        names.clear();
        account.clear();
        contract.clear();
        qty.clear();
        cost.clear();
        collateral.clear();
        *redrawn = 0;
    }

    /// Raises the collateral of every position whose cost is more than `cap` times it to ⌈|cost|/cap⌉. `None` where an amount
    /// leaves the range of integers.
    #[must_use]
    pub fn cap_leverage(&mut self, cap: f64) -> Option<()> {
        for (j, (collateral, cost)) in self.collateral.iter_mut().zip(&self.cost).enumerate() {
            // A cross position has no collateral of its own.
            if self.cross.get(j) == Some(&true) {
                continue;
            }
            *collateral = (*collateral).max(Cash::ceil(cost.0.abs() as f64 / cap)?);
        }
        Some(())
    }

    /// Adds accounts with one position each in this contract; with this wallet where it is the same for all.
    fn open(&mut self, drafts: &[Draft], contract: u16, wallet: Option<Cash>) {
        self.qty.extend(drafts.iter().map(|draft| draft.qty));
        self.cost.extend(drafts.iter().map(|draft| draft.cost));
        self.collateral.extend(drafts.iter().map(|draft| draft.collateral));
        let number = |at: usize| u32::try_from(at).expect("a scenario has fewer than 2³² accounts");
        self.account.extend(number(self.account.len())..number(self.qty.len()));
        self.contract.resize(self.qty.len(), contract);
        if let Some(wallet) = wallet {
            self.wallet.resize(self.qty.len(), wallet);
        }
    }

    /// Number of accounts.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.wallet.len()
    }

    /// Number of positions.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.account.len()
    }
}

#[cfg(test)]
mod tests;
