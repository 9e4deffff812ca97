//! Draws a world from its number.
//!
//! What the plain waterfall needs comes from one stream; cross accounts and everything beyond the plain waterfall come
//! from a second one, in two worlds of three each; in one of three worlds with several contracts a third one makes a token
//! of one of them.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::world::{
    Action, AdlPrice, AdlTrigger, Band, Bracket, Closing, Contract, Disposer, Drawdown, Eligible, EquityOf, FeeCap,
    Holding, Interruptions, Limit, Payer, Policy, Pool, PositionOrder, SECOND, Socialise, Span, Step, Vault,
    VolatilityStep, World,
};

const LAYERS: [&[Disposer]; 15] = {
    use Disposer::{Adl, Book, Engine};
    [
        &[Book, Adl],
        &[Book, Adl],
        &[Book, Adl],
        &[Adl, Book],
        &[Adl, Book],
        &[Engine, Adl],
        &[Book, Engine, Adl],
        &[Book, Engine],
        &[Engine, Book],
        &[Book, Adl, Engine],
        &[Adl, Engine, Book],
        &[Engine, Adl, Book],
        &[Book],
        &[Engine],
        &[Adl],
    ]
};

const VAULT_LAYERS: [&[Disposer]; 12] = {
    use Disposer::{Adl, Book, Engine, Vaults};
    [
        &[Book, Vaults, Adl],
        &[Book, Vaults, Adl],
        &[Vaults, Book, Adl],
        &[Vaults, Adl],
        &[Adl, Vaults],
        &[Vaults],
        &[Book, Vaults],
        &[Adl, Book, Vaults],
        &[Vaults, Adl, Book],
        &[Engine, Vaults, Adl],
        &[Book, Adl, Vaults, Engine],
        // A vault that pays and takes nothing.
        &[Book, Adl],
    ]
};

const PAYERS: [&[Payer]; 5] =
    [&[Payer::Fund, Payer::Venue], &[Payer::Fund], &[Payer::Venue, Payer::Fund], &[Payer::Venue], &[]];

const POLICY: [Policy; 18] = [
    Policy::ProfitLeverage,
    Policy::Binance,
    Policy::HyperliquidDocumented,
    Policy::HyperliquidObserved,
    Policy::ProfitOverCost,
    Policy::ProfitOverCollateral,
    Policy::ProfitOverEquity,
    Policy::EntryPrice,
    Policy::LargestProfit,
    Policy::LargestPosition,
    Policy::Fifo,
    Policy::Random,
    Policy::ProRata,
    Policy::CappedProRata,
    Policy::RiskAware { power: 1 },
    Policy::RiskAware { power: 2 },
    Policy::MinMax,
    Policy::LeverageLevelling,
];

