//! Every distribution against theory, and every fault it can find.

use std::sync::Arc;

use super::*;
use crate::fault::{Paint, Source};
use crate::market::math;
use crate::registry::{Node, Reading};
use crate::rng::{Purpose, Stream, open_unit};

/// A folder with one CSV file, and a reading that starts from it.
fn read(text: &str, csv: &str) -> (Option<Box<dyn Distribution>>, Reading) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.csv"), csv).unwrap();
    let source = Arc::new(Source { name: "x.toml".into(), text: format!("x = {text}\n") });
    let mut reading = Reading::new(Arc::clone(&source), folder.path());
    let node = Node::parse(&source, &mut reading.faults);
    let built = DISTRIBUTIONS.choose(node.get("x").unwrap(), &mut reading);
    (built, reading)
}

fn built(text: &str) -> Box<dyn Distribution> {
    built_on(text, "")
}

fn built_on(text: &str, csv: &str) -> Box<dyn Distribution> {
    let (built, reading) = read(text, csv);
    built.unwrap_or_else(|| panic!("{}", reading.faults.render(Paint::Plain)))
}

fn faults(text: &str, csv: &str) -> String {
    let (built, reading) = read(text, csv);
    assert!(built.is_none());
    reading.faults.render(Paint::Plain)
}

/// One of each kind, with the mean and the standard deviation that theory gives.
fn samples() -> Vec<(&'static str, String, f64, f64)> {
    let e = |x: f64| x.exp();
    // Cut normal: Johnson, Kotz, Balakrishnan, section 13.10; φ and Φ at the bounds −1 and 2.
    let phi = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mass = math::normal_cdf(2.0) - math::normal_cdf(-1.0);
    let shift = (phi(-1.0) - phi(2.0)) / mass;
    let spread = (1.0 + (-phi(-1.0) - 2.0 * phi(2.0)) / mass - shift * shift).sqrt();
    // Pareto with α = 1.5 between 1 and 100: c = 0.001; E X^k = α/(α − k)·(1 − c·100^k)/(1 − c).
    let moment = |k: f64| 1.5 / (1.5 - k) * (1.0 - 0.001 * 100f64.powf(k)) / 0.999;
    // Log-normal below 5,000 with a tail of a twentieth: E X^k of a part of a log-normal is
    // exp(kμ + k²σ²/2)·Φ(z − kσ)/Φ(z) (Johnson, Kotz, Balakrishnan, section 14.4); the tail is the Pareto's, scaled.
    let z = 5f64.ln();
    let body = |k: f64| 1_000f64.powf(k) * e(k * k / 2.0) * math::normal_cdf(z - k) / math::normal_cdf(z);
    let tail = |k: f64| 3.0 / (3.0 - k) * (1.0 - 4f64.powf(k) / 64.0) / (1.0 - 1.0 / 64.0);
    let both = |k: f64| 0.95 * body(k) + 0.05 * 5_000f64.powf(k) * tail(k);
    // Laplace with b = 0.8·√(½·10/365): E exp(kX) = 1/(1 − k²b²).
    let square = 0.64 * 5.0 / 365.0;
    vec![
        ("fixed", "10".into(), 10.0, 0.0),
        ("uniform", "{ kind = \"uniform\", min = -1, max = 3 }".into(), 1.0, 4.0 / 12f64.sqrt()),
        ("normal", "{ kind = \"normal\", mean = 5, sd = 2 }".into(), 5.0, 2.0),
        ("normal", "{ kind = \"normal\", mean = 5, sd = 2, min = 3, max = 9 }".into(), 5.0 + 2.0 * shift, 2.0 * spread),
        (
            "lognormal",
            "{ kind = \"lognormal\", median = 1000, sigma = 0.5 }".into(),
            1_000.0 * e(0.125),
            1_000.0 * e(0.125) * (e(0.25) - 1.0).sqrt(),
        ),
        (
            "pareto",
            "{ kind = \"pareto\", alpha = 1.5, min = 1, max = 100 }".into(),
            moment(1.0),
            (moment(2.0) - moment(1.0).powi(2)).sqrt(),
        ),
        ("discrete", "{ kind = \"discrete\", values = [20, 5, 10], weights = [1, 2, 1] }".into(), 10.0, 37.5f64.sqrt()),
        // Three samples 1, 2, 5: uniform on 1..2 and on 2..5, half each.
        (
            "empirical",
            "{ kind = \"empirical\", file = \"d.csv\", column = \"x\" }".into(),
            2.5,
            (23.0f64 / 3.0 - 6.25).sqrt(),
        ),
        (
            "lognormal_pareto",
            "{ kind = \"lognormal_pareto\", median = 1000, sigma = 1, tail_from = 5000, alpha = 3, max = 20_000, tail_share = \"5 %\" }".into(),
            both(1.0),
            (both(2.0) - both(1.0).powi(2)).sqrt(),
        ),
        (
            "aged_entry",
            "{ kind = \"aged_entry\", mean_age = \"10 d\", volatility = 0.8 }".into(),
            1.0 / (1.0 - square) - 1.0,
            (1.0 / (1.0 - 4.0 * square) - (1.0 - square).powi(-2)).sqrt(),
        ),
        // 0.5·U(0, 2) + 0.3·10 + 0.2·LN(100, 0.5): E X^k = 0.5·2^k/(k + 1) + 0.3·10^k + 0.2·100^k·exp(k²/8).
        ("mixture", MIXED.into(), mixed(1.0), (mixed(2.0) - mixed(1.0).powi(2)).sqrt()),
    ]
}

