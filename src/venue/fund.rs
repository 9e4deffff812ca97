//! What the fund may pay: its floor, its pools, its drawdown from a windowed peak, and what it has paid for a contract.
//!
//! The ledger keeps the fund's cash as one balance; here it is divided among pools, and each change is ascribed to the
//! contract that caused it. Every change is told by [`Venue::fund_moved`] before anything asks for a budget again.

use super::Venue;
use super::bisect::last_that_holds;
use super::peak::Peak;
use super::rules::{CashLayer, Drawdown, FundLimits, FundRules};
use crate::facts::{ContractId, Fact, Side};
use crate::money::{Cash, Nanos, Qty, Ratio};

#[derive(Clone, Debug)]
struct Pool {
    open: Cash,
    floor: Cash,
    cash: Cash,
    peak: Peak,
    /// Whether it has fallen too far below its peak.
    fallen: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Funds {
    pools: Vec<Pool>,
    /// Pool of each contract.
    of: Vec<u16>,
    /// Of an undivided fund.
    floor: Cash,
    drawdown: Option<Drawdown>,
    draw_cap: Option<Cash>,
    /// Paid for each contract, net of repayments.
    drawn: Vec<Cash>,
    /// The fund's cash as of the last change that was ascribed.
    known: Cash,
    /// Whether the fund is among the cash layers.
    pays: bool,
    /// Whether nothing but its floor binds it: then its balance is all that there is to know.
    plain: bool,
}

impl Funds {
    pub fn new(fund: FundRules, limits: &FundLimits, layers: &[CashLayer], contracts: usize) -> Self {
        let mut of = vec![0; contracts];
        let pool = |open, floor| Pool { open, floor, cash: open, peak: Peak::default(), fallen: false };
        let pools = if limits.pools.is_empty() {
            vec![pool(fund.open, fund.floor)]
        } else {
            for (number, rules) in (0u16..).zip(&limits.pools) {
                for &contract in &rules.contracts {
                    of[usize::from(contract)] = number;
                }
            }
            limits.pools.iter().map(|rules| pool(rules.open, rules.floor)).collect()
        };
        Self {
            pools,
            of,
            floor: fund.floor,
            drawdown: limits.drawdown,
            draw_cap: limits.draw_cap,
            drawn: vec![Cash::ZERO; contracts],
            known: fund.open,
            pays: layers.contains(&CashLayer::Fund),
            plain: limits.pools.is_empty() && limits.drawdown.is_none() && limits.draw_cap.is_none(),
        }
    }

    pub fn reset(&mut self, cash: Cash) {
        self.known = cash;
        self.drawn.fill(Cash::ZERO);
        for pool in &mut self.pools {
            pool.cash = pool.open;
            pool.peak.clear();
            pool.fallen = false;
        }
    }

    pub fn is_divided(&self) -> bool {
        self.pools.len() > 1
    }

    /// Whether two contracts share a pool.
    pub fn share(&self, a: ContractId, b: ContractId) -> bool {
        self.of[usize::from(a)] == self.of[usize::from(b)]
    }

    /// Cash and floor of the pool that pays for a contract, where the fund as a whole holds `fund`.
    #[inline]
    fn pool(&self, contract: ContractId, fund: Cash) -> (Cash, Cash) {
        if self.plain {
            return (fund, self.floor);
        }
        let pool = &self.pools[usize::from(self.of[usize::from(contract)])];
        (pool.cash, pool.floor)
    }

    /// Opening balances of the pools.
    pub fn openings(&self) -> impl Iterator<Item = Cash> {
        self.pools.iter().map(|pool| pool.open)
    }

    /// What the drawdown leaves to be paid for a contract.
    #[inline(never)]
    fn until_drawdown(&self, contract: ContractId, now: Nanos) -> Cash {
        let pool = &self.pools[usize::from(self.of[usize::from(contract)])];
        self.drawdown.map_or(Cash::MAX, |rule| {
            if pool.fallen {
                return Cash::ZERO;
            }
            let peak = pool.peak_at(now, rule.window);
            (rule.start.of_floor(peak) - (peak - pool.cash)).positive_part()
        })
    }

