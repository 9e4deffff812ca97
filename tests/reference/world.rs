//! Small worlds drawn from a number: a venue's rules, a dozen accounts, and what the venue is told in what order.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use flashcrash::fault::{Paint, Source};
use flashcrash::money::{Cash, Multiplier, Nanos, Price, Qty, Quantum, Ratio};
use flashcrash::registry::{Family, Node, Reading};
use flashcrash::venue::adl::POLICIES;
use flashcrash::venue::liquidation::RULES;
use flashcrash::venue::margin::{Tier, Tiers};
use flashcrash::venue::register::Holdings;
use flashcrash::venue::rules::{
    self, CashLayer, ContractRules, CrossBankruptcy, FundRules, PositionLayer, PositionOrder, Rules, SurplusTo,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;

/// A share or rate in billionths, as both sides hold it.
pub type Billionths = i64;

#[derive(Clone, Debug)]
pub struct World {
    pub seed: u64,
    pub contracts: Vec<Contract>,
    pub wallets: Vec<i64>,
    pub holdings: Vec<Holding>,
    /// Whether equity at maintenance exactly is a breach.
    pub at_or_below: bool,
    pub closing: Closing,
    pub limit: Limit,
    pub position_layers: Vec<Disposer>,
    pub cash_layers: Vec<Payer>,
    pub fund: i64,
    pub floor: i64,
    pub venue_capital: i64,
    pub taker_fee: Billionths,
    pub liquidation_fee: Billionths,
    pub surplus_to_fund: bool,
    pub slice: Option<i64>,
    pub latency: i64,
    pub policy: Policy,
    pub eligible: Eligible,
    /// Lots that each side of each book holds after a mark, and by how many ticks ÷ 20 each further lot is worse.
    pub capacity: i64,
    pub slope: i64,
    /// Fills at any price and of any size that the budget allows, in place of the book's.
    pub wild: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Contract {
    /// Cash units per lot and tick; of an inverse contract cash units times ticks per lot.
    pub multiplier: i64,
    /// Whether it settles in the coin: a lot is worth multiplier ÷ price.
    pub inverse: bool,
    pub open: i64,
    pub tiers: Vec<Bracket>,
}

impl Contract {
    /// What a lot trades for at a price: of an inverse contract to the nearest cash unit, ties up.
    pub fn lot(&self, price: i64) -> i64 {
        if self.inverse { (2 * self.multiplier + price) / (2 * price) } else { self.multiplier * price }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Bracket {
    pub floor: i64,
    pub rate: Billionths,
    pub max_leverage: Billionths,
}

#[derive(Clone, Copy, Debug)]
pub struct Holding {
    pub account: usize,
    pub contract: usize,
    /// Signed.
    pub lots: i64,
    pub cost: i64,
    pub collateral: i64,
}

/// How much of a breached position is closed.
#[derive(Clone, Copy, Debug)]
pub enum Closing {
    Full,
    Fraction { percent: i64, above: i64, cooldown: i64 },
    StepDown { tiers: usize, whole_up_to: usize },
    Restore { initial: bool },
    ShareOfAll { step_percent: i64, target_percent: i64 },
}

/// The worst price in the book before ADL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    None,
    Bankruptcy,
    BankruptcyOrMark,
    ZeroPrice,
    Fillable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposer {
    Book,
    Adl,
    Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    Fund,
    Venue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    ProfitLeverage,
    Binance,
    HyperliquidDocumented,
    HyperliquidObserved,
    ProfitOverCost,
    ProfitOverCollateral,
    ProfitOverEquity,
    EntryPrice,
    LargestProfit,
    LargestPosition,
    Fifo,
    Random,
    ProRata,
    CappedProRata,
    RiskAware { power: u32 },
    MinMax,
    LeverageLevelling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligible {
    ProfitAtAdlPrice,
    ProfitAtMark,
    SolventAfter,
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A mark; the contract may not be one, and the price not a price.
    Mark {
        after: i64,
        contract: usize,
        price: i64,
    },
    Check {
        after: i64,
    },
    /// Funding falls due; the contract may not be one.
    Funding {
        after: i64,
        contract: usize,
        per_lot: i64,
    },
    /// A fill that nobody asked for.
    Stray,
}

pub const SECOND: i64 = 1_000_000_000;

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
        World {
            seed,
            wallets,
            holdings,
            at_or_below: rng.random(),
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
        }
    }

    /// What the venue takes for its rules.
    pub fn rules(&self) -> Rules {
        let contracts = self.contracts.iter().map(|contract| {
            let tier = |bracket: &Bracket| Tier {
                floor: Cash(bracket.floor),
                rate: Ratio(bracket.rate),
                max_leverage: Ratio(bracket.max_leverage),
            };
            let tiers = Tiers::new(contract.tiers.iter().map(tier).collect()).unwrap();
            let multiplier = if contract.inverse {
                Multiplier::Inverse(contract.multiplier)
            } else {
                Multiplier::Linear(contract.multiplier)
            };
            ContractRules { multiplier, tiers }
        });
        Rules {
            contracts: contracts.collect(),
            trigger: if self.at_or_below { rules::Trigger::AtOrBelow } else { rules::Trigger::Below },
            waterfall: rules::Waterfall::default(),
            interruptions: rules::Interruptions::default(),
            dynamic: None,
            position_order: PositionOrder::Maintenance,
            cross_bankruptcy: CrossBankruptcy::Proportional,
            liquidation: plug_in(&RULES, &self.closing.to_string()),
            position_layers: self.position_layers.iter().map(|&layer| layer.into()).collect(),
            cash_layers: self.cash_layers.iter().map(|&layer| layer.into()).collect(),
            fund: FundRules { open: Cash(self.fund), floor: Cash(self.floor) },
            venue_capital: Cash(self.venue_capital),
            taker_fee: Ratio(self.taker_fee),
            liquidation_fee: Ratio(self.liquidation_fee),
            surplus_to: if self.surplus_to_fund { SurplusTo::Fund } else { SurplusTo::Trader },
            execution: match self.limit {
                Limit::None => rules::Execution::Market,
                Limit::Bankruptcy => rules::Execution::Bankruptcy,
                Limit::BankruptcyOrMark => rules::Execution::BankruptcyOrMark,
                Limit::ZeroPrice => rules::Execution::ZeroPrice,
                Limit::Fillable => rules::Execution::FillablePrice,
            },
            engine_slice: self.slice.map(Qty),
            latency: Nanos(self.latency),
            adl: *plug_in(&POLICIES, &self.policy.to_string()),
            adl_eligible: match self.eligible {
                Eligible::ProfitAtAdlPrice => rules::Eligible::ProfitAtAdlPrice,
                Eligible::ProfitAtMark => rules::Eligible::ProfitAtMark,
                Eligible::SolventAfter => rules::Eligible::SolventAfter,
            },
        }
    }

    /// What the venue takes for its accounts.
    pub fn holdings(&self) -> Holdings {
        Holdings {
            wallet: self.wallets.iter().map(|&cash| Cash(cash)).collect(),
            account: self.holdings.iter().map(|holding| holding.account as u32).collect(),
            contract: self.holdings.iter().map(|holding| holding.contract as u16).collect(),
            qty: self.holdings.iter().map(|holding| Qty(holding.lots)).collect(),
            cost: self.holdings.iter().map(|holding| Cash(holding.cost)).collect(),
            collateral: self.holdings.iter().map(|holding| Cash(holding.collateral)).collect(),
            cross: Vec::new(),
        }
    }

    pub fn opening_marks(&self) -> Vec<Price> {
        self.contracts.iter().map(|contract| Price(contract.open)).collect()
    }
}

impl From<Disposer> for PositionLayer {
    fn from(layer: Disposer) -> Self {
        match layer {
            Disposer::Book => Self::Book,
            Disposer::Adl => Self::Adl,
            Disposer::Engine => Self::Engine,
        }
    }
}

impl From<Payer> for CashLayer {
    fn from(layer: Payer) -> Self {
        match layer {
            Payer::Fund => Self::Fund,
            Payer::Venue => Self::Venue,
        }
    }
}

/// As a scenario writes it.
impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "\"full\""),
            Self::Fraction { percent, above, cooldown } => write!(
                f,
                "{{ kind = \"partial_fraction\", share = \"{percent} %\", above = {above}, cooldown = \"{} s\" }}",
                cooldown / SECOND
            ),
            Self::StepDown { tiers, whole_up_to } => {
                write!(f, "{{ kind = \"tier_step_down\", tiers = {tiers}, whole_up_to = {whole_up_to} }}")
            }
            Self::Restore { initial } => {
                write!(
                    f,
                    "{{ kind = \"restore_margin\", to = \"{}\" }}",
                    if *initial { "initial" } else { "maintenance" }
                )
            }
            Self::ShareOfAll { step_percent, target_percent } => {
                write!(f, "{{ kind = \"share_of_all\", step = \"{step_percent} %\", target = \"{target_percent} %\" }}")
            }
        }
    }
}

