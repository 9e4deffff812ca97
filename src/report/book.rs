//! A position book on the terminal and in pictures: who holds what, and where it would be liquidated.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::frame::{Axis, Swatch};
use super::fund_size::decades;
use super::number::{grouped, percent, short};
use super::plot::{Layer, Plot, Scale};
use super::scene::{Colour, Dash};
use crate::fault::Failure;
use crate::folder::book::{Book, DISTANCES, Seen, Side, Summary};

/// Names of the charts, in the order of [`charts`].
const CHARTS: [&str; 4] = ["book_liquidations", "book_leverage", "book_size", "book_concentration"];

/// The book as a table.
#[must_use]
pub fn text(book: &Book, summary: &Summary, dir: &Path) -> String {
    let (header, currency) = (&book.header, &book.header.currency);
    let marks: Vec<String> = book
        .contracts
        .iter()
        .map(|listed| format!("{} at {}", listed.symbol, listed.tick.show(listed.mark.0)))
        .collect();
    let mut text = format!(
        "{}: the book of path {}, seed {}, {}; amounts in {currency}\n\n",
        header.scenario,
        book.path,
        header.seed,
        marks.join(", ")
    );
    let leverage = |side: &Side, at: usize| side.leverage.map_or_else(|| "–".into(), |values| times(values[at]));
    let both = |show: &dyn Fn(&Side) -> String| [show(&summary.long), show(&summary.short)];
    let rows: Vec<(String, [String; 2])> = vec![
        ("positions".into(), both(&|side| grouped(side.positions as f64, 0))),
        ("notional at the mark".into(), both(&|side| short(side.notional))),
        ("collateral".into(), both(&|side| short(side.collateral))),
        ("leverage of all together".into(), both(&|side| times(side.leverage_of_all))),
        ("leverage, 10 % of the notional".into(), both(&|side| leverage(side, 0))),
        ("leverage, half of it".into(), both(&|side| leverage(side, 2))),
        ("leverage, 90 % of it".into(), both(&|side| leverage(side, 4))),
        ("largest position, share".into(), both(&|side| percent(side.top_share))),
    ];
    table(&mut text, ["", "longs", "shorts"], &rows);
    let maker = match summary.maker {
        0.0 => "the makers hold nothing".to_owned(),
        held => format!("the makers hold {} {}", short(held.abs()), if held > 0.0 { "long" } else { "short" }),
    };
    let _ = write!(text, "\n  Open interest {}; {maker}.\n", short(summary.open_interest));
    let [p10, _, p50, _, p90] = summary.margin.map(short);
    let _ = writeln!(
        text,
        "  {} accounts with {} each on average: a tenth has at most {p10}, half {p50}, nine tenths {p90}, the largest {}.",
        grouped(summary.accounts as f64, 0),
        short(summary.margin_mean),
        short(summary.margin_max)
    );
    let [one, ten, hundredth] = summary.top.map(percent);
    let _ = writeln!(
        text,
        "  Of all notional the largest account holds {one}, the largest ten {ten}, the largest 1 % {hundredth}."
    );
    text.push_str("\n  Notional whose liquidation price lies within a distance of the mark:\n\n");
    let rows: Vec<(String, [String; 2])> = DISTANCES
        .iter()
        .enumerate()
        .map(|(i, distance)| {
            let cell = |side: &Side| {
                let share = if side.notional > 0.0 { side.within[i] / side.notional } else { 0.0 };
                format!("{} ({})", short(side.within[i]), percent(share))
            };
            (percent(*distance), both(&cell))
        })
        .collect();
    table(&mut text, ["a move of", "longs, down", "shorts, up"], &rows);
    let _ = write!(
        text,
        "\nWritten to {}: book.csv (for `[accounts] file`), book.json; charts {} (.svg, .png)\n",
        dir.display(),
        CHARTS.join(", ")
    );
    text
}

