//! What accounts do of their own accord: through the ledger, each by its own draws, and off unless written.

use std::collections::{BTreeMap, BTreeSet};

use flashcrash::experiment::Audited;
use flashcrash::facts::{AccountId, Deed, Fact, Outcome};
use flashcrash::money::{Nanos, Price, Qty};
use flashcrash::scenario::Scenario;
use flashcrash::sim::path::{Pair, Wanted, Worker};
use flashcrash::sim::stage::Stage;
use flashcrash::sim::tally::Series;

use crate::lab::{self, Cashbook};
use crate::traces;

const STOPS: &str = r#"
[[traders.behaviours]]
kind = "stop_loss"
share = 0.4
distance = { kind = "uniform", min = 0.01, max = 0.1 }
"#;

const TAKES: &str = r#"
[[traders.behaviours]]
kind = "take_profit"
share = 0.4
distance = { kind = "uniform", min = 0.01, max = 0.06 }
"#;

const PANIC: &str = r#"
[[traders.behaviours]]
kind = "panic"
share = 0.3
fall = { kind = "uniform", min = 0.005, max = 0.05 }
delay = { kind = "uniform", min = 1, max = 30 }
"#;

const TOP_UPS: &str = r#"
[[traders.behaviours]]
kind = "top_up"
share = 0.5
trigger = 3
restore = 5
delay = { kind = "uniform", min = 0, max = 20 }
times = 3
"#;

const EXITS: &str = r#"
[[traders.behaviours]]
kind = "voluntary_exit"
per_hour = 0.5
drawdown_factor = 10
"#;

const OTHERS: &str = r#"
[[traders.behaviours]]
kind = "re_entry"
share = 0.5
delay = { kind = "uniform", min = 1, max = 60 }

[[traders.behaviours]]
kind = "dip_buyer"
share = 0.2
fall = { kind = "uniform", min = 0.01, max = 0.05 }

[[traders.behaviours]]
kind = "arbitrage"
share = 0.1
threshold = 0.002

[[traders.behaviours]]
kind = "margin_withdrawal"
largest = 3
at = "90 s"

[[traders.behaviours]]
kind = "hedge"
share = 0.5
spot_depth_1pct = 2_000_000
delay = 3
"#;

/// A crash of two groups and a thousand accounts with wallets; the first has these behaviours.
fn crash(retail: usize, behaviours: &str) -> String {
    let text = lab::text_of("flash-crash");
    let text = lab::edit(&text, "horizon = \"30 min\"", "horizon = \"20 min\"");
    let text = lab::edit(&text, "min = 0.02, max = 0.1 }", "min = 0.08, max = 0.15 }");
    let text = lab::edit(&text, "depth_1pct = 122_000_000", "depth_1pct = 3_000_000");
    let text = lab::edit(&text, "count = 17_000", &format!("count = {retail}"));
    let text = lab::edit(&text, "count = 2_960", "count = 300");
    let whales = text.find("\n[[traders]]\nname = \"whales\"").unwrap();
    let wallet = "wallet = { kind = \"lognormal\", median = 200, sigma = 1.5, max = 1_000_000 }\n";
    let second = text.find("\n[[traders]]\nname = \"professionals\"").unwrap();
    format!("{}{wallet}{behaviours}{}", &text[..second], &text[second..whales])
}

/// The same where no account notices what another does: nothing moves the price, and the fund takes everything.
fn lonely(retail: usize, behaviours: &str) -> Scenario {
    let text = crash(retail, behaviours);
    let text = lab::edit(&text, "depth_1pct = 3_000_000", "depth_1pct = 1e18");
    let text = lab::edit(&text, "permanent = 0.1", "permanent = 0");
    let text = lab::edit(&text, "withdrawal = \"smooth\"", "withdrawal = \"off\"");
    let text = lab::edit(&text, "kind = \"median\"\nwindow = \"30 s\"", "kind = \"index\"");
    lab::read(&lab::edit(&text, "open = 10_000_000", "open = 1_000_000_000_000"))
}

fn facts(scenario: &Scenario, path: u64) -> (Outcome, Vec<(Nanos, Fact)>) {
    let stage = Stage::new(scenario, scenario.seed).unwrap();
    let mut book = Cashbook::default();
    let wanted = Wanted { series: Series::Skip, pair: Pair::Alone };
    let row = Worker::new(&stage).run(path, wanted, &mut [&mut book]).unwrap();
    (row, book.facts)
}

