//! The venue as it is seen from outside: what it tells and what everybody holds, in the model's terms.

use std::collections::BTreeMap;
use std::sync::Arc;

use flashcrash::facts::{self, Fact, Paid, Party, Side, Why};
use flashcrash::venue::ledger::Telling;
use flashcrash::venue::register::Register;
use flashcrash::venue::{Command, Refused, Venue};

use super::desk::agree;
use super::model::{Deed, Outcome, Payers, Snapshot, Told, Went};
use super::world::World;

/// A venue with what can be seen of it from outside.
pub struct Watched {
    pub venue: Venue,
    contracts: usize,
    house: BTreeMap<Party, i64>,
    /// Lots and cost of each vault in each contract, and what each pool of the fund holds.
    vaults: Vec<Vec<(i64, i64)>>,
    pools: Vec<i64>,
    accounts: usize,
    /// Account and contract of each position.
    names: Vec<(usize, usize)>,
}

impl Watched {
    pub fn open(world: &World) -> Self {
        let rules = Arc::new(world.rules());
        let mut register = Register::default();
        register.rebuild(&mut world.holdings(), &rules, &world.opening_marks()).unwrap();
        let contracts = rules.contracts.len();
        let mut venue = Venue::new(rules);
        venue.open(Arc::new(register), Telling::Told);
        let names = world.holdings.iter().map(|holding| (holding.account, holding.contract)).collect();
        let mut watched = Self {
            venue,
            contracts,
            house: BTreeMap::new(),
            vaults: vec![vec![(0, 0); contracts]; world.vaults.len()],
            pools: vec![0; world.pools.len()],
            accounts: world.wallets.len(),
            names,
        };
        watched.take_facts();
        watched
    }

    /// What was told since the last call, and for each ADL round the first account that it took lots from.
    pub fn take_facts(&mut self) -> (Vec<Told>, Vec<Option<usize>>) {
        let mut told: Vec<Told> = Vec::new();
        let (mut victims, mut victim) = (Vec::new(), None);
        for fact in std::mem::take(self.venue.facts()) {
            let name = |account: u32, contract: u16| (account as usize, usize::from(contract));
            told.push(match fact {
                Fact::Posted { from, to, amount, why } => {
                    *self.house.entry(from).or_default() -= amount.0;
                    *self.house.entry(to).or_default() += amount.0;
                    // What a leg realises stays out of the cost.
                    match (from, to, why) {
                        (Party::Clearing(c), Party::Backstop(j), Why::Realised) => self.vault(j, c).1 += amount.0,
                        (Party::Backstop(j), Party::Clearing(c), Why::Realised) => self.vault(j, c).1 -= amount.0,
                        _ => {}
                    }
                    continue;
                }
                Fact::Traded { party: Party::Backstop(j), contract, qty, cash, .. } => {
                    let held = self.vault(j, contract);
                    *held = (held.0 + qty.0, held.1 + cash.0);
                    continue;
                }
                Fact::Funding { contract, per_lot } => {
                    for vault in &mut self.vaults {
                        let (lots, cost) = &mut vault[usize::from(contract)];
                        *cost += *lots * per_lot.0;
                    }
                    continue;
                }
                Fact::PoolMoved { pool, change, balance } => {
                    let held = &mut self.pools[usize::from(pool)];
                    *held += change.0;
                    assert_eq!(*held, balance.0, "the changes of a pool and its balance");
                    continue;
                }
                Fact::Drawdown { pool, on, peak, balance } => {
                    Told::Drawdown { pool: usize::from(pool), on, peak: peak.0, balance: balance.0 }
                }
                Fact::BackstopTook { backstop, order, contract, qty, cash } => Told::VaultTook {
                    vault: usize::from(backstop),
                    order,
                    contract: usize::from(contract),
                    lots: qty.0,
                    cash: cash.0,
                },
                Fact::BackstopClosed { backstop, contract, qty, result, paid } => Told::VaultClosed {
                    vault: usize::from(backstop),
                    contract: usize::from(contract),
                    lots: qty.0,
                    result: result.0,
                    paid: payers(&paid),
                },
                Fact::Breached { contract, account, trigger, mark } => {
                    Told::Breached { position: name(account, contract), trigger: trigger.0, mark: mark.0 }
                }
                Fact::OrderOpened { order, contract, account, qty, bankruptcy, surplus, mark } => Told::Opened {
                    order,
                    position: name(account, contract),
                    lots: qty.0,
                    bankruptcy: bankruptcy.0,
                    surplus: surplus.0,
                    mark: mark.0,
                },
                Fact::OrderDropped { contract, account } => Told::Dropped { position: name(account, contract) },
                Fact::Exhausted { order, contract } => Told::Exhausted { order, contract: usize::from(contract) },
                Fact::TookOver { order, qty, bankruptcy, .. } => {
                    Told::TookOver { order, lots: qty.0, tick: bankruptcy.0 }
                }
                Fact::TakeoverRefused { order, qty, .. } => Told::TakeoverRefused { order, lots: qty.0 },
                Fact::TicketClosed { contract, qty, bankruptcy, result, paid } => Told::TicketClosed {
                    contract: usize::from(contract),
                    lots: qty.0,
                    tick: bankruptcy.0,
                    result: result.0,
                    paid: payers(&paid),
                },
                Fact::Acted { contract, account, deed, qty, amount, .. } => Told::Acted {
                    position: name(account, contract),
                    deed: match deed {
                        facts::Deed::Traded => Deed::Traded,
                        facts::Deed::ToppedUp => Deed::ToppedUp,
                        facts::Deed::Withdrew => Deed::Withdrew,
                        facts::Deed::HedgeBroken | facts::Deed::SoldSpot => unreachable!("the venue tells of no spot"),
                    },
                    lots: qty.0,
                    amount: amount.0,
                },
                Fact::TicketsFunded { contract, owed, paid } => {
                    Told::TicketsFunded { contract: usize::from(contract), owed: owed.0, paid: payers(&paid) }
                }
                Fact::Round { contract, losers, needed, placed, .. } => {
                    victims.push(victim.take());
                    Told::Round {
                        contract: usize::from(contract),
                        long_losers: losers == Side::Long,
                        needed: needed.0,
                        placed: placed.0,
                    }
                }
                Fact::Deleveraged { contract, account, qty, notional, haircut, .. } => {
                    victim.get_or_insert(account as usize);
                    Told::Deleveraged {
                        position: name(account, contract),
                        lots: qty.0,
                        notional: notional.0,
                        haircut: haircut.0,
                    }
                }
                Fact::OrderClosed { order, disposal, .. } => Told::Closed {
                    order,
                    went: Went {
                        book: disposal.to_book.0,
                        engine: disposal.to_engine.0,
                        vaults: disposal.to_backstop.0,
                        adl: disposal.to_adl.0,
                    },
                    paid: payers(&disposal.paid),
                    waived: disposal.fees_waived.0,
                    avoided: disposal.book_cost_avoided.0,
                },
                Fact::Halted { contract: Some(contract), until } => {
                    Told::Halted { contract: usize::from(contract), until: until.0 }
                }
                Fact::MaintenanceScaled { contract, multiplier, .. } => {
                    Told::Scaled { contract: usize::from(contract), times: multiplier.0 }
                }
                Fact::Traded { .. }
                | Fact::Priced { .. }
                | Fact::Marked { .. }
                | Fact::Inventory { .. }
                | Fact::Horizon { .. }
                | Fact::SpotMoved { .. }
                | Fact::Halted { contract: None, .. } => continue,
            });
        }
        (told, victims)
    }