const MIXED: &str = "{ kind = \"mixture\", weights = [5, 3, 2], of = [{ kind = \"uniform\", min = 0, max = 2 }, 10, { kind = \"lognormal\", median = 100, sigma = 0.5 }] }";

fn mixed(k: f64) -> f64 {
    0.5 * 2f64.powf(k) / (k + 1.0) + 0.3 * 10f64.powf(k) + 0.2 * 100f64.powf(k) * (k * k / 8.0).exp()
}

const CSV: &str = "p,x\n0.1,5\n0.2,1\n0.9,2\n";

#[test]
fn every_kind_of_the_list_builds_and_has_the_moments_of_theory() {
    const DRAWS: usize = 400_000;
    let samples = samples();
    for entry in DISTRIBUTIONS.entries {
        assert!(samples.iter().any(|(kind, ..)| *kind == entry.kind), "{} has no sample here", entry.kind);
    }
    let (mut words, mut values) = (vec![0; DRAWS], vec![0.0; DRAWS]);
    for (column, (_, text, mean, sd)) in samples.iter().enumerate() {
        let distribution = built_on(text, CSV);
        let index = (0, u32::try_from(column).unwrap());
        Stream::new(11, Purpose::Population, index, 0).fill(&mut words);
        distribution.fill(&words, &mut values);
        let n = DRAWS as f64;
        let found = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - found).powi(2)).sum::<f64>() / n;
        // Four standard errors of a mean; 1.5 % for a spread, above four errors of the heaviest tail here.
        assert!((found - mean).abs() <= 4.0 * sd / n.sqrt() + 1e-12, "{text}: mean {found}, not {mean}");
        assert!((variance.sqrt() - sd).abs() <= 0.015 * sd + 1e-12, "{text}: sd {}, not {sd}", variance.sqrt());
        let (least, greatest) = distribution.support();
        assert!(values.iter().all(|x| (least..=greatest).contains(x)), "{text}");
    }
}

#[test]
fn a_column_is_the_quantiles_of_its_words_bit_for_bit_and_quantiles_never_fall() {
    let mut words = vec![0; 1_000];
    Stream::new(3, Purpose::Population, (0, 0), 0).fill(&mut words);
    words.extend([0, u64::MAX, 1 << 63, 1 << 56]);
    words.sort_unstable();
    let mut values = vec![0.0; words.len()];
    let mut texts: Vec<String> = samples().into_iter().map(|(_, text, ..)| text).collect();
    texts.push("{ kind = \"lognormal\", median = 1000, sigma = 2.9, min = 10, max = 1e9 }".into());
    texts.push("{ kind = \"lognormal\", median = 1, sigma = 1, min = 20 }".into());
    texts.push("{ kind = \"empirical\", file = \"d.csv\", column = \"x\", interpolation = \"log\" }".into());
    for text in texts {
        let distribution = built_on(&text, CSV);
        distribution.fill(&words, &mut values);
        for (&word, &value) in words.iter().zip(&values) {
            assert_eq!(value.to_bits(), distribution.quantile(open_unit(word)).to_bits(), "{text} at {word}");
        }
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{text}");
    }
}

