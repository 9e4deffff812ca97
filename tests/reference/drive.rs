//! Gives a venue and the model the same commands and compares what comes of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use flashcrash::facts::{Fact, Party, Side};
use flashcrash::money::{Cash, Nanos, Price, Qty};
use flashcrash::venue::ledger::Telling;
use flashcrash::venue::register::Register;
use flashcrash::venue::{Command, Fill, Next, Order, Refused, Venue};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::model::{Answer, Model, Outcome, Request, Snapshot, Told};
use super::world::{Contract, Step, World};

/// What was seen of the venue when it asked for a fill, what it was offered before it, and what it took.
#[derive(Debug)]
struct Turn {
    request: Request,
    seen: Snapshot,
    told: Vec<Told>,
    offers: Vec<(Answer, bool)>,
    answer: Answer,
}

/// The model's side of the order book: hands out what the venue was given, and compares.
pub struct Desk<'a> {
    turns: VecDeque<Turn>,
    /// The first account that each ADL round took lots from: what a random policy drew.
    victims: VecDeque<Option<usize>>,
    counts: &'a mut Counts,
}

/// What a batch of worlds exercised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub commands: u64,
    pub refused: u64,
    pub orders: u64,
    pub fills: u64,
    pub rounds: u64,
    pub deleveraged: u64,
    pub takeovers: u64,
    pub tickets: u64,
    pub exhausted: u64,
    pub unfunded: u64,
    pub funded: u64,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        self.commands += other.commands;
        self.refused += other.refused;
        self.orders += other.orders;
        self.fills += other.fills;
        self.rounds += other.rounds;
        self.deleveraged += other.deleveraged;
        self.takeovers += other.takeovers;
        self.tickets += other.tickets;
        self.exhausted += other.exhausted;
        self.unfunded += other.unfunded;
        self.funded += other.funded;
    }

    fn see(&mut self, told: &[Told]) {
        for what in told {
            match what {
                Told::Opened { .. } => self.orders += 1,
                Told::Round { .. } => self.rounds += 1,
                Told::Deleveraged { .. } => self.deleveraged += 1,
                Told::TookOver { .. } => self.takeovers += 1,
                Told::TicketClosed { .. } => self.tickets += 1,
                Told::Exhausted { .. } => self.exhausted += 1,
                Told::Closed { paid, .. } => self.unfunded += u64::from(paid[2] > 0),
                Told::TicketsFunded { .. } => self.funded += 1,
                Told::Breached { .. } | Told::Dropped { .. } | Told::TakeoverRefused { .. } => {}
            }
        }
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, venue: &T, model: &T) -> Outcome {
    if venue == model { Ok(()) } else { Err(format!("{what}\n  venue {venue:?}\n  model {model:?}")) }
}

impl Desk<'_> {
    /// The fill of an order; the venue stood at the same place with the same order and the same holdings.
    pub fn ask(&mut self, model: &mut Model<'_>, request: &Request) -> Outcome<Answer> {
        let told = std::mem::take(&mut model.told);
        let Some(turn) = self.turns.pop_front() else {
            return Err(format!("the model wants a fill for {request:?} after {told:?}, the venue does not"));
        };
        agree("what is told before an order", &turn.told, &told)?;
        agree("order", &turn.request, request)?;
        agree("holdings at an order", &turn.seen, &model.snapshot())?;
        let contract = &model.world.contracts[request.contract];
        for (offer, taken) in &turn.offers {
            agree(&format!("whether {offer:?} is taken"), taken, &is_legal(contract, request, offer))?;
        }
        self.counts.fills += 1;
        Ok(turn.answer)
    }

    pub fn first_victim(&mut self) -> Option<usize> {
        self.victims.pop_front().flatten()
    }
}

/// S(x): what is missing if the fill stands and the rest closes at the bankruptcy tick.
fn shortfall(contract: &Contract, request: &Request, lots: i64, cash: i64) -> i64 {
    let at_bankruptcy = lots * contract.lot(request.bankruptcy);
    let missing = if is_paid(contract, request) { at_bankruptcy - cash } else { cash - at_bankruptcy };
    (missing - request.surplus).max(0)
}