impl World {
    pub fn draw(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rng = &mut rng;
        let contracts: Vec<Contract> = (0..rng.random_range(1..=3)).map(|_| contract(rng)).collect();
        let accounts = rng.random_range(3..=12);
        let (wallets, holdings) = people(rng, &contracts, accounts);
        // A typical position is worth some thousands, so that funds of this size suffice, fall short or are empty.
        let fund = [0, rng.random_range(0..=100), rng.random_range(0..=3_000), 1_000_000][rng.random_range(0..4)];
        let floor = if rng.random_ratio(1, 3) { rng.random_range(0..=fund) } else { 0 };
        let closing = closing(rng);
        let steps = steps(rng, &contracts);
        let fee = |rng: &mut ChaCha8Rng, most| if rng.random_ratio(1, 3) { 0 } else { rng.random_range(1..=most) };
        let mut world = World {
            seed,
            wallets,
            holdings,
            at_or_below: rng.random(),
            position_order: PositionOrder::Maintenance,
            equity_of: EquityOf::Account,
            closing,
            limit: pick(
                rng,
                &[
                    Limit::None,
                    Limit::None,
                    Limit::Bankruptcy,
                    Limit::BankruptcyOrMark,
                    Limit::ZeroPrice,
                    Limit::Fillable,
                ],
            ),
            position_layers: pick(rng, &LAYERS).to_vec(),
            cash_layers: pick(rng, &PAYERS).to_vec(),
            fund,
            floor,
            pools: Vec::new(),
            drawdown: None,
            net_cap: None,
            draw_cap: None,
            interruptions: Interruptions::default(),
            volatility_steps: Vec::new(),
            vaults: Vec::new(),
            socialise: Socialise::Profit,
            fee_cap: FeeCap::Equity,
            adl_price: AdlPrice::Bankruptcy,
            adl_trigger: AdlTrigger::Residue,
            venue_capital: if rng.random() { 0 } else { rng.random_range(0..=500) },
            taker_fee: fee(rng, 3_000_000),
            liquidation_fee: fee(rng, 30_000_000),
            surplus_to_fund: rng.random(),
            slice: rng.random_ratio(1, 3).then(|| rng.random_range(1..=20)),
            latency: rng.random_range(0..=2) * SECOND,
            policy: pick(rng, &POLICY),
            eligible: pick(rng, &[Eligible::ProfitAtAdlPrice, Eligible::ProfitAtMark, Eligible::SolventAfter]),
            capacity: [0, rng.random_range(0..=20), rng.random_range(0..=200)][rng.random_range(0..3)],
            slope: rng.random_range(0..=15),
            wild: rng.random_ratio(1, 4),
            steps,
            contracts,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xc505_5000_0000_0000);
        if rng.random_ratio(1, 2) {
            world.draw_waterfall(&mut rng);
        }
        if rng.random_ratio(1, 2) {
            world.draw_cross_accounts(&mut rng);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x70c3_0000_0000_0000);
        if world.contracts.len() > 1 && rng.random_ratio(1, 3) {
            let at = rng.random_range(0..world.contracts.len());
            world.contracts[at].token = true;
        }
        world
    }

    /// The same world with accounts that act of their own accord.
    pub fn draw_with_own_orders(seed: u64) -> Self {
        Self::draw(seed).with_own_orders(seed)
    }