/// Rows of a name and two cells, aligned.
fn table(text: &mut String, head: [&str; 3], rows: &[(String, [String; 2])]) {
    let width = |cell: &dyn Fn(&(String, [String; 2])) -> usize, head: &str| {
        rows.iter().map(cell).max().unwrap_or(0).max(head.chars().count())
    };
    let names = width(&|row| row.0.chars().count(), head[0]);
    let [wide, last] = [0, 1].map(|at| width(&|row: &(String, [String; 2])| row.1[at].chars().count(), head[at + 1]));
    let line = |name: &str, long: &str, short: &str| format!("  {name:names$}  {long:>wide$}  {short:>last$}\n");
    text.push_str(&line(head[0], head[1], head[2]));
    for (name, [long, short]) in rows {
        text.push_str(&line(name, long, short));
    }
}

fn times(leverage: f64) -> String {
    if leverage.is_finite() { format!("{}x", short(leverage)) } else { "no equity".into() }
}

/// Draws all charts of a book into a folder.
///
/// # Errors
/// They cannot be written.
pub fn draw(book: &Book, summary: &Summary, dir: &Path) -> Result<(), Failure> {
    for plot in charts(book, summary) {
        let scene = plot.scene();
        let svg = dir.join(format!("{}.svg", plot.name));
        fs::write(&svg, scene.svg()?).map_err(Failure::file(&svg))?;
        scene.png(&dir.join(format!("{}.png", plot.name)))?;
    }
    Ok(())
}

/// Every chart, in the order of `CHARTS`.
#[must_use]
pub fn charts(book: &Book, summary: &Summary) -> [Plot; 4] {
    let seen: Vec<Seen> = book.seen().collect();
    [
        liquidations(book, summary, &seen),
        leverage(book, summary, &seen),
        size(book, summary, &seen),
        concentration(book, summary, &seen),
    ]
}

fn plot(book: &Book, name: &'static str, title: String, subtitle: &str) -> Plot {
    let header = &book.header;
    let hash: String = header.hash.chars().take(12).collect();
    Plot {
        name,
        title,
        subtitle: subtitle.into(),
        legend: Vec::new(),
        x_name: String::new(),
        y_name: String::new(),
        caption: format!(
            "scenario {} ({hash}) · seed {} · path {} · flashcrash {}",
            header.scenario, header.seed, book.path, header.version
        ),
        x: Axis { low: 0.0, high: 1.0, ticks: Vec::new() },
        y: Axis { low: 0.0, high: 1.0, ticks: Vec::new() },
        x_scale: Scale::Share,
        y_scale: Scale::Share,
        layers: Vec::new(),
        below: None,
    }
}

fn sides(long: String, short: String) -> Vec<(Swatch, String)> {
    vec![(Swatch::Area(LONG), long), (Swatch::Area(SHORT), short)]
}

const LONG: Colour = Colour::VERMILLION.faint(0.75);
const SHORT: Colour = Colour::BLUE.faint(0.75);

/// Reaches of the axis of liquidation prices, and bars to each side.
const REACHES: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0];
const BARS: usize = 40;