#[test]
fn quantiles_are_those_worked_by_hand() {
    assert_eq!(built("{ kind = \"lognormal\", median = 1000, sigma = 2.9 }").quantile(0.5).round(), 1_000.0);
    let tail = built("{ kind = \"pareto\", alpha = 1, min = 1, max = 1e12 }");
    assert!((tail.quantile(0.99) - 100.0).abs() < 1e-6);
    let leverage = built("{ kind = \"discrete\", values = [20, 5, 10], weights = [1, 2, 1] }");
    assert_eq!([0.01, 0.5, 0.51, 0.75, 0.76].map(|u| leverage.quantile(u)), [5.0, 5.0, 10.0, 10.0, 20.0]);
    // Without a share of its own the tail takes over the log-normal's: 1 − Φ(1) above one standard deviation.
    let joined = built(
        "{ kind = \"lognormal_pareto\", median = 1000, sigma = 1, tail_from = 2718.281828459045, alpha = 1, max = 1e9 }",
    );
    let above = 1.0 - math::normal_cdf(1.0);
    assert!((joined.quantile(1.0 - above * 1.000_001) - 2_718.281_828).abs() < 0.01);
    assert!(
        (joined.quantile(1.0 - above / 10.0) - 27_182.818).abs() < 1.0,
        "one in ten of the tail lies ten times higher"
    );
    // Two years at a volatility of one: b = 1, so a quarter entered below half of the mark, a quarter above twice of it.
    let aged = built("{ kind = \"aged_entry\", mean_age = \"730 d\", volatility = 1 }");
    for (u, offset) in [(0.25, -0.5), (0.5, 0.0), (0.75, 1.0)] {
        assert!((aged.quantile(u) - offset).abs() < 1e-12, "{u}: {}", aged.quantile(u));
    }
    // Cut to one e-th on both sides: F = 1/(2e) and 1 − 1/(2e).
    let cut = built("{ kind = \"aged_entry\", mean_age = \"730 d\", volatility = 1, min = -0.5, max = 1 }");
    assert!((cut.quantile(1e-12) + 0.5).abs() < 1e-9 && (cut.quantile(1.0 - 1e-12) - 1.0).abs() < 1e-9);
    let equal = built("{ kind = \"discrete\", values = [1, 2] }");
    assert_eq!([0.5, 0.500_1].map(|u| equal.quantile(u)), [1.0, 2.0]);
}

#[test]
fn a_share_is_the_inverse_of_a_quantile_whether_known_or_searched_for() {
    let mut texts: Vec<String> = samples().into_iter().map(|(_, text, ..)| text).collect();
    texts.push("{ kind = \"normal\", mean = 0, sd = 1, min = 2, max = 3 }".into());
    texts.push("{ kind = \"lognormal\", median = 1000, sigma = 2.9, min = 10, max = 1e9 }".into());
    texts.push("{ kind = \"empirical\", file = \"d.csv\", column = \"x\", interpolation = \"log\" }".into());
    texts.push("{ kind = \"empirical\", file = \"d.csv\", column = \"x\", probability = \"q\" }".into());
    texts.push("{ kind = \"aged_entry\", mean_age = \"10 d\", volatility = 1, min = -0.2, max = 0.1 }".into());
    for text in texts {
        let distribution = built_on(&text, "q,x\n0.1,1\n0.2,1\n0.9,2\n0.95,5\n");
        let (least, greatest) = distribution.support();
        assert_eq!(distribution.share_at_most(greatest), 1.0, "{text}");
        assert_eq!(distribution.share_at_most(least - 1.0), 0.0, "{text}");
        for i in 1..200 {
            let u = f64::from(i) / 200.0;
            // On the values themselves, and beside them, where a distribution with atoms has nothing.
            for x in [distribution.quantile(u), distribution.quantile(u) + 1e-3] {
                let (known, searched) = (distribution.share_at_most(x), searched_share(&*distribution, x));
                // What is told by a value that may be off in its last digits moves by the slope.
                let slope = (searched_share(&*distribution, x + x.abs() * 1e-13) - searched).abs();
                let fits = (known - searched).abs() <= 1e-12 + 2.0 * slope
                    || (known - searched_share(&*distribution, x + x.abs() * 1e-13)).abs() <= 1e-12;
                assert!(fits, "{text}: {known}, not {searched} at {x}");
            }
        }
    }
}

