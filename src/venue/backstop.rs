//! Backstops: vaults that take positions over with the margin left in them, and bear what that costs up to a cap.
//!
//! A vault takes lots at the loser's bankruptcy tick, so that what margin is left goes with them (Hyperliquid: "maintenance
//! margin is not returned"). It works its inventory off in slices or holds it to the horizon; beyond its loss cap it
//! pays nothing, and its losing positions join the ADL round.

use super::agenda::{Book, Need, Source, Work};
use super::fund::most_that_hold;
use super::ledger::Holder;
use super::rules::{BackstopPrice, BackstopRules, PositionLayer};
use super::{Fill, Order, Venue, margin};
use crate::facts::{ContractId, Fact, OrderId, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Price, Qty, Ratio, div_ceil, div_floor};

/// What a vault paid for an order, for the case that a later gain of it repays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gift {
    work: usize,
    backstop: u16,
    amount: Cash,
}

impl BackstopRules {
    /// The equity below which it has lost all it may lose.
    fn floor(&self) -> Cash {
        (self.capital - self.loss_cap).positive_part()
    }
}

impl Venue {
    fn backstop(&self, j: u16) -> BackstopRules {
        self.rules.waterfall.backstops[usize::from(j)]
    }

    fn backstops(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.ledger.backstops.len()).expect("backstops are numbered in 16 bits")
    }

    /// Whether any vault has inventory.
    pub(super) fn backstops_hold(&self) -> bool {
        self.ledger.backstops.iter().any(|vault| vault.positions.iter().any(|(qty, _)| !qty.is_zero()))
    }

    /// Value at the marks less cost of all inventory.
    pub(super) fn backstops_mark_to_market(&self) -> Cash {
        self.backstops().map(|j| self.vault_unrealised(j)).sum()
    }

    fn vault_unrealised(&self, j: u16) -> Cash {
        let positions = &self.ledger.backstops[usize::from(j)].positions;
        (0u16..)
            .zip(positions)
            .map(|(c, &(qty, cost))| self.ledger.multiplier(c).value(qty, self.marks[usize::from(c)]) - cost)
            .sum()
    }

    fn vault_equity(&self, j: u16) -> Cash {
        self.ledger.backstops[usize::from(j)].cash + self.vault_unrealised(j)
    }

    /// What a vault may still lose.
    fn loss_left(&self, j: u16) -> Cash {
        (self.ledger.backstops[usize::from(j)].cash - self.backstop(j).floor()).positive_part()
    }

    /// Whether a position's equity at the mark is below the share of maintenance from which a vault takes it.
    fn is_below(&self, work: &Work, threshold: Option<Ratio>) -> bool {
        let Some(threshold) = threshold else { return true };
        let standing = self.at_marks(work.position);
        // equity < threshold · maintenance, with maintenance in billionths: exact.
        let equity = i128::from(standing.equity.0) * i128::from(Ratio::ONE.0);
        equity < div_floor(i128::from(threshold.0) * standing.maintenance, i128::from(Ratio::ONE.0))
    }

    /// Whether an order does not go to the book because a backstop behind it takes such positions at once.
    #[expect(clippy::inline_always, reason = "asked by every order, nearly always for nothing")]
    #[inline(always)]
    pub(super) fn passes_the_book(&mut self, at: usize) -> bool {
        !self.ledger.backstops.is_empty() && self.vaults_come_first(at)
    }

    #[inline(never)]
    fn vaults_come_first(&mut self, at: usize) -> bool {
        let layers = &self.rules.position_layers;
        let place = |wanted| layers.iter().position(|layer| *layer == wanted);
        let (Some(book), Some(backstop)) = (place(PositionLayer::Book), place(PositionLayer::Backstop)) else {
            return false;
        };
        let work = self.agenda.works[at];
        let passes = book < backstop
            && self.backstops().any(|j| {
                let threshold = self.backstop(j).threshold;
                threshold.is_some() && self.is_below(&work, threshold)
            });
        self.strained |= passes;
        passes
    }

    /// The vaults take what they can of an order, in turn: of positions below their thresholds, and of those that the book
    /// has taken all the equity of.
    #[inline(never)]
    pub(super) fn backstops_take(&mut self, at: usize) {
        for j in self.backstops() {
            let work = self.agenda.works[at];
            let rules = self.backstop(j);
            if work.left.is_zero() || !(work.in_book == Book::Asked || self.is_below(&work, rules.threshold)) {
                continue;
            }
            let lots = self.takeable(j, &work);
            if lots.is_zero() {
                continue;
            }
            self.strained = true;
            let Work { position, order, contract, side, bankruptcy, .. } = work;
            let k = self.ledger.multiplier(contract);
            let (qty, cash) = super::agenda::leg(k, side, lots, k.notional(lots, bankruptcy));
            self.ledger.trade(position, qty, cash, Some(order), Via::Backstop);
            self.backstop_trades(j, contract, (-qty, -cash), Some(order), Via::Backstop);
            self.ledger.facts.push(Fact::BackstopTook { backstop: j, order, contract, qty: -qty, cash: -cash });
            self.agenda.works[at].left -= lots;
            self.note_left(at, Via::Backstop, lots);
        }
    }

    /// The most lots of an order after which a vault still has its own margin, and has not lost all it may.
    fn takeable(&self, j: u16, work: &Work) -> Qty {
        let rules = self.backstop(j);
        let c = usize::from(work.contract);
        let equity = i128::from(self.vault_equity(j).0);
        let sign = if work.side == Side::Long { 1 } else { -1 };
        let k = self.ledger.multiplier(work.contract);
        let mark = self.mark_of(work.contract);
        let gain = i128::from((k.value(Qty(sign), mark) - k.value(Qty(sign), work.bankruptcy)).0);
        let lot = i128::from(k.notional(Qty(1), mark).0);
        let vault = &self.ledger.backstops[usize::from(j)];
        let others: i128 = (0u16..)
            .zip(&vault.positions)
            .filter(|(other, _)| usize::from(*other) != c)
            .map(|(other, (qty, _))| {
                i128::from(self.ledger.multiplier(other).notional(*qty, self.marks[usize::from(other)]).0)
            })
            .sum();
        let held = i128::from(vault.positions[c].0.0);
        let one = i128::from(Ratio::ONE.0);
        let holds = |lots: i64| {
            let lots = i128::from(lots);
            let after = equity + lots * gain;
            let notional = others + (held + lots * i128::from(sign)).abs() * lot;
            after >= i128::from(rules.floor().0) && after * one >= notional * i128::from(rules.margin_rate.0)
        };
        // From here on, or up to here, it has not lost all it may.
        let floor = i128::from(rules.floor().0) - equity;
        let edge = match gain {
            0 => 0,
            _ if gain > 0 => div_ceil(floor, gain),
            _ => div_floor(-floor, -gain),
        };
        most_that_hold(work.left, [-held * i128::from(sign), edge], holds)
    }

    /// A leg of a vault.
    pub(super) fn backstop_trades(
        &mut self,
        j: u16,
        contract: ContractId,
        (qty, cash): (Qty, Cash),
        order: Option<OrderId>,
        via: Via,
    ) {
        let (held, _) = self.ledger.backstops[usize::from(j)].positions[usize::from(contract)];
        let result = self.ledger.trade_backstop(j, contract, (qty, cash), order, via);
        let closed = if (held.0 > 0) == (qty.0 > 0) { 0 } else { held.0.abs().min(qty.0.abs()) };
        if closed > 0 {
            self.settle_backstop(j, contract, Qty(if held.0 > 0 { closed } else { -closed }), result);
        }
    }

    /// Of a loss a vault bears what it could still lose, and the cash layers give it the rest.
    pub(super) fn settle_backstop(&mut self, j: u16, contract: ContractId, qty: Qty, result: Cash) {
        let loss = (-result).positive_part();
        // The result is in its cash already.
        let lacking = (self.backstop(j).floor() - self.ledger.backstops[usize::from(j)].cash).positive_part();
        let given = loss.min(lacking);
        let mut paid = Paid { backstop: loss - given, ..Paid::default() };
        if !given.is_zero() {
            self.cover(given, Holder::House(Party::Backstop(j)), contract, None, &mut paid);
        }
        self.ledger.facts.push(Fact::BackstopClosed { backstop: j, contract, qty, result, paid });
    }

    /// The next sale of a vault in a contract: as many lots of its slice as it can bear the loss of.
    pub(super) fn vault_order(&self, j: u16, contract: ContractId) -> Option<Order> {
        let (qty, cost) = self.ledger.backstops[usize::from(j)].positions[usize::from(contract)];
        let lots = qty.abs().min(self.backstop(j).slice);
        if lots.is_zero() || self.is_halted(contract, self.now) {
            return None;
        }
        Some(Order {
            contract,
            side: Side::of(qty),
            lots,
            limit: self.band(contract, Side::of(qty)),
            bankruptcy: self.cost_tick(contract, qty, cost),
            surplus: Cash::ZERO,
            budget: Some(self.loss_left(j)),
        })
    }

    /// The tick of an average cost, on the side on which a shortfall against it is no less than the loss.
    fn cost_tick(&self, contract: ContractId, qty: Qty, cost: Cash) -> Price {
        margin::bankruptcy(self.ledger.multiplier(contract), qty, cost, Cash::ZERO).0
    }

    pub(super) fn sell_vault(&mut self, j: u16, contract: ContractId, order: &Order, fill: Fill) {
        if fill.lots.is_zero() {
            return;
        }
        let (qty, cash) = super::agenda::leg(self.ledger.multiplier(contract), order.side, fill.lots, fill.cash);
        self.ledger.trade_maker(contract, -qty, -cash, None, Via::Book);
        self.backstop_trades(j, contract, (qty, cash), None, Via::Book);
    }

    /// Losing positions of a vault that has lost, at the marks, more than it may.
    #[inline(never)]
    pub(super) fn backstop_needs(&mut self) {
        for j in self.backstops() {
            let rules = self.backstop(j);
            if self.vault_equity(j) >= rules.floor() {
                continue;
            }
            for (contract, &mark) in (0u16..).zip(&self.marks) {
                let (qty, cost) = self.ledger.backstops[usize::from(j)].positions[usize::from(contract)];
                let value = self.ledger.multiplier(contract).value(qty, mark);
                if qty.is_zero() || value >= cost || self.is_halted(contract, self.now) {
                    continue;
                }
                let price = match rules.adl_price {
                    BackstopPrice::Mark => mark,
                    BackstopPrice::Takeover => self.cost_tick(contract, qty, cost),
                };
                self.agenda.needs.push(Need {
                    source: Source::Backstop(j),
                    contract,
                    side: Side::of(qty),
                    lots: qty.abs(),
                    price,
                });
            }
        }
    }

    /// The cash layer: each vault pays what it may still lose. Returns what they paid.
    pub(super) fn backstops_pay(&mut self, amount: Cash, payee: Holder, work: Option<usize>) -> Cash {
        let mut left = amount;
        if matches!(payee, Holder::House(Party::Backstop(_))) {
            // A vault beyond its cap is not another's to carry.
            return Cash::ZERO;
        }
        for j in self.backstops() {
            let part = left.min(self.loss_left(j));
            self.pay(Party::Backstop(j), payee, part);
            if let Some(work) = work
                && !part.is_zero()
            {
                self.agenda.gifts.push(Gift { work, backstop: j, amount: part });
            }
            left -= part;
        }
        amount - left
    }

    /// Repays what vaults paid for an order out of a gain, last first.
    pub(super) fn repay_backstops(&mut self, at: usize, gain: &mut Cash, paid: &mut Cash) {
        let position = self.agenda.works[at].position;
        for i in (0..self.agenda.gifts.len()).rev() {
            let Gift { work, backstop, amount } = self.agenda.gifts[i];
            if work != at {
                continue;
            }
            let part = amount.min(*gain);
            self.ledger.take_out(position, Party::Backstop(backstop), part, Why::Repayment);
            self.agenda.gifts[i].amount -= part;
            *gain -= part;
            *paid -= part;
        }
    }
}
