//! Vaults that take positions over at their bankruptcy ticks, with the margin left in them, and bear what that costs up to
//! a cap.

use super::desk::Desk;
use super::margin::{d, rate};
use super::model::{Answer, D, Model, Outcome, Request, Told, leg, sign, whole};
use super::orders::Forced;
use super::purses::{Claim, Paid};
use super::world::{self, Contract};

#[derive(Clone, Debug)]
pub struct Vault {
    rules: world::Vault,
    pub cash: D,
    /// Lots and cost in each contract.
    pub positions: Vec<(D, D)>,
}

impl Vault {
    pub fn open(rules: &world::Vault, contracts: usize) -> Self {
        Self { rules: *rules, cash: d(rules.capital), positions: vec![(D::ZERO, D::ZERO); contracts] }
    }

    /// What it has when it has lost all that it may.
    fn floor(&self) -> D {
        d(self.rules.capital - self.rules.loss_cap)
    }

    /// What it may still lose.
    pub fn loss_left(&self) -> D {
        (self.cash - self.floor()).max(D::ZERO)
    }
}

/// The tick of an average cost, on the side on which a sale is counted to lose no less than it does.
fn cost_tick(contract: &Contract, qty: D, cost: D) -> D {
    contract.bankruptcy(qty, -cost)
}