/// Half in 0..2, three tenths at 10, a fifth log-normal of median 100, of which next to nothing lies below 10.
#[test]
fn a_mixture_is_inverted_to_the_last_digits() {
    let mixture = built(MIXED);
    let low = math::normal_cdf(2.0 * 0.1f64.ln());
    assert!((mixture.quantile(0.25) - 1.0).abs() < 1e-9, "next to nothing of the log-normal lies below 1");
    // The atom is met exactly, to both its ends; 0.2·low of the log-normal lies below it.
    for u in [0.5 + 0.2 * low + 1e-9, 0.6, 0.7, 0.8 + 0.2 * low - 1e-9] {
        assert_eq!(mixture.quantile(u), 10.0, "{u}");
    }
    assert!((mixture.quantile(0.9) / 100.0 - 1.0).abs() < 1e-14, "{}", mixture.quantile(0.9));
    // Far in the tail it is the log-normal's at 1 − 5(1 − u).
    let whales = built("{ kind = \"lognormal\", median = 100, sigma = 0.5 }");
    let ratio = mixture.quantile(1.0 - 1e-6) / whales.quantile(1.0 - 5e-6);
    assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    // A part without weight is not there, and parts of equal weight need none.
    let plain = built("{ kind = \"mixture\", of = [1, 3], weights = [1, 0] }");
    assert_eq!(plain.support(), (1.0, 1.0));
    let equal = built("{ kind = \"mixture\", of = [3, { kind = \"normal\", mean = -5, sd = 1 }] }");
    assert!((equal.quantile(0.25) + 5.0).abs() < 1e-14, "{}", equal.quantile(0.25));
    assert_eq!(equal.quantile(0.51), 3.0);
}

/// At the least x with F(x) ≥ u, F is at least u, and below it less: on a slope to the resolution of u, at an atom exactly.
#[test]
fn a_quantile_of_a_mixture_is_where_its_share_reaches_the_uniform() {
    let heavy = "{ kind = \"mixture\", of = [{ kind = \"lognormal\", median = 1000, sigma = 3 }, { kind = \"pareto\", alpha = 0.5, min = 1, max = 1e12 }, { kind = \"discrete\", values = [2, 5000] }, { kind = \"normal\", mean = -1e6, sd = 1 }], weights = [5, 2, 2, 1] }";
    for text in [MIXED, heavy] {
        let mixture = built(text);
        for i in 1..20_000 {
            let u = f64::from(i) / 20_000.0;
            let x = mixture.quantile(u);
            let (at, below) = (mixture.share_at_most(x), mixture.share_at_most(x.next_down()));
            assert!(at >= u - 1e-15 && below <= u + 1e-12, "{text}: {below} and {at} around {u} at {x}");
        }
    }
}

#[test]
fn recorded_quantiles_are_interpolated_and_held_beyond_their_ends() {
    let csv = "p,equity\n0.1,10\n0.5,100\n0.9,10000\n";
    let linear = built_on("{ kind = \"empirical\", file = \"d.csv\", column = \"equity\", probability = \"p\" }", csv);
    let log = built_on(
        "{ kind = \"empirical\", file = \"d.csv\", column = \"equity\", probability = \"p\", interpolation = \"log\" }",
        csv,
    );
    for (u, straight, geometric) in
        [(0.05, 10.0, 10.0), (0.3, 55.0, 31.622_776_601_683_79), (0.7, 5_050.0, 1_000.0), (0.95, 10_000.0, 10_000.0)]
    {
        assert!((linear.quantile(u) - straight).abs() < 1e-9 * straight, "{u}: {}", linear.quantile(u));
        assert!((log.quantile(u) - geometric).abs() < 1e-9 * geometric, "{u}: {}", log.quantile(u));
    }
}

