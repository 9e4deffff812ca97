use std::fs;

use super::*;
use crate::money::{Cash, Qty};
use crate::traders::{Accounts, Opening as _};
use crate::venue::rules::{CashLayer, PositionLayer};

const TWO: &str = r#"#:schema ./schema.json
# Two contracts and a book from a file.
[scenario]
horizon = "1 min"
cash_unit = 0.01

[[assets]]
symbol = "BTC"
tick = 0.5
lot = 0.1
open = 100
process = { kind = "gbm", volatility = 0.5 }
book = { kind = "depth", depth_1pct = 1e6 }

[[assets]]
symbol = "ETH"
tick = 0.1
lot = 1
open = 20
process = { kind = "gbm", volatility = 0.5 }
book = { kind = "depth", depth_1pct = 1e6 }

[market]
correlation = [[1, 0.6], [0.6, 1]]

[venue]
mark_interval = "2 s"
surplus_to = "trader"
engine_slice = 7
capital = 12.34

[[venue.tiers]]
notional_floor = 0
max_leverage = 20
maintenance_rate = "1 %"

[[venue.tiers]]
asset = "ETH"
notional_floor = 0
max_leverage = 10
maintenance_rate = 0.02

[[venue.tiers]]
asset = "ETH"
notional_floor = 1000
max_leverage = 5
maintenance_rate = 0.05
deduction = 30

[venue.fund]
open = 500

[accounts]
file = "book.csv"
"#;

const BOOK: &str = "account,symbol,side,quantity,entry_price,collateral,wallet\n\
                    b,BTC,long,0.3,99.9,20,1.5\n\
                    a,ETH,short,2,21,10,\n\
                    b,ETH,long,1,20,10,1.5\n";

fn checked(scenario: &str, book: &str) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("book.csv"), book).unwrap();
    let file = folder.path().join("two.toml");
    fs::write(&file, scenario).unwrap();
    load(&file).unwrap_or_else(|failure| panic!("{failure}")).0
}

#[test]
fn a_scenario_becomes_exact_data() {
    let scenario = checked(TWO, BOOK);
    assert_eq!((scenario.name.as_str(), scenario.about.as_str()), ("two", "Two contracts and a book from a file."));
    assert_eq!((scenario.paths, scenario.seed), (1_000, 1));
    let [btc, eth] = &scenario.assets[..] else { panic!() };
    // 0.5 × 0.1 is 5 cents, 0.1 × 1 is 10.
    assert_eq!((btc.multiplier, btc.open), (Multiplier::Linear(5), Price(200)));
    assert_eq!((eth.multiplier, eth.open), (Multiplier::Linear(10), Price(200)));
    let two = Nanos(2_000_000_000);
    assert_eq!(
        (scenario.clock.step, scenario.clock.mark_interval, scenario.clock.check_interval),
        (Nanos::SECOND, two, two)
    );
    assert_eq!(scenario.clock.grid().steps, 60);
    let rules = &scenario.rules;
    assert_eq!(rules.position_layers, [PositionLayer::Book, PositionLayer::Adl]);
    assert_eq!(rules.cash_layers, [CashLayer::Fund, CashLayer::Venue]);
    assert_eq!((rules.fund.open, rules.venue_capital, rules.engine_slice), (Cash(50_000), Cash(1_234), Some(Qty(7))));
    // BTC takes the tier without asset, ETH its own two.
    assert_eq!(rules.contracts[0].tiers.tiers().len(), 1);
    assert_eq!(rules.contracts[0].tiers.tiers()[0].rate, Ratio(10_000_000));
    assert_eq!(rules.contracts[1].tiers.tiers()[1].floor, Cash(100_000));
    assert_eq!(rules.contracts[1].tiers.deductions(), [0, 3_000 * 1_000_000_000]);
}

#[test]
fn correlation_becomes_its_lower_factor() {
    let factor = checked(TWO, BOOK).correlation;
    assert_eq!(factor[0], [1.0, 0.0]);
    assert!((factor[1][0] - 0.6).abs() < 1e-15 && (factor[1][1] - 0.8).abs() < 1e-15, "{factor:?}");
    // Assets that move as one have a pivot of 0, which is allowed.
    assert_eq!(checked(&TWO.replace("0.6", "-1"), BOOK).correlation, [[1.0, 0.0], [-1.0, 0.0]]);
    let none = TWO.replace("[market]\ncorrelation = [[1, 0.6], [0.6, 1]]\n", "");
    assert_eq!(checked(&none, BOOK).correlation, [[1.0, 0.0], [0.0, 1.0]]);
}

