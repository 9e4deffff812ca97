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
    insta::assert_snapshot!(holding("collateral_token = \"USDE\"\ncollateral_share = \"50 %\""), @r"sound");
    insta::assert_snapshot!(book_of("a,USDE,long,40,,,cross,2\nb,BTC,short,1,100,20,isolated,0\n"), @r"sound");
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
    insta::assert_snapshot!(text, @r#"
    error: the scenario has no asset `USDD`
      --> crash.toml:39:20
       |
    39 | collateral_token = "USDD"
       |                    ^^^^^^
       |
       = help: did you mean "USDE"?

    error: `BTC` is a contract, and not held as collateral
      --> crash.toml:39:20
       |
    39 | collateral_token = "BTC"
       |                    ^^^^^
       |
       = help: name an asset with a `haircut`, or give it one

    error: `collateral_token` cannot be 3
      --> crash.toml:39:20
       |
    39 | collateral_token = 3
       |                    ^
       |
       = help: it takes text

    error: `collateral_share` of which token?
      --> crash.toml:39:20
       |
    39 | collateral_share = 0.5
       |                    ^^^
       |
       = help: add `collateral_token`, the symbol of an asset with a `haircut`

    error: `collateral_share` cannot be 2
      --> crash.toml:40:20
       |
    40 | collateral_share = 2
       |                    ^
       |
       = help: it takes a share from 0.000001 to 1, as 0.05 or "5 %"

    error: collateral in a token backs a whole account, not one isolated position
      --> crash.toml:38:15
       |
    38 | margin_mode = "isolated"
       |               ^^^^^^^^^^
       |
       = help: write `margin_mode = "cross"`

    error: accounts that hold a token cannot act of their own accord
      --> crash.toml:40:14
       |
    40 | behaviours = [{ kind = "stop_loss", distance = 0.1 }]
       |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: leave `behaviours` out of this group, or let its collateral be cash

    error: `USDE` is a token held as collateral, which nobody trades on leverage
      --> crash.toml:33:9
       |
    33 | asset = "USDE"
       |         ^^^^^^
       |
       = help: name a contract here, and the token as `collateral_token`
    "#);
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
    insta::assert_snapshot!(text, @r#"
    error: `haircut` cannot be 0
      --> crash.toml:46:11
       |
    46 | haircut = 0
       |           ^
       |
       = help: it takes a share from 0.000001 to 0.99, as 0.05 or "5 %"

    error: `haircut` cannot be 1
      --> crash.toml:46:11
       |
    46 | haircut = 1
       |           ^
       |
       = help: it takes a share from 0.000001 to 0.99, as 0.05 or "5 %"

    error: `haircut` cannot be "much"
      --> crash.toml:46:11
       |
    46 | haircut = "much"
       |           ^^^^^^
       |
       = help: it takes a share from 0.000001 to 0.99, as 0.05 or "5 %"

    error: the first asset is `BTC`, a token held as collateral
      --> crash.toml:11:11
       |
    11 | haircut = 0.1
       |           ^^^
       |
       = help: put a contract before it: prices in tables and charts are those of the first asset

    error: the venue's own book has its price from its orders alone
      --> crash.toml:50:43
       |
    50 | index = { venues = [{ name = "own", own = true, dislocation = 0.35, lag = "1 s" }] }
       |                                           ^^^^
       |
       = help: leave out `noise` and `lag` here

    error: this group does not say which asset it trades
      --> crash.toml:31:1
       |
    31 | [[traders]]
       | ^^^^^^^^^^^
       |
       = help: add `asset`, one of BTC, USDE

    error: `USDE` is a contract, and not held as collateral
      --> crash.toml:39:20
       |
    39 | collateral_token = "USDE"
       |                    ^^^^^^
       |
       = help: name an asset with a `haircut`, or give it one

    error: the venue's own book has its price from its orders alone
      --> crash.toml:50:43
       |
    50 | index = { venues = [{ name = "own", own = true, dislocation = 0.35, dislocation_at = 5 }] }
       |                                           ^^^^
       |
       = help: leave out `noise`, `lag` and `dislocation` here

    error: "socialise" shares a loss among those who hold the same contract, and nobody trades against a token
      --> crash.toml:16:15
       |
    16 | cash_layers = ["fund", "socialise"]
       |               ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: leave out "socialise", or the asset with a `haircut`

    error: `USDE` is a token held as collateral, which has no tiers
      --> crash.toml:19:9
       |
    19 | asset = "USDE"
       |         ^^^^^^
       |
       = help: its `haircut` says what of it counts as margin: leave this table out

    error: the first tier must start at a notional of 0
      --> crash.toml:25:18
       |
    25 | notional_floor = 10_000
       |                  ^^^^^^
       |
       = help: tiers are written from the lowest notional to the highest
    "#);
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
    insta::assert_snapshot!(text, @r#"
    error: `USDE` is a token held as collateral, and nobody is short of it here
     --> book.csv:3:8
      |
    3 | a,USDE,short,40,,,cross,2
      |        ^^^^^
      |
      = help: write long, or make it a contract: leave out its `haircut`

    error: `USDE` is a token held as collateral: it backs a whole account
     --> book.csv:3:18
      |
    3 | a,USDE,long,40,,,isolated,2
      |                  ^^^^^^^^
      |
      = help: write cross, here and for the positions that it is to back

    error: `USDE` is a token held as collateral, and has no entry price
     --> book.csv:3:16
      |
    3 | a,USDE,long,40,0.9,,cross,2
      |                ^^^
      |
      = help: leave the cell empty, or write the opening mark 1

    error: `entry_price` cannot be "x"
     --> book.csv:3:16
      |
    3 | a,USDE,long,40,x,,cross,2
      |                ^
      |
      = help: it takes a decimal number such as 12.5, without exponent or thousands separator

    error: this account already has another wallet
     --> book.csv:3:23
      |
    3 | a,USDE,long,1,,,cross,0
      |                       ^
      |
      = help: line 2 says 2: give it once, or the same in every row

    error: quantity × entry price of 90000000000000 is beyond what can be held
     --> book.csv:3:1
      |
    3 | a,USDE,long,90000000000000,,,cross,2
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: at a cash unit of 0.000001 no amount is above 9223372036854: check the number, or take a coarser `cash_unit`

    error: accounts that hold a token cannot act of their own accord
      --> crash.toml:33:14
       |
    33 | behaviours = [{ kind = "stop_loss", distance = 0.1 }]
       |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: leave `behaviours` out, or the rows of the token
    "#);
}
