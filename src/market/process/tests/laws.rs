//! Moments, autocorrelations and jump rates against theory, each within its 99 % interval.

use super::*;

const DAY_S: f64 = 86_400.0;

/// The mean of independent values has this 99 % interval around it.
fn within(values: impl IntoIterator<Item = f64>, wanted: f64, what: &str) {
    let values: Vec<f64> = values.into_iter().collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
    let off = (mean - wanted) / spread;
    assert!(off.abs() < 2.576, "{what}: {mean:e} ± {spread:e}, not {wanted:e} ({off:.1} standard errors)");
    // An interval that reaches far beyond what it should find would prove nothing.
    assert!(spread < 0.15 * wanted.abs().max(1e-300) || wanted == 0.0, "{what}: {mean:e} ± {spread:e} is too wide");
}

fn ends(process: &dyn PriceProcess, grid: Grid, paths: u64) -> Vec<f64> {
    (0..paths).map(|i| path(process, grid, Direction::Down, i)[grid.steps]).collect()
}

fn variance(values: &[f64]) -> impl Iterator<Item = f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(move |x| (x - mean).powi(2))
}

#[test]
fn kou_jumps_have_their_rate_and_moments() {
    // One day of λ = 3, p = 0.4, u = 0.05, d = 0.1.
    let process = built(
        "{ kind = \"jump_diffusion\", volatility = 0, intensity = 3, jump_law = \"double_exponential\", up_share = 0.4, \
         up_mean = 0.05, down_mean = 0.1 }",
    );
    let grid = Grid { step: MINUTE * 120, steps: 12 };
    let ends = ends(process.as_ref(), grid, 30_000);
    let growth = 0.4 / 0.95 + 0.6 / 1.1 - 1.0;
    let drift = -3.0 * growth;
    let still = ends.iter().map(|x| f64::from(u8::from((x - drift).abs() < 1e-12)));
    within(still, (-3.0_f64).exp(), "share of days without a jump");
    within(ends.iter().copied(), drift + 3.0 * (0.4 * 0.05 - 0.6 * 0.1), "mean");
    let second = 2.0 * (0.4 * 0.05 * 0.05 + 0.6 * 0.1 * 0.1);
    within(variance(&ends), 3.0 * second, "variance");
    within(ends.iter().map(|x| x.exp()), 1.0, "expected price");
    let rate = 3.0 * second / DAY_S;
    assert!((process.variance_rate() / rate - 1.0).abs() < 1e-12);
    // Third cumulant: λ·6·(p·u³ − (1 − p)·d³).
    let mean = ends.iter().sum::<f64>() / ends.len() as f64;
    let third = 3.0 * 6.0 * (0.4 * 0.05_f64.powi(3) - 0.6 * 0.1_f64.powi(3));
    within(ends.iter().map(|x| (x - mean).powi(3)), third, "third cumulant");
}

#[test]
fn merton_jumps_come_at_their_rate() {
    let process =
        built("{ kind = \"jump_diffusion\", volatility = 0, intensity = 2, jump_mean = -0.05, jump_sd = 0.1 }");
    let grid = Grid { step: MINUTE * 1_440, steps: 1 };
    let drift = -2.0 * ((-0.05_f64 + 0.005).exp() - 1.0);
    let still =
        ends(process.as_ref(), grid, 20_000).into_iter().map(|x| f64::from(u8::from((x - drift).abs() < 1e-12)));
    within(still, (-2.0_f64).exp(), "share of days without a jump");
}

/// Heston over a day: v₀ = θ = 0.64, κ = ln 2 a 6 hours.
const HESTON: &str =
    "{ kind = \"stochastic_volatility\", volatility = 0.8, half_life = \"6 h\", vol_of_vol = 20, correlation = -0.6 }";

