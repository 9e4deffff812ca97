//! The accounts of one path at its opening, without running it.

use crate::facts::Side;
use crate::fault::Failure;
use crate::folder::book::{Book, Held, Listed};
use crate::money::Cash;
use crate::sim::path::Worker;
use crate::sim::stage::Stage;
use crate::venue::register::Register;
use crate::venue::rules::MarginMode;

/// Equity of a position at the opening marks, or of the cross account that it belongs to.
fn equity(stage: &Stage<'_>, register: &Register, j: usize) -> Cash {
    let holdings = &register.holdings;
    let gain = |j: usize| {
        let asset = &stage.scenario.assets[usize::from(holdings.contract[j])];
        asset.multiplier.value(holdings.qty[j], asset.open) - holdings.cost[j]
    };
    if holdings.mode(j) == MarginMode::Isolated {
        return holdings.collateral[j] + gain(j);
    }
    let account = holdings.account[j];
    let first = holdings.account.partition_point(|&other| other < account);
    let legs = (first..holdings.account.len())
        .take_while(|&leg| holdings.account[leg] == account)
        .filter(|&leg| holdings.mode(leg) == MarginMode::Cross);
    holdings.wallet[account as usize] + legs.map(gain).sum::<Cash>()
}

/// Draws the accounts of a path, or takes those that were loaded.
///
/// # Errors
/// Where a population cannot be drawn.
pub fn draw(stage: &Stage<'_>, path: u64) -> Result<Book, Failure> {
    let mut worker = Worker::new(stage);
    let register = worker.accounts(path)?;
    let holdings = &register.holdings;
    let positions = (0..holdings.account.len()).map(|j| Held {
        account: holdings.account[j],
        contract: holdings.contract[j],
        qty: holdings.qty[j],
        cost: holdings.cost[j],
        collateral: holdings.collateral[j],
        cross: holdings.mode(j) == MarginMode::Cross,
        equity: equity(stage, register, j),
        liquidation: stage.scenario.rules.contracts[usize::from(holdings.contract[j])]
            .tick_at(Side::of(holdings.qty[j]), register.trigger[j]),
    });
    let contracts = stage.scenario.assets.iter().zip(&stage.scenario.rules.contracts).map(|(asset, rules)| Listed {
        symbol: asset.symbol.clone(),
        tick: asset.tick,
        lot: asset.lot,
        multiplier: asset.multiplier,
        mark: asset.open,
        is_token: rules.tiers.are_haircuts(),
    });
    Ok(Book {
        header: super::header(stage, 1),
        path,
        contracts: contracts.collect(),
        names: stage.account_names().to_vec(),
        wallet: holdings.wallet.clone(),
        positions: positions.collect(),
    })
}
