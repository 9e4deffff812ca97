//! Margins, liquidation and bankruptcy ticks, and how much of a breached position is closed.

use rust_decimal::Decimal;

use super::model::{D, Model, Position};
use super::world::{Billionths, Closing, Contract, Limit, World};

pub fn d(value: i64) -> D {
    Decimal::from(value)
}

pub fn rate(billionths: Billionths) -> D {
    Decimal::new(billionths, 9)
}

impl Contract {
    /// Value of holding so many lots at a price: signed like the lots, or against them where the contract settles in the
    /// coin, of which a lot is worth the fewer the higher the price.
    pub fn value(&self, lots: D, price: D) -> D {
        if self.inverse {
            -lots * (d(self.multiplier) / price.max(D::ONE) + Decimal::new(5, 1)).floor()
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
}

impl Position {
    /// Collateral and what closing the whole position at a price would realise.
    pub fn equity(&self, contract: &Contract, price: D) -> D {
        self.backing() + contract.value(self.qty, price) - self.cost
    }

    /// Collateral less the funding that it owes.
    pub fn backing(&self) -> D {
        self.collateral - self.owed
    }

    pub fn is_long(&self) -> bool {
        self.qty > D::ZERO
    }

    pub fn breaches(&self, world: &World, mark: D) -> bool {
        let contract = &world.contracts[self.contract];
        let notional = contract.value(self.qty, mark).abs();
        falls_short(world, self.equity(contract, mark), contract.maintenance(notional))
    }

    /// The first tick in the direction of loss at which the position breaches, seen from a mark at which it does.
    pub fn liquidation_tick(&self, world: &World, mark: D) -> D {
        let back = if self.is_long() { D::ONE } else { -D::ONE };
        let mut tick = mark;
        while tick + back > D::ZERO && self.breaches(world, tick + back) {
            tick += back;
        }
        tick
    }

    /// The last tick in the direction of loss at which closing everything leaves nothing below zero, and what it leaves;
    /// looked for from the mark.
    pub fn bankruptcy(&self, contract: &Contract, mark: D) -> (D, D) {
        let loss = if self.is_long() { -D::ONE } else { D::ONE };
        let mut tick = mark;
        while self.equity(contract, tick) < D::ZERO {
            tick -= loss;
        }
        while self.equity(contract, tick + loss) >= D::ZERO {
            tick += loss;
        }
        (tick, self.equity(contract, tick))
    }
}

fn falls_short(world: &World, equity: D, maintenance: D) -> bool {
    if world.at_or_below { equity <= maintenance } else { equity < maintenance }
}

/// The worst price in the book before ADL, of a position that breaches at the mark.
pub fn limit(world: &World, position: &Position, mark: D, bankruptcy: D) -> Option<D> {
    let contract = &world.contracts[position.contract];
    let equity = position.equity(contract, mark);
    let notional = contract.value(position.qty, mark).abs();
    let maintenance = contract.maintenance(notional);
    let below = |distance: D| {
        // On the tick that is not worse than the exact price.
        let ticks = distance.floor();
        Some(if position.is_long() { mark - ticks } else { mark + ticks })
    };
    match world.limit {
        Limit::None => None,
        Limit::Bankruptcy => Some(bankruptcy),
        Limit::BankruptcyOrMark if equity < D::ZERO => Some(mark),
        Limit::BankruptcyOrMark => Some(bankruptcy),
        Limit::ZeroPrice => {
            let of = rate(contract.tiers[contract.tier(notional)].rate);
            below(mark * of * equity / maintenance)
        }
        Limit::Fillable => {
            let short = (maintenance - equity).clamp(D::ZERO, maintenance);
            // A tick is worth notional ÷ mark.
            below(d(3) * short * mark / (d(2) * notional))
        }
    }
}

/// How many lots of a position that breaches at the mark are closed.
pub fn planned(model: &Model<'_>, position: &Position) -> D {
    let world = model.world;
    let contract = &world.contracts[position.contract];
    let mark = model.marks[position.contract];
    let equity = position.equity(contract, mark);
    let lots = position.qty.abs();
    let left = |closed: D| contract.value(lots - closed, mark).abs();
    let least = |holds: &dyn Fn(D) -> bool| {
        let mut closed = D::ONE;
        while closed < lots && !holds(closed) {
            closed += D::ONE;
        }
        closed
    };
    match world.closing {
        Closing::Full => lots,
        Closing::Fraction { percent, above, cooldown } => {
            let cooling = position.partial_at.is_some_and(|at| model.now - at <= cooldown);
            if cooling || left(D::ZERO) <= d(above) { lots } else { (lots * Decimal::new(percent, 2)).ceil() }
        }
        Closing::StepDown { tiers, whole_up_to } => {
            let now = contract.tier(left(D::ZERO));
            if now < whole_up_to {
                return lots;
            }
            least(&|closed| contract.tier(left(closed)) + tiers <= now || contract.tier(left(closed)) == 0)
        }
        Closing::Restore { initial: false } => {
            least(&|closed| !falls_short(world, equity, contract.maintenance(left(closed))))
        }
        Closing::Restore { initial: true } => least(&|closed| {
            let leverage = rate(contract.tiers[contract.tier(left(closed))].max_leverage);
            equity >= D::ZERO && equity * leverage >= left(closed)
        }),
        Closing::ShareOfAll { step_percent, target_percent } => {
            let mut share = step_percent;
            while share < 100 {
                let closed = (lots * Decimal::new(share, 2)).ceil();
                if contract.maintenance(left(closed)) < Decimal::new(target_percent, 2) * equity {
                    return closed;
                }
                share += step_percent;
            }
            lots
        }
    }
}