type Done = (Nanos, AccountId, &'static str, Deed, i64, i64);

/// What accounts did, but for those whose number is left out.
fn deeds(facts: &[(Nanos, Fact)]) -> Vec<Done> {
    let deed = |(at, fact): &(Nanos, Fact)| match *fact {
        Fact::Acted { account, by, deed, qty, amount, .. } => Some((*at, account, by, deed, qty.0, amount.0)),
        _ => None,
    };
    facts.iter().filter_map(deed).collect()
}

#[test]
fn a_behaviour_less_leaves_what_all_other_accounts_do_as_it_was() {
    let all = [STOPS, TAKES, PANIC, TOP_UPS, EXITS].concat();
    let (_, whole) = facts(&lonely(700, &all), 2);
    let whole = deeds(&whole);
    for (kind, without) in [
        ("panic", [STOPS, TAKES, TOP_UPS, EXITS].concat()),
        ("stop_loss", [EXITS, TOP_UPS, PANIC, TAKES].concat()),
        ("top_up", [TAKES, STOPS, EXITS, PANIC].concat()),
    ] {
        let touched: BTreeSet<AccountId> =
            whole.iter().filter(|done| done.2 == kind).map(|&(_, account, ..)| account).collect();
        let (_, less) = facts(&lonely(700, &without), 2);
        // In order of time; the order of behaviours in the file decides between two of one account at one time.
        let kept = |done: &&Done| !touched.contains(&done.1);
        let sorted = |deeds: &[Done]| {
            let mut deeds: Vec<Done> = deeds.iter().filter(kept).copied().collect();
            deeds.sort_unstable_by_key(|done| (done.0, done.1, done.2));
            deeds
        };
        let (before, after) = (sorted(&whole), sorted(&deeds(&less)));
        assert!(touched.len() > 10 && before.len() > 200, "{kind}: {} and {}", touched.len(), before.len());
        assert!(before == after, "without {kind}: {} deeds were {}", after.len(), before.len());
    }
}

#[test]
fn an_account_less_leaves_what_all_others_do_as_it_was() {
    let all = [STOPS, TAKES, PANIC, TOP_UPS, EXITS].concat();
    // The last account of the first group goes, and those of the second move up by one.
    let (_, whole) = facts(&lonely(700, &all), 1);
    let (_, less) = facts(&lonely(699, &all), 1);
    let whole: Vec<Done> = deeds(&whole).into_iter().filter(|done| done.1 < 699).collect();
    let less: Vec<Done> = deeds(&less).into_iter().filter(|done| done.1 < 699).collect();
    assert!(whole.len() > 200);
    assert!(whole == less, "{} deeds were {}", less.len(), whole.len());
}

#[test]
fn money_is_conserved_and_every_deed_is_told_whatever_accounts_do() {
    let all = [STOPS, TAKES, PANIC, TOP_UPS, EXITS, OTHERS].concat();
    let text = crash(900, &all);
    let poor = lab::edit(&text, "open = 10_000_000", "open = 20_000");
    let engine = lab::edit(&poor, "position_layers = [\"book\", \"adl\"]", "position_layers = [\"engine\", \"adl\"]");
    let shared = lab::edit(&poor, "kind = \"profit_leverage\"", "kind = \"pro_rata\"");
    let fixed = lab::edit(&poor, "redraw = \"resampled\"", "redraw = \"fixed\"");
    for (what, text) in [("rich", &text), ("poor", &poor), ("engine", &engine), ("shared", &shared), ("fixed", &fixed)]
    {
        let rows = lab::run(&lab::read(text), 10, Audited::Yes).rows;
        let sum = |value: fn(&Outcome) -> i64| rows.iter().map(|row| i128::from(value(row))).sum::<i128>();
        for (column, total) in [
            ("stop_loss", sum(|row| row.conduct.stop_loss_notional)),
            ("take_profit", sum(|row| row.conduct.take_profit_notional)),
            ("voluntary_exit", sum(|row| row.conduct.voluntary_exit_notional)),
            ("panic", sum(|row| row.conduct.panic_notional)),
            ("dip_buyer", sum(|row| row.conduct.dip_buyer_notional)),
            ("arbitrage", sum(|row| row.conduct.arbitrage_notional)),
            ("re_entry", sum(|row| row.conduct.re_entry_notional)),
            ("topped_up", sum(|row| row.conduct.topped_up)),
            ("withdrawn", sum(|row| row.conduct.withdrawn)),
        ] {
            assert!(total > 0, "{what}: nothing by {column}");
        }
        let kinds = sum(|row| {
            let c = &row.conduct;
            c.stop_loss_notional
                + c.take_profit_notional
                + c.voluntary_exit_notional
                + c.panic_notional
                + c.dip_buyer_notional
                + c.arbitrage_notional
                + c.re_entry_notional
        });
        assert_eq!(kinds, sum(|row| row.conduct.voluntary_sold + row.conduct.voluntary_bought), "{what}");
        if what != "rich" {
            assert!(sum(|row| row.conduct.hedge_broken) > 0, "{what}: no hedge broken");
            assert!(sum(|row| row.conduct.spot_fall) > 0, "{what}: spot never fell");
        }
    }
}

#[test]
fn the_trace_of_a_path_with_behaviours_totals_to_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crash.toml");
    let all = [STOPS, TAKES, PANIC, TOP_UPS, EXITS, OTHERS].concat();
    let text = lab::edit(&crash(900, &all), "open = 10_000_000", "open = 20_000");
    std::fs::write(&file, text).unwrap();
    traces::assert_totals_of(&file, 6, |rows, at| {
        let broken = rows.iter().find(|row| row[at("hedge_broken")].parse::<f64>().unwrap() > 0.0).unwrap();
        vec![0, broken[at("path")].parse().unwrap()]
    });
}

