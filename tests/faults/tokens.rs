//! Faulty tokens held as collateral, each with the text a person sees.

use super::*;

/// A second asset that accounts may hold.
const USDE: &str = r#"
[[assets]]
symbol = "USDE"
tick = 0.001
lot = 0.1
open = 1
haircut = "5 %"
process = { kind = "gbm", volatility = 0.02 }
book = { kind = "depth", depth_1pct = 1e6 }
mark = "last"
index = { venues = [{ name = "own", own = true, dislocation = 0.35, dislocation_at = 5 }] }

[market]
"#;

fn holding(more: &str) -> String {
    and(&format!("margin_mode = \"cross\"\n{more}\n{USDE}"))
}

fn held(changes: &[(&str, &str)]) -> String {
    let mut text = format!("{SOUND}margin_mode = \"cross\"\ncollateral_token = \"USDE\"\n{USDE}");
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    shown(&text, Path::new("."))
}

fn book_of(rows: &str) -> String {
    let csv = format!(
        "account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet\na,BTC,long,1,100,,cross,2\n{rows}"
    );
    book_in(&csv, USDE)
}

#[test]
fn a_token_that_is_held_is_sound() {
    insta::assert_snapshot!(holding("collateral_token = \"USDE\"\ncollateral_share = \"50 %\""), @"");
    insta::assert_snapshot!(book_of("a,USDE,long,40,,,cross,2\n"), @"");
}

#[test]
fn tokens_that_groups_cannot_hold() {
    let text = [
        holding("collateral_token = \"USDD\""),
        holding("collateral_token = \"BTC\""),
        holding("collateral_token = 3"),
        holding("collateral_share = 0.5"),
        holding("collateral_token = \"USDE\"\ncollateral_share = 2"),
        held(&[("margin_mode = \"cross\"", "margin_mode = \"isolated\"")]),
        held(&[(
            "collateral_token = \"USDE\"",
            "collateral_token = \"USDE\"\nbehaviours = [{ kind = \"stop_loss\", distance = 0.1 }]",
        )]),
        held(&[("count = 10", "asset = \"USDE\"\ncount = 10")]),
    ]
    .concat();
    insta::assert_snapshot!(text, @"");
}

#[test]
fn assets_that_cannot_be_tokens() {
    let text = [
        held(&[("haircut = \"5 %\"", "haircut = 0")]),
        held(&[("haircut = \"5 %\"", "haircut = 1")]),
        held(&[("haircut = \"5 %\"", "haircut = \"much\"")]),
        held(&[("open = 100\n", "open = 100\nhaircut = 0.1\n")]),
        held(&[("dislocation_at = 5", "lag = \"1 s\"")]),
        held(&[("haircut = \"5 %\"", "")]),
        held(&[("[venue]", "[venue]\ncash_layers = [\"fund\", \"socialise\"]")]),
        held(&[("notional_floor = 0\n", "asset = \"USDE\"\nnotional_floor = 0\n")]),
    ]
    .concat();
    insta::assert_snapshot!(text, @"");
}

#[test]
fn books_that_hold_a_token_wrongly() {
    let text = [
        book_of("a,USDE,short,40,,,cross,2\n"),
        book_of("a,USDE,long,40,,,isolated,2\n"),
        book_of("a,USDE,long,40,0.9,,cross,2\n"),
        book_of("a,USDE,long,40,x,,cross,2\n"),
        book_of("a,USDE,long,1,,,cross,0\n"),
        book_of("a,USDE,long,90000000000000,,,cross,2\n"),
        book_in(
            "account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet\na,USDE,long,40,,,cross,2\n",
            &format!("behaviours = [{{ kind = \"stop_loss\", distance = 0.1 }}]\n{USDE}"),
        ),
    ]
    .concat();
    insta::assert_snapshot!(text, @"");
}