    /// What the draw cap leaves to be paid for a contract.
    fn until_draw_cap(&self, contract: ContractId) -> Cash {
        self.draw_cap.map_or(Cash::MAX, |cap| (cap - self.drawn[usize::from(contract)]).positive_part())
    }
}

impl Pool {
    fn peak_at(&self, now: Nanos, window: Nanos) -> Cash {
        self.peak.at(self.cash, now, window)
    }

    /// The balance changes at `now`.
    fn change(&mut self, change: Cash, now: Nanos, rule: Drawdown) {
        self.peak.leave(self.cash, now, rule.window);
        self.cash += change;
    }

    /// Switches the trigger: on from `start` · peak on, off below `stop` · peak. Returns the peak where it switched.
    fn switch(&mut self, now: Nanos, rule: Drawdown) -> Option<Cash> {
        let peak = self.peak_at(now, rule.window);
        let fall = i128::from((peak - self.cash).0) * i128::from(Ratio::ONE.0);
        let reached = |ratio: Ratio| fall >= i128::from(ratio.0) * i128::from(peak.0.max(0));
        let on = if self.fallen { reached(rule.stop) } else { reached(rule.start) };
        let switched = on != self.fallen;
        self.fallen = on;
        switched.then_some(peak)
    }
}

/// The greatest n ≤ lots at which a condition holds that holds on one stretch of numbers, which has 0 or one of `known` in
/// it where it has anything.
pub(super) fn most_that_hold<const N: usize>(lots: Qty, known: [i128; N], holds: impl Fn(i64) -> bool) -> Qty {
    if holds(lots.0) {
        return lots;
    }
    let known = known.map(|n| i64::try_from(n.clamp(0, i128::from(lots.0))).expect("clamped to lots"));
    let Some(good) = known.into_iter().chain([0]).find(|&n| holds(n)) else { return Qty::ZERO };
    Qty(last_that_holds(good, lots.0, holds))
}

impl Venue {
    /// Cash and floor of the pool that pays for a contract.
    #[expect(clippy::inline_always, reason = "asked for by every order")]
    #[inline(always)]
    pub(super) fn pool(&self, contract: ContractId) -> (Cash, Cash) {
        self.funds.pool(contract, self.ledger.fund())
    }

    /// B: what the fund may pay now for a shortfall of a contract.
    #[expect(clippy::inline_always, reason = "asked for by every order")]
    #[inline(always)]
    pub(super) fn budget(&self, contract: ContractId) -> Cash {
        let whole = self.whole_budget(contract);
        if self.agenda.keeps_promise || self.funds.plain {
            whole
        } else {
            whole.min(self.funds.until_drawdown(contract, self.now))
        }
    }

    /// The same whatever the fund's drawdown.
    #[expect(clippy::inline_always, reason = "asked for by every order")]
    #[inline(always)]
    pub(super) fn whole_budget(&self, contract: ContractId) -> Cash {
        if !self.funds.pays {
            return Cash::ZERO;
        }
        let (cash, floor) = self.pool(contract);
        let equity = if self.engine.is_empty() { cash } else { cash + self.inventory_of_pool(contract) };
        let whole = (cash.min(equity) - floor).positive_part();
        if self.funds.plain {
            return whole;
        }
        whole.min(self.funds.until_draw_cap(contract))
    }

    /// Mark-to-market of the engine's tickets that stand behind the pool of a contract.
    #[inline(never)]
    pub(super) fn inventory_of_pool(&self, contract: ContractId) -> Cash {
        if !self.funds.is_divided() {
            return self.inventory();
        }
        (0u16..)
            .zip(&self.marks)
            .filter(|(other, _)| self.funds.share(contract, *other))
            .map(|(other, &mark)| self.engine.value_of(other, mark))
            .sum()
    }

