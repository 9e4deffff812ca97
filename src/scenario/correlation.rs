//! The correlation matrix of the assets and its Cholesky factor.

use std::ops::Range;

use super::check::AssetDraft;
use crate::registry::{Reading, Values};

/// Below this a pivot counts as zero: correlations are written with a few digits.
const TOLERANCE: f64 = 1e-9;

/// The lower triangular factor L with L·Lᵀ = correlation, one full row an asset; the unit matrix where none is given.
pub(super) fn factor(market: Option<&Values>, assets: &[AssetDraft], reading: &mut Reading) -> Option<Vec<Vec<f64>>> {
    let n = assets.len();
    let Some(market) = market.filter(|market| market.has("correlation")) else {
        return Some((0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect());
    };
    let rows = market.rows("correlation");
    let names: Vec<String> = assets
        .iter()
        .enumerate()
        .map(|(i, asset)| asset.symbol.clone().unwrap_or_else(|| format!("asset {}", i + 1)))
        .collect();
    if !is_shaped(&rows, &names, &market.span("correlation"), reading) {
        return None;
    }
    cholesky(&rows, &names, reading)
}

/// Square, with ones on the diagonal, symmetric.
fn is_shaped(rows: &[(Range<usize>, Vec<f64>)], names: &[String], whole: &Range<usize>, reading: &mut Reading) -> bool {
    let n = names.len();
    if rows.len() != n {
        let order = names.join(", ");
        reading.fault(
            whole,
            format!("`correlation` has {} rows, not one for each of the assets ({n})", rows.len()),
            format!("one row an asset, in the order {order}"),
        );
        return false;
    }
    let mut sound = true;
    for (i, (span, row)) in rows.iter().enumerate() {
        if row.len() != n {
            reading.fault(
                span,
                format!("the row of {} has {} numbers, not one for each of the assets ({n})", names[i], row.len()),
                format!("in the order {}", names.join(", ")),
            );
            return false;
        }
        if row[i] != 1.0 {
            let message = format!("{} is correlated {} with itself", names[i], row[i]);
            reading.fault(span, message, "the diagonal of a correlation matrix is 1");
            sound = false;
        }
        for (j, (_, other)) in rows.iter().enumerate().take(i) {
            // A short row above has been reported already.
            if let Some(mirror) = other.get(i)
                && row[j] != *mirror
            {
                let message = format!(
                    "{} with {} is {}, but {} with {} is {mirror}",
                    names[i], names[j], row[j], names[j], names[i]
                );
                reading.fault(span, message, "a correlation matrix is symmetric: write the same number in both places");
                sound = false;
            }
        }
    }
    sound
}

/// L row by row; a pivot of 0 is allowed (two assets that move as one) where what hangs on it is 0 too.
fn cholesky(rows: &[(Range<usize>, Vec<f64>)], names: &[String], reading: &mut Reading) -> Option<Vec<Vec<f64>>> {
    let n = rows.len();
    let mut factor = vec![vec![0.0; n]; n];
    for (i, (span, row)) in rows.iter().enumerate() {
        for j in 0..=i {
            let known: f64 = (0..j).map(|m| factor[i][m] * factor[j][m]).sum();
            let rest = row[j] - known;
            let impossible = if j == i { rest < -TOLERANCE } else { factor[j][j] == 0.0 && rest.abs() > 1e-6 };
            if impossible {
                let before = names[..i].join(", ");
                reading.fault(
                    span,
                    format!("these correlations of {} with {before} cannot all hold (the matrix is not positive semi-definite)", names[i]),
                    "how strongly two assets move with a third binds how they move with each other: bring the numbers of this row nearer to 0",
                );
                return None;
            }
            factor[i][j] = match (j == i, factor[j][j] == 0.0) {
                (true, _) if rest > TOLERANCE => libm::sqrt(rest),
                (true, _) | (false, true) => 0.0,
                (false, false) => rest / factor[j][j],
            };
        }
    }
    Some(factor)
}