#[test]
fn heston_returns_have_the_moments_of_theory() {
    let process = built(HESTON);
    let grid = Grid { step: MINUTE * 5, steps: 288 };
    let paths: Vec<Vec<f64>> = (0..12_000).map(|i| path(process.as_ref(), grid, Direction::Down, i)).collect();
    let ends: Vec<f64> = paths.iter().map(|path| path[288]).collect();
    let (theta, xi, rho, t) = (0.64, 20.0, -0.6, 1.0 / 365.0);
    let kappa = std::f64::consts::LN_2 * 4.0 * 365.0;
    let gone = |x: f64| 1.0 - (-kappa * x).exp();
    // X = −½∫v + ∫√v dB, so Var X = E∫v + ¼·Var ∫v − Cov(∫v, ∫√v dB).
    let covariance = xi * rho * theta / kappa * (t - gone(t) / kappa);
    let spread = theta * xi * xi / (kappa * kappa)
        * (t - gone(t) / kappa - gone(2.0 * t) / (2.0 * kappa) + (-kappa * t).exp() * gone(t) / kappa);
    within(variance(&ends), theta * t + 0.25 * spread - covariance, "variance of a day");
    within(ends.iter().map(|x| x.exp()), 1.0, "expected price");
    // The leverage effect: returns of the first half with squared returns of the second.
    let half = 0.5 * t;
    let lean = xi * rho * theta * (gone(half) / kappa).powi(2);
    within(paths.iter().map(|path| path[144] * (path[288] - path[144]).powi(2)), lean, "leverage");
}

#[test]
fn heston_variance_returns_to_its_mean() {
    let process = built(
        "{ kind = \"stochastic_volatility\", volatility = 0.8, start_volatility = 2.4, half_life = \"6 h\", vol_of_vol = 20, \
         correlation = 0 }",
    );
    let grid = Grid { step: MINUTE * 5, steps: 288 };
    let paths: Vec<Vec<f64>> = (0..6_000).map(|i| path(process.as_ref(), grid, Direction::Down, i)).collect();
    let kappa = std::f64::consts::LN_2 * 4.0 * 365.0;
    for (from, to) in [(0, 72), (72, 144), (216, 288)] {
        let at = |i: usize| (-kappa * i as f64 / 288.0 / 365.0).exp();
        let mean = 0.64 * (to - from) as f64 / 288.0 / 365.0 + (5.76 - 0.64) * (at(from) - at(to)) / kappa;
        within(paths.iter().map(|path| (path[to] - path[from]).powi(2)), mean, &format!("{from} to {to}"));
    }
}

#[test]
fn bates_adds_jumps_of_its_rate_to_heston() {
    let with = format!("{}, intensity = 4, jump_mean = -0.02, jump_sd = 0.03 }}", HESTON.trim_end_matches(" }"));
    let grid = Grid { step: MINUTE * 60, steps: 24 };
    let (plain, jumping) = (built(HESTON), built(&with));
    let jumps: Vec<f64> = ends(jumping.as_ref(), grid, 20_000)
        .iter()
        .zip(ends(plain.as_ref(), grid, 20_000))
        .map(|(with, without)| with - without)
        .collect();
    let growth = (-0.02_f64 + 0.5 * 0.0009).exp() - 1.0;
    within(jumps.iter().map(|x| x + 4.0 * growth), -0.08, "mean of the jumps");
    within(variance(&jumps), 4.0 * (0.0004 + 0.0009), "variance of the jumps");
    within(jumps.iter().map(|x| f64::from(u8::from((x + 4.0 * growth).abs() < 1e-9))), (-4.0_f64).exp(), "no jump");
}

