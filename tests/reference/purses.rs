//! Who pays what an order, a ticket or a vault lacks, and who is repaid: the fund within its limits, the venue, vaults, and
//! other accounts.

use super::margin::{d, rate};
use super::model::{D, Model, Payers, State, Told, whole};
use super::orders::Forced;
use super::world::{Payer, Socialise, World};

/// A part of the fund.
#[derive(Clone, Debug)]
pub struct Pool {
    pub cash: D,
    floor: D,
    pub contracts: Vec<usize>,
    /// What it held before, each with the time until which it did.
    past: Vec<(i64, D)>,
    /// Whether it has fallen too far from its peak.
    fallen: bool,
}

impl Pool {
    pub fn open(world: &World) -> Vec<Self> {
        let pool = |cash, floor, contracts| Self {
            cash: d(cash),
            floor: d(floor),
            contracts,
            past: Vec::new(),
            fallen: false,
        };
        if world.pools.is_empty() {
            return vec![pool(world.fund, world.floor, (0..world.contracts.len()).collect())];
        }
        world.pools.iter().map(|of| pool(of.open, of.floor, of.contracts.clone())).collect()
    }

    /// The most it held within the window.
    fn peak(&self, now: i64, window: i64) -> D {
        let held = self.past.iter().filter(|(until, _)| *until >= now - window).map(|&(_, cash)| cash);
        held.fold(self.cash, D::max)
    }
}

/// Who paid how much.
#[derive(Clone, Debug, Default)]
pub struct Paid {
    pub fund: D,
    pub venue: D,
    /// Each vault, in the order in which they were asked.
    pub vaults: Vec<(usize, D)>,
    pub others: D,
    pub deficit: D,
}

impl Paid {
    pub fn total(&self) -> D {
        self.fund + self.venue + self.by_vaults() + self.others + self.deficit
    }

    pub fn by_vaults(&self) -> D {
        self.vaults.iter().map(|vault| vault.1).sum()
    }

    pub fn add(&mut self, more: Paid) {
        self.fund += more.fund;
        self.venue += more.venue;
        self.vaults.extend(more.vaults);
        self.others += more.others;
        self.deficit += more.deficit;
    }

    pub fn told(&self) -> Payers {
        [self.fund, self.venue, self.by_vaults(), self.others, self.deficit].map(whole)
    }
}

/// How a claim is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    AtOnce,
    /// One of a vault, which no other vault carries.
    OfVault,
    /// One of an order: what it wants of other accounts is asked for when the sales and rounds of the instant are done.
    OfOrder,
}

/// An account that can be asked to bear a loss.
#[derive(Clone, Copy, Debug)]
enum Giver {
    Position(usize),
    Wallet(usize),
}

