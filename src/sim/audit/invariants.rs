//! What must hold after every batch, at the end of every instant and at the end of a path.

use super::position::Position;
use super::{Audit, Given, PROBES, Realised};
use crate::facts::{Paid, Party};

impl Audit {
    pub(super) fn end_of_batch(&mut self) -> Result<(), String> {
        self.realised_as_computed()?;
        self.deleveraged_as_traded()?;
        self.own.as_traded()?;
        while let Some(c) = self.touched_contracts.pop() {
            let of = &mut self.contracts[usize::from(c)];
            of.touched = false;
            if of.lots != 0 {
                return Err(format!("positions of contract {c} sum to {} lots, not 0", of.lots));
            }
            if i128::from(of.clearing) + of.cost != 0 {
                return Err(format!(
                    "clearing of contract {c} holds {} and costs sum to {}: not 0 together",
                    of.clearing, of.cost
                ));
            }
            for (sum, price) in of.unrealised.iter().zip(PROBES) {
                if *sum != i128::from(of.clearing) {
                    return Err(format!(
                        "unrealised profit of contract {c} at {price} ticks is {sum}, its clearing holds {}",
                        of.clearing
                    ));
                }
            }
            if (of.deleveraged, of.placed) != (0, 0) && of.deleveraged != of.placed {
                return Err(format!(
                    "ADL rounds of contract {c} placed {} lots, winners gave {}",
                    of.placed, of.deleveraged
                ));
            }
            (of.deleveraged, of.placed, of.opening) = (0, 0, false);
        }
        if self.held != i128::from(self.deposits) - i128::from(self.withdrawals) {
            let (gave, took) = (self.deposits, self.withdrawals);
            return Err(format!("all parties hold {}, the world gave {gave} and took {took}", self.held));
        }
        for (what, cash) in
            [("fund", self.fund), ("venue", self.venue), ("fees", self.fees), ("rounding", self.rounding)]
        {
            if cash < 0 {
                return Err(format!("the cash of {what} is {cash}"));
            }
        }
        if let Some(j) = self.backstops.iter().position(|&cash| cash < 0) {
            return Err(format!("the cash of backstop {j} is {}", self.backstops[j]));
        }
        if self.engine != 0 {
            return Err(format!("the engine holds cash of {}; it must be 0 after every event", self.engine));
        }
        if self.ticket_results != self.ticket_realised {
            return Err(format!(
                "closed tickets report {}, the engine's legs realise {}",
                self.ticket_results, self.ticket_realised
            ));
        }
        if self.taken_over != self.declared_taken_over {
            return Err(format!(
                "takeovers of {} lots reported, {} lots traded",
                self.declared_taken_over, self.taken_over
            ));
        }
        if let Some(declared) = self.inventory {
            let value = self.inventory_value();
            if value != i128::from(declared) {
                return Err(format!("inventory is said to stand at {declared}, its tickets at {value}"));
            }
        }
        self.traders_not_negative()
    }

    /// Every realised posting is the profit that the audit computes for its leg, in the order of the legs.
    fn realised_as_computed(&mut self) -> Result<(), String> {
        if self.legs.is_empty() && self.postings.is_empty() && self.touched_contracts.is_empty() {
            return Ok(());
        }
        for &c in &self.touched_contracts {
            let of = &mut self.contracts[usize::from(c)];
            if of.opening {
                let is_here = |entry: &&Realised| entry.0 == Party::Maker && entry.1 == c;
                let posted: i64 = self.postings.iter().filter(is_here).map(|entry| entry.3).sum();
                let computed: i64 = self.legs.iter().filter(is_here).map(|entry| entry.3).sum();
                let realised = posted - computed;
                of.maker.cost += realised;
                of.cost += i128::from(realised);
                of.unrealised.iter_mut().for_each(|sum| *sum -= i128::from(realised));
                if of.maker.qty == 0 && of.maker.cost != 0 {
                    return Err(format!(
                        "the maker opens flat in contract {c} with an unrealised remainder of {}",
                        -of.maker.cost
                    ));
                }
                self.postings.retain(|entry| !is_here(&entry));
                self.legs.retain(|entry| !is_here(&entry));
            }
        }
        self.legs.sort_unstable();
        self.postings.sort_unstable();
        let same = |a: &Realised, b: &Realised| (a.0, a.1, a.3) == (b.0, b.1, b.3);
        if self.legs.len() != self.postings.len() || !self.legs.iter().zip(&self.postings).all(|(a, b)| same(a, b)) {
            let odd = (0..self.legs.len().max(self.postings.len()))
                .find(|&i| !matches!((self.legs.get(i), self.postings.get(i)), (Some(a), Some(b)) if same(a, b)));
            let tell = |entry: Option<&Realised>| {
                entry.map_or_else(
                    || "nothing".to_owned(),
                    |(party, c, _, amount)| format!("{amount} of {party:?} in contract {c}"),
                )
            };
            let odd = odd.unwrap_or(0);
            return Err(format!(
                "realised by the legs: {}; posted: {}",
                tell(self.legs.get(odd)),
                tell(self.postings.get(odd))
            ));
        }
        Ok(())
    }

    /// What winners are said to have given is what their legs say.
    fn deleveraged_as_traded(&mut self) -> Result<(), String> {
        if self.given.is_empty() && self.declared.is_empty() {
            return Ok(());
        }
        let (given, declared) = (by_winner(&mut self.given), by_winner(&mut self.declared));
        if given != declared {
            let odd = (0..given.len().max(declared.len())).find(|&i| given.get(i) != declared.get(i)).unwrap_or(0);
            return Err(format!("deleveraged by the legs: {:?}; as told: {:?}", given.get(odd), declared.get(odd)));
        }
        Ok(())
    }

