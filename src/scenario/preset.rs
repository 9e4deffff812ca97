//! `[venue] preset = "…"`: the rule book of a venue under what the scenario writes itself.
//!
//! The trees of both files are merged before anything is read, so a preset is checked like any scenario. Every part that
//! comes from the preset stands, for faults, where the scenario names it: the preset itself is no file of the user's.

use std::ops::Range;

use crate::registry::{Node, Raw, Reading, Word};
use crate::venue::presets::{self, Contract, Preset};

/// The scenario with its preset laid under `[venue]`. An unknown name is told by the reading of the key.
pub(super) fn overlay(root: Node, reading: &mut Reading) -> Node {
    let Some(written) = root.get("venue") else { return root };
    let Some(Node { raw: Raw::Text(name), span }) = written.get("preset") else { return root };
    let found = presets::find(name);
    let inverse = has_inverse_contracts(&root);
    let fits = found.is_none_or(|preset| (preset.contract == Contract::Inverse) == inverse);
    if !fits && inverse {
        reading.fault(
            span,
            format!("the contracts of `{name}` are linear, those of the scenario inverse: tiers and fund would count in the wrong currency"),
            "take a preset of inverse contracts (`bitmex`, `kraken`), or leave `contract` of the assets out",
        );
    } else if !fits {
        reading.fault(
            span,
            format!("the contracts of `{name}` are inverse: its tiers and fund count in the coin"),
            "give each of `[[assets]]` a `contract = \"inverse\"`, with `lot` in the quote currency and `cash_unit` in the coin",
        );
    }
    // One slip of the pen is one fault: a preset that cannot be used is read as one that lacks nothing for any asset.
    let Some(preset) = found.filter(|_| fits).or_else(|| presets::find(if inverse { "bitmex" } else { "okx" })) else {
        return root;
    };
    reading.files.push(preset.source());
    let venue = merge(base(preset, &root, span), written.clone());
    let Raw::Table(mut entries) = root.raw else { return root };
    for (word, node) in &mut entries {
        if word.text == "venue" {
            *node = venue.clone();
        }
    }
    Node { span: root.span, raw: Raw::Table(entries) }
}

fn has_inverse_contracts(root: &Node) -> bool {
    let inverse =
        |asset: &Node| matches!(asset.get("contract"), Some(Node { raw: Raw::Text(word), .. }) if word == "inverse");
    assets(root).iter().any(inverse)
}

fn assets(root: &Node) -> &[Node] {
    match root.get("assets") {
        Some(Node { raw: Raw::List(assets), .. }) => assets,
        _ => &[],
    }
}

/// The preset's table, all of it at the place where the scenario names the preset, with the tiers of the scenario's assets
/// under the symbols that they have there.
fn base(preset: &Preset, root: &Node, span: &Range<usize>) -> Node {
    let mut venue = moved(preset.venue().clone(), span);
    let symbols: Vec<&String> = assets(root)
        .iter()
        .filter_map(|asset| match asset.get("symbol") {
            Some(Node { raw: Raw::Text(symbol), .. }) => Some(symbol),
            _ => None,
        })
        .collect();
    let Raw::Table(entries) = &mut venue.raw else { return venue };
    for (word, node) in entries {
        if let (true, Raw::List(tiers)) = (word.text == "tiers", &mut node.raw) {
            *tiers = std::mem::take(tiers).into_iter().flat_map(|tier| under_symbols(tier, &symbols)).collect();
        }
    }
    venue
}

/// A tier of an asset once for each symbol that means this asset; a tier of no asset as it is.
fn under_symbols(tier: Node, symbols: &[&String]) -> Vec<Node> {
    let Some(Node { raw: Raw::Text(asset), .. }) = tier.get("asset") else { return vec![tier] };
    let meant = symbols.iter().filter(|symbol| presets::asset_of(symbol) == *asset);
    meant
        .map(|symbol| {
            let mut tier = tier.clone();
            if let Raw::Table(entries) = &mut tier.raw {
                for (_, node) in entries.iter_mut().filter(|(word, _)| word.text == "asset") {
                    node.raw = Raw::Text((*symbol).clone());
                }
            }
            tier
        })
        .collect()
}