/// Notional by the distance of its liquidation price: the map that traders know.
fn liquidations(book: &Book, summary: &Summary, seen: &[Seen]) -> Plot {
    let currency = &book.header.currency;
    let reachable: Vec<(f64, f64)> = seen.iter().filter_map(|one| Some((one.distance?, one.notional))).collect();
    let all: f64 = reachable.iter().map(|(_, notional)| notional).sum();
    let within = |reach: f64| reachable.iter().filter(|(away, _)| away.abs() <= reach).map(|(_, n)| n).sum::<f64>();
    // Wide enough for three quarters of it: what lies farther is as good as out of reach.
    let reach = REACHES.into_iter().find(|reach| within(*reach) >= 0.75 * all).unwrap_or(1.0);
    let five = DISTANCES.iter().position(|distance| *distance == 0.05).unwrap_or(0);
    let title = format!(
        "A fall of 5 % would liquidate longs of {} {currency}, a rise of 5 % shorts of {}",
        short(summary.long.within[five]),
        short(summary.short.within[five])
    );
    let width = reach / BARS as f64;
    let mut heights = vec![0.0; 2 * BARS];
    let mut beyond = [0.0; 2];
    for one in seen {
        let Some(away) = one.distance else {
            beyond[usize::from(!one.is_long)] += one.notional;
            continue;
        };
        let at = (away + reach) / width;
        // A float becomes a place in the list by counting: its size is known to be small.
        match (0..2 * BARS).find(|i| at >= *i as f64 && at < (*i + 1) as f64) {
            Some(i) => heights[i] += one.notional,
            None => beyond[usize::from(!one.is_long)] += one.notional,
        }
    }
    let tallest = heights.iter().copied().fold(0.0, f64::max);
    let mut layers: Vec<Layer> = Vec::new();
    for (i, &height) in heights.iter().enumerate().filter(|(_, height)| **height > 0.0) {
        let from = -reach + i as f64 * width;
        layers.push(Layer::Bar { from, to: from + width, height, colour: if i < BARS { LONG } else { SHORT } });
    }
    if tallest == 0.0 {
        layers.push(Layer::Note("nothing to draw: no position can be liquidated".into()));
    }
    layers.push(Layer::Upright { of: 2, x: 0.0, colour: Colour::INK, width: 2.5, dash: Dash::Solid });
    let mut legend = sides(
        format!("longs, {} beyond the left edge", short(beyond[0])),
        format!("shorts, {} beyond the right", short(beyond[1])),
    );
    legend.push((Swatch::Line(Colour::INK, Dash::Solid), "mark".into()));
    Plot {
        legend,
        x_name: "distance of the liquidation price from the mark".into(),
        y_name: format!("{currency} in each {}", percent(width)),
        x: Axis::distances(reach),
        y: Axis::amounts(0.0, tallest),
        y_scale: Scale::Amount,
        layers,
        ..plot(book, CHARTS[0], title, "Notional at the mark by the liquidation price that it opens with")
    }
}

/// Upper ends of the classes of leverage, and their names.
const CLASSES: [(f64, &str); 10] = [
    (1.0, "up to 1"),
    (2.0, "1–2"),
    (3.0, "2–3"),
    (5.0, "3–5"),
    (7.0, "5–7"),
    (10.0, "7–10"),
    (20.0, "10–20"),
    (50.0, "20–50"),
    (100.0, "50–100"),
    (f64::INFINITY, "above 100"),
];

/// Notional by effective leverage.
fn leverage(book: &Book, summary: &Summary, seen: &[Seen]) -> Plot {
    let total = summary.long.notional + summary.short.notional;
    let mut shares = [[0.0; 2]; CLASSES.len()];
    for one in seen {
        // Leverages of entry and mark alike: 10x that moved by a hair is 10x.
        let class = CLASSES.iter().position(|(end, _)| one.leverage() <= end * 1.001).unwrap_or(CLASSES.len() - 1);
        shares[class][usize::from(!one.is_long)] += one.notional / total.max(f64::MIN_POSITIVE);
    }
    let above: f64 = shares[6..].iter().flatten().sum();
    let title = match (summary.long.leverage, summary.short.leverage) {
        (Some(_), Some(_)) => format!(
            "{} of the notional stands above 10 times; longs together at {}, shorts at {}",
            percent(above),
            times(summary.long.leverage_of_all),
            times(summary.short.leverage_of_all)
        ),
        _ => format!("{} of the notional stands above 10 times", percent(above)),
    };
    let mut layers = Vec::new();
    for (i, share) in shares.iter().enumerate() {
        for (side, (from, colour)) in [(0.12, LONG), (0.5, SHORT)].into_iter().enumerate() {
            if share[side] > 0.0 {
                let from = i as f64 + from;
                layers.push(Layer::Bar { from, to: from + 0.38, height: share[side], colour });
            }
        }
    }
    let tallest = shares.iter().flatten().copied().fold(0.0, f64::max);
    Plot {
        legend: sides("longs".into(), "shorts".into()),
        x_name: "effective leverage, notional ÷ equity at the mark".into(),
        y_name: "share of all notional".into(),
        x: Axis::classes(&CLASSES.map(|(_, name)| name)),
        y: Axis::shares(tallest),
        x_scale: Scale::Number,
        layers,
        ..plot(book, CHARTS[1], title, "Leverage of positions, weighted by their notional")
    }
}