#[test]
fn a_truncated_upper_tail_keeps_its_digits() {
    // P(Z > 7) and P(Z > 8): a difference of 1 − Φ would have no digit left.
    let (low, high) = (math::normal_cdf(-7.0), math::normal_cdf(-8.0));
    let cut = built("{ kind = \"normal\", mean = 0, sd = 1, min = 7, max = 8 }");
    let (_, reading) = read("{ kind = \"normal\", mean = 0, sd = 1, min = 7, max = 8 }", "");
    assert!(reading.faults.is_empty());
    let median = cut.quantile(0.5);
    assert!((math::normal_cdf(-median) / (0.5 * (low + high)) - 1.0).abs() < 1e-9, "{median}");
}

/// The same bytes for the same seed on every system: sums of the bit patterns of a million draws.
#[test]
fn a_million_draws_of_each_kind_keep_their_bits() {
    let (mut words, mut values) = (vec![0; 1_000_000], vec![0.0; 1_000_000]);
    Stream::new(20_251_010, Purpose::Population, (1, 1), 0).fill(&mut words);
    let mut found = String::new();
    for (kind, text, ..) in samples() {
        let distribution = built_on(&text, CSV);
        distribution.fill(&words, &mut values);
        let hash = values
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, x| (hash ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3));
        found.push_str(&format!("{kind} {hash:016x}\n"));
    }
    insta::assert_snapshot!(found, @r"
    fixed 7b55d72fba193025
    uniform 354e1e3efbea4ab4
    normal 4bea86d5aa99a9a5
    normal b8fd55e3b8a045bb
    lognormal 4fe84ef2f1be734f
    pareto f6fef92b968bf717
    discrete b085d72fba193025
    empirical feb92974e20d3d6c
    lognormal_pareto 7f82ac7f7505f9ba
    aged_entry e310c6f9bc18ae18
    mixture fec7bcbfd44190db
    ");
}