/// The same tree with every place replaced.
pub(super) fn moved(node: Node, span: &Range<usize>) -> Node {
    let raw = match node.raw {
        Raw::List(items) => Raw::List(items.into_iter().map(|item| moved(item, span)).collect()),
        Raw::Table(entries) => Raw::Table(
            entries
                .into_iter()
                .map(|(word, node)| (Word { text: word.text, span: span.clone() }, moved(node, span)))
                .collect(),
        ),
        other => other,
    };
    Node { span: span.clone(), raw }
}

/// What is written over what is given: tables key by key, unless they are plug-ins of different kinds; all else whole.
pub(super) fn merge(under: Node, over: Node) -> Node {
    let (Raw::Table(mut entries), Raw::Table(written)) = (under.raw, over.raw.clone()) else { return over };
    for (word, node) in written {
        match entries.iter_mut().find(|(known, _)| known.text == word.text) {
            Some(entry) => {
                let (_, given) = std::mem::replace(entry, (word, node.clone()));
                if matches!(node.raw, Raw::Table(_)) && same_kind(&given, &node) {
                    entry.1 = merge(given, node);
                }
            }
            None => entries.push((word, node)),
        }
    }
    Node { span: over.span, raw: Raw::Table(entries) }
}

fn same_kind(given: &Node, written: &Node) -> bool {
    match (given.get("kind"), written.get("kind")) {
        (_, None) => true,
        (Some(Node { raw: Raw::Text(a), .. }), Some(Node { raw: Raw::Text(b), .. })) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{Scenario, parse};
    use crate::fault::{Faults, Paint, Source};
    use crate::money::Cash;
    use crate::venue::presets::PRESETS;
    use crate::venue::rules::{PositionLayer, SurplusTo, Trigger};

    const HEAD: &str = "[scenario]\n            horizon = \"10 s\"";

    fn read(venue: &str) -> Result<(Scenario, Faults), Faults> {
        read_with(venue, HEAD)
    }

    fn told_of(venue: &str, head: &str) -> String {
        read_with(venue, head).err().unwrap_or_default().render(Paint::Plain)
    }

    fn read_with(venue: &str, head: &str) -> Result<(Scenario, Faults), Faults> {
        let text = format!(
            r#"
            {head}
            [[assets]]
            symbol = "BTCUSDT"
            tick = 0.1
            lot = 0.001
            open = 100_000
            process = {{ kind = "gbm", volatility = 0.5 }}
            book = {{ kind = "depth", depth_1pct = 1_000_000 }}
            [[traders]]
            name = "some"
            count = 10
            long_share = 0.5
            leverage = 10
            size = 1000
            size_is = "collateral"
            [venue]
            {venue}"#
        );
        parse(&Arc::new(Source { name: "x.toml".into(), text }), Path::new("."))
    }

    fn sound(venue: &str) -> Scenario {
        read(venue).unwrap_or_else(|faults| panic!("{}", faults.render(Paint::Plain))).0
    }

    fn told(venue: &str) -> String {
        told_of(venue, HEAD)
    }

    #[test]
    fn a_preset_gives_all_rules_with_tiers_under_the_scenarios_symbol() {
        let rules = sound("preset = \"binance\"").rules;
        assert_eq!(rules.contracts.len(), 1);
        assert_eq!(rules.contracts[0].tiers.tiers().len(), 12);
        assert_eq!(rules.fund.open, Cash(1_220_000_000_000_000));
        assert_eq!(rules.position_layers, [PositionLayer::Book, PositionLayer::Engine, PositionLayer::Adl]);
        assert!(format!("{:?}", rules.adl).contains("Binance"));
    }

    #[test]
    fn what_the_scenario_writes_overrides_key_by_key() {
        let venue = r#"preset = "binance"
            surplus_to = "trader"
            tiers = [{ notional_floor = 0, max_leverage = 10, maintenance_rate = 0.05 }]
            fund = { floor = 7 }
            adl = { eligible = "profit_at_mark" }"#;
        let rules = sound(venue).rules;
        assert_eq!((rules.surplus_to, rules.trigger), (SurplusTo::Trader, Trigger::Below));
        assert_eq!(rules.contracts[0].tiers.tiers().len(), 1);
        assert_eq!((rules.fund.open, rules.fund.floor), (Cash(1_220_000_000_000_000), Cash(7_000_000)));
        assert!(format!("{:?}", rules.adl).contains("Binance"));
        let other = sound("preset = \"hyperliquid\"\nadl = { kind = \"pro_rata\" }").rules;
        // The form of the preset's policy does not reach another kind.
        assert!(format!("{:?}", other.adl).contains("ProRata"));
        assert!(format!("{:?}", sound("preset = \"binance\"\nadl = \"fifo\"").rules.adl).contains("Fifo"));
    }

    #[test]
    fn a_fault_of_a_preset_stands_where_the_preset_is_named() {
        let venues = [
            "preset = \"dango\"",
            "preset = \"binanse\"",
            "preset = \"bitmex\"",
            "preset = \"binance\"\nfund = { floor = 2_000_000_000 }",
        ];
        insta::assert_snapshot!(venues.map(told).concat(), @r#"
        error: `venue` lacks the table `fund`
          --> x.toml:18:13
           |
        18 |             [venue]
           |             ^^^^^^^
           |
           = help: add `[venue.fund]`: the insurance fund

        error: `preset` cannot be "binanse"
          --> x.toml:19:22
           |
        19 |             preset = "binanse"
           |                      ^^^^^^^^^
           |
           = help: did you mean "binance"?

        error: the contracts of `bitmex` are inverse: its tiers and fund count in the coin
          --> x.toml:19:22
           |
        19 |             preset = "bitmex"
           |                      ^^^^^^^^
           |
           = help: give each of `[[assets]]` a `contract = "inverse"`, with `lot` in the quote currency and `cash_unit` in the coin

        error: `floor` of 2000000000 is above the opening fund of 1220000000
          --> x.toml:20:18
           |
        20 | fund = { floor = 2_000_000_000 }
           |                  ^^^^^^^^^^^^^
           |
           = help: the fund could never pay: lower `floor` or raise `open`
        "#);
    }

    /// At so small a cash unit the preset's fund leaves 64 bits; its number is in no file of the user's.
    #[test]
    fn a_figure_of_a_preset_that_does_not_fit_is_told_at_its_name() {
        let venue = r#"preset = "binance"
            tiers = [{ notional_floor = 0, max_leverage = 10, maintenance_rate = 0.05 }]
            [scenario]
            horizon = "10 s"
            cash_unit = 0.000000000001"#;
        let told = told_of(venue, "");
        assert!(told.contains("`open` of 1220000000 is beyond what can be held"), "{told}");
        assert!(told.contains(" |             preset = \"binance\"\n   |                      ^^^^^^^^^\n"), "{told}");
    }

    /// Every linear preset makes a scenario, where need be with a fund.
    #[test]
    fn every_linear_preset_is_a_rule_book() {
        for preset in PRESETS.iter().filter(|preset| preset.contract == super::Contract::Linear) {
            let fund = if preset.venue().get("fund").is_some() { "" } else { "fund = { open = 1_000_000 }" };
            let scenario = sound(&format!("preset = \"{}\"\n{fund}", preset.name));
            assert_eq!(scenario.files.len(), 1, "{}", preset.name);
        }
    }

    #[test]
    fn the_text_of_the_preset_counts_in_the_hash() {
        assert_ne!(sound("preset = \"binance\"").hash, sound("preset = \"binance-2020\"").hash);
    }
}