#[test]
fn garch_returns_have_the_kurtosis_and_the_clusters_of_theory() {
    let (alpha, beta, nu): (f64, f64, f64) = (0.08, 0.85, 10.0);
    let process = built(
        "{ kind = \"garch\", volatility = 1.0, interval = \"1 min\", alpha = 0.08, beta = 0.85, degrees_of_freedom = 10 }",
    );
    // 30 s steps: each return covers two of them. The first 400 returns forget the start.
    let grid = Grid { step: Nanos::SECOND * 30, steps: 4_800 };
    let paths = 400;
    let variance = 60.0 / 31_536_000.0;
    let (mut second, mut fourth, mut lags) = (vec![], vec![], [vec![], vec![], vec![]]);
    for i in 0..paths {
        let ends: Vec<f64> = path(process.as_ref(), grid, Direction::Down, i).into_iter().step_by(2).collect();
        let squares: Vec<f64> = ends.windows(2).skip(400).map(|pair| (pair[1] - pair[0]).powi(2) / variance).collect();
        let n = squares.len() as f64;
        second.push(squares.iter().sum::<f64>() / n);
        fourth.push(squares.iter().map(|x| x * x).sum::<f64>() / n);
        for (lag, found) in (1..).zip(&mut lags) {
            let products = squares.windows(lag + 1).map(|x| x[0] * x[lag]);
            found.push(products.sum::<f64>() / (n - lag as f64));
        }
    }
    let tail = 3.0 * (nu - 2.0) / (nu - 4.0);
    let sum = (alpha + beta).powi(2);
    let kurtosis = tail * (1.0 - sum) / (1.0 - sum - (tail - 1.0) * alpha * alpha);
    within(second, 1.0, "variance");
    within(fourth, kurtosis, "kurtosis");
    let first = alpha * (1.0 - alpha * beta - beta * beta) / (1.0 - 2.0 * alpha * beta - beta * beta);
    for (lag, found) in (0..).zip(lags) {
        let autocorrelation = first * (alpha + beta).powi(lag);
        within(found, 1.0 + autocorrelation * (kurtosis - 1.0), &format!("squares at lag {}", lag + 1));
    }
}

#[test]
fn student_innovations_of_odd_and_even_degrees_have_their_tails() {
    for (nu, kurtosis) in [(9_u32, 3.0 * 7.0 / 5.0), (12, 3.0 * 10.0 / 8.0)] {
        let text = format!(
            "{{ kind = \"garch\", volatility = 1, interval = \"1 s\", alpha = 0, beta = 0, degrees_of_freedom = {nu} }}"
        );
        let path = path(built(&text).as_ref(), Grid { step: Nanos::SECOND, steps: 400_000 }, Direction::Down, 0);
        let returns: Vec<f64> = path.windows(2).map(|pair| (pair[1] - pair[0]) * 31_536_000_f64.sqrt()).collect();
        within(returns.iter().map(|x| x * x), 1.0, &format!("variance, ν = {nu}"));
        within(returns.iter().map(|x| x.powi(4)), kurtosis, &format!("kurtosis, ν = {nu}"));
    }
}

#[test]
fn hawkes_jumps_have_the_mean_and_the_overdispersion_of_theory() {
    // λ₀ = 0.02 a second, n = 0.6, δ = ln 2 a minute, over 20 minutes; all jumps of −1 %, so they can be counted.
    let process = built(
        "{ kind = \"hawkes_jumps\", volatility = 0, intensity = 1728, branching = 0.6, half_life = \"1 min\", jump_mean = -0.01, \
         jump_sd = 0 }",
    );
    let grid = Grid { step: Nanos::SECOND, steps: 1_200 };
    let (mut counts, mut prices) = (vec![], vec![]);
    for i in 0..6_000 {
        let path = path(process.as_ref(), grid, Direction::Down, i);
        counts.push(path.windows(2).map(|pair| ((pair[1] - pair[0]) / -0.01).round()).sum::<f64>());
        prices.push(path[1_200].exp());
    }
    let t = 1_200.0;
    let (base, n, delta) = (0.02, 0.6, std::f64::consts::LN_2 / 60.0);
    let mean = base / (1.0 - n);
    within(counts.iter().copied(), mean * t, "number of jumps");
    // With λ at its mean at the start: Var N = λ̄T + 2∫C, C' = V − k·C + α·λ̄, V = α²λ̄/(2k)·(1 − e^(−2kt)), k = δ − α.
    let (alpha, k) = (n * delta, (1.0 - n) * delta);
    let v = alpha * alpha * mean / (2.0 * k);
    let gone = |rate: f64| (1.0 - (-rate * t).exp()) / rate;
    let integral = (v + alpha * mean) / k * (t - gone(k)) - v / k * (gone(k) - gone(2.0 * k));
    within(variance(&counts), mean * t + 2.0 * integral, "variance of the number of jumps");
    assert!(mean * t + 2.0 * integral > 4.0 * mean * t, "far from a Poisson process");
    within(prices, 1.0, "expected price");
}

