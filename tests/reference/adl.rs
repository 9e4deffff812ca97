//! Rounds of auto-deleveraging: whose lots come to them, who is eligible, in what order or share, at what price.

use rust_decimal::prelude::ToPrimitive;

use super::desk::Desk;
use super::margin::{d, rate};
use super::model::{D, Model, Position, State, Told, Unsold, sign, whole};
use super::orders::Forced;
use super::purses::Claim;
use super::world::{AdlPrice, AdlTrigger, Eligible, Payer, Policy};

/// Who gives lots in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ticket(usize),
    Vault(usize),
    Order(usize),
}

#[derive(Clone, Copy, Debug)]
struct Loser {
    contract: usize,
    long: bool,
    who: Who,
    price: D,
    lots: D,
}

/// What a loser gained over its own price by one fill; of an order what it had before its first one.
type Result = (Who, D, D);

/// What a winner gives, before it is matched.
type Plan = Vec<(usize, D)>;

impl Policy {
    /// Whether it takes a part from everybody, at one price.
    fn shares_out(self) -> bool {
        use Policy::{CappedProRata, LeverageLevelling, MinMax, ProRata, RiskAware};
        matches!(self, ProRata | CappedProRata | RiskAware { .. } | MinMax | LeverageLevelling)
    }
}

