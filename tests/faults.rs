//! The exact text that a person sees for each thing that can be wrong in a scenario or a position book.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use flashcrash::fault::{Paint, Source};
use flashcrash::scenario;

/// A sound scenario that every test spoils in one place.
const SOUND: &str = r#"#:schema ./schema.json
# A small crash.
[scenario]
horizon = "10 s"

[[assets]]
symbol = "BTC"
tick = 0.5
lot = 0.01
open = 100
process = { kind = "gbm", volatility = 0.5 }
book = { kind = "depth", depth_1pct = 1e6 }
mark = "last"

[venue]
surplus_to = "fund"

[[venue.tiers]]
notional_floor = 0
max_leverage = 20
maintenance_rate = 0.01

[[venue.tiers]]
notional_floor = 10_000
max_leverage = 10
maintenance_rate = 0.02

[venue.fund]
open = 1000

[[traders]]
name = "all"
count = 10
long_share = 0.5
leverage = 5
size = 1000
size_is = "collateral"
"#;

/// The second asset of the tests that need two.
const ETH: &str = r#"
[[assets]]
symbol = "ETH"
tick = 0.5
lot = 0.01
open = 50
process = { kind = "gbm", volatility = 0.5 }
book = { kind = "depth", depth_1pct = 1e6 }
mark = "last"
"#;

fn shown(text: &str, base: &Path) -> String {
    let source = Arc::new(Source { name: "crash.toml".into(), text: text.into() });
    match scenario::parse(&source, base) {
        Ok((_, warnings)) if warnings.is_empty() => "sound".into(),
        Ok((_, warnings)) => warnings.render(Paint::Plain),
        Err(faults) if base == Path::new(".") => faults.render(Paint::Plain),
        Err(faults) => faults.render(Paint::Plain).replace(&base.display().to_string(), "[FOLDER]"),
    }
}

/// The faults of the sound scenario with each `from` replaced by its `to`.
fn with(changes: &[(&str, &str)]) -> String {
    let mut text = SOUND.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    shown(&text, Path::new("."))
}

/// The faults of the sound scenario with this text at its end.
fn and(more: &str) -> String {
    shown(&format!("{SOUND}{more}"), Path::new("."))
}

/// The faults of a scenario whose accounts come from this position book.
fn book(csv: &str) -> String {
    book_in(csv, "")
}

fn book_in(csv: &str, more: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("book.csv"), csv).unwrap();
    let head = SOUND.split("[[traders]]").next().unwrap();
    shown(&format!("{head}[accounts]\nfile = \"book.csv\"\n{more}"), folder.path())
}

/// A position book with these rows.
fn positions(rows: &str) -> String {
    book(&format!("account,symbol,side,quantity,entry_price,collateral\n{rows}"))
}

#[test]
fn the_sound_scenario_is_sound() {
    insta::assert_snapshot!(with(&[]), @r"sound");
}