impl Model<'_> {
    pub fn vaults_hold(&self) -> bool {
        self.vaults.iter().any(|vault| vault.positions.iter().any(|(qty, _)| !qty.is_zero()))
    }

    fn vault_equity(&self, number: usize) -> D {
        let vault = &self.vaults[number];
        let gains = vault
            .positions
            .iter()
            .enumerate()
            .map(|(contract, &(qty, cost))| self.contract(contract).value(qty, self.marks[contract]) - cost);
        vault.cash + gains.sum::<D>()
    }

    /// Each vault sells up to its slice in each contract, as far as it may still lose.
    pub fn sell_vaults(&mut self, desk: &mut Desk<'_>) -> Outcome {
        if !self.vaults_hold() {
            return Ok(());
        }
        for number in 0..self.vaults.len() {
            for contract in 0..self.marks.len() {
                let vault = &self.vaults[number];
                let (qty, cost) = vault.positions[contract];
                let offered = qty.abs().min(d(vault.rules.slice));
                if offered.is_zero() || self.stands_still(contract) {
                    continue;
                }
                let long = qty > D::ZERO;
                let request = Request {
                    contract,
                    long,
                    lots: whole(offered),
                    limit: self.band(contract, long).map(whole),
                    bankruptcy: whole(cost_tick(self.contract(contract), qty, cost)),
                    surplus: 0,
                    budget: Some(whole(vault.loss_left())),
                };
                let answer = desk.ask(self, &request)?;
                self.watch_band(&request, answer);
                let Answer { lots, cash, .. } = answer;
                if lots == 0 {
                    continue;
                }
                let lots = -sign(long) * d(lots);
                let cash = self.contract(contract).cash(lots, d(cash));
                self.trade_maker(contract, -lots, -cash);
                let result = self.vault_trades(number, contract, lots, cash);
                self.settle_vault(number, contract, -lots, result);
            }
        }
        Ok(())
    }

    /// A leg of a vault; returns what it realises.
    pub fn vault_trades(&mut self, number: usize, contract: usize, lots: D, cash: D) -> D {
        let vault = &mut self.vaults[number];
        let (qty, cost) = vault.positions[contract];
        let ((qty, cost, _), realised) = leg((qty, cost, D::ZERO), lots, cash);
        vault.positions[contract] = (qty, cost);
        vault.cash += realised;
        self.clearing[contract] -= realised;
        realised
    }

    /// Of a loss that it realised on so many of its lots a vault bears what leaves it its floor; the cash layers give it the
    /// rest.
    pub fn settle_vault(&mut self, number: usize, contract: usize, closed: D, result: D) {
        let vault = &self.vaults[number];
        let loss = (-result).max(D::ZERO);
        let given = loss.min((vault.floor() - vault.cash).max(D::ZERO));
        let mut paid = self.raise(given, contract, 0, Claim::OfVault);
        self.vaults[number].cash += given;
        paid.add(Paid { vaults: vec![(number, loss - given)], ..Paid::default() });
        let (lots, result) = (whole(closed), whole(result));
        self.told.push(Told::VaultClosed { vault: number, contract, lots, result, paid: paid.told() });
    }

    /// Whether the equity that backs a position is below a vault's threshold.
    fn is_below(&self, number: usize, forced: &Forced) -> bool {
        self.vaults[number].rules.threshold.is_none_or(|threshold| {
            self.equity_at_mark(forced.position) < rate(threshold) * self.maintenance(forced.position)
        })
    }

    /// Whether an order goes past the book, as a vault behind it takes such positions at once.
    pub fn passes_the_book(&self, forced: &Forced) -> bool {
        use world::Disposer::{Book, Vaults};
        let place = |wanted| self.world.position_layers.iter().position(|&layer| layer == wanted);
        place(Book) < place(Vaults)
            && (0..self.vaults.len())
                .any(|number| self.vaults[number].rules.threshold.is_some() && self.is_below(number, forced))
    }

    /// The vaults take what they can of an order, in turn: of positions below their thresholds, and of what the book has
    /// left of others.
    pub fn vaults_take(&mut self, forced: &mut Forced) {
        let contract = self.positions[forced.position].contract;
        for number in 0..self.vaults.len() {
            if !forced.asked && !self.is_below(number, forced) {
                continue;
            }
            let sign = sign(forced.long);
            let mut lots = forced.left;
            while lots > D::ZERO && !self.can_take(number, contract, sign * lots, forced.bankruptcy) {
                lots -= D::ONE;
            }
            if lots.is_zero() {
                continue;
            }
            let cash = self.contract(contract).value(sign * lots, forced.bankruptcy);
            self.trade_order(forced, -sign * lots, -cash);
            forced.to_vaults += lots;
            let (held, _) = self.vaults[number].positions[contract];
            let result = self.vault_trades(number, contract, sign * lots, cash);
            if (held > D::ZERO) != forced.long && !held.is_zero() {
                let closed = held.abs().min(lots) * -sign;
                self.settle_vault(number, contract, closed, result);
            }
            let (order, lots, cash) = (forced.id, whole(sign * lots), whole(cash));
            self.told.push(Told::VaultTook { vault: number, order, contract, lots, cash });
        }
    }

    /// Whether, after taking signed lots at a tick, a vault has not lost all it may and has its own margin.
    fn can_take(&self, number: usize, contract: usize, lots: D, tick: D) -> bool {
        let vault = &self.vaults[number];
        let equity = self.vault_equity(number) + self.gain(contract, lots, tick);
        let notional = vault.positions.iter().enumerate().map(|(of, &(held, _))| {
            let held = if of == contract { held + lots } else { held };
            self.contract(of).value(held, self.marks[of]).abs()
        });
        equity >= vault.floor() && equity >= rate(vault.rules.margin_rate) * notional.sum::<D>()
    }

    /// Losing positions of a vault that has lost, at the marks, more than it may; with their price in a round.
    pub fn vault_needs(&self) -> Vec<(usize, usize, D, D)> {
        let mut needs = Vec::new();
        for (number, vault) in self.vaults.iter().enumerate() {
            if self.vault_equity(number) >= vault.floor() {
                continue;
            }
            for (contract, &(qty, cost)) in vault.positions.iter().enumerate() {
                let of = self.contract(contract);
                let loses = of.value(qty, self.marks[contract]) < cost;
                if qty.is_zero() || !loses || self.stands_still(contract) {
                    continue;
                }
                let price = if vault.rules.adl_at_cost { cost_tick(of, qty, cost) } else { self.marks[contract] };
                needs.push((number, contract, qty, price));
            }
        }
        needs
    }
}