    fn with_own_orders(mut self, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x0e0e_0000_0000_0000);
        let rng = &mut rng;
        let mut marks: Vec<i64> = self.contracts.iter().map(|contract| contract.open).collect();
        let mut steps = Vec::new();
        for step in std::mem::take(&mut self.steps) {
            if let Step::Mark { contract, price, .. } = step
                && contract < marks.len()
                && price > 0
            {
                marks[contract] = price;
            }
            let refreshes = matches!(step, Step::Mark { .. } | Step::Index { .. } | Step::Volatility { .. });
            steps.push(step);
            for _ in 0..if refreshes { 0 } else { rng.random_range(0..=3) } {
                let unknown = usize::from(rng.random_ratio(1, 10));
                let position = rng.random_range(0..self.holdings.len() + unknown);
                steps.push(Step::Own { position, action: self.action(rng, position, &marks) });
            }
        }
        self.steps = steps;
        self
    }

    /// The same world with interruptions, maintenance that moves with volatility, and prices, fees and shares of losses
    /// that depend on more than the order.
    pub fn draw_disturbed(seed: u64) -> Self {
        let mut world = Self::draw(seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xd157_0000_0000_0000);
        let rng = &mut rng;
        if rng.random_ratio(3, 4) {
            world.interruptions = interruptions(rng, world.contracts.len());
        }
        if rng.random_ratio(1, 2) {
            world.draw_volatility(rng);
        }
        if rng.random_ratio(1, 2) {
            let within = rng.random_range(0..=15) * 10_000_000;
            world.adl_price = pick(
                rng,
                &[
                    AdlPrice::OracleWhileSolvent,
                    AdlPrice::MarkWhileFunded,
                    AdlPrice::MarkWhileFunded,
                    AdlPrice::BankruptcyNearMark { within },
                ],
            );
            let shares_haircuts =
                matches!(world.policy, Policy::CappedProRata | Policy::RiskAware { .. } | Policy::MinMax);
            if world.adl_price != AdlPrice::OracleWhileSolvent && shares_haircuts {
                // Losers may all be at the mark: scenarios refuse it.
                world.adl_price = AdlPrice::OracleWhileSolvent;
            }
        }
        if rng.random_ratio(1, 4) {
            world.fee_cap = FeeCap::MissingMargin;
        }
        if let Closing::Restore { percent, whole_below, fee, .. } = &mut world.closing {
            (*percent, *whole_below) = (rng.random_range(1..=100), rng.random_range(0..=100));
            *fee = pick(rng, &[0, 5, 30, 99]);
        }
        if world.socialise == Socialise::Profit && rng.random() {
            world.socialise = Socialise::Payout;
        }
        let of_index = world.interruptions.band.is_some_and(|band| !band.of_mark);
        let tells = world.steps.iter().any(|step| matches!(step, Step::Index { .. }));
        if (of_index || world.adl_price == AdlPrice::OracleWhileSolvent) && !tells {
            world.tell_indices(rng);
        }
        if rng.random_ratio(1, 4) { world.with_own_orders(seed) } else { world }
    }

    /// Up to three steps, and a volatility ahead of some marks.
    fn draw_volatility(&mut self, rng: &mut ChaCha8Rng) {
        let (mut from, mut times) = (0, SECOND);
        for _ in 0..rng.random_range(1..=3) {
            from += rng.random_range(1..=4) * 10_000_000;
            // No rate comes to more than a third times three.
            times += rng.random_range(0..=600) * 1_000_000;
            let contracts = self.contracts.iter().map(|contract| contract.with_maintenance(times)).collect();
            self.volatility_steps.push(VolatilityStep { from, times, contracts });
        }
        let mut steps = Vec::new();
        for &step in &self.steps {
            if matches!(step, Step::Mark { .. }) && rng.random_ratio(1, 2) {
                let unknown = usize::from(rng.random_ratio(1, 20));
                let contract = rng.random_range(0..self.contracts.len() + unknown);
                steps.push(Step::Volatility { contract, volatility: rng.random_range(0..=12) * 10_000_000 });
            }
            steps.push(step);
        }
        self.steps = steps;
    }

    fn action(&self, rng: &mut ChaCha8Rng, position: usize, marks: &[i64]) -> Action {
        let amount = if rng.random() { rng.random_range(0..=60) } else { rng.random_range(0..=2_000) };
        match rng.random_range(0..6) {
            0 => Action::TopUp { amount },
            1 => Action::Withdraw { amount, keep: rng.random_range(0..=4_000) * 1_000_000 },
            _ => {
                let contract = self.holdings.get(position).map_or(0, |holding| holding.contract);
                let lots: i64 = rng.random_range(-30..=30);
                // No better than the mark: beyond it more lots could be opened than fewer.
                let limit = (marks[contract] + lots.signum() * rng.random_range(0..=40)).max(1);
                Action::Order { lots, limit, margin: amount }
            }
        }
    }

    /// What is beyond book, ADL, engine and one fund.
    fn draw_waterfall(&mut self, rng: &mut ChaCha8Rng) {
        let percent = |rng: &mut ChaCha8Rng, most| rng.random_range(0..=most) * 10_000_000;
        self.adl_price = pick(rng, &[AdlPrice::Bankruptcy, AdlPrice::Bankruptcy, AdlPrice::Mark, AdlPrice::Oracle]);
        let shares_haircuts = matches!(self.policy, Policy::CappedProRata | Policy::RiskAware { .. } | Policy::MinMax);
        if self.adl_price == AdlPrice::Mark && shares_haircuts {
            // At the mark there are no haircuts: scenarios refuse it.
            self.adl_price = AdlPrice::Oracle;
        }
        let tolerance = if rng.random() { rng.random_range(0..=30) } else { rng.random_range(0..=1_000) };
        self.adl_trigger = pick(
            rng,
            &[
                AdlTrigger::Residue,
                AdlTrigger::Residue,
                AdlTrigger::NegativeAccountValue { tolerance },
                AdlTrigger::BookExhausted,
            ],
        );
        if rng.random_ratio(1, 3) {
            let (a, b) = (percent(rng, 60), percent(rng, 60));
            self.drawdown =
                Some(Drawdown { start: a.max(b), stop: a.min(b), window: rng.random_range(0..=5) * SECOND });
        }
        self.net_cap = rng.random_ratio(1, 3).then(|| percent(rng, 300));
        self.draw_cap = rng.random_ratio(1, 4).then(|| rng.random_range(0..=1_000));
        if rng.random_ratio(1, 6) {
            self.floor = -rng.random_range(0..=1_000);
        }
        if self.contracts.len() > 1 && rng.random_ratio(1, 3) {
            self.pools = pools(rng, self.contracts.len(), (self.fund, self.floor));
        }
        if rng.random_ratio(1, 2) {
            self.vaults = (0..rng.random_range(1..=2)).map(|_| vault(rng)).collect();
            self.position_layers = pick(rng, &VAULT_LAYERS).to_vec();
        }
        self.cash_layers = [Payer::Fund, Payer::Venue, Payer::Vaults, Payer::Others].into();
        for at in (1..self.cash_layers.len()).rev() {
            self.cash_layers.swap(at, rng.random_range(0..=at));
        }
        let count = rng.random_range(0..=self.cash_layers.len());
        self.cash_layers.truncate(count);
        let most = percent(rng, 100);
        self.socialise = pick(rng, &[Socialise::Profit, Socialise::Base, Socialise::Withdrawals { most }]);
        self.fee_cap = pick(rng, &[FeeCap::Equity, FeeCap::Surplus]);
        if self.adl_price == AdlPrice::Oracle {
            self.tell_indices(rng);
        }
    }

    /// An index near each mark ahead of it; some are refused.
    fn tell_indices(&mut self, rng: &mut ChaCha8Rng) {
        let contracts = self.contracts.len();
        let mut steps = Vec::new();
        for &step in &self.steps {
            if let Step::Mark { contract, price, .. } = step
                && contract < contracts
            {
                let price = if rng.random_ratio(1, 20) { 0 } else { (price + rng.random_range(-6..=6)).max(1) };
                let contract = if rng.random_ratio(1, 20) { contracts } else { contract };
                steps.push(Step::Index { contract, price });
            }
            steps.push(step);
        }
        self.steps = steps;
    }

    /// Half of the accounts hold positions that their wallets back, in up to all contracts.
    fn draw_cross_accounts(&mut self, rng: &mut ChaCha8Rng) {
        self.position_order = pick(rng, &[PositionOrder::Maintenance, PositionOrder::Loss, PositionOrder::Notional]);
        self.equity_of = pick(rng, &[EquityOf::Account, EquityOf::Position]);
        for account in 0..self.wallets.len() {
            if rng.random() {
                continue;
            }
            for contract in 0..self.contracts.len() {
                let is_held = |&at: &usize| {
                    let Holding { account: by, contract: of, .. } = self.holdings[at];
                    (by, of) == (account, contract)
                };
                let mut held: Vec<usize> = (0..self.holdings.len()).filter(is_held).collect();
                if held.is_empty() && rng.random_ratio(2, 3) {
                    held.push(self.holdings.len());
                    self.holdings.push(holding(rng, &self.contracts, account, contract));
                }
                for at in held {
                    if rng.random_ratio(7, 8) {
                        self.holdings[at].cross = true;
                        self.wallets[account] += std::mem::take(&mut self.holdings[at].collateral) / 2;
                    }
                }
            }
        }
        self.holdings.sort_by_key(|holding| holding.account);
        self.complete_refreshes(rng);
    }

    /// A refresh is complete when all marks are in; sometimes that is forgotten.
    fn complete_refreshes(&mut self, rng: &mut ChaCha8Rng) {
        let mut marked = false;
        let mut steps = Vec::new();
        for &step in &self.steps {
            let marks = matches!(step, Step::Mark { .. } | Step::Index { .. });
            if marked && !marks && rng.random_ratio(7, 8) {
                steps.push(Step::Refreshed);
            }
            marked = marks;
            steps.push(step);
        }
        self.steps = steps;
    }
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn contract(rng: &mut ChaCha8Rng) -> Contract {
    let open = rng.random_range(80..=120);
    let inverse = rng.random_ratio(1, 4);
    // A lot of either kind is worth some hundreds.
    let multiplier = if inverse { open * rng.random_range(20..=400) } else { pick(rng, &[1, 1, 1, 2, 7]) };
    let steps = if inverse { 1 } else { multiplier };
    let mut tiers = Vec::new();
    let (mut floor, mut rate) = (0, rng.random_range(1..=40) * 1_000_000);
    let mut greatest = i64::MAX;
    for _ in 0..rng.random_range(1..=4) {
        // At the greatest leverage the margin is at least maintenance, and it falls from tier to tier.
        let most = i64::try_from(i128::from(SECOND) * i128::from(SECOND) / i128::from(rate)).unwrap();
        greatest = greatest.min(most / rng.random_range(1..=3));
        tiers.push(Bracket { floor, rate, max_leverage: greatest });
        floor += rng.random_range(1..=3_000) * steps;
        // Odd rates make maintenance a fraction of a cash unit.
        let any = rng.random_range(1..=90_000_000);
        rate += pick(rng, &[0, 1_000_000, 7_654_321, any]);
    }
    Contract { multiplier, inverse, open, tiers, token: false }
}