/// Whether who closes is paid for it: a linear long, and an inverse short.
fn is_paid(contract: &Contract, request: &Request) -> bool {
    request.long != contract.inverse
}

/// Whether an answer is one that the order allows.
fn is_legal(contract: &Contract, request: &Request, answer: &Answer) -> bool {
    let Answer { lots, cash, uncut } = *answer;
    lots >= 0
        && cash >= 0
        && uncut >= 0
        && lots <= request.lots
        && request.budget.is_none_or(|budget| shortfall(contract, request, lots, cash) <= budget)
}

/// A book whose lots stand one behind the other, each as much worse as the world says.
struct Book {
    mark: i64,
    /// Lots taken since the mark, by buyers of what longs sell and sellers of what shorts buy.
    taken: [i64; 2],
}

impl Book {
    fn answer(&mut self, world: &World, request: &Request) -> Answer {
        let contract = &world.contracts[request.contract];
        let side = usize::from(request.long);
        let sign = if request.long { -1 } else { 1 };
        let (mut cash, mut best, mut uncut) = (0, (0, 0), 0);
        for lots in 0..=request.lots {
            let missing = shortfall(contract, request, lots, cash);
            uncut = missing;
            if request.budget.is_none_or(|budget| missing <= budget) {
                best = (lots, cash);
            }
            let place = self.taken[side] + lots;
            let price = (self.mark + sign * world.slope * place / 20).max(1);
            let is_beyond = request.limit.is_some_and(|limit| sign * price > sign * limit);
            if place >= world.capacity || is_beyond {
                break;
            }
            cash += contract.lot(price);
        }
        self.taken[side] += best.0;
        Answer { lots: best.0, cash: best.1, uncut }
    }
}

/// A fill at any price that the budget allows.
fn wild_answer(rng: &mut ChaCha8Rng, contract: &Contract, request: &Request) -> Answer {
    let lots = rng.random_range(0..=request.lots);
    let price = (request.bankruptcy + rng.random_range(-15..=15)).max(1);
    let odd = if lots > 0 { rng.random_range(0..7) } else { 0 };
    let cash = lots * contract.lot(price) + odd;
    let missing = shortfall(contract, request, lots, cash);
    if request.budget.is_none_or(|budget| missing <= budget) {
        Answer { lots, cash, uncut: missing + if rng.random() { rng.random_range(0..200) } else { 0 } }
    } else {
        Answer { lots: 0, cash: 0, uncut: missing }
    }
}

/// A venue with what can be seen of it from outside.
struct Watched {
    venue: Venue,
    contracts: usize,
    house: BTreeMap<Party, i64>,
    accounts: usize,
    /// Account and contract of each position.
    names: Vec<(usize, usize)>,
}

impl Watched {
    fn open(world: &World) -> Self {
        let rules = Arc::new(world.rules());
        let mut register = Register::default();
        register.rebuild(&mut world.holdings(), &rules, &world.opening_marks()).unwrap();
        let contracts = rules.contracts.len();
        let mut venue = Venue::new(rules);
        venue.open(Arc::new(register), Telling::Told);
        let names = world.holdings.iter().map(|holding| (holding.account, holding.contract)).collect();
        let mut watched = Self { venue, contracts, house: BTreeMap::new(), accounts: world.wallets.len(), names };
        watched.take_facts();
        watched
    }