#[test]
fn a_text_that_is_not_toml() {
    insta::assert_snapshot!(with(&[("tick = 0.5", "tick = = 0.5")]), @r"
    error: not TOML: extra `=`, expected nothing
     --> crash.toml:8:8
      |
    8 | tick = = 0.5
      |        ^

    error: not TOML: unexpected key or value, expected newline, `#`
     --> crash.toml:8:10
      |
    8 | tick = = 0.5
      |          ^
    ");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(shown("", Path::new(".")), @r#"
    error: the scenario lacks the table `scenario`
     --> crash.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `[scenario]`: how long, how fine, how often

    error: the scenario lacks the table `assets`
     --> crash.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `[[assets]]`: a contract and its market, once for each

    error: the scenario lacks the table `venue`
     --> crash.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `[venue]`: the rules of the exchange

    error: the scenario has no accounts
     --> crash.toml:1:1
      |
    1 |
      | ^
      |
      = help: add groups `[[traders]]`, or `[accounts]` with `file = "….csv"`
    "#);
}

#[test]
fn a_misspelt_key() {
    insta::assert_snapshot!(with(&[("horizon", "horizn")]), @r#"
    error: unknown key `horizn` in `scenario`
     --> crash.toml:4:1
      |
    4 | horizn = "10 s"
      | ^^^^^^
      |
      = help: did you mean `horizon`?
    "#);
}

#[test]
fn a_misspelt_table() {
    insta::assert_snapshot!(with(&[("[venue.fund]", "[venue.fnd]")]), @r"
    error: unknown key `fnd` in `venue`
      --> crash.toml:28:8
       |
    28 | [venue.fnd]
       |        ^^^
       |
       = help: did you mean `fund`?
    ");
}

#[test]
fn a_stranger_among_tables() {
    insta::assert_snapshot!(and("[weather]\nrain = true\n"), @r"
    error: unknown key `weather` in the scenario
      --> crash.toml:38:2
       |
    38 | [weather]
       |  ^^^^^^^
       |
       = help: the scenario has the keys scenario, assets, market, venue, population, traders, accounts
    ");
}

#[test]
fn a_missing_key() {
    insta::assert_snapshot!(with(&[("surplus_to = \"fund\"\n", "")]), @r#"
    error: `venue` lacks the key `surplus_to`
      --> crash.toml:15:1
       |
    15 | [venue]
       | ^^^^^^^
       |
       = help: add `surplus_to = …`: who receives what equity is left after a liquidation and its fees; one of "trader", "fund"
    "#);
}

#[test]
fn a_missing_table() {
    insta::assert_snapshot!(with(&[("[venue.fund]\nopen = 1000\n", "")]), @r"
    error: `venue` lacks the table `fund`
      --> crash.toml:15:1
       |
    15 | [venue]
       | ^^^^^^^
       |
       = help: add `[venue.fund]`: the insurance fund
    ");
}

#[test]
fn a_word_that_is_none_of_the_choices() {
    insta::assert_snapshot!(with(&[("surplus_to = \"fund\"", "surplus_to = \"house\"")]), @r#"
    error: `surplus_to` cannot be "house"
      --> crash.toml:16:14
       |
    16 | surplus_to = "house"
       |              ^^^^^^^
       |
       = help: it takes one of "trader", "fund"
    "#);
}

#[test]
fn a_misspelt_choice() {
    insta::assert_snapshot!(with(&[("surplus_to = \"fund\"", "surplus_to = \"funds\"")]), @r#"
    error: `surplus_to` cannot be "funds"
      --> crash.toml:16:14
       |
    16 | surplus_to = "funds"
       |              ^^^^^^^
       |
       = help: did you mean "fund"?
    "#);
}

#[test]
fn a_misspelt_kind() {
    insta::assert_snapshot!(with(&[("kind = \"depth\"", "kind = \"dept\"")]), @r#"
    error: unknown book "dept"
      --> crash.toml:12:17
       |
    12 | book = { kind = "dept", depth_1pct = 1e6 }
       |                 ^^^^^^
       |
       = help: did you mean "depth"?
    "#);
}

#[test]
fn a_plugin_without_kind() {
    insta::assert_snapshot!(with(&[("kind = \"gbm\", volatility = 0.5", "volatility = 0.5")]), @r"
    error: this price process lacks the key `kind`
      --> crash.toml:11:11
       |
    11 | process = { volatility = 0.5 }
       |           ^^^^^^^^^^^^^^^^^^^^
       |
       = help: a price process { kind = … }, one of gbm, jump_diffusion, stochastic_volatility, garch, hawkes_jumps, regime_switching, flash_crash, waypoints, replay
    ");
}

#[test]
fn a_misspelt_key_of_a_plugin() {
    insta::assert_snapshot!(with(&[("volatility", "volatilty")]), @r#"
    error: unknown key `volatilty` in price process "gbm"
      --> crash.toml:11:27
       |
    11 | process = { kind = "gbm", volatilty = 0.5 }
       |                           ^^^^^^^^^
       |
       = help: did you mean `volatility`?
    "#);
}

#[test]
fn a_misspelt_bare_kind() {
    insta::assert_snapshot!(with(&[("mark = \"last\"", "mark = \"lst\"")]), @r#"
    error: unknown mark rule "lst"
      --> crash.toml:13:8
       |
    13 | mark = "lst"
       |        ^^^^^
       |
       = help: did you mean "last"?
    "#);
}

#[test]
fn a_number_where_a_time_is_due() {
    insta::assert_snapshot!(with(&[("\"10 s\"", "10")]), @r#"
    error: `horizon` cannot be 10
     --> crash.toml:4:11
      |
    4 | horizon = 10
      |           ^^
      |
      = help: it takes a time above 0, as "250 ms", "1 s", "8 h"
    "#);
}

#[test]
fn a_text_where_a_number_is_due() {
    insta::assert_snapshot!(with(&[("tick = 0.5", "tick = \"0.5\"")]), @r#"
    error: `tick` cannot be "0.5"
     --> crash.toml:8:8
      |
    8 | tick = "0.5"
      |        ^^^^^
      |
      = help: it takes an amount above 0 (price); write the number without quotes
    "#);
}

#[test]
fn a_horizon_off_the_grid() {
    insta::assert_snapshot!(with(&[("\"10 s\"", "\"10.5 s\"")]), @r#"
    error: `horizon` of 10.5 s is not a whole number of steps of 1 s
     --> crash.toml:4:11
      |
    4 | horizon = "10.5 s"
      |           ^^^^^^^^
      |
      = help: "10 s" or "11 s" would fit
    "#);
}

#[test]
fn a_horizon_of_too_many_steps() {
    insta::assert_snapshot!(with(&[("\"10 s\"", "\"30 d\"\nstep = \"100 ms\"")]), @r#"
    error: `horizon` is 25920000 steps of 0.1 s, more than 10000000
     --> crash.toml:4:11
      |
    4 | horizon = "30 d"
      |           ^^^^^^
      |
      = help: shorten `horizon` or lengthen `step`
    "#);
}

#[test]
fn a_step_longer_than_the_mark_interval() {
    insta::assert_snapshot!(with(&[("\"10 s\"", "\"10 s\"\nstep = \"2 s\"")]), @r#"
    error: `step` of 2 s is longer than `mark_interval` of 1 s
     --> crash.toml:5:8
      |
    5 | step = "2 s"
      |        ^^^^^
      |
      = help: the mark cannot move more often than the index: set `step` to 1 s or less, or `mark_interval` to 2 s or more
    "#);
}

#[test]
fn intervals_off_the_grid() {
    insta::assert_snapshot!(with(&[("surplus_to", "mark_interval = \"1.5 s\"\ncheck_interval = \"2.5 s\"\nsurplus_to")]), @r#"
    error: `mark_interval` of 1.5 s is not a whole number of steps of 1 s
      --> crash.toml:16:17
       |
    16 | mark_interval = "1.5 s"
       |                 ^^^^^^^
       |
       = help: "1 s" or "2 s" would fit

    error: `check_interval` of 2.5 s is not a whole number of steps of 1 s
      --> crash.toml:17:18
       |
    17 | check_interval = "2.5 s"
       |                  ^^^^^^^
       |
       = help: "2 s" or "3 s" would fit
    "#);
}

#[test]
fn a_tick_and_lot_finer_than_the_cash_unit() {
    insta::assert_snapshot!(with(&[("\"10 s\"", "\"10 s\"\ncash_unit = 0.01")]), @r"
    error: tick × lot is 0.005, not a whole number of cash units of 0.01
     --> crash.toml:9:8
      |
    9 | tick = 0.5
      |        ^^^
      |
      = help: this would fit: `cash_unit = 0.001`, or `lot = 0.02`, or `tick = 1`
    ");
}

#[test]
fn an_opening_price_between_ticks() {
    insta::assert_snapshot!(with(&[("open = 100\n", "open = 100.3\n")]), @r"
    error: `open` of 100.3 is not a whole number of ticks of 0.5
      --> crash.toml:10:8
       |
    10 | open = 100.3
       |        ^^^^^
       |
       = help: 100 or 100.5 would fit
    ");
}

#[test]
fn an_opening_price_of_zero() {
    insta::assert_snapshot!(with(&[("open = 100\n", "open = 0\n")]), @r"
    error: `open` cannot be 0
      --> crash.toml:10:8
       |
    10 | open = 0
       |        ^
       |
       = help: it takes an amount above 0 (price)
    ");
}

#[test]
fn two_assets_of_one_symbol() {
    insta::assert_snapshot!(and(&ETH.replace("ETH", "BTC")), @r#"
    error: this group does not say which asset it trades
      --> crash.toml:31:1
       |
    31 | [[traders]]
       | ^^^^^^^^^^^
       |
       = help: add `asset`, one of BTC, BTC

    error: a second asset `BTC`
      --> crash.toml:40:10
       |
    40 | symbol = "BTC"
       |          ^^^^^
       |
       = help: the first is in line 6: give each asset a symbol of its own
    "#);
}

#[test]
fn a_group_that_does_not_say_what_it_trades() {
    insta::assert_snapshot!(and(ETH), @r"
    error: this group does not say which asset it trades
      --> crash.toml:31:1
       |
    31 | [[traders]]
       | ^^^^^^^^^^^
       |
       = help: add `asset`, one of BTC, ETH
    ");
}

#[test]
fn a_group_in_an_unknown_asset() {
    insta::assert_snapshot!(with(&[("count = 10", "asset = \"BTCC\"\ncount = 10")]), @r#"
    error: the scenario has no asset `BTCC`
      --> crash.toml:33:9
       |
    33 | asset = "BTCC"
       |         ^^^^^^
       |
       = help: did you mean "BTC"?
    "#);
}

#[test]
fn tiers_out_of_order() {
    insta::assert_snapshot!(with(&[("notional_floor = 10_000", "notional_floor = 0")]), @r"
    error: each tier must start above the one before
      --> crash.toml:24:18
       |
    24 | notional_floor = 0
       |                  ^
       |
       = help: the tier before starts at 0
    ");
}

#[test]
fn tiers_that_do_not_start_at_zero() {
    insta::assert_snapshot!(with(&[("notional_floor = 0", "notional_floor = 1")]), @r"
    error: the first tier must start at a notional of 0
      --> crash.toml:19:18
       |
    19 | notional_floor = 1
       |                  ^
       |
       = help: tiers are written from the lowest notional to the highest
    ");
}

#[test]
fn a_maintenance_rate_that_falls() {
    insta::assert_snapshot!(with(&[("maintenance_rate = 0.02", "maintenance_rate = 0.005")]), @r"
    error: a maintenance rate must not fall from tier to tier
      --> crash.toml:26:20
       |
    26 | maintenance_rate = 0.005
       |                    ^^^^^
       |
       = help: the tier before has 0.01
    ");
}

#[test]
fn a_leverage_that_rises() {
    insta::assert_snapshot!(with(&[("max_leverage = 10\n", "max_leverage = 25\n")]), @r"
    error: the greatest leverage must not rise from tier to tier
      --> crash.toml:25:16
       |
    25 | max_leverage = 25
       |                ^^
       |
       = help: the tier before allows 20
    ");
}

#[test]
fn a_leverage_that_leaves_no_margin() {
    insta::assert_snapshot!(with(&[("max_leverage = 20", "max_leverage = 100")]), @r"
    error: an account at `max_leverage` of 100 would be in breach at once: its margin of 0.01 is no more than the maintenance rate
      --> crash.toml:20:16
       |
    20 | max_leverage = 100
       |                ^^^
       |
       = help: 1 ÷ `max_leverage` must exceed `maintenance_rate`
    ");
}

#[test]
fn a_deduction_that_does_not_follow() {
    insta::assert_snapshot!(with(&[("maintenance_rate = 0.02", "maintenance_rate = 0.02\ndeduction = 99")]), @r"
    error: `deduction` is 99, but it follows from the tiers as 100
      --> crash.toml:27:13
       |
    27 | deduction = 99
       |             ^^
       |
       = help: write 100 or leave it out; any other number makes maintenance margin jump at the tier's floor
    ");
}

#[test]
fn a_tier_of_an_unknown_asset() {
    insta::assert_snapshot!(with(&[("notional_floor = 10_000", "asset = \"ETH\"\nnotional_floor = 10_000")]), @r#"
    error: the scenario has no asset `ETH`
      --> crash.toml:24:9
       |
    24 | asset = "ETH"
       |         ^^^^^
       |
       = help: the scenario has BTC
    "#);
}

#[test]
fn an_asset_without_tiers() {
    insta::assert_snapshot!(with(&[("count = 10", "asset = \"BTC\"\ncount = 10"), ("notional_floor = 0", "asset = \"BTC\"\nnotional_floor = 0"), ("notional_floor = 10_000", "asset = \"BTC\"\nnotional_floor = 10_000"), ("[venue]", &format!("{ETH}\n[venue]"))]), @r#"
    error: asset `ETH` has no margin tiers
      --> crash.toml:16:1
       |
    16 | [[assets]]
       | ^^^^^^^^^^
       |
       = help: add `[[venue.tiers]]` with `asset = "ETH"`, or one without `asset`, which holds for all
    "#);
}

#[test]
fn a_layer_named_twice() {
    insta::assert_snapshot!(with(&[("surplus_to", "position_layers = [\"book\", \"adl\", \"book\"]\nsurplus_to")]), @r#"
    error: "book" stands twice in `position_layers`
      --> crash.toml:16:35
       |
    16 | position_layers = ["book", "adl", "book"]
       |                                   ^^^^^^
       |
       = help: name each layer once, in the order in which they act
    "#);
}

#[test]
fn no_position_layer() {
    insta::assert_snapshot!(with(&[("surplus_to", "position_layers = []\nsurplus_to")]), @r#"
    error: `position_layers` is empty
      --> crash.toml:16:19
       |
    16 | position_layers = []
       |                   ^^
       |
       = help: somebody must take the lots of a forced order, as ["book", "adl"]
    "#);
}

#[test]
fn money_finer_than_the_cash_unit() {
    insta::assert_snapshot!(with(&[("open = 1000\n", "open = 1000.0000001\n")]), @r"
    error: `open` of 1000.0000001 is not a whole number of cash units
      --> crash.toml:29:8
       |
    29 | open = 1000.0000001
       |        ^^^^^^^^^^^^
       |
       = help: the cash unit is 0.000001: 1000 would fit
    ");
}

#[test]
fn a_floor_above_the_fund() {
    insta::assert_snapshot!(with(&[("open = 1000\n", "open = 1000\nfloor = 2000\n")]), @r"
    error: `floor` of 2000 is above the opening fund of 1000
      --> crash.toml:30:9
       |
    30 | floor = 2000
       |         ^^^^
       |
       = help: the fund could never pay: lower `floor` or raise `open`
    ");
}

#[test]
fn a_misspelt_key_beside_the_adl_policy() {
    insta::assert_snapshot!(with(&[("surplus_to", "adl = { kind = \"pro_rata\", eligble = \"solvent_after\" }\nsurplus_to")]), @r#"
    error: unknown key `eligble` in `adl`
      --> crash.toml:16:28
       |
    16 | adl = { kind = "pro_rata", eligble = "solvent_after" }
       |                            ^^^^^^^
       |
       = help: did you mean `eligible`?
    "#);
}

#[test]
fn a_correlation_matrix_of_the_wrong_size() {
    insta::assert_snapshot!(and("[market]\ncorrelation = [[1, 0.5], [0.5, 1]]\n"), @r"
    error: `correlation` has 2 rows, not one for each of the assets (1)
      --> crash.toml:39:15
       |
    39 | correlation = [[1, 0.5], [0.5, 1]]
       |               ^^^^^^^^^^^^^^^^^^^^
       |
       = help: one row an asset, in the order BTC
    ");
}

#[test]
fn a_correlation_matrix_that_is_not_symmetric() {
    insta::assert_snapshot!(with(&[("count = 10", "asset = \"BTC\"\ncount = 10"), ("[venue]", &format!("{ETH}\n[market]\ncorrelation = [\n  [1, 0.5],\n  [0.4, 0.9],\n]\n\n[venue]"))]), @r"
    error: ETH is correlated 0.9 with itself
      --> crash.toml:28:3
       |
    28 |   [0.4, 0.9],
       |   ^^^^^^^^^^
       |
       = help: the diagonal of a correlation matrix is 1

    error: ETH with BTC is 0.4, but BTC with ETH is 0.5
      --> crash.toml:28:3
       |
    28 |   [0.4, 0.9],
       |   ^^^^^^^^^^
       |
       = help: a correlation matrix is symmetric: write the same number in both places
    ");
}

#[test]
fn a_correlation_matrix_that_cannot_be() {
    insta::assert_snapshot!(with(&[("count = 10", "asset = \"BTC\"\ncount = 10"), ("[venue]", &format!("{ETH}{}\n[market]\ncorrelation = [\n  [1, 0.8, 0.8],\n  [0.8, 1, 0.2],\n  [0.8, 0.2, 1],\n]\n\n[venue]", ETH.replace("ETH", "SOL")))]), @r"
    error: these correlations of SOL with BTC, ETH cannot all hold (the matrix is not positive semi-definite)
      --> crash.toml:38:3
       |
    38 |   [0.8, 0.2, 1],
       |   ^^^^^^^^^^^^^
       |
       = help: how strongly two assets move with a third binds how they move with each other: bring the numbers of this row nearer to 0
    ");
}

#[test]
fn no_accounts_at_all() {
    insta::assert_snapshot!(shown(SOUND.split("[[traders]]").next().unwrap(), Path::new(".")), @r#"
    error: the scenario has no accounts
     --> crash.toml:1:1
      |
    1 | #:schema ./schema.json
      | ^
      |
      = help: add groups `[[traders]]`, or `[accounts]` with `file = "….csv"`
    "#);
}

#[test]
fn traders_and_accounts_together() {
    insta::assert_snapshot!(and("[accounts]\nfile = \"crash.toml\"\n"), @r#"
    error: the scenario has both `[[traders]]` and `[accounts]`
      --> crash.toml:38:1
       |
    38 | [accounts]
       | ^^^^^^^^^^
       |
       = help: keep one: accounts are drawn, or they come from a file

    error: cannot read `crash.toml`: No such file or directory (os error 2)
      --> crash.toml:39:8
       |
    39 | file = "crash.toml"
       |        ^^^^^^^^^^^^
       |
       = help: file names start from the folder of the scenario, .
    "#);
}

#[test]
fn a_leverage_cap_that_does_not_say_what_it_keeps() {
    insta::assert_snapshot!(and("[population]\nleverage_cap = 3\n"), @r#"
    error: `leverage_cap` needs `cap_keeps`
      --> crash.toml:39:16
       |
    39 | leverage_cap = 3
       |                ^
       |
       = help: add `cap_keeps = "notional"` (positions stay, more collateral is posted) or `cap_keeps = "collateral"` (positions are smaller)
    "#);
}

#[test]
fn two_groups_of_one_name() {
    insta::assert_snapshot!(and("[[traders]]\nname = \"all\"\ncount = 1\nlong_share = 1\nleverage = 1\nsize = 1000\nsize_is = \"notional\"\n"), @r#"
    error: a second group `all`
      --> crash.toml:39:8
       |
    39 | name = "all"
       |        ^^^^^
       |
       = help: the first is in line 32: give each group a name of its own
    "#);
}

#[test]
fn a_size_that_can_be_negative() {
    insta::assert_snapshot!(with(&[("size = 1000", "size = { kind = \"uniform\", min = -5, max = 1000 }")]), @r#"
    error: `size` can be as low as -5
      --> crash.toml:36:8
       |
    36 | size = { kind = "uniform", min = -5, max = 1000 }
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: every value must be above 0: choose or truncate the distribution so that it is
    "#);
}

#[test]
fn a_side_with_nothing_to_balance() {
    insta::assert_snapshot!(with(&[("long_share = 0.5", "long_share = 1"), ("[[traders]]", "[population]\nbalance = \"scale\"\n\n[[traders]]")]), @r#"
    error: `balance = "scale"` has nothing to balance: every account in `BTC` is long
      --> crash.toml:32:11
       |
    32 | balance = "scale"
       |           ^^^^^^^
       |
       = help: use "maker", or a `long_share` between 0 and 1
    "#);
}

#[test]
fn accounts_too_small_for_a_lot() {
    insta::assert_snapshot!(with(&[("size = 1000", "size = 0.01")]), @r"
    error: account 0 of group `all` on path 0 fails the opening margin check even when it enters at the opening mark, with 1 lot worth 100.00 times its collateral
      --> crash.toml:31:1
       |
    31 | [[traders]]
       | ^^^^^^^^^^^
       |
       = help: an account holds at least one lot: use a smaller `lot`, larger sizes, lower `leverage` or a smaller `opening_buffer`
    ");
}

#[test]
fn entries_too_far_from_the_mark() {
    let entries = "size = 1000\nentry_offset = { kind = \"uniform\", min = 0, max = 0.5 }";
    insta::assert_snapshot!(with(&[("size = 1000", entries), ("leverage = 5", "leverage = 9"), ("long_share = 0.5", "long_share = 0.9")]), @r"
    error: 8 of 10 accounts on path 0 had to draw their entry price again to pass the opening margin check
      --> crash.toml:31:1
       |
    31 | [[traders]]
       | ^^^^^^^^^^^
       |
       = help: entries lie too far from the opening mark for this leverage: narrow `entry_offset` or lower `leverage`
    ");
}

#[test]
fn a_fixed_draw_that_no_integer_holds() {
    insta::assert_snapshot!(with(&[("size = 1000", "size = 1e300")]), @r"
    error: account 0 of group `all` on path 0 has a quantity in lots of 5.000e300, beyond what can be held
      --> crash.toml:31:1
       |
    31 | [[traders]]
       | ^^^^^^^^^^^
       |
       = help: truncate the distribution, or use a coarser `cash_unit`, `tick` or `lot`
    ");
}

#[test]
fn an_open_loop_is_a_warning() {
    insta::assert_snapshot!(with(&[("mark = \"last\"\n", ""), ("depth_1pct = 1e6", "depth_1pct = 1e6, permanent = 0")]), @r#"
    warning: the loop is open: forced orders move neither the mark nor the index of `BTC`
      --> crash.toml:12:8
       |
    12 | book = { kind = "depth", depth_1pct = 1e6, permanent = 0 }
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: liquidations cannot cause further ones; set `mark` to a rule that looks at the book, or give the book a `permanent` share above 0
    "#);
}

#[test]
fn nobody_to_deleverage_is_a_warning() {
    insta::assert_snapshot!(with(&[("long_share = 0.5", "long_share = 1")]), @r"
    warning: nobody can be deleveraged: every account in `BTC` is long
      --> crash.toml:15:1
       |
    15 | [venue]
       | ^^^^^^^
       |
       = help: what book and fund cannot carry becomes unfunded deficit; give some group a `long_share` between 0 and 1 to have winners
    ");
}

#[test]
fn capital_that_never_pays_is_a_warning() {
    insta::assert_snapshot!(with(&[("surplus_to", "capital = 5\ncash_layers = [\"fund\"]\nsurplus_to")]), @r#"
    warning: this capital never pays anything
      --> crash.toml:16:11
       |
    16 | capital = 5
       |           ^
       |
       = help: add "venue" to `cash_layers`
    "#);
}

#[test]
fn faults_of_all_sections_come_at_once() {
    insta::assert_snapshot!(with(&[("\"10 s\"", "\"10.5 s\""), ("open = 100\n", "open = 100.3\n"), ("max_leverage = 10\n", "max_leverage = 25\n"), ("surplus_to = \"fund\"\n", ""), ("count = 10", "cuont = 10"), ("open = 1000\n", "open = 1000\nfloor = 2000\n")]), @r#"
    error: `horizon` of 10.5 s is not a whole number of steps of 1 s
     --> crash.toml:4:11
      |
    4 | horizon = "10.5 s"
      |           ^^^^^^^^
      |
      = help: "10 s" or "11 s" would fit

    error: `open` of 100.3 is not a whole number of ticks of 0.5
      --> crash.toml:10:8
       |
    10 | open = 100.3
       |        ^^^^^
       |
       = help: 100 or 100.5 would fit

    error: `venue` lacks the key `surplus_to`
      --> crash.toml:15:1
       |
    15 | [venue]
       | ^^^^^^^
       |
       = help: add `surplus_to = …`: who receives what equity is left after a liquidation and its fees; one of "trader", "fund"

    error: the greatest leverage must not rise from tier to tier
      --> crash.toml:24:16
       |
    24 | max_leverage = 25
       |                ^^
       |
       = help: the tier before allows 20

    error: `floor` of 2000 is above the opening fund of 1000
      --> crash.toml:29:9
       |
    29 | floor = 2000
       |         ^^^^
       |
       = help: the fund could never pay: lower `floor` or raise `open`

    error: unknown key `cuont` in `traders`
      --> crash.toml:33:1
       |
    33 | cuont = 10
       | ^^^^^
       |
       = help: did you mean `count`?
    "#);
}

#[test]
fn an_inverse_lot_that_is_worth_nothing() {
    let assets = |unit: &str| {
        with(&[
            ("\"10 s\"", &format!("\"10 s\"\ncash_unit = {unit}\ncurrency = \"XBT\"")),
            ("tick = 0.5\nlot = 0.01\nopen = 100\n", "tick = 0.5\nlot = 1\nopen = 50_000\ncontract = \"inverse\"\n"),
        ])
    };
    let told = assets("0.0001");
    // 1 USD at 50,000 is 0.00002, a fifth of the unit.
    assert!(told.contains("a lot is worth less than half a cash unit of 0.0001 at `open`"), "{told}");
    assert!(told.contains("a lot of 5 is worth one: take more, or a finer `cash_unit`"), "{told}");
    assert!(told.contains("lot = 1"), "{told}");
    assert!(!assets("0.00000001").contains("worth less"), "a satoshi is fine enough");
}

mod books;
mod tokens;
mod waterfall;

/// Spoils a text at a place and in a way that depend on the words of a stream only.
fn spoil(text: &str, stream: &mut flashcrash::rng::Stream) -> String {
    const WORDS: [&str; 24] = [
        "0",
        "-1",
        "1e308",
        "1e-308",
        "9223372036854775807",
        "nan",
        "inf",
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        "\n",
        "é",
        ",",
        "'''",
        "\"1 s\"",
        "\"9e18 d\"",
        "0.0000000001",
        "99999999999999999999999999999",
        "[[traders]]",
        "true",
        "\"x\"",
    ];
    let chars: Vec<char> = text.chars().collect();
    let mut pick = |n: usize| usize::try_from(stream.word() % n as u64).unwrap();
    let from = pick(chars.len() + 1);
    let to = (from + pick(12)).min(chars.len());
    let word = WORDS[pick(WORDS.len())];
    let numbers: Vec<usize> =
        (0..chars.len()).filter(|&i| chars[i].is_ascii_digit() && (i == 0 || !chars[i - 1].is_ascii_digit())).collect();
    if pick(2) == 0 && !numbers.is_empty() {
        // A number in place of a number gets past the parser.
        let at = numbers[pick(numbers.len())];
        let end = (at..chars.len()).find(|&i| !chars[i].is_ascii_digit()).unwrap_or(chars.len());
        return chars[..at].iter().collect::<String>() + word + &chars[end..].iter().collect::<String>();
    }
    chars[..from].iter().collect::<String>() + word + &chars[to..].iter().collect::<String>()
}

#[test]
fn nothing_that_a_person_writes_panics_or_passes_without_being_read() {
    let rounds: u64 = std::env::var("SPOIL").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1_000);
    let folder = tempfile::tempdir().unwrap();
    let csv = "account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet\na,BTC,long,1,100,20,isolated,5\nb,BTC,short,2.5,101,60,,\n";
    let head = SOUND.split("[[traders]]").next().unwrap();
    let loaded = format!("{head}[accounts]\nfile = \"book.csv\"\n");
    let mut sound = 0;
    for round in 0..rounds {
        let mut stream = flashcrash::rng::Stream::new(1, flashcrash::rng::Purpose::Bootstrap, (0, 0), round);
        let mut text = if round % 3 == 0 { csv.to_owned() } else { SOUND.to_owned() };
        for _ in 0..=round % 3 {
            text = spoil(&text, &mut stream);
        }
        let shown = if round % 3 == 0 {
            fs::write(folder.path().join("book.csv"), &text).unwrap();
            shown(&loaded, folder.path())
        } else {
            shown(&text, folder.path())
        };
        assert!(!shown.contains("defect of the program"), "{text}");
        sound += u64::from(shown == "sound");
    }
    // Some spoiling is harmless, most is not.
    assert!(sound > 0 && sound < rounds / 10, "{sound}");
}

#[test]
fn draws_of_a_path_that_could_leave_their_range() {
    let text = [
        with(&[(
            "depth_1pct = 1e6",
            "depth_1pct = 1e6, depth_factor = { kind = \"lognormal\", median = 1, sigma = 0.3 }",
        )]),
        with(&[(
            "mark = \"last\"\n",
            "mark = \"last\"\ngross_flow = 1e6\nflow_imbalance = { kind = \"normal\", mean = 0, sd = 0.15 }\n",
        )]),
        with(&[("mark = \"last\"\n", "mark = \"last\"\ngross_flow = 1e6\nflow_thinning = 3\n")]),
        with(&[("depth_1pct = 1e6", "depth_1pct = 1e6, standing_share = 1.5")]),
        with(&[("depth_1pct = 1e6", "depth_1pct = 1e6, standing_from = 0")]),
        with(&[(
            "kind = \"gbm\", volatility = 0.5",
            "kind = \"waypoints\", severity = 20, anchors = [{ at = \"0 s\", price = 1 }]",
        )]),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: `depth_factor` can become 0
      --> crash.toml:12:59
       |
    12 | book = { kind = "depth", depth_1pct = 1e6, depth_factor = { kind = "lognormal", median = 1, sigma = 0.3 } }
       |                                                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: every value must be from 0.0001 to 10000: cut the distribution by its `min` and `max`

    error: `flow_imbalance` can become -inf
      --> crash.toml:15:18
       |
    15 | flow_imbalance = { kind = "normal", mean = 0, sd = 0.15 }
       |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: net flow is at most all of the gross flow: cut the distribution to -1 to 1 by its `min` and `max`

    error: `flow_thinning` cannot be 3
      --> crash.toml:15:17
       |
    15 | flow_thinning = 3
       |                 ^
       |
       = help: it takes a number from 0 to 2

    error: `standing_share` cannot be 1.5
      --> crash.toml:12:61
       |
    12 | book = { kind = "depth", depth_1pct = 1e6, standing_share = 1.5 }
       |                                                             ^^^
       |
       = help: it takes a share from 0 to 1, as 0.05 or "5 %"

    error: `standing_from` cannot be 0
      --> crash.toml:12:60
       |
    12 | book = { kind = "depth", depth_1pct = 1e6, standing_from = 0 }
       |                                                            ^
       |
       = help: it takes a share from 0.0001 to 0.9, as 0.05 or "5 %"

    error: `severity` can become 20
      --> crash.toml:11:44
       |
    11 | process = { kind = "waypoints", severity = 20, anchors = [{ at = "0 s", price = 1 }] }
       |                                            ^^
       |
       = help: every value must be from -10 to 10: cut the distribution by its `min` and `max`
    "#);
}
