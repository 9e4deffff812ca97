//! Faulty position books, each with the text a person sees.

use super::*;

#[test]
fn a_sound_book_is_sound() {
    insta::assert_snapshot!(positions("a,BTC,long,1,100,20\nb,BTC,short,1,101.25,20\n"), @r"sound");
}

#[test]
fn a_book_of_longs_alone_has_nobody_to_deleverage() {
    insta::assert_snapshot!(positions("a,BTC,long,1,100,20\nb,BTC,long,1,101.25,20\n"), @r"
    warning: nobody can be deleveraged: every account in `BTC` is long
      --> crash.toml:15:1
       |
    15 | [venue]
       | ^^^^^^^
       |
       = help: what book and fund cannot carry becomes unfunded deficit; add the short accounts of the book, who would be the winners
    ");
}

#[test]
fn a_book_that_is_not_there() {
    insta::assert_snapshot!(shown(&format!("{}[accounts]\nfile = \"bok.csv\"\n", SOUND.split("[[traders]]").next().unwrap()), tempfile::tempdir().unwrap().path()), @r#"
    error: cannot read `bok.csv`: No such file or directory (os error 2)
      --> crash.toml:32:8
       |
    32 | file = "bok.csv"
       |        ^^^^^^^^^
       |
       = help: file names start from the folder of the scenario, [FOLDER]
    "#);
}

#[test]
fn an_empty_book() {
    insta::assert_snapshot!(book(""), @r"
    error: the position book is empty
     --> book.csv:1:1
      |
    1 |
      | ^
      |
      = help: its first line names the columns: account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet
    ");
}

#[test]
fn a_book_without_positions() {
    insta::assert_snapshot!(positions(""), @r"
    error: the position book has no positions
     --> book.csv:1:1
      |
    1 | account,symbol,side,quantity,entry_price,collateral
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add a line for each position below the column names
    ");
}

#[test]
fn a_missing_column() {
    insta::assert_snapshot!(book("account,symbol,side,quantity,collateral\na,BTC,long,1,20\n"), @r"
    error: column `entry_price` is missing
     --> book.csv:1:1
      |
    1 | account,symbol,side,quantity,collateral
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: the columns are account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet
    ");
}

#[test]
fn a_misspelt_column() {
    insta::assert_snapshot!(book("account,symbol,side,quantity,entryprice,collateral\na,BTC,long,1,100,20\n"), @r"
    error: column `entry_price` is missing
     --> book.csv:1:1
      |
    1 | account,symbol,side,quantity,entryprice,collateral
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: the columns are account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet

    error: unknown column `entryprice`
     --> book.csv:1:30
      |
    1 | account,symbol,side,quantity,entryprice,collateral
      |                              ^^^^^^^^^^
      |
      = help: did you mean `entry_price`?
    ");
}

#[test]
fn a_column_twice() {
    insta::assert_snapshot!(book("account,symbol,side,side,quantity,entry_price,collateral\na,BTC,long,long,1,100,20\n"), @r"
    error: column `side` stands twice
     --> book.csv:1:21
      |
    1 | account,symbol,side,side,quantity,entry_price,collateral
      |                     ^^^^
      |
      = help: remove one of the two
    ");
}

#[test]
fn a_second_position_of_an_account() {
    insta::assert_snapshot!(positions("a,BTC,long,1,100,20\nb,BTC,short,1,100,20\na,BTC,long,2,100,40\n"), @r"
    error: a second position of account `a` in BTC
     --> book.csv:4:1
      |
    4 | a,BTC,long,2,100,40
      | ^
      |
      = help: the first is in line 2: net them into one row, or give the second an account of its own
    ");
}

#[test]
fn quantities_that_are_none() {
    insta::assert_snapshot!(positions("a,BTC,long,0,100,20\nb,BTC,long,-1,100,20\nc,BTC,long,x,100,20\nd,BTC,long,NaN,100,20\ne,BTC,long,,100,20\n"), @r#"
    error: `quantity` cannot be 0
     --> book.csv:2:12
      |
    2 | a,BTC,long,0,100,20
      |            ^
      |
      = help: it is above 0; `side` says whether the position is long or short

    error: `quantity` cannot be -1
     --> book.csv:3:12
      |
    3 | b,BTC,long,-1,100,20
      |            ^^
      |
      = help: it is above 0; `side` says whether the position is long or short

    error: `quantity` cannot be "x"
     --> book.csv:4:12
      |
    4 | c,BTC,long,x,100,20
      |            ^
      |
      = help: it takes a decimal number such as 12.5, without exponent or thousands separator

    error: `quantity` cannot be "NaN"
     --> book.csv:5:12
      |
    5 | d,BTC,long,NaN,100,20
      |            ^^^
      |
      = help: it takes a decimal number such as 12.5, without exponent or thousands separator

    error: line 6 has no `quantity`
     --> book.csv:6:1
      |
    6 | e,BTC,long,,100,20
      | ^^^^^^^^^^^^^^^^^^
      |
      = help: it takes a decimal number
    "#);
}

#[test]
fn a_quantity_between_lots() {
    insta::assert_snapshot!(positions("a,BTC,long,1.005,100,20\n"), @r"
    error: `quantity` of 1.005 is not a whole number of lots
     --> book.csv:2:12
      |
    2 | a,BTC,long,1.005,100,20
      |            ^^^^^
      |
      = help: the lot of BTC is 0.01: 1 would fit
    ");
}

#[test]
fn a_price_off_the_cash_grid() {
    insta::assert_snapshot!(positions("a,BTC,long,0.01,100.00001,20\n"), @r"
    error: quantity × entry price is 1.0000001, not a whole number of cash units
     --> book.csv:2:17
      |
    2 | a,BTC,long,0.01,100.00001,20
      |                 ^^^^^^^^^
      |
      = help: round `entry_price` so that quantity × price is a multiple of the cash unit 0.000001
    ");
}

#[test]
fn a_price_of_zero() {
    insta::assert_snapshot!(positions("a,BTC,long,1,0,20\n"), @r"
    error: `entry_price` cannot be 0
     --> book.csv:2:14
      |
    2 | a,BTC,long,1,0,20
      |              ^
      |
      = help: a price is above 0
    ");
}

#[test]
fn an_unknown_symbol() {
    insta::assert_snapshot!(positions("a,BTCC,long,1,100,20\n"), @r#"
    error: the scenario has no asset `BTCC`
     --> book.csv:2:3
      |
    2 | a,BTCC,long,1,100,20
      |   ^^^^
      |
      = help: did you mean "BTC"?
    "#);
}

#[test]
fn a_side_that_is_none() {
    insta::assert_snapshot!(positions("a,BTC,buy,1,100,20\n"), @r#"
    error: `side` cannot be "buy"
     --> book.csv:2:7
      |
    2 | a,BTC,buy,1,100,20
      |       ^^^
      |
      = help: it takes long or short
    "#);
}

#[test]
fn cross_margin_in_a_book() {
    insta::assert_snapshot!(book("account,symbol,side,quantity,entry_price,collateral,margin_mode\na,BTC,long,1,100,20,cross\nb,BTC,short,1,100,20,portfolio\n"), @r#"
    error: a cross position has no collateral of its own
     --> book.csv:2:18
      |
    2 | a,BTC,long,1,100,20,cross
      |                  ^^
      |
      = help: write the account's cash as `wallet` and 0 here, or make the position isolated

    error: `margin_mode` cannot be "portfolio"
     --> book.csv:3:22
      |
    3 | b,BTC,short,1,100,20,portfolio
      |                      ^^^^^^^^^
      |
      = help: it takes isolated or cross
    "#);
}

#[test]
fn a_collateral_below_zero() {
    insta::assert_snapshot!(positions("a,BTC,long,1,100,-20\n"), @r"
    error: `collateral` cannot be -20
     --> book.csv:2:18
      |
    2 | a,BTC,long,1,100,-20
      |                  ^^^
      |
      = help: an amount is 0 or more
    ");
}

#[test]
fn a_breach_at_the_opening_mark() {
    insta::assert_snapshot!(positions("a,BTC,long,1,110,10.5\n"), @r"
    error: account `a` is in breach of its maintenance margin in BTC at the opening mark 100
     --> book.csv:2:18
      |
    2 | a,BTC,long,1,110,10.5
      |                  ^^^^
      |
      = help: post more collateral, check `entry_price` and `open`, or set `liquidate_at_open = true` in `[accounts]`
    ");
}

#[test]
fn a_breach_at_the_opening_mark_is_sound_where_asked_for() {
    insta::assert_snapshot!(book_in("account,symbol,side,quantity,entry_price,collateral\na,BTC,long,1,110,10.5\nb,BTC,short,1,100,20\n", "liquidate_at_open = true\n"), @r"sound");
}

#[test]
fn two_wallets_of_one_account() {
    let folder = tempfile::tempdir().unwrap();
    let csv =
        "account,symbol,side,quantity,entry_price,collateral,wallet\na,BTC,long,1,100,20,5\na,ETH,long,1,50,20,6\n";
    fs::write(folder.path().join("book.csv"), csv).unwrap();
    let head = SOUND.split("[[traders]]").next().unwrap();
    let shown = shown(&format!("{head}{ETH}[accounts]\nfile = \"book.csv\"\n"), folder.path());
    insta::assert_snapshot!(shown, @r"
    error: this account already has another wallet
     --> book.csv:3:20
      |
    3 | a,ETH,long,1,50,20,6
      |                    ^
      |
      = help: line 2 says 5: give it once, or the same in every row
    ");
}

#[test]
fn a_row_with_too_many_cells() {
    insta::assert_snapshot!(positions("a,BTC,long,1,000,100,20\n"), @r"
    error: line 2 has 7 cells, but there are 6 columns
     --> book.csv:2:22
      |
    2 | a,BTC,long,1,000,100,20
      |                      ^^
      |
      = help: write numbers without thousands separators: 1000, not 1,000
    ");
}

#[test]
fn a_population_beside_a_book() {
    insta::assert_snapshot!(book_in("account,symbol,side,quantity,entry_price,collateral\na,BTC,long,1,100,20\nb,BTC,short,1,100,20\n", "\n[population]\nredraw = \"fixed\"\n"), @r"
    error: `[population]` says how `[[traders]]` are drawn, but accounts come from a file
      --> crash.toml:34:1
       |
    34 | [population]
       | ^^^^^^^^^^^^
       |
       = help: remove it
    ");
}

#[test]
fn a_hundred_faults_are_shown_and_the_rest_counted() {
    let rows = "a,BTC,long,0,100,20\n".repeat(130);
    let text = positions(&rows);
    assert_eq!(text.matches("error: `quantity` cannot be 0").count(), 100);
    assert!(text.contains("30 more faults of `book.csv` are not shown"), "{text}");
}