#[test]
fn hawkes_jumps_without_excitement_are_those_of_poisson() {
    let process = built(
        "{ kind = \"hawkes_jumps\", volatility = 0, intensity = 172.8, branching = 0.9, half_life = \"5 min\", start = \"base\", \
         jump_mean = -0.01, jump_sd = 0 }",
    );
    // Before the first jump the intensity is λ₀ = 0.002 a second: e^(−1.2) of paths have none within ten minutes, and
    // then ln I has risen by what is taken out of the drift.
    let grid = Grid { step: Nanos::SECOND * 600, steps: 1 };
    let risen = 1.2 * (1.0 - (-0.01_f64).exp());
    let still =
        ends(process.as_ref(), grid, 20_000).into_iter().map(|x| f64::from(u8::from((x - risen).abs() < 1e-12)));
    within(still, (-1.2_f64).exp(), "share without a jump");
}

#[test]
fn regimes_last_as_long_and_cluster_as_theory_says() {
    // σ = 0.5 for 20 minutes on average, then 4 for 5 minutes.
    let process = built(
        "{ kind = \"regime_switching\", start = \"stationary\", regimes = [{ volatility = 0.5, duration = \"20 min\" }, \
         { volatility = 4, duration = \"5 min\" }] }",
    );
    let grid = Grid { step: Nanos::SECOND * 30, steps: 20 };
    let year = 31_536_000.0;
    let (calm, panic, share) = (0.25 / year, 16.0 / year, 0.2);
    let mean = (1.0 - share) * calm + share * panic;
    assert!((process.variance_rate() / mean - 1.0).abs() < 1e-12);
    let paths: Vec<Vec<f64>> = (0..40_000).map(|i| path(process.as_ref(), grid, Direction::Down, i)).collect();
    within(paths.iter().map(|x| x[20].powi(2)), mean * 600.0, "variance");
    // Squared returns of the first and the last two minutes, eight minutes apart.
    let rate = 1.0 / 1_200.0 + 1.0 / 300.0;
    let overlap = ((1.0 - (-rate * 120.0_f64).exp()) / rate).powi(2) * (-rate * (480.0 - 120.0_f64)).exp();
    let both = (mean * 120.0).powi(2) + share * (1.0 - share) * (panic - calm).powi(2) * overlap;
    let found = paths.iter().map(|x| x[4].powi(2) * (x[20] - x[16]).powi(2));
    within(found, both, "squares eight minutes apart");
}

#[test]
fn three_regimes_take_their_shares_of_time() {
    // Without noise the drift tells the regime. Weights 1, 2, 3; π ∝ w·(6 − w)·d: 5·60, 8·30, 9·20.
    let process = built(
        "{ kind = \"regime_switching\", start = \"stationary\", regimes = [\
         { volatility = 0, drift = 1, duration = \"60 s\" }, { volatility = 0, drift = 10, duration = \"30 s\", weight = 2 }, \
         { volatility = 0, drift = 100, duration = \"20 s\", weight = 3 }] }",
    );
    let grid = Grid { step: Nanos::SECOND * 7, steps: 60 };
    let ends = ends(process.as_ref(), grid, 20_000);
    let shares = [300.0 / 720.0, 240.0 / 720.0, 180.0 / 720.0];
    let mean = (shares[0] + 10.0 * shares[1] + 100.0 * shares[2]) * 420.0 / 31_536_000.0;
    within(ends, mean, "mean drift");
    let first = built(process_text_started_first());
    let still = (0..20_000).map(|i| {
        let x = path(first.as_ref(), Grid { step: Nanos::SECOND * 60, steps: 1 }, Direction::Down, i)[1];
        f64::from(u8::from((x - 60.0 / 31_536_000.0).abs() < 1e-15))
    });
    within(still, (-1.0_f64).exp(), "still in the first regime");
}