fn people(rng: &mut ChaCha8Rng, contracts: &[Contract], accounts: usize) -> (Vec<i64>, Vec<Holding>) {
    let wallets = (0..accounts).map(|_| if rng.random() { 0 } else { rng.random_range(0..=300) }).collect();
    let mut holdings = Vec::new();
    for account in 0..accounts {
        for _ in 0..pick(rng, &[1, 1, 1, 2]) {
            let contract = rng.random_range(0..contracts.len());
            holdings.push(holding(rng, contracts, account, contract));
        }
    }
    (wallets, holdings)
}

fn holding(rng: &mut ChaCha8Rng, contracts: &[Contract], account: usize, contract: usize) -> Holding {
    let Contract { open, inverse, .. } = contracts[contract];
    let lots = if rng.random_ratio(1, 6) { 1 } else { rng.random_range(1..=40) };
    let entry = (open + rng.random_range(-30..=30)).max(1);
    // The average of several fills need not lie on a tick.
    let odd = if rng.random_ratio(1, 3) { rng.random_range(0..lots) } else { 0 };
    let cost = lots * contracts[contract].lot(entry) + odd;
    let collateral = cost / pick(rng, &[1, 2, 3, 5, 10, 20, 50]) + rng.random_range(0..=5);
    let sign = if rng.random() { 1 } else { -1 };
    let cost = if inverse { -sign * cost } else { sign * cost };
    Holding { account, contract, cross: false, lots: sign * lots, cost, collateral }
}

