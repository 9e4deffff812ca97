//! What becomes of `preset` in `[[traders]]`.

use std::path::Path;
use std::sync::Arc;

use super::super::super::{Scenario, parse};
use super::apportioned;
use crate::fault::{Faults, Paint, Source};
use crate::money::Price;
use crate::traders::presets::PRESETS;
use crate::traders::{Accounts, Balance, Generated, Population, Redraw};

fn read(tail: &str) -> Result<(Scenario, Faults), Faults> {
    let text = format!(
        r#"[scenario]
horizon = "10 s"
[[assets]]
symbol = "BTCUSDT"
tick = 0.1
lot = 0.001
open = 100_000
process = {{ kind = "gbm", volatility = 0.5 }}
book = {{ kind = "depth", depth_1pct = 100_000_000 }}
[venue]
preset = "hyperliquid"
{tail}"#
    );
    parse(&Arc::new(Source { name: "x.toml".into(), text }), Path::new("."))
}

fn sound(tail: &str) -> Scenario {
    read(tail).unwrap_or_else(|faults| panic!("{}", faults.render(Paint::Plain))).0
}

fn generated(scenario: &Scenario) -> &Generated {
    match &scenario.accounts {
        Accounts::Generated(generated) => generated,
        Accounts::Loaded(_) => panic!("drawn"),
    }
}

fn groups(scenario: &Scenario) -> Vec<(String, u32)> {
    generated(scenario).groups.iter().map(|group| (group.name.clone(), group.count)).collect()
}

fn told(tail: &str) -> String {
    read(tail).err().unwrap_or_default().render(Paint::Plain)
}

#[test]
fn a_preset_stands_for_its_groups_and_what_is_written_overrides_each() {
    let scenario = sound("[[traders]]\npreset = \"bitmex-2019-retail\"");
    assert_eq!(groups(&scenario), [("retail".into(), 5_940), ("market makers".into(), 60)]);
    assert_eq!(generated(&scenario).balance, Balance::Scale);
    let scenario = sound(
        r#"[population]
balance = "maker"
[[traders]]
preset = "bitmex-2019-retail"
name = "mex"
count = 1_000
long_share = 1
entry_offset = 0
[[traders]]
preset = "hyperliquid-2025-cross"
group = "makers"
name = "vaults"
[[traders]]
name = "own"
count = 3
long_share = 0
leverage = 2
size = 100
size_is = "collateral""#,
    );
    // 990 and 10 of 1,000.
    let expected = [("mex retail", 990), ("mex market makers", 10), ("vaults", 12), ("own", 3)];
    assert_eq!(groups(&scenario), expected.map(|(name, count)| (name.to_owned(), count)));
    let generated = generated(&scenario);
    assert_eq!((generated.balance, generated.groups[1].long_share), (Balance::Maker, 1.0));
    assert_eq!(generated.groups[0].entry_offset.support(), (0.0, 0.0));
    assert_eq!(generated.groups[2].long_share, 0.5);
    // Both texts count in the hash.
    assert_eq!(scenario.files.len(), 3);
}