fn process_text_started_first() -> &'static str {
    "{ kind = \"regime_switching\", regimes = [{ volatility = 0, drift = 1, duration = \"60 s\" }, \
     { volatility = 0, drift = 10, duration = \"30 s\" }, { volatility = 0, drift = 100, duration = \"20 s\" }] }"
}

#[test]
fn halving_the_step_keeps_the_path_of_every_process_that_has_a_clock_of_its_own() {
    for text in [
        HESTON,
        "{ kind = \"garch\", interval = \"30 s\" }",
        "{ kind = \"hawkes_jumps\", intensity = 2000 }",
        "{ kind = \"jump_diffusion\", intensity = 2000, jump_law = \"double_exponential\" }",
        "{ kind = \"flash_crash\", drop = 0.2, duration = 200, shape = \"grind\" }",
    ] {
        let process = built(text);
        let mark = Nanos::SECOND * 2;
        let coarse = Grid { step: mark, steps: 300 };
        let coarse = path_of_marks(process.as_ref(), coarse, mark, Direction::Down, 5);
        for by in [2, 4, 8] {
            let fine = Grid { step: Nanos(mark.0 / by), steps: usize::try_from(300 * by).unwrap() };
            let fine = path_of_marks(process.as_ref(), fine, mark, Direction::Down, 5);
            for (i, (a, b)) in coarse.iter().zip(fine.iter().step_by(usize::try_from(by).unwrap())).enumerate() {
                assert!((a - b).abs() < 1e-11, "{text}: by {by}, point {i}: {a} against {b}");
            }
        }
    }
}

#[test]
fn regimes_switch_at_the_same_times_whatever_the_step() {
    let process = built(process_text_started_first());
    let coarse = path(process.as_ref(), Grid { step: Nanos::SECOND * 8, steps: 100 }, Direction::Down, 2);
    let fine = path(process.as_ref(), Grid { step: Nanos::SECOND, steps: 800 }, Direction::Down, 2);
    for (i, x) in coarse.iter().enumerate() {
        assert!((x - fine[8 * i]).abs() < 1e-15);
    }
}

#[test]
fn a_two_stage_crash_rests_on_its_plateau_and_a_grind_falls_in_legs() {
    let grid = Grid { step: Nanos::SECOND, steps: 1_000 };
    let crash = |keys: &str| {
        let text = format!(
            "{{ kind = \"flash_crash\", volatility = 0, drop = 0.2, duration = 1000, recovery_share = 0, {keys} }}"
        );
        path(built(&text).as_ref(), grid, Direction::Down, 0).into_iter().map(|x| x / 0.8_f64.ln()).collect::<Vec<_>>()
    };
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}, not {wanted}");
    // Stages of 300 s with a plateau of 400 s between them; 0.25 of a stage's fall after half of it.
    let staged = crash("shape = \"two_stage\", first_share = 0.6, plateau = 0.4");
    for (at, wanted) in [(150, 0.15), (300, 0.6), (500, 0.6), (700, 0.6), (850, 0.7), (1_000, 1.0)] {
        near(staged[at], wanted);
    }
    let grind = crash("shape = \"grind\", legs = 4");
    for (at, wanted) in [(125, 0.125), (250, 0.25), (375, 0.375), (500, 0.5), (1_000, 1.0)] {
        near(grind[at], wanted);
    }
    // A quarter through a leg 5/32 of it is done.
    near(grind[312], 0.25 + 0.25 * 0.248_f64.powi(2) * (3.0 - 2.0 * 0.248));
    assert!(grind.windows(2).all(|pair| pair[1] >= pair[0]));
}