    fn vault(&mut self, number: u16, contract: u16) -> &mut (i64, i64) {
        &mut self.vaults[usize::from(number)][usize::from(contract)]
    }

    pub fn snapshot(&self) -> Snapshot {
        let ledger = self.venue.ledger();
        let cash = |party| self.house.get(&party).copied().unwrap_or(0);
        let contracts = 0..self.contracts as u16;
        let snapshot = Snapshot {
            positions: (0..self.names.len() as u32)
                .map(|id| ledger.position(id))
                .map(|position| (position.qty.0, position.cost.0, position.collateral.0, position.owed.0))
                .collect(),
            wallets: (0..self.accounts as u32).map(|account| ledger.wallet(account).0).collect(),
            maker: cash(Party::Maker),
            fund: if self.pools.is_empty() { vec![ledger.fund().0] } else { self.pools.clone() },
            fees: cash(Party::Fees),
            venue: ledger.venue().0,
            vaults: (0u16..).zip(&self.vaults).map(|(j, held)| (cash(Party::Backstop(j)), held.clone())).collect(),
            clearing: contracts.clone().map(|contract| cash(Party::Clearing(contract))).collect(),
            rounding: cash(Party::Rounding),
            deficit: cash(Party::Deficit),
            tickets: contracts
                .flat_map(|contract| {
                    self.venue.tickets(contract).map(|(qty, tick)| (qty.0, tick.0)).collect::<Vec<_>>()
                })
                .filter(|&(qty, _)| qty != 0)
                .collect(),
        };
        assert_eq!(snapshot.fund.iter().sum::<i64>(), cash(Party::Fund), "the fund's postings and its balance");
        assert_eq!(snapshot.venue, cash(Party::Venue), "the venue's postings and its balance");
        snapshot
    }

    /// A command that must be refused so, and change nothing.
    pub fn must_refuse(&mut self, command: Command, why: &str) -> Outcome {
        let before = self.snapshot();
        let answer = self.venue.apply(command);
        agree(&format!("refusal of {command:?}"), &answer.map_err(|refused| kind(&refused)), &Err(why))?;
        agree("what is told of a refusal", &self.take_facts().0, &Vec::new())?;
        agree("holdings after a refusal", &self.snapshot(), &before)
    }
}

pub fn kind(refused: &Refused) -> &'static str {
    match refused {
        Refused::Busy => "busy",
        Refused::NoOrder => "no order",
        Refused::TooMuch { .. } => "too much",
        Refused::OverBudget { .. } => "over budget",
        Refused::Negative => "negative",
        Refused::NoContract(_) => "no contract",
        Refused::NoPosition(_) => "no position",
        Refused::NoPrice(_) => "no price",
    }
}

fn payers(paid: &Paid) -> Payers {
    [paid.fund.0, paid.venue.0, paid.backstop.0, paid.socialised.0, paid.deficit.0]
}
