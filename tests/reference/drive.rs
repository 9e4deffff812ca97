//! Gives a venue and the model the same commands and compares what comes of each.

use std::collections::VecDeque;

use flashcrash::facts::Side;
use flashcrash::money::{Cash, Nanos, Price, Qty, Ratio};
use flashcrash::venue::voluntary::{self, Own, OwnOrder};
use flashcrash::venue::{Command, Fill, Next, Order};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::desk::{Counts, Desk, Turn, agree, is_paid, shortfall};
use super::model::{Answer, Model, Outcome, Request, Told};
use super::watched::Watched;
use super::world::{Action, Contract, Step, World};

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
    // A bankruptcy tick may lie beyond all prices.
    let price = (request.bankruptcy.min(1_000) + rng.random_range(-15..=15)).max(1);
    let odd = if lots > 0 { rng.random_range(0..7) } else { 0 };
    let cash = lots * contract.lot(price) + odd;
    let missing = shortfall(contract, request, lots, cash);
    if request.budget.is_none_or(|budget| missing <= budget) {
        Answer { lots, cash, uncut: missing + if rng.random() { rng.random_range(0..200) } else { 0 } }
    } else {
        Answer { lots: 0, cash: 0, uncut: missing }
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
        desk.counts.see(world, &told);
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
            watched.must_refuse(Command::Refreshed { now: Nanos(now) }, "busy")?;
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

fn own(position: usize, action: Action) -> Own {
    let action = match action {
        Action::Order { lots, limit, margin } => {
            voluntary::Action::Order(OwnOrder { qty: Qty(lots), limit: Price(limit), margin: Cash(margin) })
        }
        Action::TopUp { amount } => voluntary::Action::TopUp(Cash(amount)),
        Action::Withdraw { amount, keep } => voluntary::Action::Withdraw { amount: Cash(amount), keep: Ratio(keep) },
    };
    Own { position: position as u32, by: "world", action }
}

/// Plays the venue's side of what an account does; records its order, where there is one, and returns what is told.
fn act(
    world: &World,
    watched: &mut Watched,
    books: &mut [Book],
    rng: &mut ChaCha8Rng,
    command: Command,
    desk: &mut Desk<'_>,
) -> Outcome<Vec<Told>> {
    let next = watched.venue.apply(command);
    let (told, _) = watched.take_facts();
    let order = match next {
        Ok(Next::Idle) => {
            desk.counts.see(world, &told);
            return Ok(told);
        }
        Ok(Next::Order(order)) => order,
        Err(refused) => return Err(format!("the venue refuses: {refused}")),
    };
    let request = request_of(&order);
    let seen = watched.snapshot();
    watched.must_refuse(command, "busy")?;
    let contract = &world.contracts[request.contract];
    let answer = if world.wild && request.budget.is_some() {
        wild_answer(rng, contract, &request)
    } else {
        books[request.contract].answer(world, &request)
    };
    agree("answer to a fill", &watched.venue.apply(Command::Fill(fill(answer))), &Ok(Next::Idle))?;
    desk.turns.push_back(Turn { request, seen, told, offers: vec![(answer, true)], answer });
    let (told, _) = watched.take_facts();
    desk.counts.see(world, &told);
    Ok(told)
}

/// An order's limit is no better than the mark where it stands still: with a better one more lots could be opened than
/// fewer, and the venue does not always find the most.
fn no_better_than_the_mark(world: &World, books: &[Book], position: usize, action: Action) -> Action {
    let (Action::Order { lots, limit, margin }, Some(holding)) = (action, world.holdings.get(position)) else {
        return action;
    };
    let mark = books[holding.contract].mark;
    let limit = if lots > 0 { limit.max(mark) } else { limit.min(mark) };
    Action::Order { lots, limit, margin }
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
        model.now = now;
        let at = |difference: String| format!("step {i}, {step:?}: {difference}");
        counts.commands += 1;
        let told = match *step {
            Step::Index { contract, price } => {
                let index = Command::Index { now: Nanos(now), contract: contract as u16, index: Price(price) };
                if contract >= world.contracts.len() || price <= 0 {
                    counts.refused += 1;
                    let why = if contract >= world.contracts.len() { "no contract" } else { "no price" };
                    watched.must_refuse(index, why).map_err(at)?;
                    continue;
                }
                agree("answer to an index", &watched.venue.apply(index), &Ok(Next::Idle)).map_err(at)?;
                model.index(now, contract, price);
                watched.take_facts().0
            }
            Step::Volatility { contract, volatility } => {
                let id = contract as u16;
                let command = Command::Volatility { now: Nanos(now), contract: id, volatility: Ratio(volatility) };
                if contract >= world.contracts.len() {
                    counts.refused += 1;
                    watched.must_refuse(command, "no contract").map_err(at)?;
                    continue;
                }
                agree("answer to a volatility", &watched.venue.apply(command), &Ok(Next::Idle)).map_err(at)?;
                model.volatility(contract, volatility);
                let told = watched.take_facts().0;
                counts.see(world, &told);
                told
            }
            Step::Refreshed => {
                // All marks are told, those too that stand where they stood, but where nothing trades.
                for (contract, book) in books.iter().enumerate() {
                    if watched.venue.is_halted(contract as u16, Nanos(now)) {
                        continue;
                    }
                    let mark = Command::Mark { now: Nanos(now), contract: contract as u16, mark: Price(book.mark) };
                    agree("answer to a mark", &watched.venue.apply(mark), &Ok(Next::Idle)).map_err(at)?;
                    model.mark(now, contract, book.mark);
                }
                let mut told = watched.take_facts().0;
                let refreshed = Command::Refreshed { now: Nanos(now) };
                agree("answer to a refresh", &watched.venue.apply(refreshed), &Ok(Next::Idle)).map_err(at)?;
                let of_accounts = watched.take_facts().0;
                let position = |what: &Told| match *what {
                    Told::Breached { position, .. } => Some(position),
                    _ => None,
                };
                let seen: Vec<(usize, usize)> = of_accounts.iter().filter_map(position).collect();
                model.refreshed(now, &seen);
                told.extend(of_accounts);
                told
            }
            Step::Mark { after, contract, price } => {
                let command = Command::Mark { now: Nanos(now + after), contract: contract as u16, mark: Price(price) };
                if contract >= world.contracts.len() || price <= 0 {
                    counts.refused += 1;
                    let why = if contract >= world.contracts.len() { "no contract" } else { "no price" };
                    watched.must_refuse(command, why).map_err(at)?;
                    continue;
                }
                now += after;
                model.now = now;
                if watched.venue.is_halted(contract as u16, Nanos(now)) {
                    counts.halted += 1;
                    continue;
                }
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
                counts.see(world, &told);
                told
            }
            Step::Own { position, action } => {
                let action = no_better_than_the_mark(world, &books, position, action);
                let command = Command::Own { now: Nanos(now), own: own(position, action) };
                if position >= world.holdings.len() {
                    counts.refused += 1;
                    watched.must_refuse(command, "no position").map_err(at)?;
                    continue;
                }
                let mut desk = Desk { turns: VecDeque::new(), victims: VecDeque::new(), counts: &mut counts };
                let told = act(world, &mut watched, &mut books, &mut rng, command, &mut desk).map_err(at)?;
                model.act(position, action, &mut desk).map_err(at)?;
                if let Some(turn) = desk.turns.front() {
                    return Err(at(format!("the venue goes on to {:?}", turn.request)));
                }
                told
            }
            Step::Stray => {
                counts.refused += 1;
                let answer = Answer { lots: 1, cash: 1, uncut: 0 };
                watched.must_refuse(Command::Fill(fill(answer)), "no order").map_err(at)?;
                continue;
            }
        };
        for contract in 0..world.contracts.len() {
            let halted = watched.venue.is_halted(contract as u16, Nanos(now));
            agree("whether a contract stands still", &halted, &model.stands_still(contract)).map_err(at)?;
        }
        agree("what is told", &told, &std::mem::take(&mut model.told)).map_err(at)?;
        agree("holdings", &watched.snapshot(), &model.snapshot()).map_err(at)?;
    }
    Ok(counts)
}