/// Share of the accounts with at least so much margin, on logarithmic axes.
fn size(book: &Book, summary: &Summary, seen: &[Seen]) -> Plot {
    let unit = book.header.cash_unit.to_f64();
    let mut margin: Vec<f64> = book.wallet.iter().map(|cash| cash.0 as f64 * unit).collect();
    for one in seen {
        margin[one.account as usize] += one.collateral;
    }
    margin.sort_by(|a, b| b.total_cmp(a));
    let n = margin.len().max(1) as f64;
    let points: Vec<(f64, f64)> = margin
        .iter()
        .enumerate()
        .filter(|(i, x)| **x > 0.0 && margin.get(i + 1).is_none_or(|next| next < *x))
        .map(|(i, x)| (libm::log10(*x), libm::log10((i + 1) as f64 / n)))
        .collect();
    let [_, _, median, _, _] = summary.margin;
    let title = format!(
        "Half of the accounts have {} {currency} or less, the largest {} times as much as the mean",
        short(median),
        short(summary.margin_max / summary.margin_mean.max(f64::MIN_POSITIVE)),
        currency = book.header.currency
    );
    let base =
        plot(book, CHARTS[2], title, "Share of the accounts with at least so much margin (collateral and wallet)");
    let (Some(last), Some(first)) = (points.first(), points.last()) else {
        return Plot { layers: vec![Layer::Note("nothing to draw: no account has margin".into())], ..base };
    };
    // Evenly along the axis, so that a picture of a million accounts has as few points as one of a thousand.
    let step = ((last.0 - first.0) / 400.0).max(1e-9);
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in &points {
        if kept.last().is_none_or(|before| before.0 - point.0 >= step) {
            kept.push(*point);
        }
    }
    kept.push(*first);
    kept.reverse();
    let ends = |exponent: f64| libm::exp(exponent * std::f64::consts::LN_10);
    let (low, high) = (ends(first.0), ends(last.0));
    Plot {
        legend: vec![(
            Swatch::Line(Colour::BLUE, Dash::Solid),
            format!("{} accounts", grouped(summary.accounts as f64, 0)),
        )],
        x_name: format!("margin of an account, {} (logarithmic)", book.header.currency),
        y_name: "share of the accounts (logarithmic)".into(),
        x: decades(low * 0.9, high * 1.1, short),
        y: decades(0.9 / n, 1.2, percent),
        x_scale: Scale::LogAmount,
        y_scale: Scale::LogShare,
        layers: vec![Layer::Curve {
            of: 0,
            x: kept.iter().map(|point| point.0).collect(),
            y: kept.iter().map(|point| point.1).collect(),
            colour: Colour::BLUE,
            width: 3.0,
            dash: Dash::Solid,
        }],
        ..base
    }
}

