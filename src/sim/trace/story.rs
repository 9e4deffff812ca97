//! One account's way through a path in sentences: opened, called, liquidated or deleveraged, and what was left.
//!
//! The terminal and the page show the same sentences. Amounts are rounded to cents for reading; the exact ones stand
//! in the log.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Legend;
use super::recording::Recording;
use super::sentence::{side, side_of};
use crate::facts::{AccountId, ContractId, Deed, Fact, OrderId, Paid, Party, Side, Via, Why};
use crate::money::{Cash, Multiplier, Nanos, Price, Qty, Quantum};

/// What happened to one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub account: AccountId,
    pub name: String,
    /// Notional forcibly closed of it, as a loser.
    pub liquidated: Cash,
    /// Notional closed of it as a winner.
    pub deleveraged: Cash,
    /// Sentences without their subject, with their times.
    pub events: Vec<(Nanos, String)>,
}

/// What backs a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// Its own collateral.
    Isolated(Cash),
    /// All cash of its account and the results of its other positions.
    Cross,
}

/// A position as known at the opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stance {
    /// While the marks of the account's other positions stand still; `None` where no mark reaches it.
    pub liquidation: Option<Price>,
    pub backing: Backing,
}

/// How positions stand at the opening.
pub type Opening<'a> = &'a dyn Fn(AccountId, ContractId) -> Option<Stance>;

/// The stories of these accounts, in the order given, then what the venue itself went through (rounds, exhaustion).
#[must_use]
pub fn stories(
    legend: &Legend,
    recording: &Recording,
    accounts: &[AccountId],
    opening: Opening<'_>,
) -> (Vec<Story>, Vec<(Nanos, String)>) {
    let mut teller = Teller {
        legend,
        opening,
        lives: accounts.iter().map(|&id| (id, Life::default())).collect(),
        orders: BTreeMap::new(),
        marks: vec![Price::ZERO; legend.contracts.len()],
        venue: Vec::new(),
        round: BTreeMap::new(),
    };
    let (mut opened, mut last) = (false, Nanos::ZERO);
    for (time, facts) in recording.batches() {
        facts.iter().for_each(|fact| teller.hear(*time, fact));
        teller.rounds(*time);
        if !opened {
            // The opening is told once all its deposits and trades are known.
            teller.openings(*time);
            opened = true;
        }
        last = *time;
    }
    teller.endings(last);
    let Teller { mut lives, venue, .. } = teller;
    let stories = accounts.iter().filter_map(|&id| {
        let life = lives.remove(&id)?;
        Some(Story {
            account: id,
            name: legend.account(id).into_owned(),
            liquidated: life.liquidated,
            deleveraged: life.deleveraged,
            events: life.events,
        })
    });
    (stories.collect(), venue)
}

#[derive(Default)]
struct Life {
    /// What it put in, and what it has.
    deposit: Cash,
    cash: Cash,
    /// Paid since the opening: fees, surplus to the venue, funding; and what others paid for it.
    fees: Cash,
    surplus: Cash,
    funding: Cash,
    covered: Cash,
    /// Contract, lots, cost.
    positions: Vec<(ContractId, Qty, Cash)>,
    liquidated: Cash,
    deleveraged: Cash,
    events: Vec<(Nanos, String)>,
}

/// A forced order from its opening to its end.
struct Closing {
    account: AccountId,
    contract: ContractId,
    bankruptcy: Price,
    book: (Qty, Cash),
    adl: (Qty, Cash),
    engine: Qty,
    backstop: Qty,
}

struct Teller<'a> {
    legend: &'a Legend,
    opening: Opening<'a>,
    lives: BTreeMap<AccountId, Life>,
    orders: BTreeMap<OrderId, Closing>,
    marks: Vec<Price>,
    venue: Vec<(Nanos, String)>,
    /// What the round being told takes from each winner.
    round: BTreeMap<(AccountId, ContractId), Taken>,
}

/// All fills of one winner in one round.
#[derive(Default)]
struct Taken {
    fills: u32,
    /// Of the last one.
    price: Price,
    qty: Qty,
    value: Cash,
    notional: Cash,
    haircut: Cash,
    /// Unrealised profit before the first of them.
    unrealised: Cash,
}

