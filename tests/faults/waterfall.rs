//! Faults and warnings of the keys of the waterfall and of what interrupts it.

use super::{ETH, with};

/// What the sound scenario says once these lines stand in `[venue]` and these at the end.
fn told(venue: &str, tables: &str) -> String {
    let end = "size_is = \"collateral\"\n";
    with(&[("surplus_to", &format!("{venue}\nsurplus_to")), (end, &format!("{end}asset = \"BTC\"\n{tables}"))])
}

#[track_caller]
fn tells(venue: &str, tables: &str, message: &str, hint: &str) {
    let told = told(venue, tables);
    assert!(told.contains(message) && told.contains(hint), "{told}");
    // One slip of the pen is one fault, with its place.
    assert_eq!((told.matches("help:").count(), told.matches("--> crash.toml:").count()), (1, 1), "{told}");
}

#[test]
fn every_mechanism_can_be_written() {
    let venue = r#"
position_layers = ["book", "backstop", "engine", "adl"]
cash_layers = ["fund", "venue", "backstop", "socialise"]
fee_cap = "surplus"
socialise = "withdrawals"
withdrawal_haircut = "20 %"
capacity = 25
outage = [{ at = "10 s", for = "5 s" }]
halt = [{ at = "20 s", for = "5 s", asset = "BTC" }, { at = "30 s", for = "5 s" }]
band = { width = "5 %", halt = "5 s" }
backstop = [{ capital = 100, threshold = 0.6667, loss_cap = 50, margin_rate = "5 %", slice = 3, adl_price = "takeover_price" }]
adl = { kind = "pro_rata", price = "mark", trigger = "negative_account_value", tolerance = 5, drawdown_start = "30 %", drawdown_stop = "25 %", drawdown_window = "8 h" }"#;
    let fund = "[venue.fund]\nopen = 1000";
    let extended = format!(
        "{fund}\noverdraft = 10\nnet_position_cap = \"100 %\"\ndraw_cap = 7\npools = [{{ assets = [\"BTC\"], share = 1 }}]"
    );
    assert_eq!(with(&[("surplus_to", &format!("{venue}\nsurplus_to")), (fund, &extended)]), "sound");
}

#[test]
fn a_policy_of_haircuts_cannot_stand_at_the_mark() {
    tells(
        "adl = { kind = \"fifo\", price = \"oracle\", mark_beyond = 0.05 }",
        "",
        "`mark_beyond` belongs to ADL at the bankruptcy price",
        "set `price` to \"bankruptcy\"",
    );
    for kind in ["capped_pro_rata", "risk_aware_pro_rata", "min_max"] {
        let near = format!("adl = {{ kind = \"{kind}\", mark_beyond = 0.05 }}");
        tells(&near, "", "this policy shares out haircuts, and at the mark there are none", "or choose another policy");
        let adl = format!("adl = {{ kind = \"{kind}\", price = \"mark\" }}");
        tells(&adl, "", "this policy shares out haircuts, and at the mark there are none", "or choose another policy");
        assert_eq!(told(&adl.replace("mark", "oracle"), ""), "sound");
    }
}

#[test]
fn adl_triggers_that_contradict_themselves_are_told() {
    let adl = |keys: &str| format!("adl = {{ kind = \"fifo\", {keys} }}");
    tells(&adl("tolerance = 5"), "", "this tolerance is never asked for", "trigger = \"negative_account_value\"");
    tells(
        &adl("drawdown_stop = 0.2"),
        "",
        "`drawdown_stop` without `drawdown_start`",
        "as `drawdown_start = \"30 %\"`",
    );
    let above = adl("drawdown_start = 0.2, drawdown_stop = 0.3");
    tells(&above, "", "`drawdown_stop` of 0.3 is above `drawdown_start` of 0.2", "a smaller fall");
    tells(&adl("drawdown_start = 0"), "", "`drawdown_start`", "a share from");
    tells(&adl("trigger = \"negative\""), "", "`trigger` cannot be \"negative\"", "residue");
    tells(&adl("prise = \"mark\""), "", "unknown key `prise` in `adl`", "did you mean `price`?");
}

#[test]
fn a_backstop_needs_a_layer_and_a_layer_needs_a_backstop() {
    let layers = "position_layers = [\"book\", \"backstop\"]";
    tells(layers, "", "\"backstop\" in `position_layers`, but there is no vault", "[[venue.backstop]]");
    tells(
        "cash_layers = [\"backstop\"]",
        "",
        "\"backstop\" in `cash_layers`, but there is no vault",
        "[[venue.backstop]]",
    );
    let vault = "[[venue.backstop]]\ncapital = 10\n";
    tells("", vault, "this vault never acts", "add \"backstop\" to");
    tells(layers, &format!("{vault}loss_cap = 11\n"), "`loss_cap` of 11 is above the capital", "cannot lose more");
    tells(layers, "[[venue.backstop]]\nthreshold = 0.5\n", "lacks", "capital");
    tells(layers, &vault.replace("10", "-1"), "`capital`", "an amount of 0 or more");
    tells(layers, &vault.replace("10", "1e-7"), "not a whole number of cash units", "would fit");
}