/// The traded price in ticks at each refresh: the first told at its time.
fn refreshes(facts: &[(Nanos, Fact)]) -> BTreeMap<Nanos, i64> {
    let mut prices = BTreeMap::new();
    for (at, fact) in facts {
        if let Fact::Priced { contract: 0, traded, .. } = fact {
            prices.entry(*at).or_insert(traded.0);
        }
    }
    prices
}

#[test]
fn stops_fire_at_the_first_refresh_at_which_their_price_is_reached() {
    let stops = "\n[[traders.behaviours]]\nkind = \"stop_loss\"\ndistance = 0.03\n";
    let scenario = lonely(700, stops);
    let (_, facts) = facts(&scenario, 4);
    let prices = refreshes(&facts);
    let fired: BTreeMap<AccountId, Nanos> = deeds(&facts).iter().map(|done| (done.1, done.0)).collect();
    let liquidated: BTreeMap<AccountId, Nanos> = facts
        .iter()
        .filter_map(|(at, fact)| if let Fact::Breached { account, .. } = fact { Some((*account, *at)) } else { None })
        .collect();
    let (k, open) =
        (scenario.assets[0].multiplier.notional(Qty(1), Price(1)).0 as f64, scenario.assets[0].open.0 as f64);
    let mut checked = 0;
    for (_, fact) in facts.iter().filter(|(at, _)| at.0 == 0) {
        let &Fact::Traded { party: flashcrash::facts::Party::Trader(account), qty, cash, .. } = fact else { continue };
        if account >= 700 {
            continue;
        }
        let entry = cash.0 as f64 / (qty.0 as f64 * k);
        let reached = |price: i64| {
            if qty.0 > 0 { price as f64 <= entry.min(open) * 0.97 } else { price as f64 >= entry.max(open) * 1.03 }
        };
        let due = prices.iter().find(|&(_, &price)| reached(price)).map(|(&at, _)| at);
        match (due, fired.get(&account)) {
            (Some(due), Some(&at)) => assert_eq!(due, at, "account {account}"),
            // A liquidation came first, or at the same refresh: triggers go before behaviours.
            (Some(due), None) => assert!(liquidated[&account] <= due, "account {account} should fire at {due}"),
            (None, fired) => assert_eq!(fired, None, "account {account}"),
        }
        checked += i32::from(fired.contains_key(&account));
    }
    assert!(checked > 150, "{checked}");
}