    /// The most of these lots that the engine can take of losers on `side` within the cap on its net notional: a share of
    /// the pool (Binance, "Insurance fund": 100 %).
    pub(super) fn within_net_cap(&self, contract: ContractId, side: Side, lots: Qty) -> Qty {
        let Some(cap) = self.rules.waterfall.fund.net_position_cap else { return lots };
        let (cash, _) = self.pool(contract);
        let most = i128::from(cap.of_floor(cash.positive_part()).0);
        let held = i128::from(self.engine.net_lots(contract).0);
        let value = |contract: ContractId, net: i128| {
            let lot = self.ledger.multiplier(contract).notional(Qty(1), self.marks[usize::from(contract)]);
            net.abs() * i128::from(lot.0)
        };
        let shared = |other: &ContractId| *other != contract && self.funds.share(contract, *other);
        let contracts = u16::try_from(self.marks.len()).expect("contracts are numbered in 16 bits");
        let others: i128 =
            (0..contracts).filter(shared).map(|other| value(other, i128::from(self.engine.net_lots(other).0))).sum();
        let sign = if side == Side::Long { 1 } else { -1 };
        // Taking lots first lowers a net position of the other side, then raises one of this side.
        most_that_hold(lots, [-held * sign], |n| others + value(contract, held + sign * i128::from(n)) <= most)
    }

    /// Ascribes what the fund's cash has changed by since the last call to a contract.
    #[inline]
    pub(super) fn fund_moved(&mut self, contract: ContractId) {
        if self.funds.plain {
            return;
        }
        let change = self.ledger.fund() - self.funds.known;
        if !change.is_zero() {
            self.ascribe(contract, change);
        }
    }

    #[inline(never)]
    fn ascribe(&mut self, contract: ContractId, change: Cash) {
        self.funds.known += change;
        let number = self.funds.of[usize::from(contract)];
        if change.0 < 0 {
            self.funds.drawn[usize::from(contract)] -= change;
        }
        let divided = self.funds.is_divided();
        let pool = &mut self.funds.pools[usize::from(number)];
        match self.funds.drawdown {
            Some(rule) => pool.change(change, self.now, rule),
            None => pool.cash += change,
        }
        if divided {
            self.ledger.facts.push(Fact::PoolMoved { pool: number, change, balance: pool.cash });
        }
        if self.funds.drawdown.is_some() {
            self.watch_drawdown();
        }
    }

    /// Takes back from the draw of a contract what an order repaid.
    pub(super) fn fund_repaid(&mut self, contract: ContractId, amount: Cash) {
        self.fund_moved(contract);
        self.funds.drawn[usize::from(contract)] -= amount;
    }

    /// Switches the drawdown triggers; a peak may also have left its window.
    #[inline]
    pub(super) fn watch_drawdown(&mut self) {
        let Some(rule) = self.funds.drawdown else { return };
        for (number, pool) in (0u16..).zip(&mut self.funds.pools) {
            if let Some(peak) = pool.switch(self.now, rule) {
                let (on, balance) = (pool.fallen, pool.cash);
                self.ledger.facts.push(Fact::Drawdown { pool: number, on, peak, balance });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Drawdown = Drawdown { start: Ratio(300_000_000), stop: Ratio(250_000_000), window: Nanos(100) };

    fn pool(open: i64) -> Pool {
        Pool { open: Cash(open), floor: Cash::ZERO, cash: Cash(open), peak: Peak::default(), fallen: false }
    }

    #[test]
    fn the_trigger_is_on_at_the_start_share_and_off_only_below_the_stop_share() {
        let mut pool = pool(1000);
        let mut at = |time: i64, change: i64| {
            pool.change(Cash(change), Nanos(time), RULE);
            pool.switch(Nanos(time), RULE);
            pool.fallen
        };
        assert!(!at(1, -299), "29.9 %");
        assert!(at(2, -1), "30 %: the document's own example triggers at 30 %");
        assert!(at(3, 50), "25 %: the drawdown is not below the stop share");
        assert!(!at(4, 1), "24.9 %");
    }

    #[test]
    fn a_peak_leaves_the_window_when_the_balance_that_made_it_has_been_gone_for_that_long() {
        let mut pool = pool(1000);
        // 1,000 stood until 10, 700 until 60, then 600.
        pool.change(Cash(-300), Nanos(10), RULE);
        pool.change(Cash(-100), Nanos(60), RULE);
        let peaks = [(60, 1000), (110, 1000), (111, 700), (160, 700), (161, 600)];
        for (now, peak) in peaks {
            assert_eq!(pool.peak_at(Nanos(now), RULE.window), Cash(peak), "at {now}");
        }
    }
}