    /// What was told since the last call, and for each ADL round the first account that it took lots from.
    fn take_facts(&mut self) -> (Vec<Told>, Vec<Option<usize>>) {
        let mut told: Vec<Told> = Vec::new();
        let (mut victims, mut victim) = (Vec::new(), None);
        for fact in std::mem::take(self.venue.facts()) {
            let name = |account: u32, contract: u16| (account as usize, usize::from(contract));
            told.push(match fact {
                Fact::Posted { from, to, amount, .. } => {
                    *self.house.entry(from).or_default() -= amount.0;
                    *self.house.entry(to).or_default() += amount.0;
                    continue;
                }
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
                    paid: [paid.fund.0, paid.venue.0, paid.deficit.0],
                },
                Fact::TicketsFunded { contract, owed, paid } => Told::TicketsFunded {
                    contract: usize::from(contract),
                    owed: owed.0,
                    paid: [paid.fund.0, paid.venue.0, paid.deficit.0],
                },
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
                    to_book: disposal.to_book.0,
                    to_engine: disposal.to_engine.0,
                    to_adl: disposal.to_adl.0,
                    paid: [disposal.paid.fund.0, disposal.paid.venue.0, disposal.paid.deficit.0],
                    waived: disposal.fees_waived.0,
                    avoided: disposal.book_cost_avoided.0,
                },
                Fact::Traded { .. }
                | Fact::Priced { .. }
                | Fact::Marked { .. }
                | Fact::Inventory { .. }
                | Fact::Horizon { .. }
                | Fact::Funding { .. }
                | Fact::Acted { .. }
                | Fact::SpotMoved { .. }
                | Fact::BackstopTook { .. }
                | Fact::BackstopClosed { .. }
                | Fact::PoolMoved { .. }
                | Fact::Drawdown { .. }
                | Fact::MaintenanceScaled { .. }
                | Fact::Halted { .. } => continue,
            });
        }
        (told, victims)
    }

    fn snapshot(&self) -> Snapshot {
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
            fund: ledger.fund().0,
            fees: cash(Party::Fees),
            venue: ledger.venue().0,
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
        assert_eq!(snapshot.fund, cash(Party::Fund), "the fund's postings and its balance");
        assert_eq!(snapshot.venue, cash(Party::Venue), "the venue's postings and its balance");
        snapshot
    }

    /// A command that must be refused so, and change nothing.
    fn must_refuse(&mut self, command: Command, why: &str) -> Outcome {
        let before = self.snapshot();
        let answer = self.venue.apply(command);
        agree(&format!("refusal of {command:?}"), &answer.map_err(|refused| kind(&refused)), &Err(why))?;
        agree("what is told of a refusal", &self.take_facts().0, &Vec::new())?;
        agree("holdings after a refusal", &self.snapshot(), &before)
    }
}

fn kind(refused: &Refused) -> &'static str {
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

fn fill(answer: Answer) -> Fill {
    Fill { lots: Qty(answer.lots), cash: Cash(answer.cash), uncut: Cash(answer.uncut) }
}

fn request_of(order: &Order) -> Request {
    Request {
        contract: usize::from(order.contract),
        long: order.side == Side::Long,
        lots: order.lots.0,
        limit: order.limit.map(|limit| limit.0),
        bankruptcy: order.bankruptcy.0,
        surplus: order.surplus.0,
        budget: order.budget.map(|budget| budget.0),
    }
}

/// Answers that no order of this kind allows.
fn illegal(contract: &Contract, request: &Request) -> Vec<(Answer, &'static str)> {
    let answer = |lots, cash, uncut| Answer { lots, cash, uncut };
    let mut found = vec![
        (answer(request.lots + 1, 0, 0), "too much"),
        (answer(-1, 0, 0), "negative"),
        (answer(1, -1, 0), "negative"),
        (answer(0, 0, -1), "negative"),
    ];
    // The worst cash for the account: nothing where it is paid, a fortune where it pays.
    let cash = if is_paid(contract, request) { 0 } else { 1_000_000_000 };
    if request.budget.is_some_and(|budget| shortfall(contract, request, request.lots, cash) > budget) {
        found.push((answer(request.lots, cash, 0), "over budget"));
    }
    found
}