/// Lorenz curve of notional over accounts, the largest first.
fn concentration(book: &Book, summary: &Summary, seen: &[Seen]) -> Plot {
    let mut held = vec![0.0; book.wallet.len()];
    for one in seen {
        held[one.account as usize] += one.notional;
    }
    held.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = held.iter().sum();
    let n = held.len();
    let every = n.div_ceil(1_000).max(1);
    let (mut x, mut y, mut sum) = (vec![0.0], vec![0.0], 0.0);
    for (rank, notional) in held.iter().enumerate() {
        sum += notional;
        // The head in full: it is what decides.
        if rank < 200 || rank % every == 0 || rank + 1 == n {
            x.push((rank + 1) as f64 / n as f64);
            y.push(if total > 0.0 { sum / total } else { 0.0 });
        }
    }
    let title = format!(
        "The largest account holds {} of all notional, the largest 1 % hold {}",
        percent(summary.top[0]),
        percent(summary.top[2])
    );
    Plot {
        legend: vec![
            (Swatch::Line(Colour::BLUE, Dash::Solid), "notional held".into()),
            (Swatch::Line(Colour::GREY, Dash::Dashed), "if all held alike".into()),
        ],
        x_name: "share of the accounts, the largest first".into(),
        y_name: "share of all notional".into(),
        x: Axis { high: 1.0, ..Axis::shares(1.0) },
        y: Axis::shares(1.0),
        layers: Layer::lorenz(x, y, Colour::BLUE),
        ..plot(book, CHARTS[3], title, "Notional by account, both sides together (Lorenz curve)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::tests::assert_readable;
    use super::*;
    use crate::folder::book::tests::book;

    #[test]
    fn the_table_tells_the_book() {
        let book = book();
        insta::assert_snapshot!(text(&book, &book.summary(), Path::new("out")), @r"
    flash-crash: the book of path 0, seed 7, TOY at 100; amounts in USDT

                                      longs  shorts
      positions                           3       2
      notional at the mark              10k   6,000
      collateral                      3,150   1,000
      leverage of all together        3.51x   5.45x
      leverage, 10 % of the notional   2.5x      5x
      leverage, half of it             2.5x      5x
      leverage, 90 % of it             7.5x   6.67x
      largest position, share          60 %    67 %

      Open interest 10k; the makers hold 4,000 short.
      5 accounts with 831 each on average: a tenth has at most 55, half 200, nine tenths 3,000, the largest 3,000.
      Of all notional the largest account holds 38 %, the largest ten 100 %, the largest 1 % 38 %.

      Notional whose liquidation price lies within a distance of the mark:

      a move of   longs, down     shorts, up
      0.5 %           0 (0 %)        0 (0 %)
      1 %        1,000 (10 %)        0 (0 %)
      2 %        1,000 (10 %)        0 (0 %)
      3 %        1,000 (10 %)        0 (0 %)
      5 %        1,000 (10 %)   2,000 (33 %)
      7.5 %      1,000 (10 %)   2,000 (33 %)
      10 %       4,000 (40 %)   2,000 (33 %)
      15 %       4,000 (40 %)  6,000 (100 %)
      20 %       4,000 (40 %)  6,000 (100 %)
      30 %       4,000 (40 %)  6,000 (100 %)

    Written to out: book.csv (for `[accounts] file`), book.json; charts book_liquidations, book_leverage, book_size, book_concentration (.svg, .png)
    ");
    }

    #[test]
    fn charts_are_readable_of_a_few_accounts_of_one_and_of_none_that_can_be_liquidated() {
        let mut one = book();
        one.positions.truncate(1);
        let mut safe = book();
        safe.positions.retain(|held| held.liquidation.0 == 0);
        for book in [book(), one, safe] {
            let summary = book.summary();
            for (plot, name) in charts(&book, &summary).iter().zip(CHARTS) {
                assert_eq!(plot.name, name);
                assert_readable(&plot.scene());
            }
        }
    }

    #[test]
    fn bars_stand_where_the_liquidation_prices_are() {
        let book = book();
        let plot = &charts(&book, &book.summary())[0];
        assert_eq!(plot.title, "A fall of 5 % would liquidate longs of 1,000 USDT, a rise of 5 % shorts of 2,000");
        let bars: Vec<(f64, f64)> = plot
            .layers
            .iter()
            .filter_map(|layer| match layer {
                Layer::Bar { from, height, .. } => Some((libm::rint(from * 1e4) / 1e4, *height)),
                _ => None,
            })
            .collect();
        // A reach of 20 % in 40 bars of 0.5 %; the position that no fall reaches is beyond the edge.
        assert_eq!(bars, [(-0.08, 3_000.0), (-0.01, 1_000.0), (0.04, 2_000.0), (0.15, 4_000.0)]);
        assert!(plot.legend[0].1.contains("longs, 6,000 beyond"));
    }
}
