//! Jumps that all assets share: the same times, and sizes in proportion.
//!
//! ln I_a moves by β_a·J at the same instant in every asset a, β_a its `jump_beta`. Either they come at the times of a Poisson
//! process, or once a path at a drawn time. Unlike the jumps of a process they are not taken out of the drift: what is
//! written is the shock that is meant. A jump shows at the first grid point at or after its time. Sizes: `jumps.rs`.

use super::Grid;
use super::jumps::{self, JumpSize, PoissonJumps};
use crate::market::distribution::{DISTRIBUTION_INFO, DISTRIBUTIONS, Distribution};
use crate::registry::{Key, Need, Reading, Shape, Values};
use crate::rng::{Purpose, Stream, open_unit};

/// `[market.common_jump]`
pub const KEYS: &[Key] = &[
    jumps::intensity("0.0", "expected number of jumps that all assets share"),
    Key {
        name: "at",
        shape: Shape::Plugin(&DISTRIBUTION_INFO),
        need: Need::Optional,
        about: "in place of `intensity`: one jump a path, so many seconds after its start",
    },
    jumps::LAW,
    jumps::MEAN,
    jumps::SD,
    jumps::UP_SHARE,
    jumps::UP_MEAN,
    jumps::DOWN_MEAN,
];

#[derive(Debug)]
pub struct CommonJump {
    times: Times,
    size: JumpSize,
}

#[derive(Debug)]
enum Times {
    /// Jumps a second.
    Poisson {
        intensity: f64,
    },
    Once(Box<dyn Distribution>),
}

/// Number of the stream among those of assets, of which there are fewer.
const COMMON: u32 = u32::MAX;

impl CommonJump {
    /// Reads `[market.common_jump]`; a table that was read partly gives none.
    pub fn of(values: &Values, reading: &mut Reading) -> Option<Self> {
        if !values.is_whole(KEYS) {
            // What is wrong there has been told.
            return None;
        }
        let intensity = values.number("intensity") / jumps::DAY_S;
        let times = match values.maybe_node("at") {
            None if intensity > 0.0 => Times::Poisson { intensity },
            None => {
                let hint = "write `at`, seconds after the start, or `intensity`, jumps a day";
                reading.fault(&values.span, "this common jump never comes", hint);
                return None;
            }
            Some(_) if intensity > 0.0 => {
                reading.fault(&values.span("at"), "`intensity` and `at` are both given", "keep one of them");
                return None;
            }
            Some(node) => {
                let at_s = DISTRIBUTIONS.choose(&node, reading)?;
                let (least, greatest) = at_s.support();
                if least < 0.0 || greatest == f64::INFINITY {
                    let wrong = if least < 0.0 { least } else { greatest };
                    let hint = "every value must be 0 or more, and finite";
                    reading.fault(&values.span("at"), format!("`at` can become {wrong}"), hint);
                    return None;
                }
                Times::Once(at_s)
            }
        };
        Some(Self { times, size: JumpSize::of(values) })
    }

    /// Writes Σ J up to every grid point, from stream (`Process`, (2³² − 1, 0), path).
    pub fn fill(&self, seed: u64, path: u64, grid: Grid, jumped: &mut [f64]) {
        let mut stream = Stream::new(seed, Purpose::Process, (COMMON, 0), path);
        jumped.fill(0.0);
        match &self.times {
            Times::Poisson { intensity } => {
                let jumps = PoissonJumps { intensity: *intensity, size: self.size };
                jumps.add(grid.step_seconds(), &mut stream, jumped);
            }
            Times::Once(at_s) => {
                let at_s = at_s.quantile(open_unit(stream.word()));
                let size = self.size.sample(&mut stream);
                for (i, point) in jumped.iter_mut().enumerate().skip(1) {
                    if i as f64 * grid.step_seconds() >= at_s {
                        *point = size;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::fault::{Paint, Source};
    use crate::money::Nanos;
    use crate::registry::{Node, read};

    fn reading(text: &str) -> (Option<CommonJump>, String) {
        let source = Arc::new(Source { name: "x.toml".into(), text: text.to_owned() });
        let mut reading = Reading::new(Arc::clone(&source), Path::new("."));
        let node = Node::parse(&source, &mut reading.faults);
        let jump =
            read(&node, KEYS, "`common_jump`", &mut reading).and_then(|values| CommonJump::of(&values, &mut reading));
        (jump, reading.faults.render(Paint::Plain))
    }

    #[test]
    fn one_jump_stands_from_its_time_on_and_poisson_jumps_come_at_their_rate() {
        let grid = Grid { step: Nanos::SECOND, steps: 20 };
        let mut jumped = vec![f64::NAN; 21];
        let (once, _) = reading("at = 7.5\njump_mean = -0.1\njump_sd = 0\n");
        once.unwrap().fill(1, 0, grid, &mut jumped);
        assert!(jumped[..8].iter().all(|&x| x == 0.0) && jumped[8..].iter().all(|&x| x == -0.1), "{jumped:?}");
        // 4,320 a day: one in 20 seconds.
        let (poisson, _) = reading("intensity = 4320\njump_mean = -0.1\njump_sd = 0\n");
        let poisson = poisson.unwrap();
        let n = 20_000;
        let counts: Vec<f64> = (0..n)
            .map(|path| {
                poisson.fill(1, path, grid, &mut jumped);
                jumped[20] / -0.1
            })
            .collect();
        let mean = counts.iter().sum::<f64>() / n as f64;
        assert!((mean - 1.0).abs() < 2.576 / (n as f64).sqrt(), "{mean}");
    }

    #[test]
    fn a_jump_without_a_time_or_with_two_is_a_fault() {
        for (text, wanted) in [
            ("jump_mean = -0.1", "this common jump never comes"),
            ("at = 3\nintensity = 1", "`intensity` and `at` are both given"),
            ("at = -3", "`at` can become -3"),
        ] {
            let (jump, faults) = reading(text);
            assert!(jump.is_none() && faults.contains(wanted), "{text}: {faults}");
        }
    }
}
