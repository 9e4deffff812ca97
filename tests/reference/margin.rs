//! Margins, liquidation and bankruptcy ticks, and how much of a breached position is closed.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::model::{D, Model, Position, whole};
use super::world::{Billionths, Closing, Contract, Limit, World};

pub fn d(value: i64) -> D {
    Decimal::from(value)
}

pub fn rate(billionths: Billionths) -> D {
    Decimal::new(billionths, 9)
}

/// The highest price that is looked at: no mark comes near it, and a lot of an inverse contract is worth nothing there.
const HIGHEST: i64 = (1 << 60) - 1;

impl Contract {
    /// Value of holding so many lots at a price: signed like the lots, or against them where the contract settles in the
    /// coin, of which a lot is worth the fewer the higher the price.
    pub fn value(&self, lots: D, price: D) -> D {
        if self.inverse {
            -lots * (d(self.multiplier) / price + Decimal::new(5, 1)).floor()
        } else {
            lots * price * d(self.multiplier)
        }
    }

    /// The signed cash of a leg of so many signed lots for an amount in total.
    pub fn cash(&self, lots: D, amount: D) -> D {
        if (lots > D::ZERO) == self.inverse { -amount } else { amount }
    }

    /// Each tier's rate on the part of the notional that lies in it: continuous by construction, where exchanges subtract
    /// a deduction that makes it so.
    pub fn maintenance(&self, notional: D) -> D {
        let mut total = D::ZERO;
        for (i, tier) in self.tiers.iter().enumerate() {
            let top = self.tiers.get(i + 1).map_or(notional, |next| d(next.floor).min(notional));
            total += (top - d(tier.floor)).max(D::ZERO) * rate(tier.rate);
        }
        total
    }

    /// Number of the tier that a notional lies in, from 0.
    pub fn tier(&self, notional: D) -> usize {
        self.tiers.iter().rposition(|tier| d(tier.floor) <= notional).unwrap()
    }

    /// The greatest leverage at which a notional can be opened.
    pub fn leverage(&self, notional: D) -> D {
        rate(self.tiers[self.tier(notional)].max_leverage)
    }

    /// The last tick, in the direction of loss, at which `stake` and the value of the lots are not below zero together.
    /// Where no price is high or low enough it is the one that comes nearest: the lowest price, or the first at which an
    /// inverse long is worth nothing.
    pub fn bankruptcy(&self, lots: D, stake: D) -> D {
        let holds = |tick: i64| stake + self.value(lots, d(tick)) >= D::ZERO;
        let is_worthless = |tick: i64| self.inverse && self.value(lots, d(tick)).is_zero();
        if lots > D::ZERO {
            // From below, the first tick that is high enough.
            d(first(1, |tick| holds(tick) || is_worthless(tick)))
        } else {
            // From below, the last tick that is still low enough.
            d((first(1, |tick| !holds(tick)) - 1).max(1))
        }
    }
}

