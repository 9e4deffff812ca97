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
    insta::assert_snapshot!(positions("a,BTC,long,0.01,100.00001,20\n"), @r#"
    error: quantity × entry price is 1.0000001, not a whole number of cash units
     --> book.csv:2:17
      |
    2 | a,BTC,long,0.01,100.00001,20
      |                 ^^^^^^^^^
      |
      = help: the cash unit is 0.000001: 100 would fit, or let `rounding = "against_account"` in `[accounts]` round the cost
    "#);
}

/// Average prices and balances finer than the cash unit, as in an exchange's own book: 0.01 × 100.00001 = 1.0000001.
const REAL: &str = "account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet
a,BTC,long,0.01,100.00001,20.00000012,isolated,0.00000099
b,BTC,short,0.01,100.00001,20.5,isolated,
c,BTC,short,1,100.5,20,isolated,
d,BTC,long,1,100.5,,cross,30.12345678
";

#[test]
fn amounts_between_cash_units_say_what_would_fit_and_the_key_that_rounds_them() {
    insta::assert_snapshot!(book(&REAL.lines().take(2).map(|line| format!("{line}\n")).collect::<String>()), @r#"
    error: quantity × entry price is 1.0000001, not a whole number of cash units
     --> book.csv:2:17
      |
    2 | a,BTC,long,0.01,100.00001,20.00000012,isolated,0.00000099
      |                 ^^^^^^^^^
      |
      = help: the cash unit is 0.000001: 100 would fit, or let `rounding = "against_account"` in `[accounts]` round the cost

    error: `collateral` of 20.00000012 is not a whole number of cash units
     --> book.csv:2:27
      |
    2 | a,BTC,long,0.01,100.00001,20.00000012,isolated,0.00000099
      |                           ^^^^^^^^^^^
      |
      = help: the cash unit is 0.000001: 20 would fit, or let `rounding = "against_account"` in `[accounts]` round it down

    error: `wallet` of 0.00000099 is not a whole number of cash units
     --> book.csv:2:48
      |
    2 | a,BTC,long,0.01,100.00001,20.00000012,isolated,0.00000099
      |                                                ^^^^^^^^^^
      |
      = help: the cash unit is 0.000001: 0 would fit, or let `rounding = "against_account"` in `[accounts]` round it down
    "#);
}

#[test]
fn a_book_that_is_rounded_is_sound_and_told_once() {
    // 0.9 and 0.1 millionths of the costs, 0.12 of the collateral, 0.99 and 0.78 of the wallets.
    insta::assert_snapshot!(book_in(REAL, "rounding = \"against_account\"\n"), @r#"
    warning: 3 of 4 rows of `book.csv` are rounded against their accounts: entry costs by 0.000001 USDT in all, collateral by 0.00000012 USDT in all, wallets by 0.0000018 USDT in all
      --> crash.toml:33:12
       |
    33 | rounding = "against_account"
       |            ^^^^^^^^^^^^^^^^^
       |
       = help: no amount moves by a cash unit of 0.000001 USDT; a finer `cash_unit` rounds less
    "#);
    let exact = "account,symbol,side,quantity,entry_price,collateral\na,BTC,long,1,100,20\nb,BTC,short,1,100,20\n";
    assert_eq!(book_in(exact, "rounding = \"against_account\"\n"), "sound");
}

#[test]
fn amounts_that_64_bits_do_not_hold() {
    insta::assert_snapshot!(positions("a,BTC,long,99999999999,100000,20\nb,BTC,long,1,100,99999999999999\nc,BTC,long,99999999999999999999,100,20\n"), @r#"
    error: quantity × entry price of 9999999999900000 is beyond what can be held
     --> book.csv:2:24
      |
    2 | a,BTC,long,99999999999,100000,20
      |                        ^^^^^^
      |
      = help: at a cash unit of 0.000001 no amount is above 9223372036854: check the number, or take a coarser `cash_unit`

    error: `collateral` of 99999999999999 is beyond what can be held
     --> book.csv:3:18
      |
    3 | b,BTC,long,1,100,99999999999999
      |                  ^^^^^^^^^^^^^^
      |
      = help: at a cash unit of 0.000001 no amount is above 9223372036854: check the number, or take a coarser `cash_unit`

    error: `quantity` of 99999999999999999999 is beyond what can be held
     --> book.csv:4:12
      |
    4 | c,BTC,long,99999999999999999999,100,20
      |            ^^^^^^^^^^^^^^^^^^^^
      |
      = help: it is more lots of 0.01 than 64 bits hold: check the number, or take a coarser `lot`
    "#);
}

#[test]
fn proceeds_below_one_cash_unit_are_not_rounded_to_nothing() {
    let rows = "account,symbol,side,quantity,entry_price,collateral\na,BTC,short,0.01,0.00001,20\n";
    insta::assert_snapshot!(book_in(rows, "rounding = \"against_account\"\n"), @r#"
    error: quantity × entry price is 0.0000001, less than one cash unit
     --> book.csv:2:18
      |
    2 | a,BTC,short,0.01,0.00001,20
      |                  ^^^^^^^
      |
      = help: the cash unit is 0.000001: take a finer one, or leave the row out
    "#);
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
fn three_faults_of_a_kind_are_shown_and_the_rest_counted() {
    let rows = "a,BTC,long,0,100,20\n".repeat(130) + "b,BTC,short,1,x,20\n";
    let text = positions(&rows);
    assert_eq!(text.matches("error: `quantity` cannot be 0").count(), 3);
    let (_, rest) = text.split_once("book.csv:4:12").unwrap();
    insta::assert_snapshot!(rest.split_once("\n\n").unwrap().1, @r#"
    error: and 127 more rows like these: `quantity` is not above 0
     --> book.csv:5:12
      |
    5 | a,BTC,long,0,100,20
      |            ^
      |
      = help: the last is line 131; what mends the first 3 mends the others alike

    error: `entry_price` cannot be "x"
       --> book.csv:132:15
        |
    132 | b,BTC,short,1,x,20
        |               ^
        |
        = help: it takes a decimal number such as 12.5, without exponent or thousands separator
    "#);
}

#[test]
fn one_more_fault_of_a_kind_is_one_row() {
    let text = positions(&"a,BTC,long,0,100,20\n".repeat(4));
    assert!(text.contains("and 1 more row like these: `quantity` is not above 0"), "{text}");
}

#[test]
fn another_separator_is_one_fault() {
    insta::assert_snapshot!(book("account;symbol;side;quantity;entry_price;collateral\na;BTC;long;1;100;20\n"), @r"
    error: the cells are separated by `;`
     --> book.csv:1:1
      |
    1 | account;symbol;side;quantity;entry_price;collateral
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: separate them by commas, and write decimals with a point: account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet
    ");
    assert!(book("account\tsymbol\n").contains("the cells are separated by tabs"));
}

#[test]
fn a_book_in_another_encoding_names_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("book.csv"), b"account,symbol\nZo\xeb,BTC\n").unwrap();
    let head = SOUND.split("[[traders]]").next().unwrap();
    let told = shown(&format!("{head}[accounts]\nfile = \"book.csv\"\n"), folder.path());
    assert!(told.contains("error: `book.csv`: byte 3 of line 2, 0xeb, is not UTF-8"), "{told}");
}

#[test]
fn a_fund_beyond_64_bits_is_not_called_a_fraction() {
    let told = with(&[("open = 1000\n", "open = 99999999999999999999999\n")]);
    assert!(told.contains("error: `open` of 99999999999999999999999 is beyond what can be held"), "{told}");
}

#[test]
fn a_time_in_place_of_a_distribution_says_the_seconds() {
    let told = with(&[("[[traders]]\n", "[[traders]]\nentry_offset = \"10 min\"\n")]);
    assert!(told.contains("`entry_offset` cannot be \"10 min\""), "{told}");
    assert!(told.contains("help: a distribution counts seconds: write 600, without quotes and unit"), "{told}");
}
