//! Rule books of exchanges as TOML inside the program: the part `[venue]` of a scenario.
//!
//! A preset is read like a scenario's own `[venue]`, key by key, so whatever it says can be overridden. Every figure
//! carries its source and date in the file; what a venue does beyond today's keys stands there as a comment.

use std::sync::{Arc, OnceLock};

use crate::fault::{Faults, Source};
use crate::registry::{Node, Raw, preset_choices, preset_source};

/// How a contract is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// In the quote currency: value = quantity × price.
    Linear,
    /// In the coin: value = contracts × face ÷ price.
    Inverse,
}

/// The rule book of one venue.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    /// What it is, with the date of its figures, in one line.
    pub about: &'static str,
    pub contract: Contract,
    /// The TOML text.
    pub text: &'static str,
}

const fn linear(name: &'static str, about: &'static str, text: &'static str) -> Preset {
    Preset { name, about, contract: Contract::Linear, text }
}

const fn inverse(name: &'static str, about: &'static str, text: &'static str) -> Preset {
    Preset { name, about, contract: Contract::Inverse, text }
}

/// All presets, by name. [`CHOICES`] has the same names for the key `preset`.
pub const PRESETS: &[Preset] = &[
    linear(
        "binance",
        "Binance USDⓈ-M, tiers of October 2024, fund of October 2025",
        include_str!("presets/binance.toml"),
    ),
    linear(
        "binance-2020",
        "Binance USDⓈ-M as far as known for 2020 and 2021",
        include_str!("presets/binance-2020.toml"),
    ),
    inverse("bitmex", "BitMEX XBTUSD (inverse), figures of 2019 and 2020", include_str!("presets/bitmex.toml")),
    linear("bybit", "Bybit unified account, BTCUSDT tiers of about 2025", include_str!("presets/bybit.toml")),
    linear("dango", "Dango, source code of July 2026", include_str!("presets/dango.toml")),
    linear(
        "deribit",
        "Deribit linear perpetuals before the 2026 change, losses socialised",
        include_str!("presets/deribit.toml"),
    ),
    linear("drift", "Drift v2, source code of April 2026", include_str!("presets/drift.toml")),
    linear("dydx-v4", "dYdX v4, source code and genesis of March 2026", include_str!("presets/dydx-v4.toml")),
    linear("hyperliquid", "Hyperliquid after March 2025", include_str!("presets/hyperliquid.toml")),
    linear(
        "hyperliquid-pre-jelly",
        "Hyperliquid before 26 March 2025, with the shared vault",
        include_str!("presets/hyperliquid-pre-jelly.toml"),
    ),
    inverse("kraken", "Kraken coin-margined futures, text of March 2026", include_str!("presets/kraken.toml")),
    linear("lighter", "Lighter, documents of September 2026", include_str!("presets/lighter.toml")),
    linear("okx", "OKX, notices of 2022 and 2023", include_str!("presets/okx.toml")),
    linear("paradex", "Paradex, documents of August 2026", include_str!("presets/paradex.toml")),
];

/// The names with their meanings, for the key `preset`.
pub const CHOICES: &[(&str, &str)] = preset_choices!(PRESETS);

#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The asset that a symbol speaks of: `BTCUSDT`, `btc-usd-swap` and `XBTUSD` are BTC.
#[must_use]
pub fn asset_of(symbol: &str) -> String {
    let mut asset = symbol.trim().to_uppercase();
    for end in ["SWAP", "PERP", "USDT", "USDC", "USD"] {
        if let Some(start) = asset.strip_suffix(end).filter(|start| !start.is_empty()) {
            asset.truncate(start.trim_end_matches(['-', '_', '/', ':']).len());
        }
    }
    if asset == "XBT" { "BTC".to_owned() } else { asset }
}

impl Preset {
    /// The text as a source that is named after the preset.
    #[must_use]
    pub fn source(&self) -> Arc<Source> {
        preset_source(self.name, self.text)
    }

    /// The table `[venue]` of the preset, parsed once a process: a batch asks for it at every line.
    #[must_use]
    pub fn venue(&self) -> &'static Node {
        static PARSED: [OnceLock<Node>; PRESETS.len()] = [const { OnceLock::new() }; PRESETS.len()];
        // Presets are only ever made in the list; a test parses each, so nothing is ever missing.
        let at = PRESETS.iter().position(|preset| preset.name == self.name).unwrap_or(0);
        PARSED[at].get_or_init(|| {
            let node = Node::parse(&self.source(), &mut Faults::default());
            node.get("venue").cloned().unwrap_or(Node { span: 0..0, raw: Raw::Table(Vec::new()) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_toml_with_tiers_a_source_and_a_date() {
        for preset in PRESETS {
            let mut faults = Faults::default();
            let _ = Node::parse(&preset.source(), &mut faults);
            assert!(faults.is_empty(), "{}: {}", preset.name, faults.render(crate::fault::Paint::Plain));
            assert!(
                matches!(preset.venue().get("tiers").map(|tiers| &tiers.raw), Some(Raw::List(_))),
                "{}",
                preset.name
            );
            assert!(preset.text.starts_with("# "), "{}", preset.name);
            assert!(
                preset.text.contains("202") && preset.text.lines().all(|line| line.len() <= 125),
                "{}",
                preset.name
            );
        }
    }

    #[test]
    fn presets_stand_in_the_order_of_their_names() {
        assert!(PRESETS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(CHOICES.iter().zip(PRESETS).all(|(choice, preset)| choice.0 == preset.name));
    }
}