impl Teller<'_> {
    fn money(&self, amount: Cash) -> String {
        grouped(self.legend.cash_unit.show(amount.0))
    }

    fn tell(&mut self, account: AccountId, time: Nanos, sentence: String) {
        if let Some(life) = self.lives.get_mut(&account) {
            life.events.push((time, sentence));
        }
    }

    /// Average price of lots that traded for this cash.
    fn average(&self, contract: ContractId, qty: Qty, cash: Cash) -> String {
        let Quote { tick, lot } = self.quote(contract);
        let price = match self.legend.multiplier(contract) {
            Multiplier::Linear(_) => {
                let value = self.legend.cash_unit.show(cash.0.abs());
                value.checked_div(lot.show(qty.0.abs()))
            }
            // Lots × face ÷ price is their worth in the coin.
            Multiplier::Inverse(face) => {
                let worth = Decimal::from(qty.0.abs()).checked_mul(Decimal::from(face));
                let ticks = worth.and_then(|worth| worth.checked_div(Decimal::from(cash.0.abs())));
                ticks.and_then(|ticks| ticks.checked_mul(tick.size()))
            }
        };
        price.map_or_else(String::new, |price| grouped_to(price, tick.size().scale() + 2))
    }

    fn quote(&self, contract: ContractId) -> Quote {
        let known = self.legend.contract(contract);
        Quote { tick: known.tick, lot: known.lot }
    }

    fn price(&self, contract: ContractId, price: Price) -> String {
        let tick = self.quote(contract).tick;
        grouped_to(tick.show(price.0), tick.size().scale())
    }

    fn lots(&self, contract: ContractId, qty: Qty) -> String {
        let lot = self.quote(contract).lot;
        // A lot of an inverse contract is money, not the coin that the contract is named after.
        let unit = if self.legend.multiplier(contract).is_linear() { "" } else { " contracts" };
        format!("{} {}{unit}", grouped_to(lot.show(qty.0.abs()), lot.size().scale()), self.legend.symbol(contract))
    }

    fn value(&self, contract: ContractId, qty: Qty, price: Price) -> Cash {
        self.legend.multiplier(contract).value(qty, price)
    }

    fn hear(&mut self, time: Nanos, fact: &Fact) {
        match *fact {
            Fact::Posted { from, to, amount, why } => self.posted(from, to, amount, why),
            Fact::Traded { party: Party::Trader(account), contract, qty, cash, order, via, .. } => {
                self.traded(account, contract, qty, cash);
                if let Some(closing) = order.and_then(|id| self.orders.get_mut(&id)) {
                    match via {
                        Via::Book => closing.book = (closing.book.0 + qty, closing.book.1 + cash),
                        Via::Adl => closing.adl = (closing.adl.0 + qty, closing.adl.1 + cash),
                        Via::Takeover => closing.engine += qty,
                        Via::Backstop => closing.backstop += qty,
                        Via::Opening | Via::Socialised => {}
                    }
                }
            }
            Fact::Marked { contract, mark } => self.marks[usize::from(contract)] = mark,
            Fact::Breached { contract, account, trigger, mark } if self.lives.contains_key(&account) => {
                let equity = self.money(self.equity(account));
                let (mark, trigger) = (self.price(contract, mark), self.price(contract, trigger));
                let cross = (self.opening)(account, contract).is_some_and(|stance| stance.backing == Backing::Cross);
                let sentence = if cross {
                    // A cross account is in breach as a whole, at no price of its own.
                    format!(
                        "breaches the maintenance margin of its account: the mark of {} is {mark}; {equity} of equity left",
                        self.legend.symbol(contract)
                    )
                } else {
                    format!(
                        "breaches its maintenance margin: the mark is {mark}, its liquidation price {trigger}; {equity} of equity left"
                    )
                };
                self.tell(account, time, sentence);
            }
            Fact::OrderOpened { order, contract, account, bankruptcy, .. } if self.lives.contains_key(&account) => {
                self.orders.insert(
                    order,
                    Closing {
                        account,
                        contract,
                        bankruptcy,
                        book: (Qty::ZERO, Cash::ZERO),
                        adl: (Qty::ZERO, Cash::ZERO),
                        engine: Qty::ZERO,
                        backstop: Qty::ZERO,
                    },
                );
            }
            Fact::OrderDropped { account, .. } => {
                self.tell(account, time, "is healthy again before its turn comes; nothing is closed".into());
            }
            Fact::OrderClosed { order, ref disposal, .. } => {
                if let Some(closing) = self.orders.remove(&order) {
                    let notional = disposal.to_book + disposal.to_engine + disposal.to_backstop + disposal.to_adl;
                    self.closed(time, &closing, notional, &disposal.paid);
                }
            }
            Fact::Deleveraged { contract, account, qty, price, notional, haircut, unrealised }
                if self.lives.contains_key(&account) =>
            {
                let value = self.legend.multiplier(contract).notional(qty, price);
                let taken = self.round.entry((account, contract)).or_default();
                if taken.fills == 0 {
                    taken.unrealised = unrealised;
                }
                taken.fills += 1;
                taken.price = price;
                taken.qty += qty.abs();
                taken.value += value;
                taken.notional += notional;
                taken.haircut += haircut;
            }
            Fact::Acted { contract, account, by, deed, qty, amount } if self.lives.contains_key(&account) => {
                let (lots, amount) = (self.lots(contract, qty), self.money(amount));
                let verb = if qty.0 > 0 { "buys" } else { "sells" };
                let did = match deed {
                    Deed::Traded => format!("{verb} {lots}, {amount} at the mark"),
                    Deed::ToppedUp => format!("pays {amount} from its wallet into its position"),
                    Deed::Withdrew => format!("withdraws {amount} of margin"),
                    Deed::HedgeBroken => format!("loses the hedge of {lots} of spot to ADL"),
                    Deed::SoldSpot => format!("sells spot for {amount}"),
                };
                let own = if deed == Deed::HedgeBroken { "" } else { " of its own accord" };
                self.tell(account, time, format!("{did}{own} ({})", by.replace('_', " ")));
                if let Some(life) = self.lives.get_mut(&account) {
                    life.positions.retain(|position| !position.1.is_zero());
                }
            }
            Fact::Exhausted { contract, .. } => {
                let sentence =
                    format!("the fund's budget no longer covers all of a sale in {}", self.legend.symbol(contract));
                // Once an instant, however many orders it cuts short.
                let mut now = self.venue.iter().rev().take_while(|(at, _)| *at == time);
                if now.all(|(_, known)| *known != sentence) {
                    self.venue.push((time, sentence));
                }
            }
            Fact::Drawdown { on, peak, balance, .. } => {
                let (peak, balance) = (self.money(peak), self.money(balance));
                let then = if on { "ADL bears the losses from here" } else { "it pays again" };
                self.venue.push((time, format!("the fund has {balance} after a peak of {peak}: {then}")));
            }
            Fact::Halted { contract, until } => {
                let until = grouped_to(Decimal::new(until.0, 9), 3);
                let sentence = match contract {
                    Some(contract) => format!("{} is halted until {until} s", self.legend.symbol(contract)),
                    None => format!("the venue does not liquidate until {until} s"),
                };
                self.venue.push((time, sentence));
            }
            Fact::Round { contract, losers, needed, placed, mark } => {
                let sentence = format!(
                    "ADL round: {} of {} of losing {}s are closed against winners, mark {}",
                    self.lots(contract, placed),
                    self.lots(contract, needed),
                    side(losers),
                    self.price(contract, mark)
                );
                self.venue.push((time, sentence));
            }
            _ => {}
        }
    }

    fn posted(&mut self, from: Party, to: Party, amount: Cash, why: Why) {
        for (party, signed) in [(from, -amount), (to, amount)] {
            let Party::Trader(account) = party else { continue };
            let Some(life) = self.lives.get_mut(&account) else { continue };
            life.cash += signed;
            match (why, from, to) {
                // What it took back it has not put in.
                (Why::Deposit | Why::Withdrawal, ..) => life.deposit += signed,
                // What is realised leaves the cost of the lots that stay: cost + cash of the trade + result.
                (Why::Realised, Party::Clearing(contract), _) | (Why::Realised, _, Party::Clearing(contract)) => {
                    if let Some(position) = life.positions.iter_mut().find(|position| position.0 == contract) {
                        position.2 += signed;
                    }
                }
                _ => {}
            }
            match why {
                Why::TakerFee | Why::LiquidationFee => life.fees -= signed,
                Why::Surplus => life.surplus -= signed,
                Why::Funding => life.funding -= signed,
                _ => {}
            }
        }
    }

    fn traded(&mut self, account: AccountId, contract: ContractId, qty: Qty, cash: Cash) {
        let Some(life) = self.lives.get_mut(&account) else { return };
        match life.positions.iter_mut().find(|position| position.0 == contract) {
            Some(position) => (position.1, position.2) = (position.1 + qty, position.2 + cash),
            None => life.positions.push((contract, qty, cash)),
        }
    }

    /// Cash and unrealised result at the marks.
    fn equity(&self, account: AccountId) -> Cash {
        self.lives.get(&account).map_or(Cash::ZERO, |life| {
            let open = life
                .positions
                .iter()
                .map(|&(contract, qty, cost)| self.value(contract, qty, self.marks[usize::from(contract)]) - cost);
            life.cash + open.sum()
        })
    }

    fn openings(&mut self, time: Nanos) {
        let ids: Vec<AccountId> = self.lives.keys().copied().collect();
        for id in ids {
            let life = &self.lives[&id];
            let mut sentences = Vec::new();
            let mut wallet = life.deposit;
            for &(contract, qty, cost) in &life.positions {
                let notional = cost.abs();
                let stance = (self.opening)(id, contract);
                let backing = stance.map_or(Backing::Cross, |stance| stance.backing);
                let (margin, whose) = match backing {
                    Backing::Isolated(collateral) => (collateral, ""),
                    Backing::Cross if life.positions.len() > 1 => (life.deposit, " for all its positions"),
                    Backing::Cross => (life.deposit, ""),
                };
                wallet -= margin;
                let unit = self.legend.cash_unit;
                let leverage = unit
                    .show(notional.0)
                    .checked_div(unit.show(margin.0))
                    .map_or_else(String::new, |ratio| format!("{}x ", ratio.round_dp(1).normalize()));
                let trigger = stance.and_then(|stance| stance.liquidation).map_or_else(String::new, |price| {
                    let price = self.price(contract, price);
                    let alone = if whose.is_empty() { "" } else { " while other prices stand still" };
                    format!("; liquidation price {price}{alone}")
                });
                sentences.push(format!(
                    "opens {leverage}{} {} at {} (notional {}) on {} {} of margin{whose}{trigger}",
                    side_of(qty),
                    self.lots(contract, qty),
                    self.average(contract, qty, cost),
                    self.money(notional),
                    self.money(margin),
                    self.legend.currency,
                ));
            }
            match sentences.last_mut() {
                None => sentences.push(format!("deposits {} {}", self.money(life.deposit), self.legend.currency)),
                Some(last) if wallet.0 > 0 => last.push_str(&format!("; {} more in its wallet", self.money(wallet))),
                Some(_) => {}
            }
            sentences.into_iter().for_each(|sentence| self.tell(id, time, sentence));
        }
    }

    fn closed(&mut self, time: Nanos, closing: &Closing, notional: Cash, paid: &Paid) {
        let Closing { account, contract, bankruptcy, book, adl, engine, backstop } = *closing;
        // A long's legs are sales.
        let sold = book.0.0 + adl.0.0 + engine.0 + backstop.0 < 0;
        let mut ways = Vec::new();
        if !book.0.is_zero() {
            let verb = if sold { "sold into" } else { "bought back in" };
            ways.push(format!(
                "{} {verb} the book at {} on average",
                self.lots(contract, book.0),
                self.average(contract, book.0, book.1)
            ));
        }
        if !adl.0.is_zero() {
            ways.push(format!(
                "{} closed against winners (ADL) at {}",
                self.lots(contract, adl.0),
                self.average(contract, adl.0, adl.1)
            ));
        }
        for (lots, who) in [(engine, "the engine"), (backstop, "a backstop")] {
            if !lots.is_zero() {
                ways.push(format!("{} taken over by {who}", self.lots(contract, lots)));
            }
        }
        if ways.is_empty() {
            ways.push("nothing could be closed".into());
        }
        let sentence =
            format!("is liquidated: {}; bankruptcy price {}", ways.join(", "), self.price(contract, bankruptcy));
        self.tell(account, time, sentence);
        let Some(life) = self.lives.get_mut(&account) else { return };
        life.liquidated += notional;
        life.covered += paid.total();
        life.positions.retain(|position| !position.1.is_zero());
        let life = &self.lives[&account];
        let left = if life.positions.is_empty() {
            self.left(life)
        } else {
            format!("keeps the rest of its position and {} of cash", self.money(life.cash))
        };
        let short = paid.total();
        let rest = if short.is_zero() {
            String::new()
        } else {
            format!("; {} beyond its margin paid by {}", self.money(short), self.payers(paid))
        };
        self.tell(account, time, left + &rest);
    }

    /// What an account without positions is left with, and where the rest went.
    fn left(&self, life: &Life) -> String {
        let Life { deposit, cash, fees, surplus, funding, covered, .. } = *life;
        let to_price = deposit - cash - fees - surplus - funding + covered;
        let costs: Vec<String> = [
            (to_price, "to the price"),
            (fees, "in fees"),
            (funding, "in funding"),
            (surplus, "of surplus kept by the venue"),
        ]
        .iter()
        .filter(|(amount, _)| amount.0 > 0)
        .map(|(amount, what)| format!("{} {what}", self.money(*amount)))
        .collect();
        let went = if costs.is_empty() { String::new() } else { format!(": {}", costs.join(", ")) };
        match (cash, deposit) {
            (Cash::ZERO, Cash(..=0)) => format!("is left with nothing, its margin withdrawn before{went}"),
            (Cash::ZERO, _) => format!("loses all {} of its margin{went}", self.money(deposit)),
            _ if cash > deposit => {
                format!("is left with {}, {} more than it put in", self.money(cash), self.money(cash - deposit))
            }
            _ => format!("is left with {} of {}{went}", self.money(cash), self.money(deposit)),
        }
    }

    fn payers(&self, paid: &Paid) -> String {
        let named = [
            ("the fund", paid.fund),
            ("the venue", paid.venue),
            ("the backstop", paid.backstop),
            ("winners", paid.socialised),
            ("nobody", paid.deficit),
        ];
        let parts: Vec<_> = named.iter().filter(|(_, amount)| !amount.is_zero()).collect();
        if let [(who, _)] = parts[..] {
            return (*who).to_owned();
        }
        parts.iter().map(|(who, amount)| format!("{who} ({})", self.money(*amount))).collect::<Vec<_>>().join(", ")
    }

    /// Tells what a round took from each winner: one sentence, however many losers it was matched with.
    fn rounds(&mut self, time: Nanos) {
        for ((account, contract), taken) in std::mem::take(&mut self.round) {
            let Taken { fills, price, qty, value, notional, haircut, unrealised } = taken;
            if let Some(life) = self.lives.get_mut(&account) {
                life.deleveraged += notional;
            }
            let cost = match haircut.0 {
                0 => "at no cost against the mark".to_owned(),
                gift if gift < 0 => format!("{} better than the mark", self.money(haircut.abs())),
                _ => format!("{} worse than the mark", self.money(haircut)),
            };
            let at = if fills > 1 {
                format!("{} on average in {fills} fills", self.average(contract, qty, value))
            } else {
                self.price(contract, price)
            };
            let sentence = format!(
                "is deleveraged: {} closed at {at} (mark {}), {cost}; it stood {} in profit",
                self.lots(contract, qty),
                self.price(contract, self.marks[usize::from(contract)]),
                self.money(unrealised)
            );
            self.tell(account, time, sentence);
        }
    }

    fn endings(&mut self, time: Nanos) {
        let ids: Vec<AccountId> = self.lives.keys().copied().collect();
        for id in ids {
            let life = &self.lives[&id];
            let open: Vec<String> = life
                .positions
                .iter()
                .filter(|position| !position.1.is_zero())
                .map(|&(contract, qty, _)| {
                    let side = match Side::of(qty) {
                        Side::Long => "long",
                        Side::Short => "short",
                    };
                    format!("{side} {}", self.lots(contract, qty))
                })
                .collect();
            if open.is_empty() && life.deleveraged.is_zero() {
                continue;
            }
            let (equity, deposit) = (self.equity(id), life.deposit);
            let change = equity - deposit;
            let result = if change.0 >= 0 {
                format!("{} more", self.money(change))
            } else {
                format!("{} less", self.money(change.abs()))
            };
            let holding = if open.is_empty() { "without a position".into() } else { open.join(", ") };
            let sentence = format!("ends {holding}, with {} of equity: {result} than it put in", self.money(equity));
            self.tell(id, time, sentence);
        }
    }
}