#[test]
fn a_position_book_becomes_columns_in_the_order_of_accounts() {
    let scenario = checked(TWO, BOOK);
    let Accounts::Loaded(loaded) = &scenario.accounts else { panic!() };
    let population = &loaded.population;
    assert_eq!(population.names, ["b", "a"]);
    assert_eq!(population.wallet, [Cash(150), Cash(0)]);
    assert_eq!((&population.account, &population.contract), (&vec![0, 0, 1], &vec![0, 1, 1]));
    assert_eq!(population.qty, [Qty(3), Qty(1), Qty(-2)]);
    // 0.3 × 99.9 = 29.97, though 99.9 is between ticks.
    assert_eq!(population.cost, [Cash(2_997), Cash(2_000), Cash(-4_200)]);
    assert_eq!(population.collateral, [Cash(2_000), Cash(1_000), Cash(1_000)]);
    assert_eq!(&loaded.source.text[loaded.rows[2].clone()], "a,ETH,short,2,21,10,");
}

#[test]
fn a_loaded_book_opens_without_a_buffer_and_generated_accounts_with_one() {
    let scenario = checked(TWO, BOOK);
    // 1 BTC lot of 10 at the mark: maintenance 10 cents.
    assert!(scenario.opening().accepts(0, Qty(1), Cash(1_000), Cash(10)));
    assert!(!scenario.opening().accepts(0, Qty(1), Cash(1_000), Cash(9)));
    let groups = "[[traders]]\nname = \"all\"\nasset = \"BTC\"\ncount = 2\nlong_share = 0.5\nleverage = 5\nsize = 1000\nsize_is = \"notional\"\n";
    let generated = checked(&TWO.replace("[accounts]\nfile = \"book.csv\"\n", groups), BOOK);
    // 5 % above 10 is 10.5.
    assert!(!generated.opening().accepts(0, Qty(1), Cash(1_000), Cash(10)));
    assert!(generated.opening().accepts(0, Qty(1), Cash(1_000), Cash(11)));
}

#[test]
fn the_hash_covers_every_byte_of_every_file_and_not_the_folder() {
    let hash = checked(TWO, BOOK).hash;
    assert_eq!(hash.len(), 64);
    assert_eq!(hash, checked(TWO, BOOK).hash);
    assert_ne!(hash, checked(&format!("{TWO}# more\n"), BOOK).hash);
    assert_ne!(hash, checked(TWO, &BOOK.replace("1.5", "1.6")).hash);
    let source = |name: &str, text: &str| Arc::new(Source { name: name.into(), text: text.into() });
    // A byte cannot pass from one file to the next, nor from a name to a text.
    let of = |files: &[Arc<Source>]| super::hash("x", "text", files);
    assert_ne!(of(&[source("a", "bc"), source("d", "e")]), of(&[source("a", "b"), source("cd", "e")]));
    assert_ne!(of(&[source("ab", "c")]), of(&[source("a", "bc")]));
}

#[test]
fn what_is_no_text_or_not_there_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    assert_eq!(load(&file).unwrap_err().exit_code(), 3);
    fs::write(&file, [0xff, 0xfe]).unwrap();
    assert_eq!(load(&file).unwrap_err().exit_code(), 1);
}

#[test]
fn every_default_satisfies_its_own_key() {
    // Reading an empty table goes through every default.
    let mut reading = Reading::new(Arc::new(Source { name: "x".into(), text: String::new() }), Path::new("."));
    let empty = Node { span: 0..0, raw: Raw::Table(Vec::new()) };
    for keys in [ROOT, super::super::keys::SCENARIO, super::super::keys::ASSET, super::super::keys::VENUE] {
        read_partly(&empty, keys, "it", &mut reading);
    }
    for keys in [
        super::super::keys::POPULATION,
        super::super::keys::TRADERS,
        super::super::keys::ACCOUNTS,
        super::super::keys::ADL,
    ] {
        read_partly(&empty, keys, "it", &mut reading);
    }
}
