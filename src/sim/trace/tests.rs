use rust_decimal::dec;

use super::*;
use crate::market::process::Direction;
use crate::sim::worked::{self, Batch};

fn legend(accounts: &[&str]) -> Legend {
    let quantum = |size| Quantum::new(size).unwrap();
    Legend {
        currency: "USDT".into(),
        cash_unit: quantum(dec!(0.01)),
        contracts: vec![Contract {
            symbol: "BTC".into(),
            tick: quantum(dec!(0.1)),
            lot: quantum(dec!(0.1)),
            multiplier: Multiplier::Linear(1),
        }],
        behaviours: false,
        accounts: accounts.iter().map(|&name| name.into()).collect(),
    }
}

fn written(batches: &[Batch], format: Format, accounts: &[&str]) -> String {
    let mut trace = Trace::new(Vec::new(), format, legend(accounts));
    trace.begin(4711, 42);
    batches.iter().for_each(|(time, facts)| trace.see(*time, facts));
    let row = Outcome { path: 4711, fund_open: 1_000, price_open: 100, ..Outcome::default() };
    String::from_utf8(trace.finish(&row).unwrap()).unwrap()
}

#[test]
fn the_text_form_reads_as_what_happened() {
    let text = written(&worked::fund_of_ten(), Format::Text, &["Anna", "Bert"]);
    let events: Vec<&str> = text.lines().take_while(|line| !line.starts_with("totals")).collect();
    insta::assert_snapshot!(events.join("\n"), @r"
    path 4711 of seed 42, amounts in USDT
             0 s  world pays Anna 0.95 (deposit)
             0 s  world pays Bert 2 (deposit)
             0 s  world pays fund 0.1 (deposit) | fund 0.1
             0 s  Anna buys 1 BTC for 10 (opening)
             0 s  maker sells 1 BTC for 10 (opening)
             0 s  Bert sells 1 BTC for 10.5 (opening)
             0 s  maker buys 1 BTC for 10.5 (opening)
             0 s  maker pays clearing of BTC 0.5 (realised)
             0 s  BTC mark 10
             0 s  BTC index 10 (exogenous 10), traded 10
             1 s  BTC index 9.2 (exogenous 9.2), traded 9.2
             1 s  BTC mark 9.2
             1 s  Anna breaches its maintenance margin in BTC: trigger 9.3, mark 9.2
             1 s  order 0 closes long 1 BTC of Anna: mark 9.2, bankruptcy 9.1, surplus there 0.05
             1 s  Anna sells 0.8 BTC for 7.16 (book, order 0)
             1 s  maker buys 0.8 BTC for 7.16 (book)
             1 s  Anna pays clearing of BTC 0.84 (realised)
             1 s  the fund's budget cuts order 0 in BTC short
             1 s  fund pays Anna 0.07 (shortfall) | fund 0.03
             1 s  BTC index 9.2 (exogenous 9.2), traded 8.5
             1 s  ADL round of long losers in BTC: 0.2 of 0.2 placed at mark 9.2
             1 s  Anna sells 0.2 BTC for 1.82 (adl, order 0)
             1 s  Anna pays clearing of BTC 0.18 (realised)
             1 s  Bert buys 0.2 BTC for 1.82 (adl)
             1 s  clearing of BTC pays Bert 0.28 (realised)
             1 s  Bert is deleveraged of 0.2 BTC at 9.1: notional 1.84, haircut -0.02
             1 s  order 0 of Anna is done: book 7.36, ADL 1.84; shortfall paid by fund 0.07; fees waived 0 | fund 0.03
    ");
    assert!(text.contains("\n  fund_open                10\n"), "{text}");
    assert!(text.contains("\n  price_open               10\n"), "{text}");
    assert!(text.ends_with("  exhausted_at_s           never\n"), "{text}");
}

#[test]
fn drawn_accounts_open_in_one_line() {
    let text = written(&worked::fund_of_ten()[..1], Format::Text, &[]);
    let events: Vec<&str> = text.lines().take_while(|line| !line.starts_with("totals")).collect();
    insta::assert_snapshot!(events.join("\n"), @r"
    path 4711 of seed 42, amounts in USDT
             0 s  2 accounts deposit 2.95
             0 s  2 positions in BTC, 1 of them long
             0 s  world pays fund 0.1 (deposit) | fund 0.1
             0 s  BTC mark 10
             0 s  BTC index 10 (exogenous 10), traded 10
    ");
}

#[test]
fn every_line_of_json_is_an_object_with_exact_amounts_in_strings() {
    let text = written(&worked::takeover(), Format::Json, &[]);
    let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2 + worked::takeover().iter().map(|(_, facts)| facts.len()).sum::<usize>());
    assert_eq!(lines[0]["fact"], "path");
    assert_eq!(lines.last().unwrap()["fact"], "totals");
    assert_eq!(lines.last().unwrap()["price_open"], "10");
    let events: Vec<&str> = text.lines().filter(|line| line.contains("\"time_s\":\"2\"")).collect();
    insta::assert_snapshot!(events.join("\n"), @r#"
    {"time_s":"2","event":4,"fact":"marked","symbol":"BTC","mark":"8.6","fund_after":"0.03"}
    {"time_s":"2","event":4,"fact":"inventory","mark_to_market":"-0.1","fund_after":"0.03"}
    {"time_s":"2","event":4,"fact":"traded","party":"engine","symbol":"BTC","qty":"-0.2","cash":"-1.7","order":null,"via":"book","ticket":"9.1","fund_after":"0.03"}
    {"time_s":"2","event":4,"fact":"traded","party":"maker","symbol":"BTC","qty":"0.2","cash":"1.7","order":null,"via":"book","ticket":null,"fund_after":"0.03"}
    {"time_s":"2","event":4,"fact":"posted","from":"engine","to":"clearing:BTC","amount":"0.12","why":"realised","fund_after":"0.03"}
    {"time_s":"2","event":4,"fact":"posted","from":"fund","to":"engine","amount":"0.03","why":"shortfall","fund_after":"0"}
    {"time_s":"2","event":4,"fact":"posted","from":"venue","to":"engine","amount":"0.04","why":"shortfall","fund_after":"0"}
    {"time_s":"2","event":4,"fact":"posted","from":"deficit","to":"engine","amount":"0.05","why":"shortfall","fund_after":"0"}
    {"time_s":"2","event":4,"fact":"ticket_closed","symbol":"BTC","qty":"0.2","bankruptcy":"9.1","result":"-0.12","paid":{"fund":"0.03","venue":"0.04","backstop":"0","socialised":"0","deficit":"0.05"},"fund_after":"0"}
    {"time_s":"2","event":4,"fact":"inventory","mark_to_market":"0","fund_after":"0"}
    "#);
}

#[test]
fn an_error_of_the_writer_is_told_at_the_end_and_nothing_is_written_after_it() {
    #[derive(Debug)]
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("the disk is full"))?;
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut trace = Trace::new(Full(4), Format::Text, legend(&["Anna", "Bert"]));
    trace.begin(0, 0);
    worked::fund_of_ten().iter().for_each(|(time, facts)| trace.see(*time, facts));
    assert_eq!(trace.finish(&Outcome::default()).unwrap_err().to_string(), "the disk is full");
}

/// The script recomputes the totals from the lines alone; here it is shown a right trace and a wrong one.
#[test]
fn the_script_agrees_with_the_tally_and_sees_a_changed_line() {
    use crate::sim::tally::{Series, Start, Tally};
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trace_totals.py");
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::process::Command::new("python3").arg(script).arg(path).output()
    };
    for (name, batches) in [("adl", worked::fund_of_ten()), ("takeover", worked::takeover())] {
        let mut tally = Tally::new(&[crate::money::Multiplier::Linear(1)], &[]);
        let mut trace = Trace::new(Vec::new(), Format::Json, legend(&[]));
        tally.begin(Start {
            path: 3,
            fund: Cash(10),
            price: Price(100),
            series: Series::Skip,
            direction: Direction::Down,
        });
        trace.begin(3, 42);
        for (time, facts) in &batches {
            tally.see(*time, facts);
            trace.see(*time, facts);
        }
        let text = String::from_utf8(trace.finish(&tally.finish()).unwrap()).unwrap();
        let Ok(told) = run(name, &text) else {
            assert!(std::env::var_os("CI").is_none(), "python3 is needed");
            eprintln!("skipped: no python3");
            return;
        };
        let complaint = String::from_utf8(told.stderr).unwrap();
        assert!(told.status.success(), "{complaint}");
        for (right, wrong) in [
            ("\"amount\":\"0.07\",\"why\":\"shortfall\"", "\"amount\":\"0.06\",\"why\":\"shortfall\""),
            ("\"to_book\":\"7.36\",\"to_engine\"", "\"to_book\":\"7.35\",\"to_engine\""),
            ("\"mark\":\"9.2\"", "\"mark\":\"9.3\""),
        ] {
            assert!(text.contains(right), "{right}");
            assert_eq!(
                run("changed", &text.replacen(right, wrong, 1)).unwrap().status.code(),
                Some(1),
                "{name}: {wrong}"
            );
        }
        let cut = &text[..text.len() / 2];
        assert_ne!(run("cut", &cut[..=cut.rfind('\n').unwrap()]).unwrap().status.code(), Some(0), "{name}");
    }
}
