//! What a run says, in sentences written from its numbers by fixed rules.

use super::charts::{Data, beyond, paths};
use super::number::{grouped, percent, shares, short};
use crate::facts::Outcome;
use crate::folder::trace::{Story, Traced};
use crate::folder::what_if::WhatIf;
use crate::folder::{Adverse, Flag};
use crate::stats::Estimate;

/// The findings, the most important first. `worst` is the row with the greatest fund need.
#[must_use]
pub fn findings(data: &Data<'_>, worst: Option<&Outcome>) -> Vec<String> {
    if data.header.paths == 1 {
        return match worst {
            Some(row) => of_one_path(data, row),
            None => Vec::new(),
        };
    }
    let mut told = vec![fund(data)];
    told.extend(need(data));
    told.extend(liquidations(data));
    told.extend(adl(data));
    told.extend(deficit(data));
    told.extend(prices(data));
    told.extend(cascade(data));
    told.extend(behaviours(data));
    told.extend(worst.filter(|row| row.fund_need > 0).map(|row| worst_path(data, row)));
    told.extend(doubts(data));
    told
}

/// ` (95 %: 17 … 20 %)`, half of it where the paths bound it on one side only, nothing where it is a point.
fn interval(estimate: Estimate, show: impl Fn(f64) -> String) -> String {
    let Estimate { low, high, .. } = estimate;
    match (low.is_finite(), high.is_finite()) {
        (true, true) if low == high => String::new(),
        (true, true) => format!(" (95 %: {} … {})", show(low), show(high)),
        (true, false) => format!(" (95 %: at least {})", show(low)),
        (false, true) => format!(" (95 %: at most {})", show(high)),
        (false, false) => " (too few paths for an interval)".into(),
    }
}

/// `54 of 300`, from the share.
fn of_all(data: &Data<'_>, share: f64) -> String {
    let n = data.header.paths as f64;
    format!("{} of {}", grouped(libm::rint(share * n), 0), paths(data.header.paths))
}

fn fund(data: &Data<'_>) -> String {
    let open = data.money(data.cash(data.header.fund_open.0));
    match data.estimate("p_fund_exhausted") {
        Some(p) if p.estimate > 0.0 => format!(
            "The insurance fund of {open} {} on {} of the crashes{}: {}.",
            data.exhausted(),
            shares(p)(p.estimate),
            interval(p, shares(p)),
            of_all(data, p.estimate)
        ),
        Some(p) => {
            format!(
                "The insurance fund of {open} holds on every path; up to {} of the crashes may still exhaust it (95 %).",
                percent(p.high)
            )
        }
        None => "No path was run.".into(),
    }
}

fn need(data: &Data<'_>) -> Option<String> {
    let (mean, var, es) =
        (data.estimate("fund_need_mean")?, data.estimate("fund_need_var_99")?, data.estimate("fund_need_es_99")?);
    if es.estimate == 0.0 {
        return Some("No crash needs the fund at all.".into());
    }
    let money = |x: f64| data.money(x);
    if data.header.paths < 100 {
        return Some(format!(
            "A crash needs a fund of {} on average{}; {} are too few to speak of one in a hundred.",
            money(mean.estimate),
            interval(mean, short),
            paths(data.header.paths)
        ));
    }
    Some(format!(
        "One crash in a hundred needs a fund above {}{}, and those need {} on average{}; the mean over all is {}{}.",
        money(var.estimate),
        interval(var, short),
        money(es.estimate),
        interval(es, short),
        money(mean.estimate),
        interval(mean, short)
    ))
}