#[test]
fn a_drawn_half_life_is_drawn_and_a_fixed_one_of_the_same_length_is_the_same() {
    let grid = Grid { step: Nanos::SECOND, steps: 100 };
    let crash = |half_life: &str| {
        built(&format!(
            "{{ kind = \"flash_crash\", volatility = 0, drop = 0.2, duration = 0, recovery_share = 1, {half_life} }}"
        ))
    };
    let fixed = path(crash("recovery_half_life = \"100 s\"").as_ref(), grid, Direction::Down, 1);
    assert_eq!(fixed, path(crash("drawn_half_life = 100").as_ref(), grid, Direction::Down, 1));
    let drawn = crash("drawn_half_life = { kind = \"discrete\", values = [50, 100], weights = [1, 3] }");
    let halves = (0..4_000).map(|i| {
        let left = path(drawn.as_ref(), grid, Direction::Down, i)[100] / 0.8_f64.ln();
        let short = (left - 0.25).abs() < 1e-9;
        assert!(short || (left - 0.5).abs() < 1e-9, "{left}");
        f64::from(u8::from(short))
    });
    within(halves, 0.25, "share of short half-lives");
    let text = faults("{ kind = \"flash_crash\", drop = 0.1, duration = 9, drawn_half_life = 0 }", "");
    assert!(text.contains("`drawn_half_life` can become 0"), "{text}");
}

/// Bars of a minute whose returns say which they are: bar i closes at (i + 1) thousandths above its open.
fn told_bars(bars: u32) -> String {
    let mut text = "time_utc,open,high,low,close\n".to_owned();
    let mut open = 100.0;
    for i in 0..bars {
        let close = open * (f64::from(i + 1) / 1_000.0).exp();
        text.push_str(&format!("{},{open},{close},{open},{close}\n", 60 * i));
        open = close;
    }
    text
}

#[test]
fn a_bootstrap_joins_blocks_of_consecutive_bars_that_start_anywhere() {
    let process = built_on("{ kind = \"replay\", file = \"bars.csv\", block = \"4 min\" }", &told_bars(10));
    // Fine enough for every knot of a bar.
    let grid = Grid { step: Nanos::SECOND * 20, steps: 120 };
    let mut starts = vec![];
    for i in 0..3_000 {
        let closes: Vec<f64> = path(process.as_ref(), grid, Direction::Down, i).into_iter().step_by(3).collect();
        let bars: Vec<f64> = closes.windows(2).map(|pair| ((pair[1] - pair[0]) * 1_000.0).round() - 1.0).collect();
        for block in bars.chunks(4) {
            for pair in block.windows(2) {
                assert_eq!((pair[0] + 1.0).rem_euclid(10.0), pair[1], "{bars:?}");
            }
            starts.push(block[0]);
        }
    }
    for bar in 0..10 {
        let hits = starts.iter().map(|start| f64::from(u8::from((start - f64::from(bar)).abs() < 0.5)));
        let n = hits.clone().count() as f64;
        let share = hits.sum::<f64>() / n;
        // Ten shares at once: four standard errors of 0.1 each.
        assert!((share - 0.1).abs() < 4.0 * (0.09 / n).sqrt(), "bar {bar}: {share}");
    }
    // The record itself is another thing.
    let recorded = path(built_on(REPLAY, &told_bars(10)).as_ref(), grid, Direction::Down, 0);
    assert!((recorded[120] - 0.055).abs() < 1e-12 && (recorded[9] - 0.006).abs() < 1e-12);
}