/// As a scenario writes it.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProfitLeverage => "\"profit_leverage\"",
            Self::Binance => "\"binance\"",
            Self::HyperliquidDocumented => "{ kind = \"hyperliquid\", form = \"documented\" }",
            Self::HyperliquidObserved => "{ kind = \"hyperliquid\", form = \"observed\" }",
            Self::ProfitOverCost => "{ kind = \"pnl_ratio\", over = \"cost\" }",
            Self::ProfitOverCollateral => "{ kind = \"pnl_ratio\", over = \"collateral\" }",
            Self::ProfitOverEquity => "{ kind = \"pnl_ratio\", over = \"equity\" }",
            Self::EntryPrice => "\"entry_price\"",
            Self::LargestProfit => "\"largest_profit\"",
            Self::LargestPosition => "\"largest_position\"",
            Self::Fifo => "\"fifo\"",
            Self::Random => "\"random\"",
            Self::ProRata => "\"pro_rata\"",
            Self::CappedProRata => "\"capped_pro_rata\"",
            Self::RiskAware { power } => return write!(f, "{{ kind = \"risk_aware_pro_rata\", power = {power} }}"),
            Self::MinMax => "\"min_max\"",
            Self::LeverageLevelling => "\"leverage_levelling\"",
        })
    }
}