#[test]
fn who_bears_a_socialised_loss_is_asked_only_where_one_is() {
    tells("socialise = \"base\"", "", "nobody is asked for this", "add \"socialise\" to `cash_layers`");
    let layer = "cash_layers = [\"fund\", \"socialise\"]";
    tells(
        &format!("{layer}\nwithdrawal_haircut = 0.2"),
        "",
        "this share is never taken",
        "socialise = \"withdrawals\"",
    );
    tells(&format!("{layer}\nsocialise = \"all\""), "", "`socialise` cannot be \"all\"", "profit");
}

#[test]
fn pools_divide_the_whole_fund_among_all_assets() {
    let pools = |pools: &str| format!("[[venue.fund.pools]]\n{pools}\n{ETH}");
    let both = "assets = [\"BTC\", \"ETH\"]\n";
    tells("", &pools(&format!("{both}share = 0.9")), "the shares of the pools sum to 0.9, not to 1", "a pool's part");
    tells("", &pools("assets = [\"BTC\"]\nshare = 1"), "no pool pays for `ETH`", "add it to the `assets`");
    tells("", &pools("assets = [\"BTC\", \"ETH\", \"BTC\"]\nshare = 1"), "`BTC` is in two pools", "one pool");
    tells("", &pools("assets = [\"BTC\", \"ETH\", \"ETHH\"]\nshare = 1"), "no asset `ETHH`", "did you mean \"ETH\"?");
}

#[test]
fn a_fund_has_a_floor_or_an_overdraft() {
    let fund = "[venue.fund]\nopen = 1000";
    let told = with(&[(fund, &format!("{fund}\nfloor = 1\noverdraft = 1"))]);
    assert!(told.contains("a fund with a floor has no overdraft") && told.contains("write one of them"), "{told}");
}

#[test]
fn a_cap_of_funding_follows_from_one_figure() {
    let funding = |keys: &str| format!("funding = {{ {keys} }}");
    assert_eq!(told(&funding("cap_of_maintenance = 0.75"), ""), "sound");
    let both = funding("cap_of_maintenance = 0.75, cap_of_spread = 6");
    tells(&both, "", "`cap_of_maintenance` and `cap_of_spread` exclude each other", "write one");
}

#[test]
fn steps_of_tiers_leave_margin_above_maintenance() {
    let tier = "maintenance_rate = 0.02\n";
    let then = |count: u32, rate: &str| {
        let steps = format!(
            "then = {{ from = 20_000, every = 10_000, count = {count}, maintenance_rate = {rate}, initial_rate = 0.001 }}"
        );
        with(&[(tier, &format!("{tier}{steps}\n"))])
    };
    assert_eq!(then(3, "0.001"), "sound");
    let told = then(100, "0.01");
    assert!(told.contains("leaves no margin between the maintenance rate and the initial one"), "{told}");
    assert!(told.contains("take fewer steps, or smaller ones"), "{told}");
}

#[test]
fn steps_of_maintenance_ascend_and_leave_rates_below_one() {
    let steps = |steps: &str| format!("dynamic_maintenance = {{ window = \"5 min\", steps = [{steps}] }}");
    let step =
        |volatility: &str, multiplier: &str| format!("{{ volatility = {volatility}, multiplier = {multiplier} }}");
    let two = |a: (&str, &str), b: (&str, &str)| steps(&format!("{}, {}", step(a.0, a.1), step(b.0, b.1)));
    assert_eq!(told(&two(("\"2 %\"", "1.5"), ("0.05", "2")), ""), "sound");
    let ascend = "steps are written from the lowest volatility to the highest";
    tells(&two(("0.05", "1.5"), ("0.05", "2")), "", ascend, "the step before has 0.05");
    tells(&two(("0.02", "2"), ("0.05", "1.5")), "", ascend, "the step before has 2");
    let most = "at 50 times the tiers a maintenance rate of `BTC` reaches 1";
    tells(&steps(&step("0.02", "50")), "", most, "the greatest rate of its tiers is 0.02");
    tells(&steps(""), "", "`steps` is empty", "leave `dynamic_maintenance` out");
    tells(&steps(&step("0.02", "0.5")), "", "`multiplier`", "a number from 1");
    tells(&steps("{ volatility = 0.02 }"), "", "lacks", "`multiplier`");
}

#[test]
fn interruptions_name_known_assets_and_times() {
    tells("halt = [{ at = \"1 s\", for = \"1 s\", asset = \"BTT\" }]", "", "no asset `BTT`", "did you mean \"BTC\"?");
    tells("halt = [{ at = \"1 s\", for = \"0 s\" }]", "", "`for`", "a time above 0");
    tells("outage = [{ for = \"1 s\" }]", "", "lacks", "`at`");
    tells("band = { width = 1.5 }", "", "`width`", "a share from 0 to 1");
    tells("capacity = 0", "", "`capacity`", "a whole number from 1");
}