/// The fund and its floor in two parts, with the contracts dealt out between them.
fn pools(rng: &mut ChaCha8Rng, contracts: usize, (fund, floor): (i64, i64)) -> Vec<Pool> {
    let share = rng.random_range(0..=100);
    let (open, least) = (fund * share / 100, (floor * share).div_euclid(100));
    let (mut first, mut second) = (vec![0], vec![1]);
    for contract in 2..contracts {
        if rng.random() { first.push(contract) } else { second.push(contract) }
    }
    vec![
        Pool { open, floor: least, contracts: first },
        Pool { open: fund - open, floor: floor - least, contracts: second },
    ]
}

fn interruptions(rng: &mut ChaCha8Rng, contracts: usize) -> Interruptions {
    // Worlds last up to ten seconds or so.
    let span =
        |rng: &mut ChaCha8Rng| Span { at: rng.random_range(0..=6) * SECOND, length: rng.random_range(1..=3) * SECOND };
    let band = |rng: &mut ChaCha8Rng| Band {
        of_mark: rng.random(),
        width: rng.random_range(0..=20) * 10_000_000,
        window: rng.random_range(1..=4) * SECOND,
        halt: rng.random_range(0..=2) * SECOND,
    };
    let halt = |rng: &mut ChaCha8Rng| {
        let of = rng.random_ratio(2, 3).then(|| rng.random_range(0..contracts));
        (of, span(rng))
    };
    Interruptions {
        capacity: rng.random_ratio(1, 3).then(|| rng.random_range(0..=3)),
        outages: (0..pick(rng, &[0, 0, 1, 2])).map(|_| span(rng)).collect(),
        halts: (0..pick(rng, &[0, 1, 1, 2])).map(|_| halt(rng)).collect(),
        band: rng.random_ratio(1, 2).then(|| band(rng)),
    }
}