/// Plays the venue's side of a check instant: records each order with its fill, and returns what is told after the last.
fn check(
    world: &World,
    watched: &mut Watched,
    books: &mut [Book],
    rng: &mut ChaCha8Rng,
    now: i64,
    desk: &mut Desk<'_>,
) -> Outcome<Vec<Told>> {
    let mut next = watched.venue.apply(Command::Check { now: Nanos(now) });
    loop {
        let (told, victims) = watched.take_facts();
        desk.counts.see(&told);
        desk.victims.extend(victims);
        let order = match next {
            Ok(Next::Idle) => return Ok(told),
            Ok(Next::Order(order)) => order,
            Err(refused) => return Err(format!("the venue refuses: {refused}")),
        };
        let request = request_of(&order);
        let contract = &world.contracts[request.contract];
        let seen = watched.snapshot();
        let mut offers = Vec::new();
        if rng.random_ratio(1, 8) {
            let mark = Command::Mark { now: Nanos(now), contract: 0, mark: Price(100) };
            watched.must_refuse(mark, "busy")?;
            watched.must_refuse(Command::Check { now: Nanos(now) }, "busy")?;
            for (answer, why) in illegal(contract, &request) {
                watched.must_refuse(Command::Fill(fill(answer)), why)?;
                offers.push((answer, false));
                desk.counts.refused += 1;
            }
        }
        let answer = if world.wild {
            wild_answer(rng, contract, &request)
        } else {
            books[request.contract].answer(world, &request)
        };
        offers.push((answer, true));
        next = watched.venue.apply(Command::Fill(fill(answer)));
        desk.turns.push_back(Turn { request, seen, told, offers, answer });
    }
}

/// Plays a world; the error says where venue and model first differ.
pub fn play(world: &World) -> Outcome<Counts> {
    let mut rng = ChaCha8Rng::seed_from_u64(world.seed ^ 0x5eed);
    let mut counts = Counts::default();
    let mut watched = Watched::open(world);
    let mut model = Model::open(world);
    let mut books: Vec<Book> =
        world.contracts.iter().map(|contract| Book { mark: contract.open, taken: [0, 0] }).collect();
    let mut now = 0;
    agree("holdings at the opening", &watched.snapshot(), &model.snapshot())?;
    for (i, step) in world.steps.iter().enumerate() {
        let at = |difference: String| format!("step {i}, {step:?}: {difference}");
        counts.commands += 1;
        let told = match *step {
            Step::Mark { after, contract, price } => {
                let command = Command::Mark { now: Nanos(now + after), contract: contract as u16, mark: Price(price) };
                if contract >= world.contracts.len() || price <= 0 {
                    counts.refused += 1;
                    let why = if contract >= world.contracts.len() { "no contract" } else { "no price" };
                    watched.must_refuse(command, why).map_err(at)?;
                    continue;
                }
                now += after;
                books[contract] = Book { mark: price, taken: [0, 0] };
                agree("answer to a mark", &watched.venue.apply(command), &Ok(Next::Idle)).map_err(at)?;
                model.mark(now, contract, price);
                watched.take_facts().0
            }
            Step::Check { after } => {
                now += after;
                let mut desk = Desk { turns: VecDeque::new(), victims: VecDeque::new(), counts: &mut counts };
                let told = check(world, &mut watched, &mut books, &mut rng, now, &mut desk).map_err(at)?;
                model.check(now, &mut desk).map_err(at)?;
                if let Some(turn) = desk.turns.front() {
                    return Err(at(format!("the venue goes on to {:?}", turn.request)));
                }
                told
            }
            Step::Funding { after, contract, per_lot } => {
                let id = contract as u16;
                let command = Command::Funding { now: Nanos(now + after), contract: id, per_lot: Cash(per_lot) };
                if contract >= world.contracts.len() {
                    counts.refused += 1;
                    watched.must_refuse(command, "no contract").map_err(at)?;
                    continue;
                }
                now += after;
                agree("answer to funding", &watched.venue.apply(command), &Ok(Next::Idle)).map_err(at)?;
                model.fund(now, contract, per_lot);
                let told = watched.take_facts().0;
                counts.see(&told);
                told
            }
            Step::Stray => {
                counts.refused += 1;
                let answer = Answer { lots: 1, cash: 1, uncut: 0 };
                watched.must_refuse(Command::Fill(fill(answer)), "no order").map_err(at)?;
                continue;
            }
        };
        agree("what is told", &told, &std::mem::take(&mut model.told)).map_err(at)?;
        agree("holdings", &watched.snapshot(), &model.snapshot()).map_err(at)?;
    }
    Ok(counts)
}