impl Model<'_> {
    /// A round for each contract and side over all that is left; inventory stands ahead of new orders.
    pub fn adl_rounds(&mut self, unsold: &[Unsold], orders: &mut [Forced], desk: &mut Desk<'_>) {
        let losers = self.losers_of_rounds(unsold, orders);
        for contract in 0..self.marks.len() {
            for long in [true, false] {
                let of_round = losers.iter().filter(|loser| loser.contract == contract && loser.long == long);
                let of_round: Vec<Loser> = of_round.copied().collect();
                if !of_round.is_empty() {
                    self.round(contract, long, &of_round, orders, desk);
                }
            }
        }
    }

    /// The price for lots of a loser that have a bankruptcy tick, and so much above zero there.
    pub fn adl_price(&mut self, contract: usize, long: bool, lots: D, bankruptcy: D, surplus: D) -> D {
        let (mark, index) = (self.marks[contract], self.indices[contract]);
        match self.world.adl_price {
            AdlPrice::Bankruptcy => bankruptcy,
            AdlPrice::Mark => mark,
            AdlPrice::Oracle => index,
            AdlPrice::OracleWhileSolvent if long => index.max(bankruptcy),
            AdlPrice::OracleWhileSolvent => index.min(bankruptcy),
            AdlPrice::BankruptcyNearMark { within } => {
                if (bankruptcy - mark).abs() > rate(within) * mark {
                    mark
                } else {
                    bankruptcy
                }
            }
            AdlPrice::MarkWhileFunded => {
                // What the lots lack at the mark, if the fund has that beside what it promised before.
                let lacking = (-self.gain(contract, sign(long) * lots, bankruptcy) - surplus).max(D::ZERO);
                let pool = |of: usize| self.pools.iter().position(|pool| pool.contracts.contains(&of));
                let before = self.promised.iter().filter(|promise| pool(promise.0) == pool(contract));
                let before: D = before.map(|promise| promise.1).sum();
                let pays = self.world.cash_layers.contains(&Payer::Fund);
                let left = if pays { self.whole_budget(contract) - before } else { D::ZERO };
                if lacking > left {
                    return bankruptcy;
                }
                self.promised.push((contract, lacking));
                mark
            }
        }
    }

    fn losers_of_rounds(&mut self, unsold: &[Unsold], orders: &[Forced]) -> Vec<Loser> {
        let mut losers = Vec::new();
        for &Unsold { contract, at, long, lots, price } in unsold {
            losers.push(Loser { contract, long, who: Who::Ticket(at), price, lots });
        }
        for (vault, contract, qty, price) in self.vault_needs() {
            losers.push(Loser { contract, long: qty > D::ZERO, who: Who::Vault(vault), price, lots: qty.abs() });
        }
        let equity = |forced: &Forced| self.equity_at_mark(forced.position);
        let mut open: Vec<usize> = (0..orders.len()).filter(|&i| !orders[i].left.is_zero()).collect();
        if let AdlTrigger::NegativeAccountValue { tolerance } = self.world.adl_trigger {
            open.retain(|&i| equity(&orders[i]) < D::ZERO);
            // An account lacks what it lacks once, with however many of its positions.
            let mut counted = Vec::new();
            let mut lacking = D::ZERO;
            for &i in &open {
                let Position { account, cross, .. } = self.positions[orders[i].position];
                if !(cross && counted.contains(&account)) {
                    lacking -= equity(&orders[i]);
                }
                counted.extend(cross.then_some(account));
            }
            if lacking < d(tolerance) {
                open.clear();
            }
        }
        for i in open {
            let Forced { position, long, bankruptcy, left, .. } = orders[i];
            let contract = self.positions[position].contract;
            let surplus = self.at_bankruptcy(&orders[i]).max(D::ZERO);
            let price = self.adl_price(contract, long, left, bankruptcy, surplus);
            losers.push(Loser { contract, long, who: Who::Order(i), price, lots: left });
        }
        losers.retain(|loser| !self.contract(loser.contract).token);
        losers
    }

    fn round(&mut self, contract: usize, long: bool, losers: &[Loser], orders: &mut [Forced], desk: &mut Desk<'_>) {
        let prices = losers.iter().map(|loser| loser.price);
        let worst = if long { prices.max().unwrap() } else { prices.min().unwrap() };
        let needed: D = losers.iter().map(|loser| loser.lots).sum();
        // Nobody with an order on hand is a winner, with whatever position.
        let waiting = self.positions.iter().filter(|position| position.state == State::Busy);
        let mut busy: Vec<usize> = waiting.map(|position| position.account).collect();
        busy.extend(&self.losers);
        let winners: Vec<usize> = (0..self.positions.len())
            .filter(|&i| {
                let position = &self.positions[i];
                position.contract == contract
                    && !position.qty.is_zero()
                    && position.is_long() != long
                    && !busy.contains(&position.account)
                    && self.is_eligible(i, worst)
            })
            .collect();
        let cash = losers.iter().map(|loser| self.contract(contract).value(loser.lots, loser.price).abs()).sum();
        let plan = match self.world.policy {
            policy if policy.shares_out() => self.shares(&winners, needed, cash),
            Policy::Random => {
                // Where the list starts is drawn by the venue: all accounts after it, then those before it.
                let start = desk.first_victim();
                let (after, before): (Vec<usize>, Vec<usize>) =
                    winners.iter().partition(|&&i| start.is_none_or(|start| self.positions[i].account >= start));
                self.queue(&[after, before].concat(), needed)
            }
            _ => {
                let mut order = winners.clone();
                order.sort_by_key(|&i| (-self.score(i), self.positions[i].account));
                self.queue(&order, needed)
            }
        };
        let placed: D = plan.iter().map(|given| given.1).sum();
        let results = if self.world.policy.shares_out() {
            self.close_at_one_price(contract, long, losers, &plan, placed, orders)
        } else {
            self.close_in_turn(contract, long, losers, &plan, orders)
        };
        // What losers lack or gain is settled when all winners have given: until then they are those that were chosen.
        self.keeps_promise = self.world.adl_price == AdlPrice::MarkWhileFunded;
        for (who, lots, result) in results {
            match who {
                Who::Ticket(at) => {
                    let tick = self.tickets[contract][at].tick;
                    self.fund_receives(contract, result.max(D::ZERO));
                    let paid = self.raise((-result).max(D::ZERO), contract, 0, Claim::AtOnce);
                    self.tell_ticket(contract, sign(long) * lots, tick, result, &paid);
                }
                Who::Vault(number) => self.settle_vault(number, contract, sign(long) * lots, result),
                Who::Order(i) => self.settle(&mut orders[i], result),
            }
        }
        self.keeps_promise = false;
        self.told.push(Told::Round { contract, long_losers: long, needed: whole(needed), placed: whole(placed) });
    }

    fn is_eligible(&self, at: usize, worst: D) -> bool {
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        let profit = |price| contract.value(position.qty, price) - position.cost;
        let solvent = self.equity(at, worst) >= D::ZERO;
        solvent
            && match self.world.eligible {
                Eligible::ProfitAtAdlPrice => profit(worst) > D::ZERO,
                Eligible::ProfitAtMark => profit(self.marks[position.contract]) > D::ZERO,
                Eligible::SolventAfter => true,
            }
    }

    /// The score of a ranking policy; ratios in billionths, rounded down.
    fn score(&self, at: usize) -> i128 {
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        let mark = self.marks[position.contract];
        let value = contract.value(position.qty, mark).abs();
        let equity = self.equity_at_mark(at);
        let profit = equity - self.backing(at);
        let lots = position.qty.abs();
        let billionths = |ratio: D| (ratio * d(1_000_000_000)).floor().to_i128().unwrap();
        let return_on = |base: D| billionths(profit / base.abs().max(D::ONE));
        let gain = return_on(position.cost);
        // Whoever has nothing left ranks last.
        let leverage = || (equity > D::ZERO).then(|| billionths(value / equity));
        const LAST: i128 = i128::MIN / 2;
        match self.world.policy {
            Policy::ProfitLeverage => match leverage() {
                None => LAST,
                Some(leverage) if gain >= 0 => gain * leverage,
                Some(leverage) => -(-gain * 1_000_000_000_000_000_000).div_euclid(leverage.max(1)),
            },
            Policy::Binance => {
                if equity <= D::ZERO {
                    return LAST;
                }
                let maintenance = contract.maintenance(value).ceil();
                let on_wallet = billionths(profit.max(D::ZERO) / self.backing(at).max(D::ONE));
                on_wallet * billionths(maintenance / equity)
            }
            Policy::HyperliquidDocumented => match leverage() {
                None => LAST,
                Some(leverage) => {
                    // Mark ÷ entry of a long, turned round for a short; in the coin both are turned round again.
                    let entry = position.cost.abs();
                    let risen = position.is_long() != contract.inverse;
                    let ratio = if risen { value / entry } else { entry / value };
                    billionths(ratio) * leverage
                }
            },
            Policy::HyperliquidObserved => match leverage() {
                None => LAST,
                Some(leverage) => leverage.max(10) * gain.max(10),
            },
            Policy::ProfitOverCost | Policy::ProfitOverCollateral | Policy::ProfitOverEquity if equity <= D::ZERO => {
                LAST
            }
            Policy::ProfitOverCost => gain,
            // Collateral of 0 or less, after the funding that is owed, counts as the least there is.
            Policy::ProfitOverCollateral => return_on(self.backing(at).max(D::ONE)),
            Policy::ProfitOverEquity => return_on(equity),
            Policy::EntryPrice => {
                // A low entry price is a low cost per lot, but in the coin a high one.
                let cost = billionths(position.cost.abs() / lots);
                if position.is_long() == contract.inverse { cost } else { -cost }
            }
            Policy::LargestProfit => profit.to_i128().unwrap(),
            Policy::LargestPosition => value.to_i128().unwrap(),
            Policy::Fifo => -i128::try_from(at).unwrap(),
            _ => unreachable!("not a ranking"),
        }
    }

    /// Whole positions in this order until the need is met.
    fn queue(&self, order: &[usize], needed: D) -> Plan {
        let mut left = needed;
        let mut plan = Vec::new();
        for &i in order {
            let lots = left.min(self.positions[i].qty.abs());
            plan.push((i, lots));
            left -= lots;
        }
        plan
    }

    fn shares(&self, winners: &[usize], needed: D, cash: D) -> Plan {
        let sizes: Vec<D> = winners.iter().map(|&i| self.positions[i].qty.abs()).collect();
        let all: D = sizes.iter().sum();
        let price = (cash, needed);
        let needed = needed.min(all);
        let mut weights: Vec<i128> = winners.iter().map(|&i| self.weight(i, price)).collect();
        // Weights are held in 63 bits: beyond that all are halved, and rounded down, until the greatest fits.
        while weights.iter().any(|&weight| weight >= 1 << 63) {
            weights.iter_mut().filter(|weight| **weight > 0).for_each(|weight| *weight = (*weight / 2).max(1));
        }
        let given = if self.world.policy == Policy::LeverageLevelling {
            // The most levered are cut until leverages are equal: what is kept is shared out, and the rest is given.
            let kept = pour(&sizes, &weights, all - needed);
            sizes.iter().zip(kept).map(|(&size, kept)| size - kept).collect()
        } else {
            pour(&sizes, &weights, needed)
        };
        winners.iter().copied().zip(given).collect()
    }

    /// What a winner's share is in proportion to; `price` is cash for lots.
    fn weight(&self, at: usize, price: (D, D)) -> i128 {
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        let mark = self.marks[position.contract];
        let equity = self.equity_at_mark(at);
        let profit = equity - self.backing(at);
        let positive = |amount: D| amount.max(D::ZERO).to_i128().unwrap();
        match self.world.policy {
            Policy::ProRata => positive(position.qty.abs()),
            Policy::CappedProRata => positive(profit),
            Policy::MinMax => positive(equity),
            Policy::RiskAware { power } => {
                // In thousandths, and at most 2³¹ of them; whoever has nothing left at the mark has the most.
                let most: i128 = 1 << 31;
                let value = contract.value(position.qty, mark).abs();
                let leverage =
                    if equity > D::ZERO { positive((value * d(1_000) / equity).floor()).min(most) } else { most };
                positive(profit) * leverage.pow(power)
            }
            Policy::LeverageLevelling => {
                // Equity after closing everything at the price of the round, rounded against the winner.
                let closing = contract.cash(-position.qty, position.qty.abs() * price.0 / price.1).ceil();
                positive(self.backing(at) - closing - position.cost)
            }
            _ => unreachable!("not a sharing policy"),
        }
    }

    /// Each fill at its loser's own price, two pointers.
    fn close_in_turn(
        &mut self,
        contract: usize,
        long: bool,
        losers: &[Loser],
        plan: &Plan,
        orders: &mut [Forced],
    ) -> Vec<Result> {
        let mut results = Vec::new();
        let mut waiting = losers.iter();
        let mut loser = *waiting.next().unwrap();
        for &(winner, lots) in plan {
            let mut left = lots;
            while !left.is_zero() {
                if loser.lots.is_zero() {
                    loser = *waiting.next().unwrap();
                    continue;
                }
                let lots = left.min(loser.lots);
                let cash = self.contract(contract).value(sign(long) * lots, loser.price);
                results.push(self.lose(&loser, lots, orders));
                self.win(winner, long, lots, cash);
                loser.lots -= lots;
                left -= lots;
            }
            if !lots.is_zero() {
                self.have_given(winner);
            }
        }
        results
    }

    /// All fills at the quantity-weighted price of the lots placed, rounded against the winners.
    fn close_at_one_price(
        &mut self,
        contract: usize,
        long: bool,
        losers: &[Loser],
        plan: &Plan,
        placed: D,
        orders: &mut [Forced],
    ) -> Vec<Result> {
        let mut results = Vec::new();
        let mut left = placed;
        let mut total = D::ZERO;
        for loser in losers {
            let lots = left.min(loser.lots);
            if lots.is_zero() {
                break;
            }
            results.push(self.lose(loser, lots, orders));
            total += self.contract(contract).value(sign(long) * lots, loser.price);
            left -= lots;
        }
        let mut settled = D::ZERO;
        for &(winner, lots) in plan {
            if lots.is_zero() {
                continue;
            }
            // Signed cash is what a leg costs, so up is against the winner, whatever it closes.
            let cash = (total * lots / placed).ceil();
            self.win(winner, long, lots, cash);
            self.have_given(winner);
            settled += cash;
        }
        self.clearing[contract] -= settled - total;
        self.rounding += settled - total;
        results
    }

    /// The loser's leg.
    fn lose(&mut self, loser: &Loser, lots: D, orders: &mut [Forced]) -> Result {
        let Loser { contract, long, who, price, .. } = *loser;
        let signed = -sign(long) * lots;
        let cash = self.contract(contract).value(signed, price);
        match who {
            Who::Ticket(at) => (who, lots, self.close_ticket(contract, at, lots, cash)),
            Who::Vault(number) => (who, lots, self.vault_trades(number, contract, signed, cash)),
            Who::Order(i) => {
                let before = self.at_bankruptcy(&orders[i]).max(D::ZERO);
                self.trade_order(&mut orders[i], signed, cash);
                orders[i].to_adl += lots;
                (who, lots, before)
            }
        }
    }

    /// The winner's leg; it loses what the leg costs beyond the mark.
    fn win(&mut self, winner: usize, long: bool, lots: D, cash: D) {
        let contract = self.positions[winner].contract;
        let at_mark = self.contract(contract).value(sign(long) * lots, self.marks[contract]);
        self.trade(winner, sign(long) * lots, cash);
        let position = (self.positions[winner].account, contract);
        let (lots, notional, haircut) = (whole(lots), whole(at_mark.abs()), whole(cash - at_mark));
        self.told.push(Told::Deleveraged { position, lots, notional, haircut });
    }

    /// A winner has given all that it gives in this round.
    fn have_given(&mut self, winner: usize) {
        let Position { account, contract, cross, .. } = self.positions[winner];
        if cross {
            self.fill_wallet(account, contract);
        }
        if self.positions[winner].qty.is_zero() {
            self.release(winner);
        }
    }
}