fn vault(rng: &mut ChaCha8Rng) -> Vault {
    let capital =
        [rng.random_range(0..=40), rng.random_range(0..=500), rng.random_range(0..=5_000)][rng.random_range(0..3)];
    Vault {
        threshold: rng.random_ratio(1, 2).then(|| rng.random_range(0..=120) * 10_000_000),
        capital,
        loss_cap: if rng.random() { capital } else { rng.random_range(0..=capital) },
        margin_rate: if rng.random_ratio(1, 3) { 0 } else { rng.random_range(0..=300) * 1_000_000 },
        slice: if rng.random_ratio(1, 3) { 0 } else { rng.random_range(1..=40) },
        adl_at_cost: rng.random(),
    }
}

fn closing(rng: &mut ChaCha8Rng) -> Closing {
    match rng.random_range(0..6) {
        0 => Closing::Fraction {
            percent: rng.random_range(1..=100),
            above: rng.random_range(0..=4_000),
            cooldown: rng.random_range(0..=3) * SECOND,
        },
        1 => Closing::StepDown { tiers: rng.random_range(1..=2), whole_up_to: rng.random_range(1..=2) },
        2 => Closing::Restore { initial: rng.random(), percent: 100, whole_below: 0, fee: 0 },
        3 => Closing::ShareOfAll {
            step_percent: pick(rng, &[7, 20, 25, 100]),
            target_percent: rng.random_range(10..=100),
        },
        _ => Closing::Full,
    }
}

fn steps(rng: &mut ChaCha8Rng, contracts: &[Contract]) -> Vec<Step> {
    let mut marks: Vec<i64> = contracts.iter().map(|contract| contract.open).collect();
    let mut steps = Vec::new();
    for _ in 0..rng.random_range(2..=10) {
        let after = rng.random_range(0..=1) * SECOND;
        for _ in 0..rng.random_range(1..=2) {
            let contract = rng.random_range(0..contracts.len());
            let mark = &mut marks[contract];
            let widest = (*mark / 4).max(1);
            *mark = (*mark + rng.random_range(-widest..=widest)).max(1);
            steps.push(Step::Mark { after, contract, price: *mark });
        }
        if rng.random_ratio(1, 3) {
            let contract = rng.random_range(0..contracts.len());
            let per_lot = rng.random_range(-9..=9);
            steps.push(Step::Funding { after, contract, per_lot });
        }
        match rng.random_range(0..20) {
            3 => steps.push(Step::Funding { after, contract: contracts.len(), per_lot: 1 }),
            0 => steps.push(Step::Mark { after, contract: contracts.len() + rng.random_range(0..3), price: 100 }),
            1 => steps.push(Step::Mark { after, contract: 0, price: -rng.random_range(0..3) }),
            2 => steps.push(Step::Stray),
            _ => {}
        }
        if rng.random_ratio(5, 6) {
            steps.push(Step::Check { after: 0 });
        }
    }
    steps
}
