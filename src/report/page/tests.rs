//! The page of synthetic folders.

use super::*;
use crate::report::tests::{Drawn, cases, draw_case, with_data};

fn page(drawn: &Drawn, house: &House) -> Result<String, Failure> {
    let mut worst = Worst::default();
    drawn.rows.iter().for_each(|row| worst.see(row));
    with_data(drawn, |data| {
        let plots = crate::report::charts::all(data);
        render(data, &plots, &worst, &More::default(), house)
    })
}

fn case(name: &str) -> Drawn {
    draw_case(&cases().into_iter().find(|case| case.name == name).unwrap())
}

/// What stands between two marks of the page.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.find(from).unwrap() + from.len();
    &page[start..start + page[start..].find(to).unwrap()]
}

#[test]
fn findings_are_sentences_with_numbers_and_intervals() {
    let told = |name: &str| {
        let drawn = case(name);
        let mut worst = Worst::default();
        drawn.rows.iter().for_each(|row| worst.see(row));
        with_data(&drawn, |data| findings(data, worst.rows.first())).join("\n")
    };
    insta::assert_snapshot!(told("flash-crash"), @r"
    The insurance fund of 2M USDT is exhausted on 18 % of the crashes (95 %: 17 % … 20 %): 369 of 2,000 paths.
    One crash in a hundred needs a fund above 5.12M USDT (95 %: 4.73M … 5.55M), and those need 6.31M USDT on average (95 %: 5.44M … 7.17M); the mean over all is 1.23M USDT (95 %: 1.18M … 1.28M).
    A crash forces 700 orders over 22.7M USDT (95 %: 22.4M … 22.9M); 96 % of it is long.
    Liquidations make the fall of the traded price 23 % larger than that of the index (95 %: 21 % … 25 %).
    The worst path is number 32: it needs 10.1M USDT, 17.9M USDT are liquidated; its fund is exhausted after 700 s.
    Read with care, fewer than ten paths lie in the tail: fund_need_es_99. Run more.
    Read with care, 1 % of the paths carry over half of the sum and the interval may be too narrow: fund_need_mean.
    ");
    let with_behaviours = told("behaviours");
    let sentence = with_behaviours.lines().find(|line| line.starts_with("Of their own accord")).unwrap();
    assert_eq!(
        sentence,
        "Of their own accord accounts sell 1.8M USDT (95 %: 1.62M … 2.16M), buy 900k USDT (95 %: 810k … 1.08M) \
         (stop-loss orders 529k USDT, take-profit orders 346k USDT, exits 243k USDT, panic 180k USDT, dip buyers 138k USDT, \
         arbitrage 110k USDT, re-entries 89.1k USDT), add 62.1k USDT (95 %: 55.9k … 74.5k) of margin and \
         take out 52.9k USDT (95 %: 47.6k … 63.5k) of margin in a crash on average."
    );
    insta::assert_snapshot!(told("quiet-day"), @r"
    The insurance fund of 2M USDT holds on every path; up to 0.18 % of the crashes may still exhaust it (95 %).
    No crash needs the fund at all.
    No position is liquidated on any path.
    Nobody is deleveraged; up to 0.18 % of the crashes may still see ADL (95 %).
    ");
    insta::assert_snapshot!(told("one-path"), @r"
    0 accounts are liquidated in 700 forced orders, 31.4M USDT of notional, 0 % of it long.
    The fund goes from 0 USDT to 0 USDT: it pays 0 USDT and receives 0 USDT. To pay every shortfall without ADL it would need 944k USDT.
    Nobody is deleveraged.
    One path is a story, not an estimate: it has no interval.
    ");
}

#[test]
fn the_page_needs_no_network_and_is_the_same_each_time() {
    let drawn = case("flash-crash");
    let first = page(&drawn, &House::default()).unwrap();
    assert_eq!(first, page(&drawn, &House::default()).unwrap());
    assert!(first.len() < 6_000_000, "{}", first.len());
    // The namespace of SVG is a name, not an address that is fetched.
    let rest = first.replace("http://www.w3.org/2000/svg", "");
    for address in
        ["http:", "https:", "//cdn", "@import", "src=", "<link rel=\"stylesheet", "url(\"", "fetch(", "XMLHttp"]
    {
        assert!(!rest.contains(address), "{address}");
    }
    let data: Json = serde_json::from_str(between(&first, "id=\"data\">", "</script>")).unwrap();
    assert_eq!(data["charts"].as_array().unwrap().len(), 11);
    assert_eq!(data["traces"].as_array().unwrap().len(), 2);
    assert!(data["glossary"].as_array().unwrap().len() > 40);
}

#[test]
fn names_are_text_and_never_markup() {
    let mut drawn = case("one-path");
    drawn.header.scenario = "a</script><script>alert(1)</script><b>&\"'".into();
    drawn.traces[0].stories[0].name = "</script><!--".into();
    let page = page(&drawn, &House::default()).unwrap();
    assert!(!page.contains("alert(1)</script>") && !page.contains("<b>&"));
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!between(&page, "id=\"data\">", "</script>").contains('<'));
}

#[test]
fn a_house_brings_its_template_and_theme() {
    let drawn = case("one-path");
    let house = |text: &str| House {
        template: Some(("house.html".into(), text.into())),
        theme: Theme::Dark,
        css: "h1 { color: teal }".into(),
    };
    let own = page(&drawn, &house("{{ theme }} {{ header.scenario }}: {{ findings|length }}{{ style|safe }}")).unwrap();
    assert!(own.starts_with("dark one-path: 4") && own.ends_with("h1 { color: teal }"), "{}", &own[..40]);
    for (broken, line) in [("a\n{% for %}", "house.html:2"), ("a\n\n{{ banana.peel }}", "house.html:3")] {
        let told = page(&drawn, &house(broken)).unwrap_err();
        assert!(told.to_string().contains(line), "{told}");
        assert_eq!(told.exit_code(), 1);
    }
}

#[test]
fn many_paths_in_full_share_the_room_of_the_page() {
    let mut drawn = case("flash-crash");
    let story = crate::folder::trace::Story {
        account: Some(3),
        name: "account 3".into(),
        liquidated: 1.0,
        deleveraged: 0.0,
        events: vec![(1.0, "is liquidated ".repeat(2_000))],
    };
    drawn.traces[0].stories = vec![story; 300];
    let all = traces(&drawn.traces);
    let kept = all[0]["stories"].as_array().unwrap().len();
    // Half of 4.8 million over some 28,000 bytes a story.
    assert!((60..=86).contains(&kept), "{kept}");
    assert_eq!(all[0]["omitted"], 300 - kept);
    assert!(page(&drawn, &House::default()).unwrap().len() < 6_000_000);
}

#[test]
fn the_worst_are_kept_in_order_and_ties_go_to_the_lower_path() {
    let mut worst = Worst::default();
    for path in (0..40).rev() {
        worst.see(&Outcome { path, fund_need: i64::try_from(path % 13).unwrap(), ..Outcome::default() });
    }
    let told: Vec<(i64, u64)> = worst.rows.iter().map(|row| (row.fund_need, row.path)).collect();
    assert_eq!(
        told,
        [(12, 12), (12, 25), (12, 38), (11, 11), (11, 24), (11, 37), (10, 10), (10, 23), (10, 36), (9, 9)]
    );
}

#[test]
fn every_term_of_the_glossary_is_read() {
    let entries = glossary();
    let terms: Vec<&str> = entries.iter().map(|entry| entry["term"].as_str().unwrap()).collect();
    for term in ["ADL, auto-deleveraging", "Lot", "Tick", "Cash unit", "Withdrawal, W"] {
        assert!(terms.contains(&term), "{term} not in {terms:?}");
    }
    let bold = GLOSSARY.matches("**").count() / 2;
    assert_eq!(entries.len(), bold);
    assert!(entries.iter().all(|entry| entry["text"].as_str().unwrap().len() > 10));
}

#[test]
fn a_bound_that_the_paths_cannot_give_is_told_as_half_an_interval() {
    let mut drawn = case("flash-crash");
    for (name, low, high) in
        [("fund_need_var_99", 4e6, f64::INFINITY), ("fund_need_es_99", f64::NEG_INFINITY, f64::INFINITY)]
    {
        let metric = drawn.metrics.iter_mut().find(|metric| metric.name == name).unwrap();
        let estimate = metric.estimate.as_mut().unwrap();
        (estimate.low, estimate.high) = (low, high);
    }
    let adl = |name: &str, estimate: f64| crate::folder::Metric {
        name: name.into(),
        unit: "USDT".into(),
        estimate: Some(crate::stats::Estimate {
            estimate,
            low: 0.9 * estimate,
            high: 1.1 * estimate,
            level: 0.95,
            standard_error: None,
        }),
        flags: Vec::new(),
    };
    drawn.metrics.push(adl("adl_notional_mean", 2e6));
    drawn.metrics.push(adl("adl_accounts_mean", 30.0));
    let cascade = drawn.metrics.iter_mut().find(|metric| metric.name == "cascade_amplification").unwrap();
    cascade.estimate = adl("", 1.5).estimate;
    let told = with_data(&drawn, |data| findings(data, None)).join("\n");
    for sentence in [
        "above 5.12M USDT (95 %: at least 4M), and those need 6.31M USDT on average (too few paths for an interval);",
        "it closes 2M USDT (95 %: 1.8M … 2.2M) of 30 winning accounts (95 %: 27 … 33).",
        "1.5 times as much is liquidated (95 %: 1.35 … 1.65) as the same shocks would in a book of infinite depth.",
    ] {
        assert!(told.contains(sentence), "{sentence}\nnot in\n{told}");
    }
}

#[test]
fn no_caption_scrolls_away_and_a_meaning_has_a_line_of_its_own_where_it_is_narrow() {
    let page = page(&case("flash-crash"), &House::default()).unwrap();
    for table in page.split("<div class=\"scroll\"").skip(1) {
        let table = table.split("</div>").next().unwrap();
        assert!(!table.contains("<caption"), "a caption within what scrolls is cut off");
    }
    let numbers = between(&page, "aria-label=\"All numbers\">", "</table>");
    assert!(numbers.starts_with("<table class=\"stack\">"));
    let row = between(numbers, "<code>fund_need_mean</code>", "</tr>");
    assert!(row.contains("<td class=\"n\">1.177M … 1.277M</td>"), "{row}");
    assert!(row.contains("<td class=\"about\">"), "{row}");
}