    fn inventory_value(&self) -> i128 {
        self.contracts.iter().filter_map(|of| of.mark.map(|mark| of.engine.unrealised(of.lot_value(mark)))).sum()
    }

    /// A trader may be below zero only while an order of its own is unfinished, and then only by what the rest of
    /// its lots would bring at their bankruptcy ticks.
    fn traders_not_negative(&mut self) -> Result<(), String> {
        while let Some(account) = self.touched_traders.pop() {
            let cash = self.traders[account as usize];
            if cash >= 0 {
                continue;
            }
            let mut covered = i128::from(cash);
            let first = self.orders_of.get(account as usize).copied().unwrap_or(0);
            let mut next = first;
            if next == 0 {
                return Err(format!("account {account} has cash of {cash} and no unfinished order"));
            }
            while next != 0 {
                let order = self.orders[next as usize - 1];
                let of = &self.contracts[usize::from(order.contract)];
                let held = of.trader(account);
                let at_bankruptcy = of.lot_value(order.bankruptcy);
                covered += held.unrealised(at_bankruptcy);
                // What the order does not close stays open at the mark.
                if let Some(mark) = of.mark {
                    let stays = i128::from(held.qty - order.left);
                    covered += (stays * (of.lot_value(mark) - at_bankruptcy)).max(0);
                }
                next = order.next;
            }
            // A cross account has a claim on what its other positions are worth, which its coming orders settle: only the
            // end of the instant judges it.
            if covered < 0 && !self.holds_elsewhere(first, account) {
                return Err(format!(
                    "account {account} has cash of {cash}, and {covered} if the rest closes at bankruptcy"
                ));
            }
            self.negative.push(account);
        }
        Ok(())
    }

    /// Whether an account holds a position on which none of its open orders is.
    fn holds_elsewhere(&self, first: u32, account: u32) -> bool {
        self.contracts.iter().enumerate().any(|(c, of)| {
            let mut next = first;
            let mut ordered = false;
            while next != 0 {
                let order = &self.orders[next as usize - 1];
                ordered |= usize::from(order.contract) == c;
                next = order.next;
            }
            !ordered && of.trader(account).qty != 0
        })
    }

    pub(super) fn end_of_instant(&mut self) -> Result<(), String> {
        if self.open_orders > 0 {
            let id = self.orders.iter().position(|order| order.open).unwrap_or(0);
            return Err(format!("order {id} is unfinished at the end of its instant"));
        }
        while let Some(account) = self.negative.pop() {
            let cash = self.traders[account as usize];
            if cash < 0 {
                return Err(format!("account {account} ends the instant with cash of {cash}"));
            }
        }
        while let Some(account) = self.settling.pop() {
            let owed = self.owed[account as usize];
            if owed != Paid::default() {
                return Err(format!(
                    "layers paid for account {account} what its orders do not tell: {owed:?} too much"
                ));
            }
        }
        if self.engine_owed != Paid::default() {
            return Err(format!(
                "layers paid for the engine what its tickets do not tell: {:?} too much",
                self.engine_owed
            ));
        }
        Ok(())
    }

    /// The whole ledger from its tables: nothing here uses the running sums.
    pub(super) fn whole_ledger(&self) -> Result<(), String> {
        let clearing: i128 = self.contracts.iter().map(|of| i128::from(of.clearing)).sum();
        let held: i128 = self.traders.iter().chain(&self.backstops).map(|&cash| i128::from(cash)).sum::<i128>()
            + [self.maker, self.engine, self.fund, self.fees, self.venue, self.rounding, self.deficit]
                .iter()
                .map(|&cash| i128::from(cash))
                .sum::<i128>()
            + clearing;
        let posted = i128::from(self.deposits) - i128::from(self.withdrawals);
        if held != posted {
            return Err(format!("all parties hold {held}, deposits less withdrawals are {posted}"));
        }
        if let Some(i) = self.traders.iter().position(|&cash| cash < 0) {
            return Err(format!("account {i} ends the path with cash of {}", self.traders[i]));
        }
        if self.paid.deficit.0 != -self.deficit {
            return Err(format!("the unfunded deficit is {}, its payments {}", -self.deficit, self.paid.deficit.0));
        }
        for (c, of) in self.contracts.iter().enumerate() {
            let backstops = self
                .backstop_positions
                .iter()
                .filter(|((_, at), _)| usize::from(*at) == c)
                .map(|(_, position)| position);
            let mark = i128::from(of.mark.unwrap_or(1));
            for price in [mark, 2 * mark + 1] {
                let funded = |position: &Position| {
                    let mut position = *position;
                    position.accrue(of.funding);
                    position
                };
                let sum: i128 = of
                    .traders
                    .iter()
                    .map(funded)
                    .chain([of.maker, of.engine])
                    .chain(backstops.clone().copied())
                    .map(|position| position.unrealised(price))
                    .sum();
                if sum != i128::from(of.clearing) {
                    return Err(format!(
                        "all positions of contract {c} at {price} ticks stand at {sum}, clearing at {}",
                        of.clearing
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Sums by contract and account.
fn by_winner(given: &mut [Given]) -> Vec<Given> {
    given.sort_unstable();
    let mut sums: Vec<Given> = Vec::new();
    for one in given.iter() {
        match sums.last_mut() {
            Some(sum) if (sum.contract, sum.account) == (one.contract, one.account) => {
                sum.lots += one.lots;
                sum.notional += one.notional;
                sum.haircut += one.haircut;
            }
            _ => sums.push(*one),
        }
    }
    sums
}