#[test]
fn wrong_parameters_are_located() {
    let text = [
        faults("{ kind = \"uniform\", min = 3, max = 1 }", ""),
        faults("{ kind = \"normal\", mean = 0, sd = 1, min = 50, max = 51 }", ""),
        faults("{ kind = \"lognormal\", median = 1, sigma = 1, min = 2, max = 2 }", ""),
        faults("{ kind = \"pareto\", alpha = 1, min = 2, max = 1 }", ""),
        faults("{ kind = \"discrete\", values = [1, 2], weights = [1] }", ""),
        faults("{ kind = \"discrete\", values = [1], weights = [0] }", ""),
        faults("{ kind = \"discrete\", values = [] }", ""),
        faults("{ kind = \"normal\", mean = nan, sd = 0 }", ""),
        faults("{ kind = \"logn\" }", ""),
        faults("{ kind = \"lognormal_pareto\", median = 1, sigma = 1, tail_from = 9, alpha = 1, max = 9 }", ""),
        faults(
            "{ kind = \"lognormal_pareto\", median = 1, sigma = 1, tail_from = 9, alpha = 1, max = 99, min = 9 }",
            "",
        ),
        faults("{ kind = \"aged_entry\", mean_age = \"1 d\", volatility = 1, min = 0.5, max = 0.4 }", ""),
        faults("{ kind = \"mixture\", of = [] }", ""),
        faults("{ kind = \"mixture\", of = [1, 2], weights = [1] }", ""),
        faults("{ kind = \"mixture\", of = [1, { kind = \"normale\" }], weights = [0, 0] }", ""),
        faults("{ kind = \"mixture\", of = [1, { kind = \"mixture\", of = [1] }] }", ""),
        faults("{ kind = \"mixture\", of = [1, { kind = \"uniform\", min = 0 }], weights = [1, -1] }", ""),
        faults("{ kind = \"mixture\", of = 3 }", ""),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: `max` = 1 lies below `min` = 3
     --> x.toml:1:40
      |
    1 | x = { kind = "uniform", min = 3, max = 1 }
      |                                        ^
      |
      = help: let `min` be at most `max`

    error: next to nothing of the distribution lies between `min` and `max`
     --> x.toml:1:58
      |
    1 | x = { kind = "normal", mean = 0, sd = 1, min = 50, max = 51 }
      |                                                          ^^
      |
      = help: widen `min` and `max`, or move the middle of the distribution between them

    error: `max` does not lie above `min`
     --> x.toml:1:65
      |
    1 | x = { kind = "lognormal", median = 1, sigma = 1, min = 2, max = 2 }
      |                                                                 ^
      |
      = help: let `min` be less than `max`

    error: `max` = 1 does not lie above `min` = 2
     --> x.toml:1:50
      |
    1 | x = { kind = "pareto", alpha = 1, min = 2, max = 1 }
      |                                                  ^
      |
      = help: let `min` be less than `max`

    error: there are 1 weights for 2 values
     --> x.toml:1:53
      |
    1 | x = { kind = "discrete", values = [1, 2], weights = [1] }
      |                                                     ^^^
      |
      = help: give each of the values one weight, in the same order

    error: the weights have no positive, finite sum
     --> x.toml:1:50
      |
    1 | x = { kind = "discrete", values = [1], weights = [0] }
      |                                                  ^^^
      |
      = help: let at least one weight be above 0

    error: `values` is empty
     --> x.toml:1:35
      |
    1 | x = { kind = "discrete", values = [] }
      |                                   ^^
      |
      = help: give at least one value

    error: `mean` cannot be nan
     --> x.toml:1:31
      |
    1 | x = { kind = "normal", mean = nan, sd = 0 }
      |                               ^^^
      |
      = help: it takes a number

    error: `sd` cannot be 0
     --> x.toml:1:41
      |
    1 | x = { kind = "normal", mean = nan, sd = 0 }
      |                                         ^
      |
      = help: it takes a number above 0

    error: unknown distribution "logn"
     --> x.toml:1:14
      |
    1 | x = { kind = "logn" }
      |              ^^^^^^
      |
      = help: a distribution { kind = … }, one of fixed, uniform, normal, lognormal, pareto, lognormal_pareto, aged_entry, discrete, empirical, mixture; a bare value means kind = "fixed"

    error: `max` = 9 does not lie above `tail_from` = 9
     --> x.toml:1:89
      |
    1 | x = { kind = "lognormal_pareto", median = 1, sigma = 1, tail_from = 9, alpha = 1, max = 9 }
      |                                                                                         ^
      |
      = help: let `tail_from` be less than `max`

    error: `min` does not lie below `tail_from` = 9
     --> x.toml:1:99
      |
    1 | x = { kind = "lognormal_pareto", median = 1, sigma = 1, tail_from = 9, alpha = 1, max = 99, min = 9 }
      |                                                                                                   ^
      |
      = help: let `min` be less than `tail_from`

    error: next to nothing of the distribution lies between `min` and `max`
     --> x.toml:1:79
      |
    1 | x = { kind = "aged_entry", mean_age = "1 d", volatility = 1, min = 0.5, max = 0.4 }
      |                                                                               ^^^
      |
      = help: let `min` lie below 0 and `max` above it

    error: `of` is empty
     --> x.toml:1:30
      |
    1 | x = { kind = "mixture", of = [] }
      |                              ^^
      |
      = help: give at least one distribution

    error: there are 1 weights for 2 distributions
     --> x.toml:1:48
      |
    1 | x = { kind = "mixture", of = [1, 2], weights = [1] }
      |                                                ^^^
      |
      = help: give each of the distributions one weight, in the same order

    error: unknown distribution "normale"
     --> x.toml:1:43
      |
    1 | x = { kind = "mixture", of = [1, { kind = "normale" }], weights = [0, 0] }
      |                                           ^^^^^^^^^
      |
      = help: did you mean "normal"?

    error: the weights have no positive, finite sum
     --> x.toml:1:67
      |
    1 | x = { kind = "mixture", of = [1, { kind = "normale" }], weights = [0, 0] }
      |                                                                   ^^^^^^
      |
      = help: let at least one weight be above 0

    error: a mixture in a mixture
     --> x.toml:1:43
      |
    1 | x = { kind = "mixture", of = [1, { kind = "mixture", of = [1] }] }
      |                                           ^^^^^^^^^
      |
      = help: list its distributions in the outer one, each with the product of both weights

    error: `weights` cannot be -1
     --> x.toml:1:80
      |
    1 | x = { kind = "mixture", of = [1, { kind = "uniform", min = 0 }], weights = [1, -1] }
      |                                                                                ^^
      |
      = help: it takes a number of 0 or more

    error: `of` cannot be 3
     --> x.toml:1:30
      |
    1 | x = { kind = "mixture", of = 3 }
      |                              ^
      |
      = help: it takes a list, each a part of a mixture { kind = … }, one of fixed, uniform, normal, lognormal, pareto, lognormal_pareto, aged_entry, discrete, empirical; a bare value means kind = "fixed"
    "#);
}

#[test]
fn wrong_files_are_located_to_the_cell() {
    let plain = "{ kind = \"empirical\", file = \"d.csv\", column = \"x\" }";
    let with =
        "{ kind = \"empirical\", file = \"d.csv\", column = \"x\", probability = \"p\", interpolation = \"log\" }";
    let text = [
        faults(plain, ""),
        faults(plain, "x\n"),
        faults(plain, "y,z\n1,2\n"),
        faults(plain, "x,y\n1,2\nabc,3\n4\n,5\nNaN,6\n"),
        faults(with, "p,x\n0.5,1\n0.5,2\n1.5,3\n0.9,0.5\n0.95,-1\n"),
    ]
    .concat();
    insta::assert_snapshot!(text, @r#"
    error: `d.csv` is empty
     --> d.csv:1:1
      |
    1 |
      | ^
      |
      = help: a header and at least one row are expected

    error: `d.csv` has no row
     --> d.csv:1:1
      |
    1 | x
      | ^
      |
      = help: at least one row below the header is expected

    error: `d.csv` has no column `x`
     --> x.toml:1:52
      |
    1 | x = { kind = "empirical", file = "d.csv", column = "x" }
      |                                                    ^^^
      |
      = help: did you mean `y`?

    error: `x` cannot be "abc"
     --> d.csv:3:1
      |
    3 | abc,3
      | ^^^
      |
      = help: a finite number is expected

    error: this row has 1 cells and the header 2
     --> d.csv:4:1
      |
    4 | 4
      | ^
      |
      = help: give every row a cell for every column

    error: `x` is empty here
     --> d.csv:5:1
      |
    5 | ,5
      | ^
      |
      = help: a finite number is expected

    error: `x` cannot be "NaN"
     --> d.csv:6:1
      |
    6 | NaN,6
      | ^^^
      |
      = help: a finite number is expected

    error: `p` = 0.5 does not lie above the 0.5 of the row before
     --> d.csv:3:1
      |
    3 | 0.5,2
      | ^^^
      |
      = help: sort the rows by probability and give each once

    error: `p` = 1.5 is no probability
     --> d.csv:4:1
      |
    4 | 1.5,3
      | ^^^
      |
      = help: a number from 0 to 1 is expected

    error: 0.5 at probability 0.9 lies below the 2 at 0.5
     --> d.csv:5:5
      |
    5 | 0.9,0.5
      |     ^^^
      |
      = help: quantiles never fall as the probability rises

    error: `x` = -1 has no logarithm
     --> d.csv:6:6
      |
    6 | 0.95,-1
      |      ^^
      |
      = help: leave such rows out, or use interpolation = "linear"

    error: -1 at probability 0.95 lies below the 0.5 at 0.9
     --> d.csv:6:6
      |
    6 | 0.95,-1
      |      ^^
      |
      = help: quantiles never fall as the probability rises
    "#);
}

#[test]
fn a_missing_file_is_a_fault_at_its_name() {
    let text = faults("{ kind = \"empirical\", file = \"none.csv\", column = \"x\" }", "");
    assert!(text.contains("cannot read `none.csv`") && text.contains("x.toml:1:34"), "{text}");
}

#[test]
fn a_file_of_faults_is_cut_at_a_hundred() {
    let csv = format!("x\n{}", "word\n".repeat(5_000));
    let (_, reading) = read("{ kind = \"empirical\", file = \"d.csv\", column = \"x\" }", &csv);
    assert_eq!(reading.faults.len(), 100);
    assert!(reading.faults.render(Paint::Plain).contains("faults after this row are not listed"));
}