#[test]
fn exits_come_at_their_hazard() {
    // In a market that hardly moves half the accounts are a little ahead and half a little behind: without a difference
    // between them, 1 − exp(−0.9·20/60) of 6,000 leave within 20 minutes, though candidates come four times as often.
    let exits = "\n[[traders.behaviours]]\nkind = \"voluntary_exit\"\nper_hour = 0.9\nlosing_factor = 1\n";
    let text = lab::text_of("flash-crash");
    let text = lab::edit(&text, "horizon = \"30 min\"", "horizon = \"20 min\"");
    let text = lab::edit(&text, "{ kind = \"uniform\", min = 0.02, max = 0.1 }", "0.0001");
    let text = lab::edit(&text, "volatility = 0.8", "volatility = 0.01");
    let text = lab::edit(&text, "depth_1pct = 122_000_000", "depth_1pct = 1e18");
    let second = text.find("\n[[traders]]\nname = \"professionals\"").unwrap();
    let text = lab::edit(&text[..second], "count = 17_000", "count = 6_000");
    let scenario = lab::read(&(text + exits));
    let (_, facts) = facts(&scenario, 0);
    let gone = deeds(&facts).len() as f64;
    let (n, p) = (6_000.0, 1.0 - (-0.3f64).exp());
    let deviations = (gone - n * p) / (n * p * (1.0 - p)).sqrt();
    assert!(deviations.abs() < 2.576, "{gone} of {n} left, {deviations} standard deviations from theory");
}

#[test]
fn a_fall_hastens_exits_by_its_factor() {
    // All are long and unlevered; after a minute the price is a tenth lower and stays: 60 s at 0.9 an hour, then 1,140 s at
    // 0.9·(1 + 10·0.1), so 1 − exp(−0.9·2,340/3,600) of 6,000 leave.
    let exits = "\n[[traders.behaviours]]\nkind = \"voluntary_exit\"\nper_hour = 0.9\nlosing_factor = 1\n\
                 drawdown_factor = 10\n";
    let text = lab::text_of("flash-crash");
    let text = lab::edit(&text, "horizon = \"30 min\"", "horizon = \"20 min\"");
    let text = lab::edit(&text, "{ kind = \"uniform\", min = 0.02, max = 0.1 }", "0.1");
    let text = lab::edit(&text, "{ kind = \"uniform\", min = 300, max = 1_200 }", "1");
    let text = lab::edit(&text, "{ kind = \"uniform\", min = 0.3, max = 0.8 }", "0");
    let text = lab::edit(&text, "volatility = 0.8", "volatility = 0.0001");
    let text = lab::edit(&text, "depth_1pct = 122_000_000", "depth_1pct = 1e18");
    let second = text.find("\n[[traders]]\nname = \"professionals\"").unwrap();
    let text = lab::edit(&text[..second], "count = 17_000", "count = 6_000");
    let text = lab::edit(&text, "long_share = 0.55", "long_share = 1");
    let leverage = text.lines().find(|line| line.starts_with("leverage = ")).unwrap();
    let scenario = lab::read(&(lab::edit(&text, leverage, "leverage = 1") + exits));
    let (_, facts) = facts(&scenario, 0);
    let gone = deeds(&facts).len() as f64;
    let (n, p) = (6_000.0, 1.0 - (-0.585f64).exp());
    let deviations = (gone - n * p) / (n * p * (1.0 - p)).sqrt();
    assert!(deviations.abs() < 2.576, "{gone} of {n} left, {deviations} standard deviations from theory");
}

#[test]
fn arbitrage_trades_the_book_back_towards_the_index_until_its_budget_is_gone() {
    // A small fall on which many panic, so that the book leaves the index; capital without leverage, which no fall
    // liquidates; withdrawal off, so that what it trades does not thin what others meet.
    let panic = "\n[[traders.behaviours]]\nkind = \"panic\"\nfall = 0.01\nshare = 0.7\n";
    let run = |capital: &str| {
        let text = crash(900, &[panic, capital].concat());
        let text = lab::edit(&text, "{ kind = \"uniform\", min = 0.08, max = 0.15 }", "0.02");
        let text = lab::edit(&text, "withdrawal = \"smooth\"", "withdrawal = \"off\"");
        lab::run(&lab::read(&text), 24, Audited::No).rows
    };
    let capital = |share: f64| {
        run(&format!(
            "\n[[traders.behaviours]]\nkind = \"arbitrage\"\nthreshold = 0.002\nleverage = 1\nshare = {share}\n"
        ))
    };
    let excess = |rows: &[Outcome]| -> Vec<f64> {
        rows.iter().map(|row| (row.index_exogenous_low - row.traded_low) as f64).collect()
    };
    let (none, some, more) = (excess(&run("")), excess(&capital(0.2)), excess(&capital(1.0)));
    // More than three standard errors each, path by path.
    for (before, after) in [(&none, &some), (&some, &more)] {
        let gains: Vec<f64> = before.iter().zip(after).map(|(a, b)| a - b).collect();
        let n = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / n;
        let error = (gains.iter().map(|gain| (gain - mean) * (gain - mean)).sum::<f64>() / (n - 1.0) / n).sqrt();
        assert!(mean > 3.0 * error, "{mean} against {error}");
    }
}