fn liquidations(data: &Data<'_>) -> Option<String> {
    let (orders, notional) = (data.estimate("liquidations_mean")?, data.estimate("liquidated_notional_mean")?);
    if orders.estimate == 0.0 {
        return Some("No position is liquidated on any path.".into());
    }
    let share = data.estimate("liquidated_to_open_interest").map_or_else(String::new, |ratio| {
        format!(", {} of the open interest{}", shares(ratio)(ratio.estimate), interval(ratio, shares(ratio)))
    });
    let side = data.estimate("liquidated_long_share").map_or_else(String::new, |long| {
        if long.estimate >= 0.5 {
            format!("; {} of it is long{}", shares(long)(long.estimate), interval(long, shares(long)))
        } else {
            let short = Estimate { estimate: 1.0 - long.estimate, low: 1.0 - long.high, high: 1.0 - long.low, ..long };
            format!("; {} of it is short{}", shares(short)(short.estimate), interval(short, shares(short)))
        }
    });
    let count = |x: f64| grouped(x, usize::from(x < 10.0));
    Some(format!(
        "A crash forces {} orders{} over {}{}{share}{side}.",
        count(orders.estimate),
        interval(orders, count),
        data.money(notional.estimate),
        interval(notional, short)
    ))
}

fn adl(data: &Data<'_>) -> Option<String> {
    let p = data.estimate("p_adl")?;
    if p.estimate == 0.0 {
        return Some(format!(
            "Nobody is deleveraged; up to {} of the crashes may still see ADL (95 %).",
            percent(p.high)
        ));
    }
    let (notional, accounts) = (data.estimate("adl_notional_mean")?, data.estimate("adl_accounts_mean")?);
    let count = |x: f64| grouped(x, usize::from(x < 10.0));
    Some(format!(
        "ADL happens on {} of the crashes{}; averaged over all crashes it closes {}{} of {} winning accounts{}.",
        shares(p)(p.estimate),
        interval(p, shares(p)),
        data.money(notional.estimate),
        interval(notional, short),
        count(accounts.estimate),
        interval(accounts, count)
    ))
}

fn deficit(data: &Data<'_>) -> Option<String> {
    let p = data.estimate("p_unfunded_deficit")?;
    let mean = data.estimate("unfunded_deficit_mean")?;
    (p.estimate > 0.0).then(|| {
        format!(
            "On {} of the crashes{} some loss is paid by nobody: {} on average over all{}.",
            shares(p)(p.estimate),
            interval(p, shares(p)),
            data.money(mean.estimate),
            interval(mean, short)
        )
    })
}

fn prices(data: &Data<'_>) -> Option<String> {
    let ratio = data.estimate("price_amplification")?;
    let fall = match data.header.adverse {
        Adverse::Down => "fall",
        Adverse::Up => "rise",
    };
    if ratio.estimate < 1.005 {
        return Some(format!("The {fall} of the traded price is that of the index: liquidations do not deepen it."));
    }
    Some(format!(
        "Liquidations make the {fall} of the traded price {} larger than that of the index{}.",
        shares(beyond(ratio))(ratio.estimate - 1.0),
        interval(ratio, |bound| shares(beyond(ratio))(bound - 1.0))
    ))
}

fn cascade(data: &Data<'_>) -> Option<String> {
    let ratio = data.estimate("cascade_amplification")?;
    (ratio.estimate >= 1.005).then(|| {
        format!(
            "Liquidations cause further ones: {} times as much is liquidated{} as the same shocks would in a book of infinite depth.",
            short(ratio.estimate),
            interval(ratio, short)
        )
    })
}

