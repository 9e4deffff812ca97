//! `[[traders]] preset = "…"`: the groups of a recorded venue in place of one table, under what the scenario writes itself.
//!
//! The tree is changed before anything is read, so a preset is checked like any scenario. Every part that comes from the
//! preset stands, for faults, where the scenario names it: the preset itself is no file of the user's.

use std::ops::Range;

use super::super::preset::{merge, moved};
use crate::fault::did_you_mean;
use crate::registry::{Node, Raw, Reading, Word};
use crate::traders::presets::{self, Preset};

/// Keys of `[[traders]]` that say which groups there are; they do not stand in a group itself.
const CHOOSING: [&str; 4] = ["preset", "group", "count", "name"];

/// The scenario with every table of `[[traders]]` that names a preset replaced by the groups of the preset, and with what
/// the first of them says of `[population]` where the scenario does not. An unknown name is told by the reading of the key.
pub(in super::super) fn overlay(root: Node, reading: &mut Reading) -> Node {
    let Some(Node { raw: Raw::List(written), .. }) = root.get("traders") else { return root };
    if !written.iter().any(|table| table.get("preset").is_some()) {
        return root;
    }
    let mut groups: Vec<Node> = Vec::new();
    let mut population: Option<Node> = None;
    let mut told: Vec<&str> = Vec::new();
    for table in written {
        let Some(at) = table.get("preset") else {
            groups.push(table.clone());
            continue;
        };
        let found = if let Raw::Text(name) = &at.raw { presets::find(name) } else { None };
        // One slip of the pen is one fault: a preset that there is not is read as one that lacks nothing.
        let Some(preset) = found.or_else(|| presets::find("classroom")) else { return root };
        if !told.contains(&preset.name) {
            reading.files.push(preset.source());
            told.push(preset.name);
        }
        population = population.or_else(|| preset.tree().get("population").map(|keys| moved(keys.clone(), &at.span)));
        groups.extend(expanded(preset, table, &at.span, reading));
    }
    let Raw::Table(mut entries) = root.raw else { return root };
    for (word, node) in &mut entries {
        match (word.text.as_str(), &population) {
            ("traders", _) => node.raw = Raw::List(groups.clone()),
            ("population", Some(keys)) => *node = merge(keys.clone(), node.clone()),
            _ => {}
        }
    }
    if let Some(keys) = population.filter(|_| !entries.iter().any(|(word, _)| word.text == "population")) {
        entries.push((Word { text: "population".into(), span: keys.span.clone() }, keys));
    }
    Node { span: root.span, raw: Raw::Table(entries) }
}

/// The groups that one table stands for.
fn expanded(preset: &Preset, table: &Node, at: &Range<usize>, reading: &mut Reading) -> Vec<Node> {
    let all = preset.groups();
    let chosen: Vec<&Node> = match table.get("group") {
        Some(Node { raw: Raw::Text(name), span }) => {
            let one: Vec<&Node> = all.iter().filter(|group| name_of(group) == *name).collect();
            if one.is_empty() {
                let hint = match did_you_mean(name, all.iter().map(name_of)) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("its groups are {}", all.iter().map(name_of).collect::<Vec<_>>().join(", ")),
                };
                reading.fault(span, format!("the preset `{}` has no group \"{name}\"", preset.name), hint);
                all.iter().collect()
            } else {
                one
            }
        }
        _ => all.iter().collect(),
    };
    let counts = counts(&chosen, table, reading);
    let (rest, choosing) = table.split(&CHOOSING);
    let mut groups = Vec::with_capacity(chosen.len());
    for (i, (group, count)) in chosen.iter().zip(counts).enumerate() {
        let mut merged = merge(moved((*group).clone(), at), rest.clone());
        let Raw::Table(entries) = &mut merged.raw else { continue };
        let text = |text: String| Node { span: at.clone(), raw: Raw::Text(text) };
        for (word, node) in entries.iter_mut() {
            match word.text.as_str() {
                "name" => {
                    if let Some(Node { raw: Raw::Text(given), span }) = choosing.get("name") {
                        let own = name_of(group);
                        let name = if chosen.len() == 1 { given.clone() } else { format!("{given} {own}") };
                        *node = Node { span: span.clone(), ..text(name) };
                    }
                }
                "count" => *node = count.clone(),
                _ => {}
            }
        }
        // The reading of these keys tells what is wrong with them, once.
        if let (0, Raw::Table(said)) = (i, &choosing.raw) {
            let words = |word: &Word| word.text == "preset" || word.text == "group";
            entries.extend(said.iter().filter(|(word, _)| words(word)).cloned());
        }
        groups.push(merged);
    }
    groups
}

fn name_of(group: &Node) -> &str {
    match group.get("name") {
        Some(Node { raw: Raw::Text(name), .. }) => name,
        _ => "",
    }
}

fn whole(node: &Node) -> Option<i64> {
    match &node.raw {
        Raw::Number(literal) => literal.replace('_', "").parse().ok().filter(|count| *count > 0),
        _ => None,
    }
}

/// The accounts of each group: as in the preset, or the written number of all together in the preset's proportions.
fn counts(groups: &[&Node], table: &Node, reading: &mut Reading) -> Vec<Node> {
    let own: Vec<Node> = groups.iter().filter_map(|group| group.get("count").cloned()).collect();
    let Some(written) = table.get("count") else {
        return own.into_iter().map(|count| moved(count, &table.span)).collect();
    };
    let place = |count: i64| Node { span: written.span.clone(), raw: Raw::Number(count.to_string()) };
    let weights: Vec<i64> = own.iter().filter_map(whole).collect();
    let Some(total) = whole(written) else {
        // Told by the reading of the first group alone.
        return std::iter::once(written.clone()).chain(weights.iter().skip(1).map(|count| place(*count))).collect();
    };
    if let Some(shares) = apportioned(total, &weights) {
        return shares.into_iter().map(place).collect();
    }
    reading.fault(
        &written.span,
        format!("`count` of {total} is less than one account for each of the {} groups of the preset", weights.len()),
        "write a larger number, or choose one of them with `group`",
    );
    weights.into_iter().map(place).collect()
}

/// `total` in the proportions of `weights`, at least 1 each, by largest remainders; `None` where there are too few.
fn apportioned(total: i64, weights: &[i64]) -> Option<Vec<i64>> {
    if total < i64::try_from(weights.len()).ok()? {
        return None;
    }
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let quota = |i: usize| i128::from(total) * i128::from(weights[i]);
    let mut shares: Vec<i64> = (0..weights.len())
        .map(|i| i64::try_from(quota(i) / sum).map(|share| share.max(1)))
        .collect::<Result<_, _>>()
        .ok()?;
    loop {
        let missing = total - shares.iter().sum::<i64>();
        let lacks = |i: &usize, shares: &[i64]| quota(*i) - i128::from(shares[*i]) * sum;
        let places = 0..weights.len();
        // Ties go to the first group.
        match missing {
            0 => return Some(shares),
            1.. => {
                let at = places.rev().max_by_key(|i| lacks(i, &shares))?;
                shares[at] += 1;
            }
            _ => {
                let at = places.filter(|i| shares[*i] > 1).min_by_key(|i| lacks(i, &shares))?;
                shares[at] -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