struct Quote {
    tick: Quantum,
    lot: Quantum,
}

/// An amount to cents, with commas between thousands; smaller ones keep their digits.
fn grouped(amount: Decimal) -> String {
    grouped_to(amount, if amount.abs() < Decimal::ONE { 6 } else { 2 })
}

fn grouped_to(amount: Decimal, places: u32) -> String {
    let text = amount.round_dp(places).normalize().to_string();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("−", rest));
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Observer;
    use crate::sim::trace::Contract;
    use rust_decimal::dec;

    fn legend() -> Legend {
        let one = Quantum::new(dec!(1)).unwrap();
        Legend {
            currency: "USD".into(),
            cash_unit: one,
            contracts: vec![Contract { symbol: "TOY".into(), tick: one, lot: one, multiplier: Multiplier::Linear(1) }],
            accounts: vec![],
            behaviours: false,
        }
    }

    fn deleveraged(qty: i64, price: i64, haircut: i64, unrealised: i64) -> Fact {
        Fact::Deleveraged {
            contract: 0,
            account: 7,
            qty: Qty(qty),
            price: Price(price),
            notional: Cash(qty * 90),
            haircut: Cash(haircut),
            unrealised: Cash(unrealised),
        }
    }

    #[test]
    fn the_fills_of_one_round_are_one_sentence_and_those_of_the_next_another() {
        let trader = Party::Trader(7);
        let opening = [
            Fact::Posted { from: Party::World, to: trader, amount: Cash(500), why: Why::Deposit },
            Fact::Traded {
                party: trader,
                contract: 0,
                qty: Qty(-20),
                cash: Cash(-2_000),
                order: None,
                via: Via::Opening,
                ticket: None,
            },
        ];
        let mut recording = Recording::default();
        recording.see(Nanos(0), &opening);
        recording.see(Nanos(1), &[Fact::Marked { contract: 0, mark: Price(90) }]);
        // 3 lots at 92 and 1 at 96: 372 over 4 lots, 93 on average, 6 + 6 worse than the mark of 90.
        recording.see(Nanos(2), &[deleveraged(3, 92, 6, 200), deleveraged(1, 96, 6, 170)]);
        recording.see(Nanos(2), &[deleveraged(2, 88, -4, 160)]);
        let (told, _) = stories(&legend(), &recording, &[7], &|_, _| {
            Some(Stance { liquidation: Some(Price(119)), backing: Backing::Isolated(Cash(500)) })
        });
        let told: Vec<&str> = told[0].events.iter().map(|(_, sentence)| sentence.as_str()).collect();
        insta::assert_snapshot!(told[..3].join("\n"), @r"
        opens 4x short 20 TOY at 100 (notional 2,000) on 500 USD of margin; liquidation price 119
        is deleveraged: 4 TOY closed at 93 on average in 2 fills (mark 90), 12 worse than the mark; it stood 200 in profit
        is deleveraged: 2 TOY closed at 88 (mark 90), 4 better than the mark; it stood 160 in profit
        ");
    }

    #[test]
    fn amounts_are_rounded_to_cents_and_small_ones_keep_their_digits() {
        let shown = [dec!(1234567.891), dec!(-1234.5), dec!(0.000123), dec!(0), dec!(999)].map(grouped);
        assert_eq!(shown, ["1,234,567.89", "−1,234.5", "0.000123", "0", "999"]);
    }
}