/// What accounts do of their own accord: sales and purchases, then the behaviours by what they trade.
fn behaviours(data: &Data<'_>) -> Option<String> {
    const KINDS: [(&str, &str); 7] = [
        ("stop_loss_notional", "stop-loss orders"),
        ("take_profit_notional", "take-profit orders"),
        ("voluntary_exit_notional", "exits"),
        ("panic_notional", "panic"),
        ("dip_buyer_notional", "dip buyers"),
        ("arbitrage_notional", "arbitrage"),
        ("re_entry_notional", "re-entries"),
    ];
    const MOVES: [(&str, &str); 2] = [("topped_up", "add"), ("withdrawn", "take out")];
    if data.conduct.is_empty() {
        return None;
    }
    let mean = |name: &str| {
        data.conduct.iter().find(|(column, mean)| column.name == name && mean.estimate != 0.0).map(|(_, mean)| *mean)
    };
    let amount = |mean: Estimate| format!("{}{}", data.money(mean.estimate), interval(mean, short));
    let mut kinds: Vec<(&str, Estimate)> =
        KINDS.iter().filter_map(|(column, name)| mean(column).map(|mean| (*name, mean))).collect();
    kinds.sort_by(|a, b| b.1.estimate.total_cmp(&a.1.estimate));
    let verbs = [("voluntary_sold", "sell"), ("voluntary_bought", "buy")];
    let mut did: Vec<String> =
        verbs.iter().filter_map(|(column, verb)| mean(column).map(|mean| format!("{verb} {}", amount(mean)))).collect();
    if let (Some(last), false) = (did.last_mut(), kinds.is_empty()) {
        let parts: Vec<String> =
            kinds.iter().map(|(name, mean)| format!("{name} {}", data.money(mean.estimate))).collect();
        last.push_str(&format!(" ({})", parts.join(", ")));
    }
    did.extend(
        MOVES.iter().filter_map(|(column, verb)| mean(column).map(|mean| format!("{verb} {} of margin", amount(mean)))),
    );
    let Some(last) = did.pop() else { return Some("Nobody does anything of their own accord.".into()) };
    let and = if did.is_empty() { "" } else { " and " };
    let each = if data.header.paths == 1 { "on this path" } else { "in a crash on average" };
    Some(format!("Of their own accord accounts {}{and}{last} {each}.", did.join(", ")))
}

fn worst_path(data: &Data<'_>, row: &Outcome) -> String {
    let exhausted = row.exhausted_at_s.map_or_else(
        || "; the fund holds".to_owned(),
        |at| format!("; its fund is exhausted after {} s", grouped(libm::rint(at as f64 / 1e9), 0)),
    );
    format!(
        "The worst path is number {}: it needs {}, {} are liquidated{exhausted}.",
        row.path,
        data.money(data.cash(row.fund_need)),
        data.money(data.cash(row.liquidated_notional))
    )
}

/// What the reader must not take at face value.
fn doubts(data: &Data<'_>) -> Vec<String> {
    let flagged = |flag: Flag| {
        data.metrics
            .iter()
            .filter(|metric| metric.flags.contains(&flag) && !data.is_zero(&metric.name))
            .map(|metric| metric.name.as_str())
            .collect::<Vec<_>>()
    };
    let mut told = Vec::new();
    let thin = flagged(Flag::ThinTail);
    if !thin.is_empty() {
        told.push(format!("Read with care, fewer than ten paths lie in the tail: {}. Run more.", thin.join(", ")));
    }
    let heavy = flagged(Flag::TailDominated);
    if !heavy.is_empty() {
        told.push(format!(
            "Read with care, 1 % of the paths carry over half of the sum and the interval may be too narrow: {}.",
            heavy.join(", ")
        ));
    }
    told
}

// ---------------------------------------------------------------------------------------------- one path