/// The first tick from one on at which a condition holds that goes on to hold from there.
fn first(from: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let mut step = 1;
    while from + step <= HIGHEST && !holds(from + step) {
        step *= 2;
    }
    let (mut low, mut high) = (from, (from + step).min(HIGHEST + 1));
    while low < high {
        let middle = i64::midpoint(low, high);
        if middle > HIGHEST || holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

impl Position {
    pub fn is_long(&self) -> bool {
        self.qty > D::ZERO
    }
}

impl Model<'_> {
    /// Value of an open position at its mark less its cost and the funding that it owes.
    pub fn unrealised(&self, at: usize) -> D {
        let position = &self.positions[at];
        let value = self.contract(position.contract).value(position.qty, self.marks[position.contract]);
        value - position.cost - position.owed
    }

    /// What backs a position beside its own profit: collateral less the funding that it owes, or wallet and profit of the
    /// account's other cross positions.
    pub fn backing(&self, at: usize) -> D {
        let position = &self.positions[at];
        if !position.cross {
            return position.collateral - position.owed;
        }
        let others = self.legs(position.account).into_iter().filter(|&other| other != at);
        self.wallets[position.account] + others.map(|other| self.unrealised(other)).sum::<D>() - position.owed
    }

    /// What is left if a position closes whole at a price; of a cross account with all else at the marks.
    pub fn equity(&self, at: usize, price: D) -> D {
        let position = &self.positions[at];
        self.backing(at) + self.contract(position.contract).value(position.qty, price) - position.cost
    }

    pub fn equity_at_mark(&self, at: usize) -> D {
        self.equity(at, self.marks[self.positions[at].contract])
    }

    pub fn notional(&self, at: usize) -> D {
        let position = &self.positions[at];
        self.contract(position.contract).value(position.qty, self.marks[position.contract]).abs()
    }

    /// Maintenance margin of one position at its mark.
    pub fn own_maintenance(&self, at: usize) -> D {
        self.contract(self.positions[at].contract).maintenance(self.notional(at))
    }

    /// Maintenance margin that equity is held against: of a cross position that of its whole account.
    pub fn maintenance(&self, at: usize) -> D {
        let position = &self.positions[at];
        if position.cross {
            self.legs(position.account).into_iter().map(|leg| self.own_maintenance(leg)).sum()
        } else {
            self.own_maintenance(at)
        }
    }

    /// The open cross positions of an account.
    pub fn legs(&self, account: usize) -> Vec<usize> {
        let is_leg = |position: &Position| position.account == account && position.cross && !position.qty.is_zero();
        (0..self.positions.len()).filter(|&at| is_leg(&self.positions[at])).collect()
    }

    pub fn falls_short(&self, equity: D, maintenance: D) -> bool {
        if self.world.at_or_below { equity <= maintenance } else { equity < maintenance }
    }

    /// Whether an isolated position breaches at a mark.
    pub fn breaches(&self, at: usize, mark: D) -> bool {
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        self.falls_short(self.equity(at, mark), contract.maintenance(contract.value(position.qty, mark).abs()))
    }

    /// The first tick in the direction of loss at which an isolated position breaches, seen from its mark, at which it
    /// does.
    pub fn liquidation_tick(&self, at: usize) -> D {
        let back = if self.positions[at].is_long() { D::ONE } else { -D::ONE };
        let mut tick = self.marks[self.positions[at].contract];
        while tick + back > D::ZERO && self.breaches(at, tick + back) {
            tick += back;
        }
        tick
    }

    /// The worst price in the book before ADL, of a position that breaches at the mark.
    pub fn limit(&self, at: usize, bankruptcy: D) -> Option<D> {
        let World { limit, .. } = self.world;
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        let mark = self.marks[position.contract];
        let (equity, maintenance) = (self.equity_at_mark(at), self.maintenance(at));
        let notional = self.notional(at);
        let below = |distance: D| {
            // On the tick that is not worse than the exact price.
            let ticks = distance.floor();
            Some(if position.is_long() { mark - ticks } else { mark + ticks })
        };
        match limit {
            Limit::None => None,
            Limit::Bankruptcy => Some(bankruptcy),
            Limit::BankruptcyOrMark if equity < D::ZERO => Some(mark),
            Limit::BankruptcyOrMark => Some(bankruptcy),
            Limit::ZeroPrice => {
                // A fill there leaves equity ÷ maintenance of the account as it is.
                let of = rate(contract.tiers[contract.tier(notional)].rate);
                below(mark * of * equity / maintenance)
            }
            Limit::Fillable => {
                // One and a half times the maintenance of the position, in the share by which the account falls short of its own; a
                // tick is worth notional ÷ mark. In whole billionths, as the product has more digits than a decimal.
                let short = billionths((maintenance - equity).clamp(D::ZERO, maintenance));
                let above = 3 * short * billionths(self.own_maintenance(at)) * i128::from(whole(mark));
                let under = 2 * billionths(notional) * billionths(maintenance);
                below(Decimal::from(above.div_euclid(under)))
            }
        }
    }

    /// How many lots of a position in breach are closed. `equity` is what backs it whole, of a cross position that of its
    /// account; `others` are the account's other positions with the lots that stay open of them.
    pub fn planned(&self, at: usize, equity: D, others: &[(usize, D)]) -> D {
        let position = &self.positions[at];
        let contract = self.contract(position.contract);
        let mark = self.marks[position.contract];
        let lots = position.qty.abs();
        let left = |closed: D| contract.value(lots - closed, mark).abs();
        let value_of = |&(other, lots): &(usize, D)| {
            let of = self.positions[other].contract;
            (self.contract(of), self.contract(of).value(lots, self.marks[of]).abs())
        };
        let elsewhere = self.maintenance_elsewhere(others);
        let equity = match self.world.closing {
            Closing::Restore { percent, whole_below, .. } => {
                // Of much that is missing a part is left to later orders.
                let missing = (contract.maintenance(left(D::ZERO)) + elsewhere - equity).ceil().max(D::ZERO);
                let later = (missing * Decimal::new(100 - percent, 2)).floor();
                if missing < d(whole_below) { equity } else { equity + later }
            }
            _ => equity,
        };
        // Of what is left after the fees of closing so much.
        let after_fees = |closed: D| match self.world.closing {
            Closing::Restore { fee, .. } => equity - Decimal::new(fee, 4) * contract.value(closed, mark).abs(),
            _ => equity,
        };
        let least = |holds: &dyn Fn(D) -> bool| {
            let mut closed = D::ONE;
            while closed < lots && !holds(closed) {
                closed += D::ONE;
            }
            closed
        };
        match self.world.closing {
            Closing::Full => lots,
            Closing::Fraction { percent, above, cooldown } => {
                let cooling = position.partial_at.is_some_and(|at| self.now - at <= cooldown);
                if cooling || left(D::ZERO) <= d(above) { lots } else { (lots * Decimal::new(percent, 2)).ceil() }
            }
            Closing::StepDown { tiers, whole_up_to } => {
                let now = contract.tier(left(D::ZERO));
                if now < whole_up_to {
                    return lots;
                }
                least(&|closed| contract.tier(left(closed)) + tiers <= now || contract.tier(left(closed)) == 0)
            }
            Closing::Restore { initial: false, .. } => {
                least(&|closed| !self.falls_short(after_fees(closed), contract.maintenance(left(closed)) + elsewhere))
            }
            Closing::Restore { initial: true, .. } => {
                // The initial margin of each other position is rounded up to a whole unit.
                let reserved =
                    others.iter().map(value_of).map(|(of, notional)| (notional / of.leverage(notional)).ceil());
                let reserved = reserved.sum::<D>();
                least(&|closed| {
                    let free = after_fees(closed) - reserved;
                    free >= D::ZERO && free * contract.leverage(left(closed)) >= left(closed)
                })
            }
            Closing::ShareOfAll { .. } => {
                let percent = self.percent_of_all(&[at], elsewhere, equity).unwrap();
                (lots * Decimal::new(percent, 2)).ceil()
            }
        }
    }

    /// Maintenance of other positions of an account with the lots that stay open of them.
    pub fn maintenance_elsewhere(&self, others: &[(usize, D)]) -> D {
        let of_one = |&(other, lots): &(usize, D)| {
            let of = self.positions[other].contract;
            self.contract(of).maintenance(self.contract(of).value(lots, self.marks[of]).abs())
        };
        others.iter().map(of_one).sum()
    }

    /// Of a rule that reduces positions alike the percentage of each: the least multiple of its step after which what stays
    /// open of them, with what is needed elsewhere, needs less maintenance than the target's part of equity.
    pub fn percent_of_all(&self, positions: &[usize], elsewhere: D, equity: D) -> Option<i64> {
        let Closing::ShareOfAll { step_percent, target_percent } = self.world.closing else { return None };
        let needed = |percent: i64| -> D {
            let of_one = |&at: &usize| {
                let Position { contract, qty, .. } = self.positions[at];
                let kept = (qty.abs() * Decimal::new(100 - percent, 2)).floor();
                let contract_of = self.contract(contract);
                contract_of.maintenance(contract_of.value(kept, self.marks[contract]).abs())
            };
            elsewhere + positions.iter().map(of_one).sum::<D>()
        };
        let mut percent = step_percent;
        while percent < 100 && needed(percent) >= Decimal::new(target_percent, 2) * equity {
            percent += step_percent;
        }
        Some(percent.min(100))
    }
}

fn billionths(amount: D) -> i128 {
    (amount * d(1_000_000_000)).to_i128().unwrap()
}