impl Model<'_> {
    // ------------------------------------------------------------------------------------------- the fund

    fn pool_of(&mut self, contract: usize) -> &mut Pool {
        self.pools.iter_mut().find(|pool| pool.contracts.contains(&contract)).unwrap()
    }

    /// What the pool of a contract would have if the engine's tickets of its contracts were closed at the marks; its cash
    /// and its floor.
    pub fn pool_equity(&self, contract: usize) -> (D, D, D) {
        let pool = self.pools.iter().find(|pool| pool.contracts.contains(&contract)).unwrap();
        let mut equity = pool.cash;
        for &of in &pool.contracts {
            equity += self.tickets[of].iter().map(|ticket| self.gain(of, ticket.qty, ticket.tick)).sum::<D>();
        }
        (equity, pool.cash, pool.floor)
    }

    /// Notional of the engine's net position in each contract of a pool, after it took more lots in one.
    pub fn net_notional(&self, contract: usize, more: D) -> D {
        let pool = self.pools.iter().find(|pool| pool.contracts.contains(&contract)).unwrap();
        let of_one = |&of: &usize| {
            let held: D = self.tickets[of].iter().map(|ticket| ticket.qty).sum();
            let net = if of == contract { held + more } else { held };
            self.contract(of).value(net, self.marks[of]).abs()
        };
        pool.contracts.iter().map(of_one).sum()
    }

    /// What the fund may pay now for a contract.
    pub fn budget(&self, contract: usize) -> D {
        let whole = self.whole_budget(contract);
        match self.world.drawdown {
            Some(drawdown) if !self.keeps_promise => {
                let pool = self.pools.iter().find(|pool| pool.contracts.contains(&contract)).unwrap();
                let peak = pool.peak(self.now, drawdown.window);
                let allowance = (rate(drawdown.start) * peak).floor() - (peak - pool.cash);
                if pool.fallen { D::ZERO } else { whole.min(allowance).max(D::ZERO) }
            }
            _ => whole,
        }
    }

    /// The same whatever the fund's fall from its peak.
    pub fn whole_budget(&self, contract: usize) -> D {
        if !self.world.cash_layers.contains(&Payer::Fund) {
            return D::ZERO;
        }
        let (equity, cash, floor) = self.pool_equity(contract);
        let mut budget = cash.min(equity) - floor;
        if let Some(cap) = self.world.draw_cap {
            budget = budget.min(d(cap) - self.drawn[contract]);
        }
        budget.max(D::ZERO)
    }

    fn change_fund(&mut self, contract: usize, change: D) {
        if change.is_zero() {
            return;
        }
        let now = self.now;
        let pool = self.pool_of(contract);
        pool.past.push((now, pool.cash));
        pool.cash += change;
        self.watch_drawdown();
    }

    pub fn fund_receives(&mut self, contract: usize, amount: D) {
        self.change_fund(contract, amount);
    }

    pub fn fund_pays(&mut self, contract: usize, amount: D) -> Paid {
        self.drawn[contract] += amount;
        self.change_fund(contract, -amount);
        Paid { fund: amount, ..Paid::default() }
    }

    /// On where a pool has fallen by the start share of its peak, off where the fall is under the stop share.
    pub fn watch_drawdown(&mut self) {
        let Some(drawdown) = self.world.drawdown else { return };
        for (number, pool) in self.pools.iter_mut().enumerate() {
            let peak = pool.peak(self.now, drawdown.window);
            let share = rate(if pool.fallen { drawdown.stop } else { drawdown.start });
            let fallen = peak - pool.cash >= share * peak;
            if fallen != pool.fallen {
                pool.fallen = fallen;
                let (peak, balance) = (whole(peak), whole(pool.cash));
                self.told.push(Told::Drawdown { pool: number, on: fallen, peak, balance });
            }
        }
    }

    // ------------------------------------------------------------------------------------------- the layers

    /// Makes the cash layers from one on pay an amount for a loss of a contract, in their order; nobody pays the rest.
    pub fn raise(&mut self, amount: D, contract: usize, from: usize, claim: Claim) -> Paid {
        let mut paid = Paid::default();
        for payer in &self.world.cash_layers[from..] {
            let missing = amount - paid.total();
            match payer {
                Payer::Fund => {
                    let part = missing.min(self.budget(contract));
                    paid.add(self.fund_pays(contract, part));
                }
                Payer::Venue => {
                    let part = missing.min(self.venue);
                    self.venue -= part;
                    paid.venue += part;
                }
                Payer::Vaults if claim == Claim::OfVault => {}
                Payer::Vaults => {
                    let mut missing = missing;
                    for (number, vault) in self.vaults.iter_mut().enumerate() {
                        let part = missing.min(vault.loss_left());
                        vault.cash -= part;
                        paid.vaults.push((number, part));
                        missing -= part;
                    }
                }
                // The deficit stands in until others can be asked, and the layers after them.
                Payer::Others if claim == Claim::OfOrder => break,
                Payer::Others => {
                    for (giver, part) in self.charges(missing, contract) {
                        self.take_from(giver, part);
                        paid.others += part;
                    }
                }
            }
        }
        let missing = amount - paid.total();
        self.deficit -= missing;
        paid.deficit += missing;
        paid
    }

    /// The cash layers pay what an order lacks.
    pub fn cover(&mut self, forced: &mut Forced, amount: D) {
        let paid = self.raise(amount, self.positions[forced.position].contract, 0, Claim::OfOrder);
        self.receive(forced, amount);
        forced.paid.add(paid);
    }

    /// Cash for an order: it goes to what backs its position.
    pub fn receive(&mut self, forced: &mut Forced, amount: D) {
        *self.purse(forced.position) += amount;
        forced.stake += amount;
    }

    /// An order gives back what was paid for it, as far as it has gained: the last layer first.
    pub fn repay(&mut self, forced: &mut Forced, gain: D) {
        let contract = self.positions[forced.position].contract;
        let mut gain = gain;
        let mut back = |paid: &mut D| {
            let part = gain.min(*paid);
            *paid -= part;
            gain -= part;
            part
        };
        let mut repaid = back(&mut forced.paid.deficit);
        self.deficit += repaid;
        for payer in self.world.cash_layers.iter().rev() {
            match payer {
                Payer::Fund => {
                    let part = back(&mut forced.paid.fund);
                    self.change_fund(contract, part);
                    self.drawn[contract] -= part;
                    repaid += part;
                }
                Payer::Venue => {
                    let part = back(&mut forced.paid.venue);
                    self.venue += part;
                    repaid += part;
                }
                Payer::Vaults => {
                    for (vault, paid) in forced.paid.vaults.iter_mut().rev() {
                        let part = back(paid);
                        self.vaults[*vault].cash += part;
                        repaid += part;
                    }
                }
                // They have not been asked yet.
                Payer::Others => {}
            }
        }
        self.receive(forced, -repaid);
    }

    // ------------------------------------------------------------------------------------------- other accounts

    /// What is then asked of other accounts: the claims of all orders on one contract together, and each order's in turn.
    /// What does not come together is for the layers after them.
    pub fn meet_claims(&mut self, orders: &mut [Forced]) {
        let Some(place) = self.world.cash_layers.iter().position(|&layer| layer == Payer::Others) else { return };
        for contract in 0..self.marks.len() {
            let of_contract = |forced: &Forced| self.positions[forced.position].contract == contract;
            let claims: Vec<usize> = (0..orders.len()).filter(|&i| of_contract(&orders[i])).collect();
            let amount = claims.iter().map(|&i| orders[i].paid.deficit).sum();
            let mut charges = self.charges(amount, contract).into_iter();
            let mut charge = charges.next();
            for i in claims {
                let forced = &mut orders[i];
                while let Some((giver, left)) = charge
                    && !forced.paid.deficit.is_zero()
                {
                    let part = left.min(forced.paid.deficit);
                    self.take_from(giver, part);
                    self.deficit += part;
                    forced.paid.deficit -= part;
                    forced.paid.others += part;
                    charge = if part == left { charges.next() } else { Some((giver, left - part)) };
                }
                let lacking = std::mem::take(&mut forced.paid.deficit);
                self.deficit += lacking;
                let paid = self.raise(lacking, contract, place + 1, Claim::OfOrder);
                forced.paid.add(paid);
            }
        }
    }

    /// ⌊amount · part ÷ Σ parts⌋ of each who can be asked, and no more than it can give.
    fn charges(&self, amount: D, contract: usize) -> Vec<(Giver, D)> {
        if amount.is_zero() {
            return Vec::new();
        }
        // Giver, part, and the most that it gives.
        let mut shares: Vec<(Giver, D, D)> = Vec::new();
        match self.world.socialise {
            Socialise::Profit | Socialise::Payout | Socialise::Base => {
                for (at, position) in self.positions.iter().enumerate() {
                    let is_asked = position.contract == contract
                        && !position.qty.is_zero()
                        && position.state == State::Watched
                        && !self.losers.contains(&position.account);
                    if !is_asked {
                        continue;
                    }
                    let mut equity = self.equity_at_mark(at);
                    if position.cross {
                        // The account's other positions can give the same equity only once.
                        let is_other = |giver| match giver {
                            Giver::Position(other) => {
                                self.positions[other].cross && self.positions[other].account == position.account
                            }
                            Giver::Wallet(_) => false,
                        };
                        equity -= shares.iter().filter(|share| is_other(share.0)).map(|share| share.2).sum::<D>();
                    }
                    let (part, most) = match self.world.socialise {
                        Socialise::Profit | Socialise::Payout => {
                            let profit = self.unrealised(at).min(equity);
                            (profit, profit)
                        }
                        _ => (position.qty.abs(), equity),
                    };
                    shares.push((Giver::Position(at), part.max(D::ZERO), most.max(D::ZERO)));
                }
            }
            Socialise::Withdrawals { most } => {
                for (account, &cash) in self.wallets.iter().enumerate() {
                    // What backs positions is not free.
                    if self.losers.contains(&account) || !self.legs(account).is_empty() {
                        continue;
                    }
                    let part = (rate(most) * cash).floor();
                    shares.push((Giver::Wallet(account), part, part));
                }
            }
        }
        shares.retain(|&(_, part, most)| part > D::ZERO && most > D::ZERO);
        let parts: D = shares.iter().map(|share| share.1).sum();
        let amount = if self.world.socialise == Socialise::Base { amount } else { amount.min(parts) };
        if self.world.socialise == Socialise::Payout {
            // Each keeps its part of what is left, rounded down; what that takes too much goes back, to the last first.
            let gives = |&(giver, part, _): &(Giver, D, D)| (giver, part - (part * (parts - amount) / parts).floor());
            let mut charges: Vec<(Giver, D)> = shares.iter().map(gives).collect();
            let mut over = charges.iter().map(|charge| charge.1).sum::<D>() - amount;
            for (_, given) in charges.iter_mut().rev() {
                let back = over.min(*given);
                *given -= back;
                over -= back;
            }
            charges.retain(|charge| !charge.1.is_zero());
            return charges;
        }
        let of = |&(giver, part, most): &(Giver, D, D)| (giver, (amount * part / parts).floor().min(most));
        shares.iter().map(of).filter(|charge| !charge.1.is_zero()).collect()
    }

    /// An account gives cash: of a profit it realises first what it gives.
    fn take_from(&mut self, giver: Giver, amount: D) {
        match giver {
            Giver::Wallet(account) => self.wallets[account] -= amount,
            Giver::Position(at) => {
                self.realise(at, amount);
                *self.purse(at) -= amount;
                let position = &self.positions[at];
                if position.cross {
                    // What the position itself does not hold lies in the account's others.
                    let paid = self.fill_wallet(position.account, position.contract);
                    assert!(paid.total().is_zero(), "nobody gives more than its equity");
                }
            }
        }
    }

    /// Closes and opens again, at the mark, the fewest lots of a position that realise as much of its profit.
    fn realise(&mut self, at: usize, amount: D) {
        let position = &self.positions[at];
        let wanted = amount.min(self.unrealised(at));
        if wanted <= D::ZERO {
            return;
        }
        let contract = self.contract(position.contract);
        let mark = self.marks[position.contract];
        let all = position.qty.abs();
        let one = position.qty / all;
        let realised = |lots: D| {
            let released = |amount: D| (amount * lots / all).ceil();
            contract.value(one * lots, mark) - released(position.cost) - released(position.owed)
        };
        let mut lots = D::ONE;
        while realised(lots) < wanted {
            lots += D::ONE;
        }
        let (lots, cash) = (one * lots, contract.value(one * lots, mark));
        self.trade(at, -lots, -cash);
        self.trade(at, lots, cash);
    }
}