fn of_one_path(data: &Data<'_>, row: &Outcome) -> Vec<String> {
    let amount = |units: i64| data.money(data.cash(units));
    let trace = data.traces.iter().find(|trace| trace.frames.path == row.path);
    let mut told = Vec::new();
    if row.liquidations == 0 {
        told.push("No position is liquidated on this path.".to_owned());
    } else {
        let accounts = if row.liquidated_accounts == 1 {
            "1 account".into()
        } else {
            format!("{} accounts", grouped(row.liquidated_accounts as f64, 0))
        };
        let orders = if row.liquidations == 1 {
            "1 forced order".into()
        } else {
            format!("{} forced orders", grouped(row.liquidations as f64, 0))
        };
        told.push(
            format!(
                "{accounts} are liquidated in {orders}, {} of notional, {} of it long.",
                amount(row.liquidated_notional),
                percent(row.liquidated_long_notional as f64 / row.liquidated_notional.max(1) as f64)
            )
            .replacen("1 account are", "1 account is", 1),
        );
    }
    if let Some(story) = trace.and_then(first_liquidated) {
        let at = story.events.iter().find(|(_, text)| text.starts_with("breaches"));
        if let (Some((opened, how)), Some((at, why))) = (story.events.first(), at) {
            let _ = opened;
            told.push(format!(
                "The first to be liquidated is {}, which {how}. After {} s it {why}.",
                story.name,
                short(*at)
            ));
        }
    }
    let change = row.fund_close - row.fund_open;
    told.push(format!(
        "The fund goes from {} to {}{}: it pays {} and receives {}. To pay every shortfall without ADL it would need {}.",
        amount(row.fund_open),
        amount(row.fund_close),
        if change < 0 { format!(", a loss of {}", amount(-change)) } else { String::new() },
        amount(row.fund_paid),
        amount(row.fund_received),
        amount(row.fund_need)
    ));
    if row.adl_events == 0 {
        told.push("Nobody is deleveraged.".into());
    } else {
        let many = if row.adl_accounts == 1 {
            "1 winner is".into()
        } else {
            format!("{} winners are", grouped(row.adl_accounts as f64, 0))
        };
        let result = match (row.adl_haircut, row.adl_gift) {
            (0, 0) => "at the mark, so at no cost".to_owned(),
            (0, gift) => format!("at prices {} better than the mark", amount(gift)),
            (haircut, 0) => format!("at prices {} worse than the mark", amount(haircut)),
            (haircut, gift) => {
                format!("some at prices {} worse than the mark, others {} better", amount(haircut), amount(gift))
            }
        };
        told.push(format!("{many} deleveraged of {}, {result}.", amount(row.adl_notional)));
        for story in trace.into_iter().flat_map(|trace| &trace.stories).filter(|story| story.deleveraged > 0.0).take(3)
        {
            for (at, text) in story.events.iter().filter(|(_, text)| text.starts_with("is deleveraged")) {
                told.push(format!("After {} s {} {text}.", short(*at), story.name));
            }
        }
    }
    if row.unfunded_deficit > 0 {
        told.push(format!("{} of loss is paid by nobody.", amount(row.unfunded_deficit)));
    }
    told.extend(behaviours(data));
    told.extend(data.what_if.map(|what_if| with_half_the_cap(data, what_if, row)));
    told.push("One path is a story, not an estimate: it has no interval.".into());
    told
}

/// What half the leverage cap would have changed.
fn with_half_the_cap(data: &Data<'_>, what_if: &WhatIf, row: &Outcome) -> String {
    let money = |amount: f64| data.money(amount);
    let many = |count: u64| match count {
        0 => "nobody".to_owned(),
        1 => "1 account".into(),
        _ => format!("{} accounts", grouped(count as f64, 0)),
    };
    let lead = format!(
        "With half the leverage cap ({}x in place of {}x, the same positions) {} would have posted {} more:",
        short(what_if.half),
        short(what_if.cap),
        many(what_if.posting),
        money(what_if.posted)
    );
    let who = match what_if.liquidated.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    let deleveraged = match (what_if.adl_accounts, row.adl_accounts) {
        (0, 0) => "nobody would be deleveraged either".to_owned(),
        (0, _) => "nobody would be deleveraged".to_owned(),
        (count, _) => format!("{} would be deleveraged of {}", many(count), money(what_if.adl_notional)),
    };
    let deficit = if what_if.unfunded_deficit > 0.0 {
        format!(", and {} of loss would be paid by nobody", money(what_if.unfunded_deficit))
    } else {
        String::new()
    };
    format!(
        "{lead} {}{who} would be liquidated instead of {}, the fund would go from {} to {}, and {deleveraged}{deficit}.",
        many(what_if.liquidated_accounts),
        row.liquidated_accounts,
        money(what_if.fund_open),
        money(what_if.fund_close)
    )
}

/// The account whose breach comes first.
fn first_liquidated(trace: &Traced) -> Option<&Story> {
    let breach = |story: &Story| story.events.iter().find(|(_, text)| text.starts_with("breaches")).map(|(at, _)| *at);
    let mut first: Option<(f64, &Story)> = None;
    for story in trace.stories.iter().filter(|story| story.liquidated > 0.0) {
        if let Some(at) = breach(story)
            && first.is_none_or(|(known, _)| at < known)
        {
            first = Some((at, story));
        }
    }
    first.map(|(_, story)| story)
}