#[test]
fn slips_at_a_preset_are_one_fault_each_where_they_were_written() {
    let slips = [
        "[[traders]]\npreset = \"bitmex-2019-retial\"",
        "[[traders]]\npreset = \"bitmex-2019-retail\"\ngroup = \"retial\"",
        "[[traders]]\npreset = \"hyperliquid-2025-cross\"\ncount = 2",
        "[[traders]]\npreset = \"hyperliquid-2025-cross\"\ncount = -5",
        "[[traders]]\npreset = \"classroom\"\nleverage = 0",
    ];
    insta::assert_snapshot!(slips.map(told).concat(), @r#"
    error: `preset` cannot be "bitmex-2019-retial"
      --> x.toml:13:10
       |
    13 | preset = "bitmex-2019-retial"
       |          ^^^^^^^^^^^^^^^^^^^^
       |
       = help: did you mean "bitmex-2019-retail"?

    error: the preset `bitmex-2019-retail` has no group "retial"
      --> x.toml:14:9
       |
    14 | group = "retial"
       |         ^^^^^^^^
       |
       = help: did you mean "retail"?

    error: `count` of 2 is less than one account for each of the 3 groups of the preset
      --> x.toml:14:9
       |
    14 | count = 2
       |         ^
       |
       = help: write a larger number, or choose one of them with `group`

    error: `count` cannot be -5
      --> x.toml:14:9
       |
    14 | count = -5
       |         ^^
       |
       = help: it takes a whole number from 1 to 10000000

    error: `leverage` is 0
      --> x.toml:14:12
       |
    14 | leverage = 0
       |            ^
       |
       = help: every value must be above 0: choose or truncate the distribution so that it is
    "#);
}

#[test]
fn accounts_are_apportioned_by_largest_remainders_with_one_for_each() {
    assert_eq!(apportioned(10, &[1, 1, 1]), Some(vec![4, 3, 3]));
    assert_eq!(apportioned(7, &[6, 3, 1]), Some(vec![4, 2, 1]));
    // A thousandth of 5 is still one account, taken from the largest.
    assert_eq!(apportioned(5, &[999, 1, 1]), Some(vec![3, 1, 1]));
    assert_eq!(apportioned(2, &[1, 1, 1]), None);
    assert_eq!(apportioned(i64::MAX, &[1, 1]), Some(vec![i64::MAX / 2 + 1, i64::MAX / 2]));
}

/// Lots, leverage and entry of every position of a draw.
fn drawn(scenario: &Scenario, path: u64) -> Population {
    let mut out = Population::default();
    generated(scenario).draw(1, path, &scenario.opening(), &mut out).unwrap_or_else(|error| panic!("{error}"));
    out
}

#[test]
fn every_preset_opens_with_equal_sides() {
    for preset in PRESETS {
        let tiers = "[[venue.tiers]]\nnotional_floor = 0\nmax_leverage = 100\nmaintenance_rate = \"0.5 %\"";
        let scenario = sound(&format!("{tiers}\n[[traders]]\npreset = \"{}\"", preset.name));
        let drawn = drawn(&scenario, 0);
        assert_eq!(drawn.qty.iter().map(|qty| qty.0).sum::<i64>(), 0, "{}", preset.name);
        assert_eq!(generated(&scenario).redraw == Redraw::Fixed, preset.name == "classroom");
    }
}

/// Notional at the opening mark, long or short, at leverages up to each bound; and the redrawn share.
fn shares(scenario: &Scenario, groups: std::ops::Range<u32>, bounds: &[f64]) -> Vec<f64> {
    let asset = &scenario.assets[0];
    let (mut total, mut below) = (0.0, vec![0.0; bounds.len()]);
    for path in 0..8 {
        let all = drawn(scenario, path);
        for j in (0..all.qty.len()).filter(|&j| groups.contains(&all.account[j])) {
            let notional = asset.multiplier.value(all.qty[j], Price(asset.open.0)).0.abs() as f64;
            // The wallet of a cross account holds the collateral of its one position.
            let cross = all.cross.get(j) == Some(&true);
            let posted = if cross { all.wallet[all.account[j] as usize] } else { all.collateral[j] };
            let leverage = all.cost[j].0.abs() as f64 / posted.0 as f64;
            total += notional;
            for (sum, bound) in below.iter_mut().zip(bounds) {
                *sum += if leverage <= bound * 1.001 { notional } else { 0.0 };
            }
        }
    }
    below.iter().map(|sum| sum / total).collect()
}

/// The share of the notional at each leverage is what was recorded, within what the tiers and the heavy tail leave: a
/// handful of accounts carries most of it, so sizes are made equal here.
#[test]
fn leverages_weigh_as_much_notional_as_was_recorded() {
    let tiers = "[[venue.tiers]]\nnotional_floor = 0\nmax_leverage = 100\nmaintenance_rate = \"0.1 %\"";
    let scenario =
        sound(&format!("{tiers}\n[[traders]]\npreset = \"bitmex-2019-retail\"\nsize = 1_000_000\nentry_offset = 0"));
    // 80 % of the notional up to 54 times long, 47 short; the mean lies between 22 and 30.
    let found = shares(&scenario, 0..5_940, &[25.0, 50.0]);
    assert!((found[0] - 0.78).abs() < 0.04 && (found[1] - 0.91).abs() < 0.02, "{found:?}");
    let scenario = sound(&format!(
        "{tiers}\n[[traders]]\npreset = \"hyperliquid-2025-cross\"\nsize = 1_000_000\nentry_offset = 0"
    ));
    // 36 % of the open interest up to 3 times, 48 % from there to 7.
    let found = shares(&scenario, 0..12_000, &[3.0, 7.0]);
    assert!((found[0] - 0.38).abs() < 0.03 && (found[1] - 0.88).abs() < 0.02, "{found:?}");
}
