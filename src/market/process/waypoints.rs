//! A recorded crash by a few anchors, joined by Brownian bridges.
//!
//! Anchor i stands at time t_i with log level L_i = z·ln(p_i/p_0), z the severity, fixed or drawn anew each path. Between two anchors, with f = (t − t_i)/(t_{i+1} − t_i),
//! ln I_t = L_i + f·(L_{i+1} − L_i) + σ·[W_t − W_i − f·(W_{i+1} − W_i)]: the path meets every anchor, and what lies between
//! has the law of the noise given that it does. After the last anchor the noise runs free. Where an anchor lies
//! between two grid points, W there is taken on the straight line between them; where it lies beyond the horizon, it
//! is drawn from the process's own stream. Bridges: Glasserman, "Monte Carlo Methods in Financial Engineering"
//! (2004), section 3.1.

use rand_distr::{Distribution as _, StandardNormal};

use super::{Draws, PriceProcess};
use crate::market::distribution::{DISTRIBUTION_INFO, DISTRIBUTIONS, Distribution};
use crate::market::math;
use crate::money::Nanos;
use crate::registry::{Entry, Key, Need, Reading, Shape, Values};
use crate::rng::open_unit;

#[derive(Debug)]
struct Waypoints {
    /// Volatility a √second.
    sigma: f64,
    severity: Box<dyn Distribution>,
    anchors: Vec<Anchor>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Anchor {
    at: Nanos,
    /// ln of the price over that of the first anchor, before the severity.
    level: f64,
}

const ANCHOR: &[Key] = &[
    Key {
        name: "at",
        shape: Shape::Time { min: Nanos(0) },
        need: Need::Required,
        about: "time since the start of the path; 0 s for the first anchor",
    },
    Key {
        name: "price",
        shape: Shape::Positive { unit: "any: only ratios to the first anchor count" },
        need: Need::Required,
        about: "price there",
    },
];

pub const ENTRY: Entry<dyn PriceProcess> = Entry {
    kind: "waypoints",
    about: "anchors of a recorded crash joined by Brownian bridges",
    keys: &[
        Key {
            name: "anchors",
            shape: Shape::List(&Shape::Table(ANCHOR)),
            need: Need::Required,
            about: "what was recorded, in the order of time",
        },
        super::gbm::VOLATILITY,
        Key {
            name: "severity",
            shape: Shape::Plugin(&DISTRIBUTION_INFO),
            need: Need::Default("1.0"),
            about: "factor on the log return of every anchor from the first one, -10 to 10; one for the whole path",
        },
    ],
    build,
};

fn build(values: &Values, reading: &mut Reading) -> Option<Box<dyn PriceProcess>> {
    let written = values.tables("anchors");
    let severity = severity(values, reading);
    let Some(first) = written.first() else {
        reading.fault(&values.span("anchors"), "`anchors` is empty", "give at least { at = \"0 s\", price = … }");
        return None;
    };
    let mut sound = true;
    if first.time("at") != Nanos(0) {
        reading.fault(
            &first.span("at"),
            format!("the first anchor stands at {}", first.time("at")),
            "let it stand at \"0 s\"",
        );
        sound = false;
    }
    for pair in written.windows(2) {
        let (before, at) = (pair[0].time("at"), pair[1].time("at"));
        if at <= before {
            reading.fault(
                &pair[1].span("at"),
                format!("the anchor at {at} does not follow the one at {before}"),
                "sort the anchors by time and give each time once",
            );
            sound = false;
        }
    }
    let base = math::ln(first.number("price"));
    let anchor = |values: &Values| Anchor { at: values.time("at"), level: math::ln(values.number("price")) - base };
    let anchors = written.iter().map(anchor).collect();
    let sigma = values.number("volatility") / math::sqrt(math::YEAR_S);
    let severity = severity.filter(|_| sound)?;
    Some(Box::new(Waypoints { sigma, severity, anchors }))
}

fn severity(values: &Values, reading: &mut Reading) -> Option<Box<dyn Distribution>> {
    let law = DISTRIBUTIONS.choose(&values.node("severity"), reading)?;
    let (least, greatest) = law.support();
    if least >= -10.0 && greatest <= 10.0 {
        return Some(law);
    }
    reading.fault(
        &values.span("severity"),
        format!("`severity` can become {}", if least < -10.0 { least } else { greatest }),
        "every value must be from -10 to 10: cut the distribution by its `min` and `max`",
    );
    None
}

impl PriceProcess for Waypoints {
    fn fill(&self, draws: Draws<'_>, log_index: &mut [f64]) {
        let grid = draws.grid;
        let (least, greatest) = self.severity.support();
        let severity = if least >= greatest { least } else { self.severity.quantile(open_unit(draws.stream.word())) };
        // First the scaled noise itself, then, anchor by anchor, the bridges in its place.
        let mut noise = 0.0;
        log_index[0] = noise;
        for (point, dw) in log_index[1..].iter_mut().zip(draws.brownian) {
            noise += self.sigma * dw;
            *point = noise;
        }
        let end = grid.time(grid.steps);
        let mut next = 1;
        // The noise at the point before `next`, which a bridge has replaced.
        let mut passed = 0.0;
        let mut from = (self.anchors[0], 0.0);
        for pair in self.anchors.windows(2) {
            let anchor = pair[1];
            let there = if anchor.at > end {
                let beyond: f64 = StandardNormal.sample(draws.stream.generator());
                log_index[grid.steps] + self.sigma * math::sqrt((anchor.at - end).seconds()) * beyond
            } else {
                let before =
                    usize::try_from(anchor.at.0 / grid.step.0).expect("a time within the grid has a countable place");
                let share = (anchor.at.0 % grid.step.0) as f64 / grid.step.0 as f64;
                let noise_before = if before < next { passed } else { log_index[before] };
                if share == 0.0 { noise_before } else { noise_before + share * (log_index[before + 1] - noise_before) }
            };
            let (start, noise_start) = from;
            let length = (anchor.at - start.at).seconds();
            while next <= grid.steps && grid.time(next) <= anchor.at {
                let share = (grid.time(next) - start.at).seconds() / length;
                passed = log_index[next];
                let bridge = passed - noise_start - share * (there - noise_start);
                let (from, to) = (severity * start.level, severity * anchor.level);
                log_index[next] = from + share * (to - from) + bridge;
                next += 1;
            }
            from = (anchor, there);
            if next > grid.steps {
                return;
            }
        }
        let (last, noise_last) = from;
        for point in &mut log_index[next..] {
            *point += severity * last.level - noise_last;
        }
    }

    fn variance_rate(&self) -> f64 {
        self.sigma * self.sigma
    }
}
