//! `flashcrash calibrate`: a book's parameters from records.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use flashcrash::fault::Failure;
use flashcrash::study::calibrate::{calibrate as study, fragment, read_snapshots, read_trades};

use super::told::estimate;
use super::{pretty, print};

#[derive(Debug, Args)]
pub struct CalibrateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Depth and its exponent from snapshots; with trades half-life and permanent share. Prints a TOML fragment
    Book(BookArgs),
}

#[derive(Debug, Args)]
pub struct BookArgs {
    /// CSV with the columns time_s,mid,side,distance,depth: notional within a distance (a share of the mid) of bid or ask
    snapshots: PathBuf,
    /// CSV with the columns time_s,side,notional: trades that took liquidity, side buy or sell
    #[arg(long, value_name = "FILE")]
    trades: Option<PathBuf>,
    /// The estimates as JSON in place of the fragment
    #[arg(long)]
    json: bool,
}

pub fn calibrate(args: &CalibrateArgs) -> Result<(), Failure> {
    let What::Book(args) = &args.what;
    let snapshots = read_snapshots(&args.snapshots)?;
    let trades = args.trades.as_deref().map(read_trades).transpose()?.unwrap_or_default();
    let found = study(&snapshots, &trades)?;
    // A name and no path: the fragment goes into a scenario that others read.
    let source = args.snapshots.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if args.json {
        let response = found.response.map(|response| {
            json!({
                "half_life_s": estimate(response.half_life_s),
                "permanent": estimate(response.permanent),
                "trades": response.trades,
            })
        });
        return print(&pretty(&json!({
            "source": source,
            "depth_1pct": estimate(found.depth),
            "kappa": estimate(found.kappa),
            "snapshots": found.snapshots,
            "response": response,
        })));
    }
    print(&fragment(&found, &source))
}
