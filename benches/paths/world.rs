//! Scenarios of a stated amount of work: so many accounts that the price never reaches, and so many that it does.
//!
//! The price falls by 6 % over the path. Longs of 20 to 50 times ("near") are all liquidated on the way, spread over the
//! path by their leverage; accounts of 1 to 5 times ("far") never are. So accounts, steps and liquidations are set one by
//! one, and the naive scan over all accounts has the same book to look at.
#![allow(dead_code, reason = "the benches and the count of allocations each use a part")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use flashcrash::fault::{Paint, Source};
use flashcrash::scenario::{self, Scenario};

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Positions that the price never reaches.
    pub far: usize,
    /// Positions that are all liquidated.
    pub near: usize,
    /// Minutes, each of them a mark and a check.
    pub steps: u64,
    pub assets: usize,
    /// Minutes between two checks.
    pub check: u64,
    pub redraw: &'static str,
    pub layers: &'static str,
    pub adl: &'static str,
    pub funding: &'static str,
    /// Share of the far accounts that is long.
    pub far_long: f64,
    /// Price at the end, of 100,000.
    pub end: f64,
    /// Of the noise about the fall, a year. At 0.2 few marks are new lows, at 0.01 nearly all are.
    pub volatility: f64,
    /// Median notional of the far accounts; 1,000 of the near ones.
    pub far_size: f64,
}

/// A loaded book of 100,000 isolated accounts, 1,440 marks, 2,000 liquidations, ADL off.
pub const FIXED_BOOK: World = World {
    far: 98_000,
    near: 2_000,
    steps: 1_440,
    assets: 1,
    check: 1,
    redraw: "fixed",
    layers: r#"["book"]"#,
    adl: "profit_leverage",
    funding: "",
    far_long: 0.5,
    end: 94_000.0,
    volatility: 0.2,
    far_size: 1_000.0,
};

/// All residues go to ADL, one round at every check with orders.
pub const ADL_ONLY: &str = r#"["adl"]"#;

/// Funding at every mark.
pub const FUNDING: &str = "funding = { interval = \"1 min\" }";

impl World {
    fn text(&self) -> String {
        let World { steps, check, redraw, layers, adl, funding, end, volatility, .. } = self;
        let mut text = format!(
            r#"
[scenario]
paths = 1
horizon = "{steps} min"
step = "1 min"

[venue]
mark_interval = "1 min"
check_interval = "{check} min"
position_layers = {layers}
cash_layers = ["fund"]
taker_fee = "0.05 %"
liquidation_fee = "0.3 %"
surplus_to = "fund"
adl = "{adl}"
fund = {{ open = 0 }}
tiers = [{{ notional_floor = 0, max_leverage = 125, maintenance_rate = "0.4 %" }}]
{funding}

[population]
redraw = "{redraw}"
"#
        );
        for asset in 0..self.assets {
            let _ = write!(
                text,
                r#"
[[assets]]
symbol = "A{asset}"
tick = 0.1
lot = 0.001
open = 100_000
mark = "index"
book = {{ kind = "depth", depth_1pct = 1_000_000_000, half_life = "60 s" }}

[assets.process]
kind = "waypoints"
volatility = {volatility}
anchors = [{{ at = "0 s", price = 100_000 }}, {{ at = "{steps} min", price = {end} }}]
"#
            );
        }
        text
    }

    /// The scenario with accounts that the program draws.
    pub fn scenario(&self) -> Scenario {
        let mut text = self.text();
        for asset in 0..self.assets {
            for (name, count, long_share, leverage, size) in
                [("far", self.far, self.far_long, (1, 5), self.far_size), ("near", self.near, 1.0, (20, 50), 1_000.0)]
            {
                let (low, high) = leverage;
                let _ = write!(
                    text,
                    r#"
[[traders]]
name = "{name}-{asset}"
asset = "A{asset}"
count = {count}
long_share = {long_share}
leverage = {{ kind = "uniform", min = {low}, max = {high} }}
size = {{ kind = "lognormal", median = {size}, sigma = 1, min = 200, max = 100_000 }}
size_is = "notional"
entry_offset = {{ kind = "uniform", min = -0.001, max = 0.001 }}
"#
                );
            }
        }
        read(&text, Path::new("."))
    }

    /// The scenario with `near + far` cross accounts, each with a position in two neighbouring assets, from a file in
    /// `dir`. Near ones are long of both, and their wallets are a thirtieth of what they hold.
    pub fn cross(&self, dir: &Path) -> Scenario {
        let mut book = String::from("account,symbol,side,quantity,entry_price,collateral,margin_mode,wallet\n");
        for account in 0..self.near + self.far {
            let is_near = account < self.near;
            // Spread over 20 to 50 times, as in the drawn population.
            let leverage = if is_near { 20 + account * 30 / self.near.max(1) } else { 2 };
            for leg in 0..2 {
                let side = if is_near || (account + leg) % 2 == 0 { "long" } else { "short" };
                let asset = (account + leg) % self.assets;
                let wallet = 20_000 / leverage;
                let _ = writeln!(book, "c{account},A{asset},{side},0.1,100000,0,cross,{wallet}");
            }
        }
        std::fs::write(dir.join("book.csv"), book).expect("the folder can be written");
        read(
            &format!(
                "{}\n[accounts]\nfile = \"book.csv\"\n",
                self.text().replace("[population]\n", "").replace(&format!("redraw = \"{}\"\n", self.redraw), "")
            ),
            dir,
        )
    }
}

/// A scenario from its text; files that it names lie in `base`.
pub fn read(text: &str, base: &Path) -> Scenario {
    let source = Arc::new(Source { name: "world.toml".into(), text: text.to_owned() });
    match scenario::parse(&source, base) {
        Ok((scenario, _)) => scenario,
        Err(faults) => panic!("{}", faults.render(Paint::Plain)),
    }
}