/// The plug-in that this TOML value asks for.
fn plug_in<T: ?Sized>(family: &Family<T>, text: &str) -> Box<T> {
    let source = Arc::new(Source { name: "world".into(), text: format!("x = {text}") });
    let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
    reading.cash_unit = Quantum::new(Decimal::ONE);
    let table = Node::parse(&source, &mut reading.faults);
    let built = table.get("x").and_then(|node| family.choose(node, &mut reading));
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
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
    Contract { multiplier, inverse, open, tiers }
}

fn people(rng: &mut ChaCha8Rng, contracts: &[Contract], accounts: usize) -> (Vec<i64>, Vec<Holding>) {
    let wallets = (0..accounts).map(|_| if rng.random() { 0 } else { rng.random_range(0..=300) }).collect();
    let mut holdings = Vec::new();
    for account in 0..accounts {
        for _ in 0..pick(rng, &[1, 1, 1, 2]) {
            let contract = rng.random_range(0..contracts.len());
            let Contract { open, inverse, .. } = contracts[contract];
            let lots = if rng.random_ratio(1, 6) { 1 } else { rng.random_range(1..=40) };
            let entry = (open + rng.random_range(-30..=30)).max(1);
            // The average of several fills need not lie on a tick.
            let odd = if rng.random_ratio(1, 3) { rng.random_range(0..lots) } else { 0 };
            let cost = lots * contracts[contract].lot(entry) + odd;
            let collateral = cost / pick(rng, &[1, 2, 3, 5, 10, 20, 50]) + rng.random_range(0..=5);
            let sign = if rng.random() { 1 } else { -1 };
            let cost = if inverse { -sign * cost } else { sign * cost };
            holdings.push(Holding { account, contract, lots: sign * lots, cost, collateral });
        }
    }
    (wallets, holdings)
}

fn closing(rng: &mut ChaCha8Rng) -> Closing {
    match rng.random_range(0..6) {
        0 => Closing::Fraction {
            percent: rng.random_range(1..=100),
            above: rng.random_range(0..=4_000),
            cooldown: rng.random_range(0..=3) * SECOND,
        },
        1 => Closing::StepDown { tiers: rng.random_range(1..=2), whole_up_to: rng.random_range(1..=2) },
        2 => Closing::Restore { initial: rng.random() },
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