#[test]
fn gaps_are_refused_or_held_as_asked() {
    let csv = "time_utc,open,high,low,close\n0,100,101,99,100\n60,100,101,99,100\n120,100,100,90,90\n300,80,80,70,70\n";
    let refused = faults(REPLAY, csv);
    assert!(refused.contains("bars.csv:5:1") && refused.contains("starts 180 s after"), "{refused}");
    let process = built_on("{ kind = \"replay\", file = \"bars.csv\", gaps = \"hold\" }", csv);
    let held = path(process.as_ref(), Grid { step: MINUTE, steps: 6 }, Direction::Down, 0);
    for (at, price) in [(3, 90.0), (4, 90.0), (6, 70.0)] {
        assert!((held[at] - (price / 100.0_f64).ln()).abs() < 1e-12, "{at}: {}", held[at].exp());
    }
    // Not a whole number of bars, and more bars than anybody has.
    for (time, wanted) in [("290", "starts 170 s after"), ("9000000000", "bars are missing above this one")] {
        let text = faults(
            "{ kind = \"replay\", file = \"bars.csv\", gaps = \"hold\" }",
            &csv.replace("300,", &format!("{time},")),
        );
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn faults_are_located_in_the_last_of_a_million_rows() {
    let mut csv = "time_utc,open,high,low,close\n".to_owned();
    for i in 0..1_000_000 {
        csv.push_str(&format!("{},100,101,99,100\n", 60 * i));
    }
    let started = std::time::Instant::now();
    assert!(built_on(REPLAY, &csv).variance_rate() == 0.0);
    csv.push_str("59999940,100,101,99,NaN\n");
    let text = faults(REPLAY, &csv);
    assert!(text.contains("bars.csv:1000002:1") && text.contains("this bar stands twice"), "{text}");
    assert!(text.contains("bars.csv:1000002:21") && text.contains("`close` cannot be \"NaN\""), "{text}");
    // Seconds on a slow machine without optimisation; a quadratic reader would take hours.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn wrong_parameters_of_the_further_processes_are_located() {
    let text = [
        faults("{ kind = \"garch\", alpha = 0.2, beta = 0.8 }", ""),
        faults("{ kind = \"garch\", degrees_of_freedom = 2.5 }", ""),
        faults("{ kind = \"hawkes_jumps\", branching = 1 }", ""),
        faults("{ kind = \"regime_switching\", regimes = [{ duration = \"1 s\" }] }", ""),
        faults("{ kind = \"regime_switching\", regimes = [{ duration = \"1 s\", weight = 1e300 }, { duration = \"1 s\", weight = 1e300 }] }", ""),
        faults("{ kind = \"jump_diffusion\", jump_law = \"kou\", up_mean = 1 }", ""),
        faults("{ kind = \"stochastic_volatility\", correlation = -1.5, volatility = 0 }", ""),
        faults("{ kind = \"flash_crash\", drop = 0.1, duration = 1, shape = \"grind\", legs = 0 }", ""),
        faults("{ kind = \"replay\", file = \"bars.csv\", block = \"90 s\" }", BARS),
        faults("{ kind = \"replay\", file = \"bars.csv\", block = \"3 min\" }", BARS),
    ]
    .concat();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("error") || line.contains("-->") || line.contains("help"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    error: `alpha` + `beta` is 1: the variance would grow without bound
     --> x.toml:1:31
      = help: their sum must be below 1
    error: `degrees_of_freedom` cannot be 2.5
     --> x.toml:1:44
      = help: it takes a whole number from 3 to 60
    error: `branching` cannot be 1
     --> x.toml:1:42
      = help: it takes a share from 0 to 0.99, as 0.05 or "5 %"
    error: `regimes` holds 1, and nothing to switch to
     --> x.toml:1:44
      = help: give two regimes or more; one alone is `gbm`
    error: the weights of these regimes are too far apart
     --> x.toml:1:44
      = help: bring them within a factor of a million
    error: `jump_law` cannot be "kou"
     --> x.toml:1:43
      = help: it takes one of "normal", "double_exponential"
    error: `up_mean` cannot be 1
     --> x.toml:1:60
      = help: it takes a share from 0 to 0.99, as 0.05 or "5 %"
    error: `correlation` cannot be -1.5
     --> x.toml:1:53
      = help: it takes a number from -1 to 1
    error: `volatility` cannot be 0
     --> x.toml:1:72
      = help: it takes a share from 0.000001 to 100, as 0.05 or "5 %"
    error: `legs` cannot be 0
     --> x.toml:1:79
      = help: it takes a whole number from 1 to 1000
    error: `block` of 90 s is no whole number of bars of 60 s
     --> x.toml:1:51
      = help: take a multiple of 60 s
    error: `block` of 180 s is longer than the record
     --> x.toml:1:51
      = help: the file holds 2 bars of 60 s
    "#);
}