/// All have one limit, so those who find no price are asked one for all; as soon as one finds it, so do the others.
#[test]
fn a_crowd_that_waits_for_one_price_is_out_again_when_the_price_comes() {
    let panic = "\n[[traders.behaviours]]\nkind = \"panic\"\nfall = 0.01\nshare = 0.7\n";
    let capital = "\n[[traders.behaviours]]\nkind = \"arbitrage\"\nthreshold = 0.002\nrelease = 0.001\nleverage = 1\n";
    let text = crash(900, &[panic, capital].concat());
    let text = lab::edit(&text, "{ kind = \"uniform\", min = 0.08, max = 0.15 }", "0.02");
    let (_, facts) = facts(&lab::read(&text), 0);
    let mut held: BTreeMap<AccountId, (i64, i64)> = BTreeMap::new();
    for (_, account, by, _, lots, _) in deeds(&facts) {
        if by == "arbitrage" {
            let (most, now) = held.entry(account).or_default();
            *now += lots;
            *most = (*most).max(now.abs());
        }
    }
    let holders = held.values().filter(|(most, _)| *most > 0).count();
    let out = held.values().filter(|(most, now)| *most > 0 && *now == 0).count();
    // 190 of 793, as when each was asked for itself; 103 where nobody is asked again once one has found no price.
    assert_eq!((holders, out), (793, 190));
}

/// Most refreshes and most of those who wait are passed over. The numbers are those of a program that looked at every list
/// at every refresh and asked everybody.
#[test]
fn whoever_is_passed_over_would_have_done_nothing() {
    let all = [STOPS, TAKES, PANIC, TOP_UPS, EXITS, OTHERS].concat();
    let rows = lab::run(&lab::read(&crash(900, &all)), 6, Audited::No).rows;
    let row = |row: &Outcome| (row.liquidations, row.conduct.voluntary_orders, row.taker_fees);
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [
            (327, 964, 2_495_719_418),
            (333, 949, 2_877_527_990),
            (314, 991, 2_743_140_018),
            (343, 937, 2_158_791_996),
            (323, 1_035, 2_733_685_059),
            (477, 1_443, 3_611_830_496),
        ]
    );
}

#[test]
fn columns_of_behaviours_are_written_only_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, behaviours: &str| {
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, crash(200, behaviours)).unwrap();
        let out = folder.path().join(name);
        lab::run_into(&file, &out, &["--paths", "2"]);
        std::fs::read_to_string(out.join("paths.csv")).unwrap()
    };
    let (without, with) = (table("without", ""), table("with", EXITS));
    assert!(!without.contains("voluntary"));
    let names = with.lines().next().unwrap();
    assert!(names.starts_with(without.lines().next().unwrap()) && names.ends_with(",spot_fall"), "{names}");
}

#[test]
fn shards_of_a_run_with_behaviours_merge_to_the_single_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("crash.toml"), crash(200, &[STOPS, EXITS].concat())).unwrap();
    lab::run_into(at("crash.toml").as_ref(), at("whole").as_ref(), &["--paths", "6"]);
    for (range, file) in [("0..2", "a"), ("2..6", "b")] {
        lab::flashcrash(&["run", &at("crash.toml"), "--quiet", "--paths", range, "--shard-out", &at(file)])
            .assert()
            .success();
    }
    lab::flashcrash(&["merge", &at("a"), &at("b"), "--scenario", &at("crash.toml"), "--out", &at("merged"), "--quiet"])
        .assert()
        .success();
    let read = |name: &str| std::fs::read(folder.path().join(name).join("paths.csv")).unwrap();
    assert!(read("whole") == read("merged"));
}