/// Shares of lots by weight, nobody beyond its size: xᵢ = ⌊min(sizeᵢ, λ·weightᵢ)⌋ at the λ that gives out all lots, and
/// one more each, by account, until they are all given. Who has no weight gives only what the others cannot.
fn pour(sizes: &[D], weights: &[i128], lots: D) -> Vec<D> {
    let sizes: Vec<i128> = sizes.iter().map(|&size| i128::from(whole(size))).collect();
    let mut given = vec![0; sizes.len()];
    let mut left = i128::from(whole(lots));
    for weighted in [true, false] {
        let mut open: Vec<usize> = (0..sizes.len()).filter(|&i| (weights[i] > 0) == weighted).collect();
        let weight = |i: usize| if weighted { weights[i] } else { sizes[i] };
        // Whoever would give more than it has gives all, and the others share what is then left, until nobody would.
        loop {
            let total: i128 = open.iter().map(|&i| weight(i)).sum();
            let full = open.iter().position(|&i| left * weight(i) >= sizes[i] * total);
            let Some(full) = full else {
                let mut rest = left;
                for &i in &open {
                    given[i] = left * weight(i) / total;
                    rest -= given[i];
                }
                for &i in &open {
                    if rest > 0 && given[i] < sizes[i] {
                        given[i] += 1;
                        rest -= 1;
                    }
                }
                left = if open.is_empty() { left } else { 0 };
                break;
            };
            let full = open.remove(full);
            given[full] = sizes[full];
            left -= sizes[full];
        }
    }
    given.into_iter().map(|lots| d(i64::try_from(lots).unwrap())).collect()
}
